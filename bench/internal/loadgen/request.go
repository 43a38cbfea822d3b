package loadgen

import (
	"fmt"
	"maps"
	"mime"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// message is one request, ready to be sent.
type message struct {
	method  string
	target  []byte // path and query
	headers []field
	body    []byte
	hasBody bool   // false sends neither a body nor its length
	fixed   bool   // the bytes of the body never change
	wire    []byte // all of it as HTTP/1.1
	err     error  // why it cannot be sent

	unsigned int       // headers before those of the signature
	signed   time.Time // when; zero if it is not
}

// field is a header of a request. The host is one of them.
type field struct {
	name  string
	value []byte
}

// request is one step for one target.
type request struct {
	step     scenario.Step
	captures []capture
	host     string
	prefix   string // the path in the target's URL goes before the step's

	// static requests have one message, whose bytes do not change from one send to the next.
	static  bool
	message message
	signer  messageSigner            // nil if requests are not signed
	signed  *atomic.Pointer[message] // in place of message, if they are
	close   bool                     // asks the server to close the connection after the answer

	target  scenario.Template
	headers []header
	body    scenario.Template
	expect  *scenario.Template // of the answer's body; nil accepts any
}

// messageSigner adds the headers of a signature of this time to a message. It never waits, and so takes no context.
type messageSigner interface {
	sign(m *message, now time.Time)
}

// header is one of a request, in the order in which they are sent.
type header struct {
	name  string
	value scenario.Template
}

// endpoint is where a target listens.
type endpoint struct {
	address    string // host:port to dial
	serverName string
	port       string
	tls        bool
}

func newEndpoint(base *url.URL) (endpoint, error) {
	e := endpoint{serverName: base.Hostname()}
	port := base.Port()
	switch base.Scheme {
	case "http":
		if port == "" {
			port = "80"
		}
	case "https":
		e.tls = true
		if port == "" {
			port = "443"
		}
	default:
		return e, fmt.Errorf("URL %q: expected http:// or https://", base.Redacted())
	}
	if e.serverName == "" {
		return e, fmt.Errorf("URL %q has no host", base.Redacted())
	}
	e.port = port
	e.address = net.JoinHostPort(e.serverName, port)
	return e, nil
}

// newRequests prepares each step for a target.
func newRequests(base *url.URL, s *scenario.Scenario, sign *signer) []request {
	requests := make([]request, len(s.Steps))
	for i, step := range s.Steps {
		requests[i] = newRequest(base, s, step, sign)
	}
	return requests
}

func newRequest(base *url.URL, s *scenario.Scenario, step scenario.Step, sign *signer) request {
	r := request{
		step: step, host: base.Host, prefix: strings.TrimSuffix(base.EscapedPath(), "/"), target: s.Template(step.Path),
		close: s.FreshConnections && s.Protocol != scenario.HTTP2,
	}
	r.static = r.target.Static()
	for _, name := range slices.Sorted(maps.Keys(step.Headers)) {
		h := header{name, s.Template(step.Headers[name])}
		r.static = r.static && h.value.Static()
		r.headers = append(r.headers, h)
	}
	if step.BodyFile == "" {
		r.body = s.Template(string(step.Body))
		r.static = r.static && r.body.Static()
	}
	if step.Expect.Body != nil {
		expect := s.Template(*step.Expect.Body)
		r.expect = &expect
	}
	for _, c := range step.Capture {
		r.captures = append(r.captures, newCapture(c))
	}
	if sign != nil {
		r.signer = sign
		if r.static {
			r.signed = &atomic.Pointer[message]{}
		}
	}
	if r.static {
		r.render(&r.message, s.NewVariables())
	}
	return r
}

// render makes m the request with these values, in m's own memory.
func (r *request) render(m *message, v *scenario.Variables) {
	step := &r.step
	m.err = nil
	m.method = step.Method
	m.fixed = r.static || step.BodyFile != ""
	m.target = r.target.Append(append(m.target[:0], r.prefix...), v)
	m.body = m.body[:0]
	if step.BodyFile != "" {
		m.body = step.Body
	} else {
		m.body = r.body.Append(m.body, v)
	}
	m.hasBody = step.Body != nil || step.Method == "POST" || step.Method == "PUT" || step.Method == "PATCH"
	if cap(m.headers) < len(r.headers)+8 {
		m.headers = make([]field, 0, len(r.headers)+8)
	}
	n := 0
	add := func(name string) *field {
		m.headers = m.headers[:n+1]
		m.headers[n].name, m.headers[n].value = name, m.headers[n].value[:0]
		n++
		return &m.headers[n-1]
	}
	m.headers = m.headers[:0]
	if step.Headers["host"] == "" {
		f := add("Host")
		f.value = append(f.value, r.host...)
	}
	if step.Headers["user-agent"] == "" {
		f := add("User-Agent")
		f.value = append(f.value, "crossover"...)
	}
	for i := range r.headers {
		f := add(r.headers[i].name)
		f.value = r.headers[i].value.Append(f.value, v)
	}
	if step.ContentType != "" {
		f := add("Content-Type")
		f.value = append(f.value, step.ContentType...)
	}
	if r.close {
		f := add("Connection")
		f.value = append(f.value, "close"...)
	}
	m.check()
	m.unsigned = len(m.headers)
	if r.signer != nil {
		r.signer.sign(m, time.Now())
	}
	m.write()
}

// fixed is the message of a static request, with the newest signature.
func (r *request) fixed() *message {
	if r.signed != nil {
		if m := r.signed.Load(); m != nil {
			return m
		}
	}
	return &r.message
}

// current makes sure that the signature of a message, which may have waited long until it was due, still holds.
func (r *request) current(m *message) *message {
	if r.signer != nil && m.err == nil && time.Since(m.signed) > 2*signEvery {
		r.signer.sign(m, time.Now())
		m.write()
	}
	return m
}

// check finds what a value may have brought in that would make another request of it.
func (m *message) check() {
	if len(m.target) == 0 || m.target[0] != '/' {
		m.err = fmt.Errorf("the path %s does not begin with a slash: capture the path alone (match)", quote(m.target))
	}
	if i := slices.IndexFunc(m.target, func(c byte) bool { return c <= ' ' || c >= 0x7f }); i >= 0 {
		m.err = fmt.Errorf("the path %s has a byte that must be encoded", quote(m.target))
	}
	for i := range m.headers {
		if slices.ContainsFunc(m.headers[i].value, func(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			m.err = fmt.Errorf("the header %s has a control character in %s", m.headers[i].name, quote(m.headers[i].value))
		}
	}
}

// write makes the bytes of an HTTP/1.1 request.
func (m *message) write() {
	b := m.wire[:0]
	b = append(b, m.method...)
	b = append(b, ' ')
	b = append(b, m.target...)
	b = append(b, " HTTP/1.1\r\n"...)
	for i := range m.headers {
		b = append(b, m.headers[i].name...)
		b = append(b, ": "...)
		b = append(b, m.headers[i].value...)
		b = append(b, "\r\n"...)
	}
	if m.hasBody {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(m.body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	b = append(b, m.body...)
	m.wire = b
}

// wrong says what of an answer is not as the step expects, or "" if all is. It allocates only if something is.
func (r *request) wrong(resp *fasthttp.Response, v *scenario.Variables) (kind string, detail func() string) {
	status, e := resp.StatusCode(), &r.step.Expect
	if e.Status != 0 && status != e.Status || e.Status == 0 && (status < 200 || status > 299) {
		return statusKind(status), func() string {
			expected := "any 2xx"
			if e.Status != 0 {
				expected = strconv.Itoa(e.Status)
			}
			return fmt.Sprintf("expected status %s, got %d with body %s", expected, status, quote(resp.Body()))
		}
	}
	if r.expect != nil && !r.expect.Matches(resp.Body(), v) {
		return kindMismatch, func() string {
			return fmt.Sprintf("expected body %s, got %s", quote(r.expect.Append(nil, v)), quote(resp.Body()))
		}
	}
	if e.ContentType != "" && !sameMedia(resp.Header.ContentType(), e.ContentType) {
		return kindMismatch, func() string {
			return fmt.Sprintf("expected content type %s, got %q", e.ContentType, resp.Header.ContentType())
		}
	}
	return "", nil
}

// sameMedia compares a Content-Type header with a media type; the common case needs no parsing.
func sameMedia(header []byte, media string) bool {
	if string(header) == media {
		return true
	}
	got, _, err := mime.ParseMediaType(string(header))
	return err == nil && got == media
}

// quote shows a body in a message, cut to a readable length.
func quote(body []byte) string {
	const most = 200
	if len(body) > most {
		return fmt.Sprintf("%q… (%d bytes)", body[:most], len(body))
	}
	return strconv.Quote(string(body))
}
