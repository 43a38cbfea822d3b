package emulator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	apiPrefix        = "/2018-06-01/runtime/"
	headerErrorType  = "Lambda-Runtime-Function-Error-Type"
	maxRequestHead   = 1 << 20
	maxDiscarded     = 64 << 20 // how much of an answer over MaxPayload is read, so that the function learns of it
	acceptedResponse = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"
)

// apiConn is a connection of a function to its Runtime API.
//
// It does by hand what net/http would do for a server. A function that waits for an event is then a parked connection,
// not a goroutine: the front door writes the event to it directly, and the goroutine of the connection, which already
// reads the next request, notices at once if the function goes away.
type apiConn struct {
	env    *environment
	conn   net.Conn
	limit  io.LimitedReader // of conn; refilled for each request
	reader *bufio.Reader

	sent  atomic.Int64 // bytes, with those of an event that is being written
	begun atomic.Bool  // the event that it carries is being written, or has been
}

// accept serves the Runtime API until its listener is closed.
func (e *environment) accept() {
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // out of descriptors, or the client has gone again
		}
		c := &apiConn{env: e, conn: conn}
		c.limit.R = conn
		c.reader = bufio.NewReaderSize(&c.limit, 4096)
		e.connsMu.Lock()
		if e.connsBreak {
			e.connsMu.Unlock()
			_ = conn.Close()
			continue
		}
		e.conns[c] = struct{}{}
		e.connsGone.Add(1)
		e.connsMu.Unlock()
		e.fn.workers.Go(c.serve)
	}
}

// breakConns closes all connections.
func (e *environment) breakConns() {
	e.connsMu.Lock()
	defer e.connsMu.Unlock()
	e.connsBreak = true
	for c := range e.conns {
		_ = c.conn.Close()
	}
}

// serve answers requests until the connection ends.
func (c *apiConn) serve() {
	for {
		c.limit.N = maxRequestHead
		req, err := http.ReadRequest(c.reader)
		if err != nil || !c.handle(req) {
			c.gone(err)
			return
		}
	}
}

// write writes b and counts it.
func (c *apiConn) write(b []byte) error {
	c.sent.Add(int64(len(b)))
	_, err := c.conn.Write(b)
	return err
}

// gone takes the connection out of use. If it carried an event that has no outcome yet, it finds out whether the other
// side read the event before it ended the connection: if not, nothing has come of it and another environment gets it.
func (c *apiConn) gone(readErr error) {
	e := c.env
	f := e.fn
	f.mu.Lock()
	switch {
	case e.parked == c:
		e.parked = nil
		if e.state == stateIdle {
			e.state = stateDetached
			f.withdraw(e)
		}
	case e.carrier == c && e.current != nil && e.current.tries < maxTries && c.unread(readErr):
		if e.state == stateBusy {
			e.state = stateDetached
			e.timer.Stop()
		}
		f.complete(e, outcome{kind: outcomeUnread})
	}
	f.mu.Unlock()
	_ = c.conn.Close()
	e.connsMu.Lock()
	delete(e.conns, c)
	e.connsMu.Unlock()
	e.connsGone.Done()
}

// unread tells, when reading has ended with readErr, whether the event that was last sent was not read. A socket that is
// closed with data in it answers with a reset; one that was closed before the data came has not acknowledged them.
func (c *apiConn) unread(readErr error) bool {
	return !c.begun.Load() || errors.Is(readErr, syscall.ECONNRESET) || unacknowledged(c.conn, c.sent.Load())
}

// handle answers one request and tells whether the connection can serve another.
func (c *apiConn) handle(req *http.Request) bool {
	verb, id, ok := route(req.URL.Path)
	switch {
	case !ok:
		return c.refuse(req, http.StatusNotFound, "NotFound", "no such path") && !req.Close
	case (req.Method == http.MethodGet) != (verb == "next") || req.Method != http.MethodGet && req.Method != http.MethodPost:
		return c.refuse(req, http.StatusMethodNotAllowed, "MethodNotAllowed", "method not allowed") && !req.Close
	}
	switch verb {
	case "next":
		return c.next(req) // even with "Connection: close": the client ends the connection when it has its event
	case "init/error":
		ok = c.initError(req)
	case "response":
		ok = c.response(req, id)
	case "error":
		ok = c.invocationError(req, id)
	}
	return ok && !req.Close
}

