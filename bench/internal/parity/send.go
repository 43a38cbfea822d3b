package parity

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultTimeout is how long one request may take, from dialling to the end of its answer.
const DefaultTimeout = 30 * time.Second

// Target is where a corpus is sent: any server, deployed or local.
type Target struct {
	Name string
	// URL is http or https, with an optional port and base path. The base path goes before each target of the corpus.
	URL string
}

// endpoint is a target taken apart.
type endpoint struct {
	addr, host, port, base string
	tls                    *tls.Config
}

func (t Target) endpoint() (*endpoint, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("target %s: %q is not of the form http://host[:port][/path] or https://…", t.Name, t.URL)
	}
	e := &endpoint{host: u.Host, port: u.Port(), base: strings.TrimSuffix(u.EscapedPath(), "/")}
	if u.Scheme == "https" {
		e.tls = &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	}
	if e.port == "" {
		e.port = "80"
		if e.tls != nil {
			e.port = "443"
		}
	}
	e.addr = net.JoinHostPort(u.Hostname(), e.port)
	return e, nil
}

// Answers are what one target has answered to each request of a corpus.
type Answers struct {
	Target Target
	List   []Answer
	vars   map[string]string
}

// Send sends all requests of a corpus to a target, one after the other, each on a connection of its own. timeout bounds each
// request; 0 means DefaultTimeout. Whatever the target does with a request is an answer; an error is a target that cannot be
// connected to, or the end of ctx.
func Send(ctx context.Context, t Target, c *Corpus, timeout time.Duration) (*Answers, error) {
	e, err := t.endpoint()
	if err != nil {
		return nil, err
	}
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	all := &Answers{Target: t, vars: map[string]string{"host": e.host, "port": e.port}}
	for i := range c.Requests {
		q := &c.Requests[i]
		a, err := e.exchange(ctx, q, all.vars, timeout)
		if err != nil {
			return nil, fmt.Errorf("request %s to target %s: %w", q.Name, t.Name, err)
		}
		for _, capture := range q.Captures {
			all.vars[capture.Name] = ""
			if m := capture.Pattern.FindStringSubmatch(a.Header.Get(capture.Header)); m != nil && !strings.ContainsFunc(m[1], isControl) {
				all.vars[capture.Name] = m[1]
			}
		}
		all.List = append(all.List, a)
	}
	return all, nil
}

// isControl is true of what must not get into a request line.
func isControl(c rune) bool { return c <= ' ' || c == 0x7f }

// exchange sends one request and reads the answer.
func (e *endpoint) exchange(ctx context.Context, q *Request, vars map[string]string, timeout time.Duration) (Answer, error) {
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := e.dial(within)
	if err != nil {
		return Answer{}, err
	}
	unwatch := context.AfterFunc(within, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer unwatch()

	head, body := q.encode(e, vars)
	x := &exchange{conn: conn, request: q, proceed: make(chan bool, 1)}
	x.send(head, body)
	a := x.receive()
	_ = conn.Close() // ends the sending too, if the server has answered without reading everything
	x.sending.Wait()
	if err := ctx.Err(); err != nil {
		return Answer{}, err // the caller says what was going on
	}
	return a, nil
}

func (e *endpoint) dial(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", e.addr)
	if err != nil || e.tls == nil {
		return conn, err // says what and where
	}
	secure := tls.Client(conn, e.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("tls to %s: %w", e.addr, err), conn.Close())
	}
	return secure, nil
}

// encode returns what is to be written: the head with its empty line, and the body in its framing.
func (q *Request) encode(e *endpoint, vars map[string]string) (head, body []byte) {
	body = q.Body
	if len(body) <= maxTargetBytes && len(body) > 0 {
		body = []byte(substitute(string(body), vars, verbatim))
	}
	head = fmt.Appendf(nil, "%s %s%s %s\r\n", q.Method, e.base, substitute(q.Target, vars, verbatim), q.Proto)
	has := func(name string) bool {
		return slices.ContainsFunc(q.Headers, func(line string) bool {
			given, _, _ := strings.Cut(line, ":")
			return strings.EqualFold(given, name)
		})
	}
	if !has("Host") {
		head = append(head, "Host: "+e.host+"\r\n"...)
	}
	for _, line := range q.Headers {
		head = append(head, substitute(line, vars, verbatim)+"\r\n"...)
	}
	if q.Continue {
		head = append(head, "Expect: 100-continue\r\n"...)
	}
	switch {
	case q.ChunkBytes > 0:
		if !has("Transfer-Encoding") {
			head = append(head, "Transfer-Encoding: chunked\r\n"...)
		}
		body = chunked(body, q.ChunkBytes)
	case body != nil && !has("Content-Length"):
		head = append(head, "Content-Length: "+strconv.Itoa(len(body))+"\r\n"...)
	}
	return append(head, "\r\n"...), body
}

// chunked frames a body in chunks of size bytes.
func chunked(body []byte, size int) []byte {
	framed := make([]byte, 0, len(body)+16*(len(body)/size+2))
	for part := range slices.Chunk(body, size) {
		framed = fmt.Appendf(framed, "%x\r\n", len(part))
		framed = append(append(framed, part...), "\r\n"...)
	}
	return append(framed, "0\r\n\r\n"...)
}
