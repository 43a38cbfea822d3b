package httpevent

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

const (
	sniffSize = 512  // what http.DetectContentType looks at
	firstSize = 2048 // what net/http collects before it decides on the header
)

// response is the http.ResponseWriter. It follows net/http's: the first status wins, the header is as it was then, bodies
// that must not be are refused, type and length are found where the handler does not set them. Of what net/http does it
// lacks only what there is no way for: informational answers (1xx), trailers, connections to take over. It adds no Date,
// because front doors do. It is safe for concurrent use, for handlers that go on after they have returned.
type response struct {
	adapter *adapter
	ctx     context.Context
	style   style
	isHead  bool
	stream  *Response // nil: the answer is sent when the handler has returned

	mu       sync.Mutex
	header   http.Header
	wrote    bool // the status
	flushed  bool // the header is decided upon
	done     bool // the handler has returned
	status   int
	declared int64 // Content-Length, -1 if there is none
	tried    int64 // bytes the handler wanted to write
	written  int64 // bytes it could
	hasType  bool  // or must not have one
	hasTE    bool
	trailers bool
	sniff    []byte // the start of the body, as far as its type is of interest
	body     bodyBuffer

	// The header in JSON, without what is found out about the body.
	fields  []byte
	cookies []byte
	space   [640]byte // where they begin
}

func (w *response) init(ctx context.Context, a *adapter, s style, isHead bool) {
	w.adapter, w.ctx, w.style, w.isHead = a, ctx, s, isHead
	w.body.pool = &a.segments
	w.reset()
}

// reset forgets all that the handler has done.
func (w *response) reset() {
	w.header, w.wrote, w.flushed, w.status = nil, false, false, 0
	w.declared, w.tried, w.written = -1, 0, 0
	w.hasType, w.hasTE, w.trailers, w.sniff = false, false, false, nil
	w.fields, w.cookies = w.space[:0:512], w.space[512:512]
	w.body.release()
	w.body = bodyBuffer{pool: w.body.pool}
}

// Header returns the header that WriteHeader will take.
func (w *response) Header() http.Header {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

// WriteHeader sets the status, the first time. Informational ones but 101 are ignored.
func (w *response) WriteHeader(code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(code)
}

func (w *response) writeHeader(code int) {
	switch {
	case w.wrote || w.done:
		w.adapter.log.DebugContext(w.ctx, "superfluous status ignored", "status", code, "first_status", w.status)
	case code < 100 || code > 999:
		panic(fmt.Sprintf("invalid WriteHeader code %v", code)) // as net/http does
	case code < 200 && code != http.StatusSwitchingProtocols:
		w.adapter.log.DebugContext(w.ctx, "informational status ignored", "status", code)
	default:
		w.wrote, w.status = true, code
		w.takeHeader()
	}
}

// Write writes a part of the body.
func (w *response) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.done:
		return 0, errFinished
	case !w.wrote:
		w.writeHeader(http.StatusOK)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	w.tried += int64(len(p))
	if w.declared >= 0 && w.tried > w.declared {
		return 0, http.ErrContentLength
	}
	w.written += int64(len(p))
	if w.stream != nil {
		return w.stream.write(w, p)
	}
	if !w.flushed && !w.hasType && len(w.sniff) < sniffSize {
		w.sniff = append(w.sniff, p[:min(len(p), sniffSize-len(w.sniff))]...)
	}
	if w.written > firstSize {
		w.flushed = true
	}
	if !w.isHead {
		w.body.write(p)
	}
	return len(p), nil
}

// Flush is [response.FlushError] without its error.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError sends what was written so far, if the answer is streamed. Otherwise it only has the effects that it has with
// net/http: the status is 200 if there is none yet, and type and length are not found out later.
func (w *response) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return errFinished
	}
	if !w.wrote {
		w.writeHeader(http.StatusOK)
	}
	if w.stream != nil {
		return w.stream.flush(w)
	}
	w.flushed = true
	return nil
}

// refuse answers as net/http does to what is no valid request.
func (w *response) refuse() {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte("400 Bad Request"))
}

// fail answers in place of a handler that has panicked. If that is too late it returns an error to fail the invocation.
func (w *response) fail() error {
	w.mu.Lock()
	if w.stream != nil && w.stream.started {
		w.mu.Unlock()
		return aborted("the handler panicked after its answer had begun")
	}
	w.reset()
	if w.stream != nil {
		w.stream.pending = w.stream.pending[:0]
	}
	w.mu.Unlock()
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	return nil
}

// discard ends the answer without one.
func (w *response) discard() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	w.body.release()
}

// finish ends the answer and returns it, as the front door wants it.
func (w *response) finish() ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.complete(); err != nil {
		w.body.release()
		return nil, err
	}
	w.decide(w.sniff, !w.flushed)
	w.body.flush()
	tail := w.appendTail(w.tailSpace())
	if w.body.over || len(bodyStart)+w.body.size+len(tail) > MaxResponse {
		size := len(bodyStart) + w.body.size + len(tail)
		w.body.release()
		w.adapter.log.ErrorContext(w.ctx, "answer is too large for Lambda", "size_bytes", size, "limit_bytes", MaxResponse,
			"status", w.status, "body_bytes", w.written)
		return nil, tooLarge(size)
	}
	return w.body.finish(tail), nil
}

// complete marks the answer as finished. The error is for a body that is shorter than the handler has said: with net/http
// the client would see the connection break.
func (w *response) complete() error {
	if !w.wrote {
		w.writeHeader(http.StatusOK)
	}
	w.done = true
	if w.declared >= 0 && w.written < w.declared && !w.isHead && bodyAllowed(w.status) {
		w.adapter.log.ErrorContext(w.ctx, "body is shorter than declared", "declared_bytes", w.declared, "body_bytes", w.written)
		return shortBody(w.declared, w.written)
	}
	return nil
}

// decide adds what start, the first bytes of the body, tells: its type, and its length if they are all of it.
func (w *response) decide(start []byte, isAll bool) {
	if !w.hasType && bodyAllowed(w.status) && len(start) > 0 {
		w.addField("Content-Type", http.DetectContentType(start))
	}
	if isAll && w.declared < 0 && !w.trailers && !w.hasTE && bodyAllowed(w.status) && (!w.isHead || w.written > 0) {
		w.addField("Content-Length", strconv.FormatInt(w.written, 10))
	}
}

// bodyAllowed tells whether an answer of that status may have a body (RFC 9110, section 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
