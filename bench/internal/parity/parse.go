package parity

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits of a corpus.
const (
	MaxFileBytes   = 4 << 20
	MaxRequests    = 5000
	MaxBodyBytes   = 16 << 20
	maxTargetBytes = 256 << 10
	maxHeaders     = 1000
)

// Parse reads a corpus. file is its name in errors; all faults are reported at once, each as "file:line: key: what was
// expected". The keys are explained in the package comment.
func Parse(file string, data []byte) (*Corpus, error) {
	r := &reader{file: file}
	doc := r.document(data)
	if doc == nil {
		return nil, r.err()
	}
	c := &Corpus{}
	f := r.fields(doc, "corpus", "name", "normalise", "requests")
	if c.Name = r.text(f["name"], "name", ""); !nameForm.MatchString(c.Name) {
		r.fault(doc, "name", "expected up to 80 letters, digits, dots, underscores and dashes, got %s", quote(c.Name))
	}
	for _, n := range r.list(f["normalise"], "normalise", 1000) {
		c.Normalise = append(c.Normalise, r.normaliser(n))
	}
	seen := map[string]bool{}
	known := map[string]bool{"host": true, "port": true}
	for _, n := range r.list(f["requests"], "requests", MaxRequests) {
		q := r.request(n, known)
		if seen[q.Name] {
			r.fault(n, "name", "two requests are called %s", quote(q.Name))
		}
		seen[q.Name] = true
		c.Requests = append(c.Requests, q)
	}
	if len(c.Requests) == 0 {
		r.fault(doc, "requests", "missing: expected a list with at least one request")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

var (
	nameForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`)
	tokenForm   = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$")
	captureForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)
)

func (r *reader) normaliser(n *yaml.Node) Normaliser {
	f := r.fields(n, "normalise", "request", "field", "pattern", "as", "why")
	v := Normaliser{
		Request: r.text(f["request"], "request", "*"), Field: r.text(f["field"], "field", ""),
		Pattern: r.text(f["pattern"], "pattern", ""), As: r.text(f["as"], "as", ""), Why: r.text(f["why"], "why", ""),
	}
	if f != nil && (v.Field == "" || v.Pattern == "" || v.Why == "") {
		r.fault(n, "normalise", "expected field, pattern and why")
	}
	if err := v.compile(); err != nil {
		r.fault(n, "pattern", "%v", err)
	}
	return v
}

func (r *reader) request(n *yaml.Node, known map[string]bool) Request {
	f := r.fields(n, "request", "name", "method", "target", "proto", "headers", "body", "body_base64", "body_size", "gzip", "chunk_bytes",
		"expect_continue", "status", "capture")
	q := Request{
		Name: r.text(f["name"], "name", ""), Method: r.text(f["method"], "method", http.MethodGet),
		Target: r.text(f["target"], "target", ""), Proto: r.text(f["proto"], "proto", "HTTP/1.1"),
		ChunkBytes: r.number(f["chunk_bytes"], "chunk_bytes", 1, MaxBodyBytes), Continue: r.flag(f["expect_continue"], "expect_continue"),
		Status: r.number(f["status"], "status", 200, 599),
	}
	if f == nil {
		return q
	}
	if !nameForm.MatchString(q.Name) {
		r.fault(n, "name", "expected up to 80 letters, digits, dots, underscores and dashes, got %s", quote(q.Name))
	}
	if !tokenForm.MatchString(q.Method) || q.Method == http.MethodConnect {
		r.fault(n, "method", "expected an HTTP method such as GET, got %s", quote(q.Method))
	}
	if q.Proto != "HTTP/1.1" && q.Proto != "HTTP/1.0" {
		r.fault(n, "proto", "expected HTTP/1.1 or HTTP/1.0, got %s", quote(q.Proto))
	}
	if !strings.HasPrefix(q.Target, "/") || len(q.Target) > maxTargetBytes || strings.ContainsFunc(q.Target, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		r.fault(n, "target", "expected a path with its query, as it is to be sent, got %s", quote(q.Target))
	}
	for _, h := range r.list(f["headers"], "headers", maxHeaders) {
		q.Headers = append(q.Headers, r.header(h))
	}
	q.Body = r.body(n, f)
	if q.ChunkBytes > 0 && q.Body == nil || q.Continue && len(q.Body) == 0 {
		r.fault(n, "request", "chunk_bytes and expect_continue need a body")
	}
	r.variables(n, &q, known)
	q.Captures = r.captures(f["capture"], known)
	return q
}

// header reads one line of a head.
func (r *reader) header(n *yaml.Node) string {
	line := r.text(n, "headers", "X: ")
	name, _, ok := strings.Cut(line, ":")
	if !ok || !tokenForm.MatchString(name) || strings.ContainsFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		r.fault(n, "headers", `expected a text such as "Accept: text/plain", got %s`, quote(line))
	}
	return line
}

// body reads the body in one of its three forms.
func (r *reader) body(n *yaml.Node, f map[string]*yaml.Node) []byte {
	var body []byte
	forms := 0
	if v := f["body"]; v != nil {
		forms++
		body = append([]byte{}, r.text(v, "body", "")...)
	}
	if v := f["body_base64"]; v != nil {
		forms++
		var err error
		if body, err = base64.StdEncoding.AppendDecode([]byte{}, []byte(r.text(v, "body_base64", ""))); err != nil {
			r.fault(v, "body_base64", "%v", err)
		}
	}
	if v := f["body_size"]; v != nil {
		forms++
		size := r.number(v, "body_size", 0, MaxBodyBytes)
		if r.bodies += size; r.bodies > 4*MaxBodyBytes {
			r.fault(v, "body_size", "the bodies of this file have more than %d bytes together", 4*MaxBodyBytes)
			size = 0
		}
		body = bytes.Repeat([]byte{'x'}, size)
	}
	if forms > 1 {
		r.fault(n, "request", "expected one of body, body_base64 and body_size")
	}
	if r.flag(f["gzip"], "gzip") {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(body) // a buffer takes everything
		_ = w.Close()
		return b.Bytes()
	}
	return body
}

// variables checks that a request uses only variables that have a value by then.
func (r *reader) variables(n *yaml.Node, q *Request, known map[string]bool) {
	pieces := append([]string{q.Target}, q.Headers...)
	if len(q.Body) <= maxTargetBytes {
		pieces = append(pieces, string(q.Body))
	}
	for _, piece := range pieces {
		for _, m := range variable.FindAllStringSubmatch(piece, -1) {
			if !known[m[1]] {
				r.fault(n, "request", "no earlier request captures {{%s}}", m[1])
			}
		}
	}
}

func (r *reader) captures(n *yaml.Node, known map[string]bool) []Capture {
	var captures []Capture
	for _, n := range r.list(n, "capture", 20) {
		f := r.fields(n, "capture", "name", "header", "pattern")
		c := Capture{Name: r.text(f["name"], "name", ""), Header: http.CanonicalHeaderKey(r.text(f["header"], "header", ""))}
		pattern, err := regexp.Compile(r.text(f["pattern"], "pattern", ""))
		switch {
		case err != nil:
			r.fault(n, "pattern", "%v", err)
		case pattern.NumSubexp() < 1:
			r.fault(n, "pattern", "expected a group, as in ^/texts/(.*)$")
		case !captureForm.MatchString(c.Name) || !tokenForm.MatchString(c.Header):
			r.fault(n, "capture", "expected a name of small letters, digits and _, and the name of a header")
		default:
			c.Pattern = pattern
			known[c.Name] = true
			captures = append(captures, c)
		}
	}
	return captures
}
