package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	apiPrefix        = "/2018-06-01/runtime/"
	headerErrorType  = "Lambda-Runtime-Function-Error-Type"
	maxRequestHead   = 1 << 20
	maxDiscarded     = 64 << 20 // how much of an answer over MaxPayload is read, so that the function learns of it
	acceptedResponse = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"
)

// handle answers one request and tells whether the connection can serve another.
func (c *apiConn) handle(req *http.Request) bool {
	verb, id, ok := route(req.URL.Path)
	if !ok {
		if handled, more := c.handleExtension(req); handled {
			return more
		}
	} else if c.env.exts.external {
		<-c.env.exts.launched
	}
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
	if err := c.discard(req); err != nil {
		return false
	}
	at := time.Now()
	e := c.env
	f := e.fn
	e.cage.limitCPU()
	e.log.mu.Lock() // until the lines about the last event are written
	defer e.log.mu.Unlock()
	f.mu.Lock()
	if e.givenUp { // nobody waits for it any more
		f.mu.Unlock()
		return false
	}
	c.delivered()
	s := e.asking()
	if s == nil {
		f.mu.Unlock()
		return c.reply(http.StatusForbidden, "InvalidStateTransition", "the environment cannot ask for an event in this state")
	}
	s.parked = c
	var ended *usage
	var due *invocation
	if e.exts.quiet() {
		ended, due = f.asked(s, at)
	}
	read := f.worthReading(ended)
	f.mu.Unlock()
	if ended == nil {
		e.announce(at)
		e.memory.sample(e.child.Pid(), at, false, &f.maxMemoryMB) // it may not live until it asks again
	} else {
		e.log.collect(ended.log)
	}
	next := c.hand(due)
	if ended != nil {
		e.memory.sample(e.child.Pid(), at, read, &f.maxMemoryMB)
		e.log.end(ended, at)
	}
	if next != nil {
		e.log.begin(next.id, next.log, next.at)
	}
	return true
}

// beginning is what the log says of the start of an invocation.
type beginning struct {
	id  string
	log *logTail
	at  time.Time
}

// hand sends the event of inv, which is bound to c, if it is a small one, and lets who waits for that go on; nil is nobody. So the
// function has its next event without another goroutine in between. START is then to be added to the log, which is held meanwhile, and
// with it all that the function writes; it would hold up a function that reads a great event slowly, and writes.
func (c *apiConn) hand(inv *invocation) (began *beginning) {
	if inv == nil {
		return nil
	}
	if len(inv.event) <= maxToFrozen {
		began = &beginning{inv.id, inv.log, time.Now()}
		c.deliver(inv)
		inv.sent = true
	}
	inv.granted <- c
	return began
}

// asked takes s on, for which the runtime has asked for an event while no extension works; f.mu is held. It returns the account
// of the invocation that this ends, and the invocation that s is bound to and that is to be told so; each is nil if there is none.
func (f *function) asked(s *slot, at time.Time) (ended *usage, due *invocation) {
	e := s.env
	switch s.state {
	case stateStarting:
		if !e.inited {
			f.initDone(e)
			e.exts.due.Store(len(e.exts.list) > 0)
		}
	case stateFinishing:
		s.timer.Stop()
		f.finishing--
		ended = f.settle(s, at)
	default:
	}
	return ended, f.place(s)
}

// response takes the answer to an event.
func (c *apiConn) response(req *http.Request, id string) bool {
	f := c.env.fn
	if s := c.env.answering(id, req.Header.Get("Content-Type")); s != nil {
		return c.relay(req, id, s)
	}
	buf := f.pools.newBuffer()
	size, err := c.read(req, buf)
	if err != nil {
		f.pools.freeBuffer(buf)
		// An answer that breaks off is none; the function may still report an error.
		c.reply(http.StatusBadRequest, "Runtime.TruncatedResponse", "the body is incomplete")
		return false
	}
	out := outcome{kind: outcomeAnswer, answer: buf}
	switch {
	case size > MaxPayload:
		out = outcome{kind: outcomeTooLarge, err: fmt.Errorf(
			"Function.ResponseSizeTooLarge: response payload size (%d bytes) exceeded maximum allowed payload size (%d bytes)", size, MaxPayload)}
	default:
		if err := trailerError(req); err != nil {
			out = outcome{kind: outcomeFunctionError, err: err}
		}
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
	told, err := c.readError(req)
	if err != nil {
		return false
	}
	if ok, reply := c.finish(id, outcome{kind: outcomeFunctionError, err: told}); !ok {
		return reply()
	}
	return c.accepted()
}

// initError takes the report that an init failed.
func (c *apiConn) initError(req *http.Request) bool {
	told, err := c.readError(req)
	if err != nil {
		return false
	}
	e := c.env
	e.fn.mu.Lock()
	starting := !e.inited && !e.givenUp
	e.fn.mu.Unlock()
	if !starting {
		return c.reply(http.StatusForbidden, "InvalidStateTransition", "the init has ended")
	}
	ok := c.accepted()
	select {
	case e.ready <- told:
	default: // reported twice
	}
	return ok
}

// finish gives the event with that id its outcome, or tells how to refuse.
func (c *apiConn) finish(id string, out outcome) (ok bool, refusal func() bool) {
	e := c.env
	f := e.fn
	f.mu.Lock()
	defer f.mu.Unlock()
	c.delivered()
	s := e.answered(id)
	if s == nil {
		return false, func() bool { return c.reply(http.StatusBadRequest, "InvalidRequestID", "Invalid request ID") }
	}
	// One of several events may have timed out while its code goes on. That its answer is accepted is not documented; a
	// refusal would end the official library's loop, and with it the other events, which are to go on.
	late := e.shared() && s.current == nil
	if s.state != stateBusy || !late && !f.complete(s, out) {
		return false, func() bool {
			return c.reply(http.StatusForbidden, "InvalidStateTransition", "the event has its outcome already")
		}
	}
	if late {
		f.pools.freeBuffer(out.answer)
	}
	if e.shared() {
		s.timer.Stop() // nothing is done to one that does not ask again
	}
	s.become(stateFinishing)
	f.finishing++
	return true, nil
}

// report is what a function tells of an error: as it was sent, and what that says.
type report struct {
	kind, message string
	raw           []byte
}

func (r *report) Error() string { return r.kind + ": " + r.message }

// readError reads the report of an error.
func (c *apiConn) readError(req *http.Request) (*report, error) {
	f := c.env.fn
	buf := f.pools.newBuffer()
	defer f.pools.freeBuffer(buf)
	if _, err := c.read(req, buf); err != nil {
		return nil, err
	}
	return newReport(req.Header.Get(headerErrorType), bytes.Clone(buf.Bytes())), nil
}

// newReport reads a report. Any body is a valid one; kind is its type if it names none.
func newReport(kind string, raw []byte) *report {
	var body struct{ ErrorMessage, ErrorType string }
	_ = json.Unmarshal(raw, &body)
	if body.ErrorType == "" {
		body.ErrorType = kind
	}
	return &report{body.ErrorType, fmt.Sprintf("%.1000s", body.ErrorMessage), raw}
}