// route splits a path of the Runtime API into what it asks for and the request id in it.
func route(path string) (verb, id string, ok bool) {
	path, ok = strings.CutPrefix(path, apiPrefix)
	switch {
	case !ok:
		return "", "", false
	case path == "init/error":
		return path, "", true
	case path == "invocation/next":
		return "next", "", true
	}
	path, ok = strings.CutPrefix(path, "invocation/")
	id, verb, _ = strings.Cut(path, "/")
	return verb, id, ok && (verb == "response" || verb == "error")
}

// next parks the connection until there is an event for it.
func (c *apiConn) next(req *http.Request) bool {
	if _, err := c.discard(req); err != nil {
		return false
	}
	e := c.env
	f := e.fn
	f.mu.Lock()
	switch e.state {
	case stateStarting:
		if e.first == nil { // the request has given up waiting
			f.mu.Unlock()
			return false
		}
		e.parked = c
		f.meter.coldStart(e.startWait, time.Since(e.started))
		e.first.granted <- f.bind(e, e.first)
		e.first = nil
		e.ready <- nil
	case stateFinishing:
		e.timer.Stop()
		e.parked = c
		f.finishing--
		f.release(e)
	case stateDetached:
		e.parked = c
		f.release(e)
	default:
		f.mu.Unlock()
		return c.reply(http.StatusForbidden, "InvalidStateTransition", "the environment cannot ask for an event in this state")
	}
	f.mu.Unlock()
	return true
}

// deliver sends the event of inv to the function, which waits for it on c. Failures need no report: whatever keeps a
// function from reading ends its connection or its process or meets the deadline, and each of these has its outcome.
func (c *apiConn) deliver(inv *invocation) {
	b := append(inv.head[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: "...)
	b = append(b, inv.id...)
	b = append(b, "\r\nLambda-Runtime-Deadline-Ms: "...)
	b = strconv.AppendInt(b, inv.deadline.UnixMilli(), 10)
	b = append(b, "\r\nLambda-Runtime-Invoked-Function-Arn: "...)
	b = append(b, c.env.fn.arn...)
	if inv.traceID != "" {
		b = append(b, "\r\nLambda-Runtime-Trace-Id: "...)
		b = append(b, inv.traceID...)
	}
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(inv.event)), 10)
	b = append(b, "\r\n\r\n"...)
	if len(inv.event) <= maxPooled { // one small copy is cheaper than a second write
		b = append(b, inv.event...)
	}
	inv.head = b
	c.begun.Store(true)
	_ = c.write(b)
	if len(inv.event) > maxPooled {
		_ = c.write(inv.event)
	}
}

