package httpevent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// errNotJSON keeps aws-lambda-go from sending a Response as JSON.
var errNotJSON = errors.New("httpevent: a streamed answer is not JSON")

// Streamer answers events of a Function URL whose invoke mode is RESPONSE_STREAM: status and header are sent at the first
// Flush, or when 2,048 bytes of body are there, the body as it is written.
type Streamer struct{ adapter *adapter }

// NewStreamer returns a Streamer for h. Its method Serve is what lambda.Start takes.
//
// A panic before anything was sent is answered with status 500. Later ones, and http.ErrAbortHandler at any time, fail
// the invocation: the client sees the body break off, Lambda a function error, which aws-lambda-go sends as the trailer of
// the answer. So does a body that is shorter than its declared Content-Length.
func NewStreamer(h http.Handler, opts ...Option) *Streamer {
	return &Streamer{adapter: newAdapter(h, opts)}
}

// Serve answers one event. It returns as soon as status and header are known, with a reader of the answer that ends when
// the handler has returned. The event is aws-lambda-go's copy of the bytes that it got: what takes those bytes themselves
// cannot stream.
func (s *Streamer) Serve(ctx context.Context, event json.RawMessage) (*Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	inv, r, err := s.adapter.prepare(ctx, event)
	if err == nil && inv.shape != Payload2 {
		err = &EventError{Offset: -1, Reason: "only Function URLs stream answers; this event is of shape " + inv.shape.String()}
	}
	if err != nil && !errors.Is(err, errBadRequest) {
		cancel()
		return nil, err
	}
	out := &Response{ready: make(chan struct{}), cancel: cancel}
	out.reader, out.writer = io.Pipe()
	w := &inv.response
	w.stream = out
	go func() { //nolint:contextcheck // r has it
		defer cancel()
		defer inv.end()
		if err != nil {
			w.refuse()
			out.finish(w, nil)
			return
		}
		out.finish(w, s.adapter.serve(w, r))
	}()
	<-out.ready
	if out.failed != nil {
		return nil, out.failed
	}
	return out, nil
}

// Response is a streamed answer as aws-lambda-go sends it: status and header as JSON, eight zero bytes, the body.
type Response struct {
	ready   chan struct{} // closed when prelude or failed is set
	prelude []byte
	failed  error
	reader  *io.PipeReader
	cancel  context.CancelFunc

	// The handler's side, under the lock of its response.
	writer  *io.PipeWriter
	started bool
	pending []byte // at most firstSize bytes of body
}

// Read reads the next part of the answer. Errors other than io.EOF are for the trailer.
func (o *Response) Read(p []byte) (int, error) {
	if len(o.prelude) > 0 {
		n := copy(p, o.prelude)
		o.prelude = o.prelude[n:]
		return n, nil
	}
	return o.reader.Read(p) // aws-lambda-go looks at its type
}

// Close tells the handler, if it still runs, that nobody reads any more: its context ends and its writes fail.
func (o *Response) Close() error {
	o.cancel()
	return o.reader.Close() // is always nil
}

// ContentType is what tells Lambda that status and header come first.
func (o *Response) ContentType() string { return "application/vnd.awslambda.http-integration-response" }

// MarshalJSON fails: aws-lambda-go sends as it is only what cannot be JSON.
func (o *Response) MarshalJSON() ([]byte, error) { return nil, errNotJSON }

// write takes a part of the body, as the buffer that net/http has does.
func (o *Response) write(w *response, p []byte) (n int, err error) {
	for len(p) > firstSize-len(o.pending) {
		if len(o.pending) == 0 {
			err = o.send(w, p, false)
			if err == nil {
				n += len(p)
			}
			return n, err
		}
		m := firstSize - len(o.pending)
		o.pending = append(o.pending, p[:m]...)
		if err = o.flush(w); err != nil {
			return n, err
		}
		n += m
		p = p[m:]
	}
	if o.pending == nil {
		o.pending = make([]byte, 0, firstSize)
	}
	o.pending = append(o.pending, p...)
	return n + len(p), nil
}

// flush sends what was written so far.
func (o *Response) flush(w *response) error {
	err := o.send(w, o.pending, false)
	o.pending = o.pending[:0]
	return err
}

// send sends p, and the header before it if that was not sent. isAll says that nothing follows and nothing was sent.
func (o *Response) send(w *response, p []byte, isAll bool) error {
	if !o.started {
		o.started = true
		w.decide(p[:min(len(p), sniffSize)], isAll)
		o.prelude = append(w.appendHead(append(w.tailSpace(), '{')), '}')
		o.prelude = append(o.prelude, 0, 0, 0, 0, 0, 0, 0, 0)
		close(o.ready)
	}
	if w.isHead || len(p) == 0 {
		return nil
	}
	_, err := o.writer.Write(p)
	return err // the handler's
}

// finish ends the answer: with err, if the handler has failed.
func (o *Response) finish(w *response, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		err = w.complete()
	}
	w.done = true
	if err != nil && !o.started {
		o.failed = err
		close(o.ready)
		return
	}
	if sendErr := o.send(w, o.pending, !o.started); err == nil {
		err = sendErr
	}
	_ = o.writer.CloseWithError(err) // nil is the end
}
