package emulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// decodedEvent is what the fuzz test reads back of an event.
type decodedEvent struct {
	RawPath        string            `json:"rawPath"`
	RawQueryString string            `json:"rawQueryString"`
	Cookies        []string          `json:"cookies"`
	Headers        map[string]string `json:"headers"`
	Query          map[string]string `json:"queryStringParameters"`
	Body           string            `json:"body"`
	Base64         bool              `json:"isBase64Encoded"`
}

func TestTargets(t *testing.T) {
	tests := map[string]struct{ path, query string }{
		"/":                       {"/", ""},
		"/a%2Fb?":                 {"/a%2Fb", ""},
		"/a%2Fb%20c?x=%2F":        {"/a%2Fb%20c", "x=%2F"},
		"//double//?a?b":          {"//double//", "a?b"},
		"http://host/p%41?q":      {"/p%41", "q"},
		"http://host":             {"/", ""},
		"http://host?q=1":         {"/", "q=1"},
		"/path?u=http://other/x?": {"/path", "u=http://other/x?"},
		"*":                       {"*", ""},
	}
	for target, want := range tests {
		if path, query := splitTarget(target); path != want.path || query != want.query {
			t.Errorf("%q is split into %q and %q, want %q and %q", target, path, query, want.path, want.query)
		}
	}
}

// FuzzEvent checks each event against encoding/json and net/url.
func FuzzEvent(f *testing.F) {
	f.Add("/a%2Fb", "q=1&q=2&x=%20+", "value", "a=1; b", "text/plain", []byte("hello"))
	f.Add("/", "", "\x80\xff\"\\\t\x01", "", "application/json", []byte("{\"a\":\"\u2028\"}"))
	f.Add("/ü", "a;b&%zz&=&&", "\ufffd", ";;", "image/png", []byte{0, 255, 13, 10})
	f.Fuzz(func(t *testing.T, path, query, value, cookie, kind string, body []byte) {
		path = "/" + strings.ReplaceAll(path, "?", "")
		r := &http.Request{
			Method: "POST", RequestURI: path + "?" + query, Host: value, Proto: "HTTP/1.1",
			Header: http.Header{"X-One": {value}, "X-Two": {value, query}, "Cookie": {cookie}, "Content-Type": {kind}},
		}
		raw := functionURL{}.event(nil, r, body, &requestMeta{requestID: "id", traceID: value, sourceIP: "127.0.0.1", port: "80", now: time.Unix(0, 0)})
		var e decodedEvent
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatalf("%v in %q", err, raw)
		}
		for name, want := range map[string]string{"x-one": value, "x-two": value + "," + query, "cookie": cookie, "content-type": kind, "host": value} {
			if want = throughJSON(t, want); e.Headers[name] != want {
				t.Errorf("%s is %q, want %q", name, e.Headers[name], want)
			}
		}
		if e.RawPath != throughJSON(t, path) || e.RawQueryString != throughJSON(t, query) {
			t.Errorf("path %q, query %q", e.RawPath, e.RawQueryString)
		}
		got := []byte(e.Body)
		if e.Base64 {
			var err error
			if got, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
				t.Error(err)
			}
		}
		if string(got) != string(body) {
			t.Errorf("body is %q, want %q", got, body)
		}
		checkQuery(t, query, e.Query)
		for _, c := range e.Cookies {
			if c == "" || strings.Contains(c, ";") {
				t.Errorf("cookie %q", c)
			}
		}
	})
}

// checkQuery compares with what net/url makes of a query, where it accepts it.
func checkQuery(t *testing.T, query string, got map[string]string) {
	t.Helper()
	want, err := url.ParseQuery(query)
	if err != nil || !utf8.ValidString(query) {
		return
	}
	joined := map[string]string{}
	for name, values := range want {
		all := strings.Join(values, ",")
		if !utf8.ValidString(name) || !utf8.ValidString(all) {
			return
		}
		joined[name] = all
	}
	if got == nil {
		got = map[string]string{}
	}
	if diff := cmp.Diff(joined, got); diff != "" {
		t.Errorf("parameters of %q (-want +got):\n%s", query, diff)
	}
}

