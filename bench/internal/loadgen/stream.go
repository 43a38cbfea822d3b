package loadgen

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// streamsEach is how many requests are in flight on one HTTP/2 connection at most, unless the server takes fewer.
const streamsEach = 100

// mostInterim is how many 1xx answers may come before the final one.
const mostInterim = 16

// h2Stream is what a worker uses of an HTTP/2 connection: each request is a stream of its own. It is used by one goroutine; close
// may be called by another.
type h2Stream struct {
	shared   *shared
	session  *session // in which a stream is reserved for the next request; nil if none is
	answered fasthttp.Response
	body     bytes.Buffer
}

// newStreams makes n links on as few connections as can have them, evenly spread.
func newStreams(r *route, n int) []link {
	connections := h2Connections(n, r.fresh)
	all := make([]*shared, connections)
	for i := range all {
		all[i] = newShared(r, i, connections)
	}
	links := make([]link, n)
	for i := range links {
		links[i] = &h2Stream{shared: all[i%connections]}
	}
	return links
}

// h2Connections is how many connections n requests in flight need.
func h2Connections(n int, fresh bool) int {
	if fresh {
		return n
	}
	return (n + streamsEach - 1) / streamsEach
}

// ready implements link.
func (s *h2Stream) ready() bool {
	now := s.shared.current()
	if s.session != nil && s.session != now {
		s.release()
	}
	if now == nil {
		return false
	}
	if s.session == nil && now.reserve() {
		s.session = now
	}
	return s.session != nil
}

// prepare implements link.
func (s *h2Stream) prepare(ctx context.Context) (o opened, _ *failure) {
	if s.shared.route.fresh {
		return o, nil
	}
	_, o, fail := s.shared.open(ctx)
	return o, fail
}

// open implements link. Where all streams that the server allows are taken, it waits for one.
func (s *h2Stream) open(ctx context.Context) (o opened, _ *failure) {
	ctx, cancel := context.WithTimeout(ctx, s.shared.route.timeout)
	defer cancel()
	for !s.ready() {
		now, o1, fail := s.shared.open(ctx)
		if o1.took > 0 {
			o = o1
		}
		if fail != nil {
			return o, fail
		}
		if now.reserve() {
			s.session = now
			return o, nil
		}
		if err := now.wait(ctx); err != nil {
			return o, &failure{kind: kindTimeout, err: fmt.Errorf("expected a free stream within %s: the server allows fewer than there are workers",
				s.shared.route.timeout)}
		}
	}
	return o, nil
}

// release gives back what is reserved.
func (s *h2Stream) release() {
	if s.session != nil {
		s.session.conn.Release()
		s.session.done()
		s.session = nil
	}
}

// send implements link.
func (s *h2Stream) send(m *message) (start time.Time, took time.Duration, _ *failure) {
	used := s.session
	s.session = nil
	start = time.Now()
	if m.err != nil {
		used.conn.Release()
		used.done()
		return start, time.Since(start), &failure{kind: kindRequest, err: m.err}
	}
	ctx, cancel := context.WithDeadline(context.Background(), start.Add(s.shared.route.timeout))
	defer cancel()
	t := &trace{began: start}
	err := s.exchange(t.on(ctx), used, m)
	end := time.Now()
	start = t.start()
	used.done()
	if s.shared.route.fresh {
		s.shared.retire(used)
	}
	if err != nil {
		return start, end.Sub(start), s.failure(err, used)
	}
	used.answers.Add(1)
	return start, end.Sub(start), nil
}

func (s *h2Stream) answer() *fasthttp.Response { return &s.answered }

// close implements link.
func (s *h2Stream) close() { s.shared.close() }

// exchange sends a request and takes its answer over.
func (s *h2Stream) exchange(ctx context.Context, used *session, m *message) error {
	resp, err := used.conn.RoundTrip(m.asRequest(ctx, s.shared.route.endpoint))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	s.body.Reset()
	n, err := s.body.ReadFrom(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return err
	case n > maxBody:
		return errTooLarge
	}
	a := &s.answered
	a.Reset()
	a.Header.SetNoDefaultContentType(true)
	a.SetStatusCode(resp.StatusCode)
	for name, values := range resp.Header {
		for _, v := range values {
			a.Header.Add(name, v)
		}
	}
	a.SetBodyRaw(s.body.Bytes())
	return nil
}

