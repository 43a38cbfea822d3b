package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// maxPlainBody is the largest body in bytes of a plain request. With larger ones the way that they are read does not count.
const maxPlainBody = 64 << 10

// ReadPlain reads a plain request from r, or nothing at all. A plain one is of HTTP/1.1, its head lies in r's buffer already,
// its path is absolute, its body has a length, up to 64 KiB, and it asks for nothing that concerns the connection but to close
// it. It is what [http.ReadRequest] makes of the same bytes, in 0.77 to 0.80 of the time (BenchmarkReadPlain).
func ReadPlain(r *bufio.Reader) (*http.Request, bool) {
	buffered, _ := r.Peek(r.Buffered()) // there are as many
	end := bytes.Index(buffered, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, false
	}
	req := parsePlain(string(buffered[:end+2]))
	if req == nil {
		return nil, false
	}
	_, _ = r.Discard(end + 4) // there are as many
	if req.ContentLength > 0 {
		req.Body = &body{r: r, left: req.ContentLength}
	}
	return req, true
}

// parsePlain makes a request of its head, whose lines all end in CR LF. It returns nil if the request is not plain.
func parsePlain(head string) *http.Request {
	line, head, _ := strings.Cut(head, "\r\n")
	method, line, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(line, " ")
	if version != "HTTP/1.1" || !isMethod(method) || !isTarget(target) {
		return nil
	}
	at := &url.URL{Path: target}
	if !isPath(target) {
		var err error
		if at, err = url.ParseRequestURI(target); err != nil {
			return nil
		}
	}
	req := &http.Request{
		Method: method, URL: at, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RequestURI: target,
		Body: http.NoBody,
	}
	n := strings.Count(head, "\n")
	req.Header = make(http.Header, n)
	values := make([]string, n) // one piece of memory for all that occur once
	for head != "" {
		line, head, _ = strings.Cut(head, "\r\n")
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !found || !isToken(name) || !isValue(value) {
			return nil
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if !take(req, name, value) {
			return nil
		}
		switch all := req.Header[name]; {
		case name == "Host": // net/http has it in Request.Host alone
		case all != nil:
			req.Header[name] = append(all, value)
		default:
			values[0] = value
			req.Header[name], values = values[:1:1], values[1:]
		}
	}
	if req.Host == "" {
		return nil
	}
	return req
}

// take notes what a header says of the request itself. It tells whether the request may still be plain.
func take(req *http.Request, name, value string) bool {
	switch name {
	case "Host":
		if req.Host != "" || !isHost(value) {
			return false
		}
		req.Host = value
	case "Content-Length":
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil || n > maxPlainBody || req.Header[name] != nil {
			return false
		}
		req.ContentLength = int64(n)
	case "Connection":
		if value != "keep-alive" && value != "close" || req.Header[name] != nil {
			return false
		}
		req.Close = value == "close"
	case "Transfer-Encoding", "Trailer", "Expect", "Upgrade", "Pragma":
		return false // net/http takes them out, or adds something
	}
	return true
}

func isMethod(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return s != "" && s != http.MethodConnect
}

func isTarget(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && s[0] == '/'
}

// isPath tells whether s is a path and nothing else, with nothing in it that would have to be decoded.
func isPath(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '/' && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

func isValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func isHost(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-._:[]", c) < 0 {
			return false
		}
	}
	return s != ""
}

// body is the body of a plain request.
type body struct {
	r    *bufio.Reader
	left int64
}

// Read reads on. A body that breaks off ends in [io.ErrUnexpectedEOF], as net/http's does.
func (b *body) Read(p []byte) (n int, err error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err = b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	case err == nil && b.left == 0:
		err = io.EOF
	}
	return n, err
}

// Close leaves what has not been read to the server.
func (b *body) Close() error { return nil }