// response takes the answer to an event.
func (c *apiConn) response(req *http.Request, id string) bool {
	f := c.env.fn
	buf := f.pools.newBuffer()
	size, err := c.read(req, buf)
	if err != nil {
		f.pools.freeBuffer(buf)
		// An answer that breaks off is none; the function may still report an error.
		c.reply(http.StatusBadRequest, "Runtime.TruncatedResponse", "the body is incomplete")
		return false
	}
	out := outcome{kind: outcomeAnswer, answer: buf}
	errorType := req.Trailer.Get(headerErrorType)
	switch {
	case size > MaxPayload:
		out = outcome{kind: outcomeTooLarge, err: fmt.Errorf(
			"Function.ResponseSizeTooLarge: response payload size (%d bytes) exceeded maximum allowed payload size (%d bytes)", size, MaxPayload)}
	case errorType != "":
		out = outcome{kind: outcomeFunctionError, err: fmt.Errorf("%s while it wrote its answer", errorType)}
	}
	if out.answer == nil {
		f.pools.freeBuffer(buf)
	}
	ok, reply := c.finish(id, out)
	if !ok {
		f.pools.freeBuffer(out.answer)
		return reply()
	}
	if out.kind == outcomeTooLarge {
		c.reply(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", MaxPayload))
		return size <= maxDiscarded
	}
	return c.accepted()
}

// invocationError takes the report that a function failed.
func (c *apiConn) invocationError(req *http.Request, id string) bool {
	report, err := c.readError(req)
	if err != nil {
		return false
	}
	if ok, reply := c.finish(id, outcome{kind: outcomeFunctionError, err: report}); !ok {
		return reply()
	}
	return c.accepted()
}

// initError takes the report that an init failed.
func (c *apiConn) initError(req *http.Request) bool {
	report, err := c.readError(req)
	if err != nil {
		return false
	}
	e := c.env
	e.fn.mu.Lock()
	starting := e.state == stateStarting && e.first != nil
	e.fn.mu.Unlock()
	if !starting {
		return c.reply(http.StatusForbidden, "InvalidStateTransition", "the init has ended")
	}
	ok := c.accepted()
	select {
	case e.ready <- fmt.Errorf("it reported an init error: %w", report):
	default: // reported twice
	}
	return ok
}

// finish gives the event with that id its outcome, or tells how to refuse.
func (c *apiConn) finish(id string, out outcome) (ok bool, refusal func() bool) {
	e := c.env
	e.fn.mu.Lock()
	defer e.fn.mu.Unlock()
	if id != e.lastID || e.lastID == "" {
		return false, func() bool { return c.reply(http.StatusBadRequest, "InvalidRequestID", "Invalid request ID") }
	}
	if e.state != stateBusy || !e.fn.complete(e, out) {
		return false, func() bool {
			return c.reply(http.StatusForbidden, "InvalidStateTransition", "the event has its outcome already")
		}
	}
	e.state = stateFinishing
	e.fn.finishing++
	return true, nil
}

// read reads the body of req into buf, at most MaxPayload of it, and returns its size, up to maxDiscarded.
func (c *apiConn) read(req *http.Request, buf *bytes.Buffer) (int64, error) {
	c.limit.N = maxDiscarded + maxRequestHead
	if strings.EqualFold(req.Header.Get("Expect"), "100-continue") {
		if err := c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return 0, err
		}
	}
	if req.ContentLength > 0 && req.ContentLength <= MaxPayload {
		buf.Grow(int(req.ContentLength) + bytes.MinRead)
	}
	size, err := buf.ReadFrom(io.LimitReader(req.Body, MaxPayload))
	if err != nil {
		return 0, err
	}
	more, err := io.Copy(io.Discard, io.LimitReader(req.Body, maxDiscarded))
	return size + more, err
}

// discard reads the body of req for nothing.
func (c *apiConn) discard(req *http.Request) (int64, error) {
	if req.ContentLength == 0 {
		return 0, nil
	}
	c.limit.N = maxDiscarded + maxRequestHead
	return io.Copy(io.Discard, io.LimitReader(req.Body, maxDiscarded))
}

// readError reads the report of an error.
func (c *apiConn) readError(req *http.Request) (report, err error) {
	f := c.env.fn
	buf := f.pools.newBuffer()
	defer f.pools.freeBuffer(buf)
	if _, err := c.read(req, buf); err != nil {
		return nil, err
	}
	var body struct{ ErrorMessage, ErrorType string }
	_ = json.Unmarshal(buf.Bytes(), &body) // any body is a valid report
	if body.ErrorType == "" {
		body.ErrorType = req.Header.Get(headerErrorType)
	}
	return fmt.Errorf("%s: %.1000s", body.ErrorType, body.ErrorMessage), nil
}

// accepted replies that all is well.
func (c *apiConn) accepted() bool {
	return c.write([]byte(acceptedResponse)) == nil
}

// refuse replies with an error to a request whose body has not been read.
func (c *apiConn) refuse(req *http.Request, status int, errorType, message string) bool {
	if _, err := c.discard(req); err != nil {
		return false
	}
	return c.reply(status, errorType, message)
}

// reply replies with an error.
func (c *apiConn) reply(status int, errorType, message string) bool {
	body := fmt.Sprintf("{\"errorMessage\":%q,\"errorType\":%q}\n", message, errorType)
	return c.write(fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		status, http.StatusText(status), len(body), body)) == nil
}
