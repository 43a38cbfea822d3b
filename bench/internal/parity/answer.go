package parity

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxAnswerBytes is the longest body of an answer that is read.
	maxAnswerBytes = 64 << 20
	maxHeadBytes   = 1 << 20
	maxInterim     = 20
	// lingering is how long a server may take to close a connection that has nothing more to say.
	lingering = time.Second
)

// Answer is what came back for a request.
type Answer struct {
	// Interim are the 1xx statuses before the final one.
	Interim []int
	// Status, Header and Body are the final answer. Names of headers are in their canonical form, values in the order in
	// which they came; the body has no framing any more.
	Status int
	Header http.Header
	Body   []byte
	// Failure says in a few fixed words how the exchange went wrong, empty if it did not.
	Failure string
}

// Failures of an exchange, as Answer.Failure has them.
const (
	FailureNone    = ""
	FailureClosed  = "connection closed without an answer"
	FailureBroken  = "connection closed within the answer"
	FailureTimeout = "time-out"
	FailureInvalid = "not HTTP"
	FailureExcess  = "more than the answer was sent"
	FailureSize    = "answer is too long to be read"
)

// exchange is one request on its way.
type exchange struct {
	conn    net.Conn
	request *Request
	sending sync.WaitGroup
	proceed chan bool // one element: whether a body that is held back is wanted
}

// send writes the request while the answer is already being read. Errors show in the answer: a server may refuse a body.
func (x *exchange) send(head, body []byte) {
	x.sending.Go(func() {
		if !x.request.Continue {
			_, _ = x.conn.Write(append(head, body...))
			return
		}
		if _, err := x.conn.Write(head); err == nil && <-x.proceed {
			_, _ = x.conn.Write(body)
		}
	})
}

// receive reads the answer.
func (x *exchange) receive() (a Answer) {
	told := false
	release := func(wanted bool) {
		if !told {
			x.proceed <- wanted
			told = true
		}
	}
	defer release(false)
	limited := &io.LimitedReader{R: x.conn, N: maxHeadBytes}
	r := bufio.NewReader(limited)
	for {
		status, header, failure := readHead(r)
		if failure != FailureNone {
			a.Failure = failure
			return a
		}
		if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
			a.Status, a.Header = status, header
			break
		}
		if a.Interim = append(a.Interim, status); len(a.Interim) > maxInterim {
			a.Failure = FailureInvalid
			return a
		}
		if status == http.StatusContinue {
			release(true)
		}
	}
	release(false)
	limited.N = maxAnswerBytes + 1
	a.Body, a.Failure = readBody(r, x.request.Method, &a)
	if a.Failure == FailureNone && bodiless(x.request.Method, a.Status) {
		a.Failure = x.readExcess(r)
	}
	return a
}

// readHead reads a status line and the headers after it.
func readHead(r *bufio.Reader) (status int, header http.Header, failure string) {
	if _, err := r.Peek(1); err != nil {
		return 0, nil, failureOf(err, FailureClosed)
	}
	t := textproto.NewReader(r)
	line, err := t.ReadLine()
	if err != nil {
		return 0, nil, failureOf(err, FailureBroken)
	}
	proto, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err = strconv.Atoi(code)
	if !strings.HasPrefix(proto, "HTTP/1.") || err != nil || len(code) != 3 || status < 100 {
		return 0, nil, FailureInvalid
	}
	mime, err := t.ReadMIMEHeader()
	if err != nil {
		if _, ended := r.Peek(1); ended != nil {
			err = ended // what looked like a malformed line was half of one
		}
		return 0, nil, failureOf(err, FailureBroken)
	}
	return status, http.Header(mime), FailureNone
}

// failureOf names an error of reading; ended is what the end of the connection means.
func failureOf(err error, ended string) string {
	var protocol textproto.ProtocolError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return FailureTimeout
	case errors.As(err, &protocol):
		return FailureInvalid
	}
	return ended
}

// bodiless tells that an answer has no body, whatever its headers say.
func bodiless(method string, status int) bool {
	return method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified || status < http.StatusOK
}

// readBody reads the body as RFC 9112, section 6.3 has it.
func readBody(r *bufio.Reader, method string, a *Answer) (body []byte, failure string) {
	lengths := a.Header["Content-Length"]
	var err error
	switch {
	case bodiless(method, a.Status):
	case strings.EqualFold(a.Header.Get("Transfer-Encoding"), "chunked"):
		if body, err = io.ReadAll(httputil.NewChunkedReader(r)); err == nil {
			err = readTrailer(r, a)
		}
	case len(lengths) > 0:
		length, bad := strconv.ParseInt(lengths[0], 10, 64)
		if bad != nil || length < 0 || len(lengths) > 1 {
			return nil, FailureInvalid
		}
		if length > maxAnswerBytes {
			return nil, FailureSize
		}
		body, err = io.ReadAll(io.LimitReader(r, length))
		if err == nil && int64(len(body)) < length {
			err = io.ErrUnexpectedEOF
		}
	default:
		body, err = io.ReadAll(r)
	}
	if err != nil {
		return body, failureOf(err, FailureBroken)
	}
	if len(body) > maxAnswerBytes {
		return nil, FailureSize
	}
	return body, FailureNone
}

// readTrailer reads what comes after the last chunk. Trailers are kept as headers named Trailer:NAME.
func readTrailer(r *bufio.Reader, a *Answer) error {
	trailer, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil {
		return fmt.Errorf("reading the trailer: %w", err)
	}
	for name, values := range trailer {
		a.Header["Trailer:"+name] = values
	}
	return nil
}

// readExcess finds out whether a server has sent a body after an answer that has none. The end of our side makes it close
// its own when it sees nothing more to do, so that this waits for no time.
func (x *exchange) readExcess(r *bufio.Reader) string {
	if c, ok := x.conn.(interface{ CloseWrite() error }); ok {
		x.sending.Wait()
		_ = c.CloseWrite()
		_ = x.conn.SetReadDeadline(time.Now().Add(lingering))
	}
	if _, err := r.Peek(1); err == nil {
		return FailureExcess
	}
	return FailureNone
}
