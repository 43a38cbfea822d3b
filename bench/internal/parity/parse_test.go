package parity_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crossover-bench/crossover/bench/internal/parity"
)

func TestParse(t *testing.T) {
	c, err := parity.Parse("mine.yaml", []byte(`
name: mine
normalise:
  - {field: header.Location, pattern: "{{host}}/[0-9]+", as: "{id}", why: ids}
requests:
  - name: create
    method: POST
    target: "/a%2Fb?c=%"
    headers: ["X-A: 1", "x-a:2"]
    body: "ü"
    chunk_bytes: 1_000
    expect_continue: true
    status: 201
    capture: [{name: id, header: location, pattern: "/([0-9]+)$"}]
  - {name: fetch, target: "/{{id}}", proto: HTTP/1.0, body_base64: AAE=}
  - {name: long, target: /, body_size: 3}
  - {name: empty, target: /, body: ""}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []parity.Request{
		{
			Name: "create", Method: "POST", Target: "/a%2Fb?c=%", Proto: "HTTP/1.1", Headers: []string{"X-A: 1", "x-a:2"}, Body: []byte("ü"),
			ChunkBytes: 1000, Continue: true, Status: 201,
		},
		{Name: "fetch", Method: "GET", Target: "/{{id}}", Proto: "HTTP/1.0", Body: []byte{0, 1}},
		{Name: "long", Method: "GET", Target: "/", Proto: "HTTP/1.1", Body: []byte("xxx")},
		{Name: "empty", Method: "GET", Target: "/", Proto: "HTTP/1.1", Body: []byte{}},
	}
	if d := cmp.Diff(want, c.Requests, cmpopts.IgnoreFields(parity.Request{}, "Captures")); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	if got := c.Requests[0].Captures; len(got) != 1 || got[0].Name != "id" || got[0].Header != "Location" {
		t.Errorf("captures = %+v", got)
	}
	if c.Name != "mine" || len(c.Normalise) != 1 || c.Normalise[0].Request != "*" {
		t.Errorf("corpus = %q, normalisers %+v", c.Name, c.Normalise)
	}
}

func TestParseGzip(t *testing.T) {
	c, err := parity.Parse("c.yaml", []byte(`{name: c, requests: [{name: a, target: /, body: hello, gzip: true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(c.Requests[0].Body))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "hello" {
		t.Errorf("body = %q, %v", got, err)
	}
}

func TestParseFaults(t *testing.T) {
	request := func(s string) string { return "name: c\nrequests:\n  - {name: ok, target: /}\n  - " + s }
	for name, tt := range map[string]struct{ text, want string }{
		"empty":             {"", "c.yaml:1: the file is empty"},
		"no mapping":        {"- a", "c.yaml:1: corpus: expected a mapping with"},
		"bad yaml":          {"name: c\nrequests: [", "c.yaml:2: not valid YAML"},
		"not utf-8":         {"name: \xff", "c.yaml:1: not UTF-8"},
		"two documents":     {"name: c\n---\nname: d", "c.yaml:2: a second YAML document"},
		"no requests":       {"name: c", "c.yaml:1: requests: missing"},
		"unknown key":       {request("{name: a, target: /, path: /}"), `c.yaml:4: request: unknown key "path"`},
		"key twice":         {request("{name: a, name: b, target: /}"), `"name" is given twice`},
		"name twice":        {request("{name: ok, target: /}"), `c.yaml:4: name: two requests are called "ok"`},
		"no name":           {request("{target: /}"), "c.yaml:4: name: expected"},
		"no target":         {request("{name: a}"), "c.yaml:4: target: expected a path"},
		"target with space": {request(`{name: a, target: "/a b"}`), "c.yaml:4: target:"},
		"target with line":  {request(`{name: a, target: "/a\r\nX: y"}`), "c.yaml:4: target:"},
		"method":            {request(`{name: a, target: /, method: "G T"}`), "c.yaml:4: method:"},
		"connect":           {request(`{name: a, target: /, method: CONNECT}`), "c.yaml:4: method:"},
		"proto":             {request(`{name: a, target: /, proto: HTTP/2}`), "c.yaml:4: proto:"},
		"header":            {request(`{name: a, target: /, headers: [X]}`), "c.yaml:4: headers:"},
		"header line":       {request(`{name: a, target: /, headers: ["X: a\r\nY: b"]}`), "c.yaml:4: headers:"},
		"headers no list":   {request(`{name: a, target: /, headers: X}`), "c.yaml:4: headers: expected a list"},
		"two bodies":        {request(`{name: a, target: /, body: x, body_size: 1}`), "expected one of body"},
		"base64":            {request(`{name: a, target: /, body_base64: "?"}`), "c.yaml:4: body_base64:"},
		"size":              {request(`{name: a, target: /, body_size: -1}`), "c.yaml:4: body_size: expected a whole number"},
		"too large":         {request(`{name: a, target: /, body_size: 99999999999}`), "c.yaml:4: body_size:"},
		"all too large":     {"name: c\nrequests:\n" + strings.Repeat("  - {name: a, target: /, body_size: 16_000_000, gzip: true}\n", 5), "c.yaml:7: body_size: the bodies"},
		"chunks of nothing": {request(`{name: a, target: /, chunk_bytes: 3}`), "need a body"},
		"status":            {request(`{name: a, target: /, status: 99}`), "c.yaml:4: status:"},
		"flag":              {request(`{name: a, target: /, gzip: maybe}`), "c.yaml:4: gzip: expected true or false"},
		"variable":          {request(`{name: a, target: "/{{id}}"}`), "no earlier request captures {{id}}"},
		"capture":           {request(`{name: a, target: /, capture: [{name: A, header: X, pattern: "(.)"}]}`), "c.yaml:4: capture:"},
		"capture pattern":   {request(`{name: a, target: /, capture: [{name: a, header: X, pattern: "("}]}`), "c.yaml:4: pattern:"},
		"capture no group":  {request(`{name: a, target: /, capture: [{name: a, header: X, pattern: "x"}]}`), "expected a group"},
		"null":              {request(`{name: a, target: ~}`), "c.yaml:4: target: expected a plain text"},
		"tag":               {request(`{name: a, target: !!binary Lw==}`), "c.yaml:4: target: expected a plain text"},
		"alias":             {request("{name: &x a, target: *x}"), "anchors, aliases"},
		"normaliser":        {"name: c\nnormalise: [{field: body}]\nrequests: [{name: a, target: /}]", "c.yaml:2: normalise: expected field, pattern and why"},
		"pattern":           {"name: c\nnormalise: [{field: body, pattern: '(', why: w}]\nrequests: [{name: a, target: /}]", "c.yaml:2: pattern:"},
		"many faults":       {"name: c\nrequests:\n" + strings.Repeat("  - {}\n", 100), "more"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parity.Parse("c.yaml", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v\nwant %q in it", err, tt.want)
			}
		})
	}
}

func TestParseDoorsFaults(t *testing.T) {
	const doors = "doors: [{name: alb, about: a}]\n"
	for name, tt := range map[string]struct{ text, want string }{
		"door":    {doors + "rows: [{doors: [nlb], requests: [a], fields: [b], left: c, right: d, why: e, source: f}]", `there is no front door "nlb", only alb`},
		"missing": {doors + "rows: [{doors: [alb], requests: [a], fields: [b], left: c, right: d, why: e}]", "t.yaml:2: row: expected doors"},
		"change":  {doors + "rows: [{doors: [alb], requests: [a], fields: [b], change: c, why: e, source: f}]", `"c" is not known`},
		"both":    {doors + "rows: [{doors: [alb], requests: [a], fields: [b], change: joined, left: c, why: e, source: f}]", "given beside it"},
		"neither": {doors + "rows: [{doors: [alb], requests: [a], fields: [b], left: c, why: e, source: f}]", "expected change, or left and right"},
		"pattern": {doors + "rows: [{doors: [alb], requests: [a], fields: [b], left: '(', right: d, why: e, source: f}]", "no regular expression"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parity.ParseDoors("t.yaml", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v\nwant %q in it", err, tt.want)
			}
		})
	}
}

func TestBuiltinUnknown(t *testing.T) {
	if _, err := parity.Builtin("../parse"); err == nil {
		t.Error("no error for a corpus that does not exist")
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		glob, name string
		want       bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"*", "", true},
		{"*", "anything", true},
		{"a*", "a", true},
		{"a*", "ba", false},
		{"*b", "ab", true},
		{"*b", "abc", false},
		{"a*c", "abc", true},
		{"a*a", "a", false},
		{"a*b*c", "a1b2c", true},
		{"a*b*c", "a1c2b", false},
		{"a**c", "ac", true},
	} {
		if got := parity.Matches(tt.glob, tt.name); got != tt.want {
			t.Errorf("Matches(%q, %q) = %v", tt.glob, tt.name, got)
		}
	}
}

// FuzzParse looks for files that crash the loader, and for requests in a valid corpus that could not be sent as one request.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`
name: c
normalise:
  - {request: "a*", field: header.Location, pattern: "^{{host}}:{{port}}/(.)", as: "$1", why: w}
requests:
  - {name: a, method: POST, target: "/%2F?%", headers: ["X: ü", "x:"], body: "b", chunk_bytes: 1_0, expect_continue: true, status: 200}
  - {name: b, target: /, proto: HTTP/1.0, body_base64: AAE=, capture: [{name: id, header: x, pattern: "(.)"}]}
  - {name: c, target: "/{{id}}", headers: ["X: {{id}}"], body_size: 100}
`))
	f.Add([]byte(`{name: c, requests: [{name: a, target: /, headers: ["X: y"], body: hello, gzip: true, capture: [{name: a, header: X, pattern: "(.)"}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parity.Parse("c.yaml", data)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "c.yaml:") {
					t.Errorf("fault without file and line: %q", line)
				}
			}
			return
		}
		for _, q := range c.Requests {
			line := q.Method + q.Target + strings.Join(q.Headers, "")
			if strings.ContainsAny(line, "\r\n\x00") || strings.ContainsAny(q.Method+q.Target, " \t") || !strings.HasPrefix(q.Target, "/") {
				t.Errorf("request %q could become two", line)
			}
		}
	})
}
