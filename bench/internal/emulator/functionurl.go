package emulator

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What a Function URL answers by itself. The text and type for failures are AWS's; those for 413 and 429 are AWS's of the
// Invoke API, as no capture of a Function URL is known.
const (
	textFailed    = "Internal Server Error"
	textTooLarge  = `{"Message":"Request must be smaller than 6291556 bytes for the InvokeFunction operation"}`
	textThrottled = `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`
	typeJSON      = "application/json"
)

// functionURL is the front door of a function: it makes an event of each request and HTTP of each answer. It does not look
// at the request's context, for an invocation goes on when its client has gone, as on AWS.
//
// A trace id that the client sends is kept if it has a root, else a new one is made. It is in the event's headers, in the
// Runtime API's and in the answer's.
type functionURL struct {
	fn   *function
	port string
}

func newFunctionURL(fn *function, addr net.Addr) *functionURL {
	_, port, _ := net.SplitHostPort(addr.String())
	return &functionURL{fn: fn, port: port}
}

// ServeHTTP handles one request.
func (u *functionURL) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := u.fn
	if !f.enter() {
		respond(w, r, http.StatusServiceUnavailable, []byte("closed"))
		return
	}
	defer f.handlers.Done()
	inv := f.pools.newInvocation()
	defer f.pools.free(inv)
	if status := u.prepare(inv, r); status != 0 {
		text := textTooLarge
		if status != http.StatusRequestEntityTooLarge {
			text = `{"Message":"the body is incomplete"}`
		}
		respond(w, r, status, []byte(text))
		return
	}
	h := w.Header()
	h["X-Amzn-Requestid"] = []string{inv.id}
	h["X-Amzn-Trace-Id"] = []string{inv.traceID}
	out := f.invoke(inv) //nolint:contextcheck // an invocation outlives the request that caused it
	defer f.pools.freeBuffer(out.answer)
	switch {
	case errors.Is(out.err, errThrottled):
		h.Set("X-Amzn-Errortype", "TooManyRequestsException")
		respond(w, r, http.StatusTooManyRequests, []byte(textThrottled))
	case out.kind != outcomeAnswer:
		f.cfg.Log.DebugContext(r.Context(), "invocation failed", "request_id", inv.id, "error", out.err)
		respond(w, r, http.StatusBadGateway, []byte(textFailed))
	default:
		answer, err := decodeAnswer(out.answer.Bytes())
		if err != nil {
			f.invalidAnswer()
			f.cfg.Log.DebugContext(r.Context(), "answer is not valid", "request_id", inv.id, "error", err)
			answer = httpAnswer{status: http.StatusBadGateway, body: []byte(textFailed)}
		}
		answer.write(w, r)
	}
}

// prepare fills inv in from r; it returns the status to refuse r with, or 0.
func (u *functionURL) prepare(inv *invocation, r *http.Request) int {
	if r.ContentLength != 0 {
		if r.ContentLength > MaxPayload && r.Header.Get("Expect") != "" {
			return http.StatusRequestEntityTooLarge // the client asked before it sent the body
		}
		_, err := inv.body.ReadFrom(io.LimitReader(r.Body, MaxPayload+1))
		if err == nil && inv.body.Len() > MaxPayload {
			// A client that still sends may take the end of the connection for an error and never see the status.
			_, err = io.CopyN(io.Discard, r.Body, maxDiscarded)
		}
		switch {
		case inv.body.Len() > MaxPayload:
			return http.StatusRequestEntityTooLarge
		case err != nil:
			return http.StatusBadRequest
		}
	}
	now := time.Now()
	if inv.traceID = r.Header.Get("X-Amzn-Trace-Id"); !strings.Contains(inv.traceID, "Root=") {
		inv.traceID = newTraceID(now)
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	meta := requestMeta{requestID: inv.id, traceID: inv.traceID, sourceIP: host, port: u.port, now: now}
	inv.event = appendEvent(inv.event[:0], r, inv.body.Bytes(), &meta)
	if len(inv.event) > MaxPayload {
		return http.StatusRequestEntityTooLarge
	}
	return 0
}

// invalidAnswer counts an answer that is no HTTP.
func (f *function) invalidAnswer() {
	f.mu.Lock()
	f.meter.InvalidAnswers++
	f.mu.Unlock()
}

// write sends the answer to the client. The type is JSON if the function names none.
func (a httpAnswer) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, value := range a.header {
		// net/http refuses names that are no tokens and breaks of lines in values.
		if name != "Content-Length" && !hopByHop(name) {
			h[name] = []string{value}
		}
	}
	if len(a.cookies) > 0 {
		if one, ok := a.header["Set-Cookie"]; ok {
			h["Set-Cookie"] = append([]string{one}, a.cookies...)
		} else {
			h["Set-Cookie"] = a.cookies
		}
	}
	// An answer to HEAD may tell the length of the body that it leaves out.
	if length, ok := a.header["Content-Length"]; ok && r.Method == http.MethodHead && len(a.body) == 0 {
		if _, err := strconv.ParseUint(length, 10, 63); err == nil {
			h["Content-Length"] = []string{length}
		}
	}
	respond(w, r, a.status, a.body)
}

// respond sends a status and a body, which is JSON unless its type is set.
func respond(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	if len(h["Content-Type"]) == 0 {
		h["Content-Type"] = []string{typeJSON}
	}
	if status == http.StatusNoContent || status == http.StatusNotModified {
		w.WriteHeader(status)
		return
	}
	if len(h["Content-Length"]) == 0 {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may have gone
	}
}
