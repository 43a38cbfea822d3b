package emulator

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/crossover-bench/crossover/bench/internal/http1"
	"github.com/crossover-bench/crossover/bench/internal/rawconn"
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

	extra bool // one more than an environment needs

	sent  atomic.Int64 // bytes, with those of an event that is being written
	begun atomic.Bool  // the event that it carries is being written, or has been
}

// open serves the Runtime API in the background until its listener is closed. Until then connections may come, so that connsGone waits.
func (e *environment) open() {
	e.connsGone.Add(1)
	e.fn.workers.Go(e.accept)
}

func (e *environment) accept() {
	defer e.connsGone.Done()
	for {
		conn, err := http1.Accept(e.listener)
		if err != nil {
			return
		}
		conn = rawconn.New(conn)
		c := &apiConn{env: e, conn: conn}
		c.limit.R = conn
		c.reader = bufio.NewReaderSize(&c.limit, 4096)
		e.connsMu.Lock()
		if e.connsBreak || !e.admit(c) {
			e.connsMu.Unlock()
			_ = conn.Close()
			continue
		}
		e.connsGone.Add(1)
		e.connsMu.Unlock()
		e.fn.workers.Go(c.serve)
	}
}

// admit takes c on if there is room for it; e.connsMu is held. A function may open connections without end, and each has a descriptor
// of this process: it may have enough for its slots and extensions, each asking and answering on connections of their own.
func (e *environment) admit(c *apiConn) bool {
	n := len(e.conns)
	if n >= 2*len(e.slots)+2*maxExtensions+8 {
		return false
	}
	c.extra = n >= connsPerEnvironment
	if c.extra && !files().tryConn(n < 2*len(e.slots)) {
		return false
	}
	e.conns[c] = struct{}{}
	return true
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
		req, err := c.request()
		if malformed(err) {
			c.reply(http.StatusBadRequest, "BadRequest", "this is not HTTP")
		}
		if err != nil || !c.handle(req) {
			c.gone(err)
			return
		}
	}
}

// request reads the head of the next request.
func (c *apiConn) request() (*http.Request, error) {
	if _, err := c.reader.Peek(1); err != nil {
		return nil, err
	}
	if req, plain := http1.ReadPlain(c.reader); plain {
		return req, nil
	}
	return http.ReadRequest(c.reader)
}

// malformed tells whether reading a request has ended with err because of what was read, not because there was no more.
func malformed(err error) bool {
	_, broken := errors.AsType[*net.OpError](err)
	return err != nil && !broken && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
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
	e.exts.unpark(c)
	if s := e.parkedOn(c); s != nil {
		s.parked = nil
		if s.state == stateIdle {
			f.withdraw(s)
			s.become(stateDetached)
		}
	} else if s := e.carriedBy(c); s != nil && s.current != nil && s.current.tries < maxTries && c.unread(readErr) {
		if s.state == stateBusy {
			s.become(stateDetached)
			s.timer.Stop()
		}
		f.complete(s, outcome{kind: outcomeUnread})
	}
	f.mu.Unlock()
	_ = c.conn.Close()
	e.connsMu.Lock()
	delete(e.conns, c)
	e.connsMu.Unlock()
	if c.extra {
		files().freeConn()
	}
	e.connsGone.Done()
}

// delivered notes that the event which c carried has been read, since a request follows it; fn.mu is held.
func (c *apiConn) delivered() {
	if s := c.env.carriedBy(c); s != nil {
		s.carrier = nil
	}
}

// unread tells, when reading has ended with readErr, whether the event that was last sent was not read. A socket that is
// closed with data in it answers with a reset; one that was closed before the data came has not acknowledged them.
func (c *apiConn) unread(readErr error) bool {
	return !c.begun.Load() || errors.Is(readErr, syscall.ECONNRESET) || unacknowledged(c.conn, c.sent.Load())
}

// maxToFrozen is the size up to which an event is written before its environment is thawed, as the buffers of any socket hold it
// with its head. The threads that wake then find it at once, where they would sleep and have to be woken once more: at p50 a
// thaw adds 27 to 78 µs by a cgroup and nothing that could be measured by signals, the other way round 151 to 307 and 71 to 144
// (BenchmarkFreeze, three runs of each in turns on a busy machine with two CPUs). For the function it is the same.
const maxToFrozen = 8 << 10

// deliver sends the event of inv to the function, which waits for it on c. Failures need no report: whatever keeps a
// function from reading ends its connection or its process or meets the deadline, and each of these has its outcome.
func (c *apiConn) deliver(inv *invocation) {
	if c.env.exts.invokes.Load() > 0 {
		c.env.tellInvoke(inv)
	}
	if len(inv.event) <= maxToFrozen {
		defer c.env.frost.awake(inv)
	} else {
		c.env.frost.awake(inv)
	}
	b := inv.head[:0]
	b = append(b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: "...)
	b = append(b, inv.id...)
	b = append(b, "\r\nLambda-Runtime-Deadline-Ms: "...)
	b = strconv.AppendInt(b, inv.deadline.UnixMilli(), 10)
	b = append(b, "\r\nLambda-Runtime-Invoked-Function-Arn: "...)
	b = append(b, c.env.fn.arn...)
	if inv.traceID != "" {
		b = append(b, "\r\nLambda-Runtime-Trace-Id: "...)
		b = append(b, inv.traceID...)
	}
	if inv.client != "" {
		b = append(b, "\r\nLambda-Runtime-Client-Context: "...)
		b = append(b, inv.client...)
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

// read reads the body of req into buf, at most MaxPayload of it, and returns its size, up to maxDiscarded.
func (c *apiConn) read(req *http.Request, buf *bytes.Buffer) (int64, error) {
	c.limit.N = maxDiscarded + maxRequestHead
	if err := c.goOn(req); err != nil {
		return 0, err
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

// goOn asks for the body of req if the function waits for that.
func (c *apiConn) goOn(req *http.Request) error {
	if !strings.EqualFold(req.Header.Get("Expect"), "100-continue") {
		return nil
	}
	return c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
}

// discard reads the body of req for nothing.
func (c *apiConn) discard(req *http.Request) error {
	if req.ContentLength == 0 {
		return nil
	}
	c.limit.N = maxDiscarded + maxRequestHead
	_, err := io.Copy(io.Discard, io.LimitReader(req.Body, maxDiscarded))
	return err
}

// accepted replies that all is well.
func (c *apiConn) accepted() bool {
	return c.write([]byte(acceptedResponse)) == nil
}

// refuse replies with an error to a request whose body has not been read.
func (c *apiConn) refuse(req *http.Request, status int, errorType, message string) bool {
	if err := c.discard(req); err != nil {
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
