package httpevent_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"
)

func TestOtherEventsAreErrors(t *testing.T) {
	h := httpevent.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }))
	const v2 = `{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"POST"}},`
	for name, tt := range map[string]struct{ event, want string }{
		"empty":               {"", "malformed event at byte 0: unexpected end of JSON"},
		"blank":               {" \n", "unexpected end of JSON"},
		"null":                {"null", "no JSON object"},
		"array":               {"[1,2]", "no JSON object"},
		"string":              {`"x"`, "no JSON object"},
		"no JSON":             {"hello", `malformed event at byte 0: unexpected byte 'h'`},
		"empty object":        {"{}", "it has no requestContext: want an event of a Function URL"},
		"queue":               {`{"Records":[{"eventSource":"aws:sqs"}]}`, "it has no requestContext"},
		"WebSocket":           {`{"httpMethod":"GET","requestContext":{"connectionId":"x","eventType":"CONNECT"}}`, "WebSocket API"},
		"no version":          {`{"requestContext":{"http":{"method":"GET"}}}`, "version is not 2.0"},
		"version 3":           {`{"version":"3.0","requestContext":{"http":{"method":"GET"}}}`, "version is not 2.0"},
		"neither":             {`{"requestContext":{}}`, "neither http nor elb"},
		"context is null":     {`{"requestContext":null}`, "neither http nor elb"},
		"no method":           {`{"version":"2.0","requestContext":{"http":{}}}`, "no HTTP method"},
		"truncated":           {v2 + `"body":"abc`, "unexpected end of JSON"},
		"truncated in escape": {v2 + `"body":"abc\`, "unexpected end of JSON"},
		"truncated later":     {v2 + `"body":"abc"`, "unexpected end of JSON"},
		"bad escape":          {v2 + `"body":"a\x"}`, `unexpected byte 'x'`},
		"bad unicode escape":  {v2 + `"body":"\u12g4"}`, `unexpected byte 'g'`},
		"body is a number":    {v2 + `"body":1}`, `unexpected byte '1'`},
		"headers are a list":  {v2 + `"headers":[]}`, `unexpected byte '['`},
		"header is a number":  {v2 + `"headers":{"a":1}}`, `unexpected byte '1'`},
		"cookie is an object": {v2 + `"cookies":[{}]}`, `unexpected byte '{'`},
		"bad number":          {v2 + `"x":01}`, `unexpected byte '1'`},
		"bad literal":         {v2 + `"x":trub}`, `unexpected byte 'b'`},
		"comma at the end":    {v2 + `"x":1,}`, `unexpected byte '}'`},
		"more after it":       {v2 + `"x":1} {}`, `unexpected byte '{'`},
		"unequal brackets":    {v2 + `"x":[1}}`, `unexpected byte '}'`},
		"not UTF-8":           {v2 + "\"body\":\"\xff\"}", "not UTF-8"},
		"too deep":            {v2 + `"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", "nested too deeply"},
		"base64":              {v2 + `"body":"a*b=","isBase64Encoded":true}`, "not valid base64: illegal base64 data at input byte 1"},
		"base64 cut off":      {v2 + `"body":"YWJ","isBase64Encoded":true}`, "not valid base64"},
		"flag is a string":    {v2 + `"isBase64Encoded":"true"}`, `unexpected byte '"'`},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := h.Invoke(t.Context(), []byte(tt.event))
			var fault *httpevent.EventError
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), tt.want) || out != nil {
				t.Errorf("got %s, %v; want %q", out, err, tt.want)
			}
		})
	}
}

func TestOnlyFunctionURLsStream(t *testing.T) {
	s := httpevent.NewStreamer(http.NotFoundHandler())
	if _, err := s.Serve(t.Context(), albSingle.event(t, get("/"))); err == nil || !strings.Contains(err.Error(), "only Function URLs stream") {
		t.Error(err)
	}
	if _, err := s.Serve(t.Context(), []byte("{")); err == nil || !strings.Contains(err.Error(), "unexpected end") {
		t.Error(err)
	}
}

// Slashes in base64 may be escaped; names of members too.
func TestEscapesEverywhere(t *testing.T) {
	const event = `{"version":"\u0032.0","r\u0061wPath":"\/caf\u00e9\/\ud83d\ude00\ud83d","rawQueryString":"a=\u0062","headers":{"x-s\u0069g":"\"\\\/\t\u00e9"},
		"cookies":["a=\u0062"],"body":"\/\u002b8=","isBase64Encoded":true,"requestContext":{"http":{"method":"P\u004fST"}}}`
	got := invokeRaw(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 10)
		n, _ := r.Body.Read(b)
		report(w, r.Method, r.URL.Path, r.URL.RawQuery, r.Header["X-Sig"], r.Header["Cookie"], b[:n], r.ContentLength)
	}), event)
	want := "POST /caf\u00e9/\U0001f600\ufffd a=b [\"\\/\t\u00e9] [a=b] [255 239] 2\n"
	if got.Body != want {
		t.Errorf("got %q; want %q", got.Body, want)
	}
}
