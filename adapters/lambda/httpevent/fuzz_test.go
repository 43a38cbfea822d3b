package httpevent_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"
)

func documents(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		tb.Fatal(files, err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		if all[strings.TrimSuffix(filepath.Base(file), ".json")], err = os.ReadFile(file); err != nil { //nolint:gosec // from Glob
			tb.Fatal(err)
		}
	}
	return all
}

// sent decodes an event with encoding/json: the method, the body and what is a header field, as far as they are simple.
func sent(event []byte) (method, body string, ok bool) {
	var e map[string]json.RawMessage
	if json.Unmarshal(event, &e) != nil {
		return "", "", false
	}
	var context struct {
		ELB  json.RawMessage            `json:"elb"`
		HTTP map[string]json.RawMessage `json:"http"`
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(e["requestContext"], &members) != nil {
		return "", "", false
	}
	_ = json.Unmarshal(members["elb"], &context.ELB)
	_ = json.Unmarshal(members["http"], &context.HTTP)
	raw := e["httpMethod"]
	if context.HTTP != nil && !bytes.HasPrefix(context.ELB, []byte("{")) {
		raw = context.HTTP["method"]
	}
	var encoded bool
	if json.Unmarshal(raw, &method) != nil || e["body"] != nil && json.Unmarshal(e["body"], &body) != nil {
		return "", "", false
	}
	if e["isBase64Encoded"] != nil && json.Unmarshal(e["isBase64Encoded"], &encoded) != nil {
		return "", "", false
	}
	if encoded {
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return "", "", false
		}
		body = string(decoded)
	}
	return method, body, true
}

// Whatever the event, there is an answer or an error, and where encoding/json understands it too the handler gets what
// encoding/json finds. The answer is the body that was sent, byte by byte.
func FuzzInvoke(f *testing.F) {
	for _, event := range documents(f) {
		f.Add(event)
	}
	for _, d := range allDoors() {
		f.Add(d.event(f, request{"POST", "/a%20b?c=d&e=%26", []string{"Cookie", "a=b; c=d", "X-Y", "z"}, "\u00e9\"\n"}))
		f.Add(d.event(f, request{"PUT", "/", nil, "\xff\x00"}))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		var got string
		var method string
		called := false
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || int64(len(body)) != r.ContentLength {
				t.Errorf("%d bytes, %v; the length is %d", len(body), err, r.ContentLength)
			}
			if r.URL.Path == "" || r.RequestURI == "" || strings.ContainsAny(r.RequestURI, "\r\n") {
				t.Errorf("path %q, target %q", r.URL.Path, r.RequestURI)
			}
			for name, values := range r.Header {
				if name == "" || http.CanonicalHeaderKey(name) != name || len(values) == 0 || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
					t.Errorf("header %q: %q", name, values)
				}
			}
			called, got, method = true, string(body), r.Method
			_, _ = w.Write(body)
		})
		before := bytes.Clone(event)
		out, err := httpevent.New(h).Invoke(t.Context(), event)
		if !bytes.Equal(before, event) {
			t.Fatal("the event was changed")
		}
		if err != nil {
			if out != nil || called {
				t.Errorf("%s, %v", out, err)
			}
			return
		}
		if a := readAnswer(t, out); called && method != http.MethodHead && a.Body != got {
			t.Errorf("answer %q; want %q", a.Body, got)
		}
		if wantMethod, wantBody, ok := sent(event); ok && called && (got != wantBody || method != wantMethod) {
			t.Errorf("got %q %q; want %q %q", method, got, wantMethod, wantBody)
		}
	})
}

// A request that becomes an event and a request again is the same, and so is an answer.
func FuzzRoundTrip(f *testing.F) {
	f.Add("GET", "/a/b", "a=1&b=2", "value", []byte("text"))
	f.Add("POST", "/caf\u00e9 %?#;", "z=%26&a=+", "a, b", []byte("\xff\x00"))
	f.Add("PUT", "/x", "", "", []byte("\"\\\n\u00e9\U0001f600"))
	f.Fuzz(func(t *testing.T, method, path, query, value string, body []byte) {
		if !utf8.ValidString(path) || !utf8.ValidString(query) || !utf8.ValidString(value) {
			t.Skip()
		}
		for _, c := range method {
			if c < 'A' || c > 'Z' {
				t.Skip()
			}
		}
		clean := func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}
		path, query, value = "/"+strings.Map(clean, path), strings.Map(clean, query), strings.TrimSpace(strings.Map(clean, value))
		if method == "" {
			method = "GET"
		}
		event, err := json.Marshal(map[string]any{
			"version": "2.0", "rawPath": path, "rawQueryString": query, "headers": map[string]string{"x-value": value},
			"body": base64.StdEncoding.EncodeToString(body), "isBase64Encoded": true,
			"requestContext": map[string]any{"domainName": "example.com", "http": map[string]any{"method": method}},
		})
		if err != nil {
			t.Fatal(err)
		}
		called := false
		out, err := httpevent.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = true
			if r.Method != method || r.URL.Path != path || r.URL.RawQuery != query || r.Header["X-Value"][0] != value {
				t.Errorf("got %q %q %q %q; want %q %q %q %q", r.Method, r.URL.Path, r.URL.RawQuery, r.Header["X-Value"], method, path, query, value)
			}
			w.Header().Set("X-Value", value)
			for {
				b := make([]byte, 3)
				n, err := r.Body.Read(b)
				_, _ = w.Write(b[:n])
				if err != nil {
					return
				}
			}
		})).Invoke(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		if !called {
			t.Fatalf("refused: %s", out)
		}
		a := readAnswer(t, out)
		if method != http.MethodHead && a.Body != string(body) || a.Header["X-Value"] != strings.Trim(value, " \t") {
			t.Errorf("got %q %q; want %q %q", a.Body, a.Header["X-Value"], body, value)
		}
	})
}