// asRequest is the message for net/http, which leaves path and query as they are.
func (m *message) asRequest(ctx context.Context, e endpoint) *http.Request {
	u := &url.URL{Scheme: "http", Host: e.address, Opaque: string(m.target)}
	if e.tls {
		u.Scheme = "https"
	}
	if strings.HasPrefix(u.Opaque, "//") { // would be a host
		path, query, _ := strings.Cut(u.Opaque, "?")
		u.Opaque, u.RawPath, u.RawQuery = "", path, query
		u.Path, _ = url.PathUnescape(path)
	}
	r := &http.Request{Method: m.method, URL: u, Header: make(http.Header, len(m.headers)), Proto: "HTTP/2.0", ProtoMajor: 2}
	for i := range m.headers {
		name, value := textproto.CanonicalMIMEHeaderKey(m.headers[i].name), string(m.headers[i].value)
		if name == "Host" {
			r.Host = value
		} else {
			r.Header[name] = append(r.Header[name], value)
		}
	}
	if m.hasBody {
		body := m.body
		if !m.fixed {
			body = bytes.Clone(body) // it may still be read when the answer is there, and the next request be rendered
		}
		r.ContentLength, r.Body = int64(len(body)), http.NoBody
		if len(body) > 0 {
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
	}
	return r.WithContext(ctx)
}

// trace finds out when a request was written, for which it may have had to wait for others.
type trace struct {
	began   time.Time
	wrote   atomic.Int64 // ns since began
	interim int
}

func (t *trace) on(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaderField: func(string, []string) { t.wrote.CompareAndSwap(0, int64(max(time.Since(t.began), 1))) },
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			if t.interim++; t.interim > mostInterim {
				return errInterim
			}
			return nil
		},
	})
}

func (t *trace) start() time.Time { return t.began.Add(time.Duration(t.wrote.Load())) }

var (
	errTooLarge = fmt.Errorf("expected a body of at most %d bytes, got more", maxBody)
	errInterim  = fmt.Errorf("expected at most %d interim answers, got more", mostInterim)
)

// failure sorts out why there is no answer.
func (s *h2Stream) failure(err error, used *session) *failure {
	var reset streamError
	again := strings.Contains(err.Error(), "graceful shutdown GOAWAY") || strings.Contains(err.Error(), "client conn not usable")
	switch text := err.Error(); {
	case errors.Is(err, errTooLarge):
		return &failure{kind: kindTooLarge, err: err}
	case errors.Is(err, errInterim):
		return &failure{kind: kindProtocol, err: err}
	case errors.Is(err, io.ErrUnexpectedEOF) && used.conn.Err() == nil:
		return &failure{kind: kindProtocol, err: errors.New("expected as many bytes of body as the answer announced, got fewer")}
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return &failure{kind: kindTimeout, err: fmt.Errorf("expected an answer within %s, got none or a part", s.shared.route.timeout)}
	case errors.As(err, &reset) && !strings.Contains(text, "received from peer"), isProtocolError(text):
		return &failure{kind: kindProtocol, err: fmt.Errorf("expected an HTTP/2 answer: %w", err)}
	case strings.HasPrefix(text, "http2: invalid "), strings.HasPrefix(text, "net/http: invalid "):
		return &failure{kind: kindRequest, err: err}
	}
	return &failure{
		kind: kindClosed, err: fmt.Errorf("expected an answer, but the connection or the stream was closed before it was whole: %w", err),
		dead: used.answers.Load() == 0 && used.conn.Err() != nil, unseen: again,
	}
}

// isProtocolError knows the errors by their words, as net/http does not export them.
func isProtocolError(text string) bool {
	for _, words := range []string{
		"connection error: ", "malformed", "http2: frame", "failed reading the frame", "header list larger", "informational response",
		"invalid", "hpack",
	} {
		if strings.Contains(text, words) && !strings.Contains(text, "GOAWAY") {
			return true
		}
	}
	return false
}

// streamError takes what net/http says of one stream: its errors can be converted to any type with these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return fmt.Sprintf("stream %d: code %d", e.StreamID, e.Code) }

// notHTTP2 says what a TLS server chose instead.
func notHTTP2(session *tls.Conn) *failure {
	chosen := session.ConnectionState().NegotiatedProtocol
	if chosen == "h2" {
		return nil
	}
	return &failure{kind: kindProtocol, err: fmt.Errorf("expected HTTP/2, but in the TLS handshake the server chose %s: take protocol: http1",
		cmp.Or(chosen, "no protocol"))}
}
