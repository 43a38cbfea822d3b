package emulator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Answers in parts, as the Lambda guide tells them for custom runtimes ("Building a custom runtime for AWS Lambda", "Response
// streaming"): a body of unknown length, of the type below, that begins with a head in JSON and eight zero bytes; errors after
// that are in the trailers. The first version of the runtime library that speaks it leaves the header out that announces the
// mode, so the type alone decides.
//
// What a Function URL in RESPONSE_STREAM mode does with other answers is not documented. Here they are read as by one in
// BUFFERED mode. The other way round, a BUFFERED one takes a stream as the payload that it is, which is no JSON: 502.
const (
	typeStream     = "application/vnd.awslambda.http-integration-response"
	maxStream      = 200 << 20 // Lambda guide, "Lambda quotas"
	maxStreamHead  = 1 << 20   // what precedes the body; not documented
	streamBuffer   = 32 << 10
	headSeparator  = "\x00\x00\x00\x00\x00\x00\x00\x00"
	headerErrorEnd = "Lambda-Runtime-Function-Error-Body"
)

// stream takes the parts of an answer from the connection to the function to the front door: one at a time, so that a client
// which reads slowly slows the function down.
type stream struct {
	parts   chan []byte   // the head, then parts of the body
	taken   chan struct{} // one element when a part may be reused
	stopped chan struct{} // closed when no more parts are wanted
	write   func([]byte)  // called by wait
	raw     bool          // all of an answer of any type is wanted, without a head
	claimed bool          // an answer is coming in; guarded by function.mu
}

func newStream(write func([]byte)) *stream {
	return &stream{parts: make(chan []byte), taken: make(chan struct{}, 1), stopped: make(chan struct{}), write: write}
}

// wait returns the outcome of an invocation. Until there is one it writes the parts of its answer.
func (inv *invocation) wait() outcome {
	s := inv.stream
	if s == nil {
		return <-inv.done
	}
	for {
		select {
		case part := <-s.parts:
			s.write(part)
			s.taken <- struct{}{}
		case out := <-inv.done:
			if out.kind != outcomeUnread {
				close(s.stopped)
			}
			return out
		}
	}
}

// errEnded tells that an environment has ended while its answer was on its way.
var errEnded = errors.New("environment has ended")

// send hands a part on and waits until it is written; false if nobody wants it any more. It does not wait for a client that
// reads slowly when the environment has ended: with errEnded the part may still be in use.
func (s *stream) send(part []byte, ended <-chan struct{}) (wanted bool, err error) {
	select {
	case s.parts <- part:
	case <-s.stopped:
		return false, nil
	case <-ended:
		return false, errEnded
	}
	select {
	case <-s.taken:
		return true, nil
	case <-ended:
		return false, errEnded
	}
}

// answering notes that an answer of that type to the event with that id is coming in. It returns the stream to hand it on to,
// nil if it is to be read as a whole.
func (e *environment) answering(id, contentType string) *stream {
	e.fn.mu.Lock()
	defer e.fn.mu.Unlock()
	s := e.answered(id)
	if s == nil || s.state != stateBusy || s.current == nil {
		return nil
	}
	s.carrier = nil // its event has been read, whatever becomes of the connection
	if s.current.stream == nil || s.current.stream.claimed || !s.current.stream.raw && !strings.EqualFold(strings.TrimSpace(contentType), typeStream) {
		return nil
	}
	s.current.stream.claimed = true
	return s.current.stream
}

// relay takes an answer in parts.
func (c *apiConn) relay(req *http.Request, id string, s *stream) bool {
	if err := c.goOn(req); err != nil {
		return false
	}
	size, err := c.copyStream(req.Body, s)
	if err != nil {
		// The function may still report an error; if it does not, the outcome is its end or the time-out.
		c.reply(http.StatusBadRequest, "Runtime.TruncatedResponse", "the body is incomplete")
		return false
	}
	out := outcome{kind: outcomeAnswer}
	if size > maxStream {
		out = outcome{kind: outcomeTooLarge, err: fmt.Errorf("streamed answer of %d bytes is over the limit of %d", size, maxStream)}
	} else if err := trailerError(req); err != nil {
		out = outcome{kind: outcomeFunctionError, err: err}
	}
	ok, refusal := c.finish(id, out)
	if !ok {
		return refusal()
	}
	if out.kind == outcomeTooLarge {
		c.reply(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", maxStream))
		return true
	}
	return c.accepted()
}

// copyStream hands the parts of body to s, and returns its size. What is too much or not wanted any more is read for nothing.
func (c *apiConn) copyStream(body io.Reader, s *stream) (size int64, err error) {
	buf := make([]byte, streamBuffer)
	var head []byte
	inBody, wanted := s.raw, true
	for {
		c.limit.N = maxRequestHead
		n, readErr := body.Read(buf)
		size += int64(n)
		part := buf[:n]
		if !inBody && wanted && n > 0 {
			head = append(head, part...)
			end := bytes.Index(head, []byte(headSeparator))
			if end < 0 {
				wanted, part = len(head) <= maxStreamHead, nil
			} else {
				inBody, part = true, head[end+len(headSeparator):]
				wanted, err = s.send(head[:end], c.env.child.Done())
			}
		}
		if inBody && wanted && len(part) > 0 && size <= maxStream {
			wanted, err = s.send(part, c.env.child.Done())
		}
		switch {
		case err != nil:
			return size, err
		case errors.Is(readErr, io.EOF):
			return size, nil
		case readErr != nil:
			return size, readErr
		}
	}
}

// trailerError is the error that a function reports behind its answer, nil if there is none.
func trailerError(req *http.Request) error {
	kind, encoded := req.Trailer.Get(headerErrorType), req.Trailer.Get(headerErrorEnd)
	if kind == "" && encoded == "" {
		return nil
	}
	raw, _ := base64.StdEncoding.DecodeString(encoded) // any body is a valid report
	return fmt.Errorf("while it wrote its answer: %w", newReport(kind, raw))
}

// streamWriter writes an answer in parts to a client.
type streamWriter struct {
	w      http.ResponseWriter
	r      *http.Request
	begun  bool // status and headers are on their way
	broken bool // the head is no head
	answer httpAnswer
}

// write takes the head first, and sends it on at once, as each part of the body.
func (s *streamWriter) write(part []byte) {
	switch {
	case s.broken:
		return
	case !s.begun:
		var err error
		if s.answer, err = decodeStreamHead(part); err != nil {
			s.broken = true
			return
		}
		s.begun = true
		s.answer.writeHeader(s.w, s.r, "")
	case s.r.Method == http.MethodHead || !s.answer.hasBody():
		return
	default:
		_, _ = s.w.Write(part) // a client that has gone changes nothing
	}
	_ = http.NewResponseController(s.w).Flush()
}

// decodeStreamHead reads what comes before a streamed body. Without a status it is 200. That a body without a type is
// application/octet-stream, as the runtime for Node.js has it, is not documented for a head that names none.
func decodeStreamHead(raw []byte) (httpAnswer, error) {
	var full answerFields
	if err := json.Unmarshal(raw, &full); err != nil {
		return httpAnswer{}, fmt.Errorf("reading the head of a streamed answer: %w", err)
	}
	if full.statusCode == nil {
		full.statusCode = json.RawMessage("200")
	}
	full.body, full.isBase64Encoded = nil, false
	a, err := full.answer()
	if err != nil {
		return httpAnswer{}, err
	}
	a.setHeaders2(&full, "application/octet-stream")
	return a, nil
}

// endStream ends an answer of which status and headers have been sent. If it is not whole, the connection breaks off: there
// is no other way left to tell the client.
func (d *openDoor) endStream(r *http.Request, inv *invocation, out outcome) {
	if out.kind == outcomeAnswer {
		return
	}
	d.complain(r.Context(), inv, failFunction, out.err)
	panic(http.ErrAbortHandler)
}