// throughJSON is what encoding/json makes of a string.
func throughJSON(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDecodeAnswer(t *testing.T) {
	json200 := http.Header{"Content-Type": {"application/json"}}
	tests := map[string]struct {
		raw  string
		want httpAnswer
		bad  bool
	}{
		"whole": {raw: `{"statusCode":201,"headers":{"x-a":"1","X-B":2,"x-c":true,"x-d":null},"cookies":["c=1"],"body":"b"}`, want: httpAnswer{
			status: 201, header: http.Header{"X-A": {"1"}, "X-B": {"2"}, "X-C": {"true"}, "X-D": {""}, "Set-Cookie": {"c=1"}, "Content-Type": {"application/json"}}, body: []byte("b"),
		}},
		"status in a string":     {raw: `{"statusCode":"418"}`, want: httpAnswer{status: 418, header: json200}},
		"base64":                 {raw: `{"statusCode":200,"body":"AP8=","isBase64Encoded":true}`, want: httpAnswer{status: 200, header: json200, body: []byte{0, 255}}},
		"object without status":  {raw: ` {"a": [1]} `, want: httpAnswer{status: 200, header: json200, body: []byte(`{"a": [1]}`)}},
		"another body field":     {raw: `{"body":{"a":1}}`, want: httpAnswer{status: 200, header: json200, body: []byte(`{"body":{"a":1}}`)}},
		"bare string":            {raw: `"h\"i"`, want: httpAnswer{status: 200, header: json200, body: []byte(`h"i`)}},
		"list":                   {raw: `[1,2]`, want: httpAnswer{status: 200, header: json200, body: []byte(`[1,2]`)}},
		"null":                   {raw: `null`, want: httpAnswer{status: 200, header: json200, body: []byte(`null`)}},
		"empty":                  {raw: ``, bad: true},
		"not JSON":               {raw: `<html>`, bad: true},
		"cut off":                {raw: `{"statusCode":200`, bad: true},
		"status too small":       {raw: `{"statusCode":101}`, bad: true},
		"status too great":       {raw: `{"statusCode":600}`, bad: true},
		"status with fraction":   {raw: `{"statusCode":200.5}`, bad: true},
		"status null":            {raw: `{"statusCode":null,"body":"x"}`, bad: true},
		"body is no string":      {raw: `{"statusCode":200,"body":{}}`, bad: true},
		"header is a list":       {raw: `{"statusCode":200,"headers":{"a":["b"]}}`, bad: true},
		"base64 that is not one": {raw: `{"statusCode":200,"body":"%","isBase64Encoded":true}`, bad: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := decodeAnswer([]byte(tt.raw))
			if (err != nil) != tt.bad {
				t.Fatalf("error is %v", err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(httpAnswer{})); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzAnswer checks that any answer of a function is either refused or fit to be sent, and that one which is put together
// by encoding/json comes back as it was.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":"b"},"cookies":["c"],"body":"d"}`), 200, "body")
	f.Add([]byte(`"text"`), 599, "\u2028\x00")
	f.Add([]byte(`{"statusCode":"204","isBase64Encoded":true,"body":"AAAA"}`), 0, "")
	f.Fuzz(func(t *testing.T, raw []byte, status int, text string) {
		if a, err := decodeAnswer(raw); err == nil && (a.status < 200 || a.status > 599) {
			t.Errorf("status %d of %q", a.status, raw)
		} else if err == nil && !json.Valid(raw) {
			t.Errorf("%q is no JSON and was taken", raw)
		}
		whole, err := json.Marshal(map[string]any{"statusCode": status, "headers": map[string]string{"x-a": text}, "cookies": []string{text}, "body": text})
		if err != nil {
			t.Fatal(err)
		}
		a, err := decodeAnswer(whole)
		if good := status >= 200 && status <= 599; (err == nil) != good {
			t.Fatalf("status %d: error is %v", status, err)
		} else if !good {
			return
		}
		text = throughJSON(t, text)
		want := httpAnswer{status: status, header: http.Header{"X-A": {text}, "Set-Cookie": {text}, "Content-Type": {"application/json"}}, body: []byte(text)}
		if diff := cmp.Diff(want, a, cmp.AllowUnexported(httpAnswer{})); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
}
