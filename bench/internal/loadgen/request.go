package loadgen

import (
	"bytes"
	"fmt"
	"maps"
	"mime"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// request is one step, ready to be sent to one target: its bytes do not change from one send to the next.
type request struct {
	step scenario.Step
	wire []byte
	head bool // the answer has no body
}

// endpoint is where a target listens.
type endpoint struct {
	address    string // host:port to dial
	serverName string
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
	e.address = net.JoinHostPort(e.serverName, port)
	return e, nil
}

// newRequests writes each step as the bytes of an HTTP/1.1 request. A path in the target's URL goes before the step's.
func newRequests(base *url.URL, steps []scenario.Step) []request {
	prefix := strings.TrimSuffix(base.EscapedPath(), "/")
	requests := make([]request, len(steps))
	for i, s := range steps {
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", s.Method, prefix+s.Path)
		if s.Headers["host"] == "" {
			fmt.Fprintf(&b, "Host: %s\r\n", base.Host)
		}
		if s.Headers["user-agent"] == "" {
			b.WriteString("User-Agent: crossover\r\n")
		}
		for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
			fmt.Fprintf(&b, "%s: %s\r\n", name, s.Headers[name])
		}
		if s.ContentType != "" {
			fmt.Fprintf(&b, "Content-Type: %s\r\n", s.ContentType)
		}
		if s.Body != nil || s.Method == "POST" || s.Method == "PUT" || s.Method == "PATCH" {
			fmt.Fprintf(&b, "Content-Length: %d\r\n", len(s.Body))
		}
		b.WriteString("\r\n")
		b.Write(s.Body)
		requests[i] = request{step: s, wire: b.Bytes(), head: s.Method == "HEAD"}
	}
	return requests
}

// wrong says what of an answer is not as the step expects, or "" if all is. It allocates only if something is.
func (r *request) wrong(resp *fasthttp.Response) (kind string, detail func() string) {
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
	if e.Body != nil && !r.head && string(resp.Body()) != *e.Body {
		return kindMismatch, func() string {
			return fmt.Sprintf("expected body %s, got %s", quote([]byte(*e.Body)), quote(resp.Body()))
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
