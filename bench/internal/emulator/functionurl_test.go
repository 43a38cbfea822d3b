package emulator_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

func TestBodiesBothWays(t *testing.T) {
	s := start(t, nil)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	tests := map[string]struct{ kind, body string }{
		"text":           {"text/plain", "grüezi, 世界"},
		"empty":          {"text/plain", ""},
		"json":           {"application/json", `{"a":"\u0000<>&"}`},
		"form":           {"application/x-www-form-urlencoded", "a=1&b=2"},
		"binary":         {"application/octet-stream", string(all)},
		"text not UTF-8": {"text/plain", "\xff\xfe"},
		"control":        {"text/plain", "\x00\x01\x1f\x7f\"\\\u2028"},
		"great":          {"text/plain", strings.Repeat("0123456789", 400_000)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := send(t, s, http.MethodPost, "/body", tt.body, http.Header{"Content-Type": {tt.kind}})
			r.expect(t, http.StatusOK, tt.body)
			if got := r.header.Get("Content-Type"); got != tt.kind {
				t.Errorf("content type %q, want %q", got, tt.kind)
			}
		})
	}
	r := get(t, s, "/binary")
	r.expect(t, http.StatusOK, string(all))
	if got := r.header.Get("Content-Type"); got != "image/png" {
		t.Errorf("content type %q", got)
	}
}

func TestPayloadLimits(t *testing.T) {
	s := start(t, nil)
	tests := map[string]struct {
		size   int
		kind   string
		status int
	}{
		"answer over 6 MB": {6_000_000, "text/plain", http.StatusBadGateway},
		"text over 6 MB":   {emulator.MaxPayload, "text/plain", http.StatusRequestEntityTooLarge},
		"far over":         {20_000_000, "text/plain", http.StatusRequestEntityTooLarge},
		"binary as base64": {5_000_000, "image/png", http.StatusRequestEntityTooLarge},
		"binary under it":  {4_000_000, "image/png", http.StatusOK},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			body := strings.Repeat("\"", tt.size/2) + strings.Repeat("x", tt.size-tt.size/2)
			if tt.status == http.StatusBadGateway {
				body = strings.Repeat("\u2028", tt.size/3) // three bytes each here, six in the function's answer
			}
			r := send(t, s, http.MethodPost, "/body", body, http.Header{"Content-Type": {tt.kind}})
			if r.status != tt.status {
				t.Errorf("status %d, want %d", r.status, tt.status)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	s := start(t, nil)
	tests := map[string]struct {
		method, target string
		status         int
		body           string
		header         http.Header // those that must be there
		absent         []string
	}{
		"status and header": {"GET", "/status?n=418", 418, "some text", http.Header{"X-Thing": {"one"}, "Content-Length": {"9"}, "Content-Type": {"application/json"}}, nil},
		"HEAD":              {"HEAD", "/status?n=200", 200, "", http.Header{"Content-Length": {"9"}, "X-Thing": {"one"}}, nil},
		"no content":        {"GET", "/status?n=204", 204, "", http.Header{"X-Thing": {"one"}}, []string{"Content-Length"}},
		"not modified":      {"GET", "/status?n=304", 304, "", nil, []string{"Content-Length"}},
		"cookies":           {"GET", "/cookies", 200, "", http.Header{"Set-Cookie": {"a=1; Path=/", "b=2"}}, nil},
		"bare string":       {"GET", "/bare?text=hello+you", 200, "hello you", http.Header{"Content-Type": {"application/json"}}, nil},
		"method":            {"PROPFIND", "/status?n=207", 207, "some text", nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := send(t, s, tt.method, tt.target, "", nil)
			r.expect(t, tt.status, tt.body)
			for name, want := range tt.header {
				if diff := cmp.Diff(want, r.header[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			for _, name := range tt.absent {
				if got, ok := r.header[name]; ok {
					t.Errorf("%s: %q", name, got)
				}
			}
			if len(r.header.Get("x-amzn-RequestId")) != 36 {
				t.Errorf("request id %q", r.header.Get("x-amzn-RequestId"))
			}
		})
	}
}

// The event as a function gets it, for a request that is sent byte by byte as written here. The expected event is built
// from the description of payload format 2.0 for Function URLs, not from what the program says.
func TestEventReachesTheFunction(t *testing.T) {
	s := start(t, rawBootstrap)
	addr := strings.TrimPrefix(s.URL(emulator.DoorFunctionURL), "http://")
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the test is over
	body := "16\r\n{\"text\":\"gr\xc3\xbc\xc3\x9f dich\"}\r\n0\r\n\r\n"
	_, err = fmt.Fprint(conn, "POST /event?q=a%20b&q=c+d&x=%26&flag&=v&%zz=1 HTTP/1.1\r\nHost: abc123.example.org:8080\r\nUser-Agent: probe/1\r\n"+
		"Cookie: a=1; b=2\r\nCookie: c=3\r\nX-Two: one\r\nX-Two: two\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"+
		"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"+body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	rc, _ := got["requestContext"].(map[string]any)
	headers, _ := got["headers"].(map[string]any)
	trace, _ := headers["x-amzn-trace-id"].(string)
	if !strings.HasPrefix(trace, "Root=1-") || trace != resp.Header.Get("x-amzn-trace-id") {
		t.Errorf("trace id %q, in the answer %q", trace, resp.Header.Get("x-amzn-trace-id"))
	}
	if rc["requestId"] != resp.Header.Get("x-amzn-RequestId") {
		t.Errorf("request id %q, in the answer %q", rc["requestId"], resp.Header.Get("x-amzn-RequestId"))
	}
	want := map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": "/event", "rawQueryString": "q=a%20b&q=c+d&x=%26&flag&=v&%zz=1",
		"cookies": []any{"a=1", "b=2", "c=3"},
		"headers": map[string]any{
			"host": "abc123.example.org:8080", "user-agent": "probe/1", "cookie": "a=1; b=2; c=3", "x-two": "one,two", "content-type": "application/json",
			"content-length": "22", "x-forwarded-for": "192.0.2.7, 127.0.0.1", "x-forwarded-port": addr[strings.LastIndex(addr, ":")+1:],
			"x-forwarded-proto": "http", "x-amzn-trace-id": trace,
		},
		"queryStringParameters": map[string]any{"q": "a b,c d", "x": "&", "flag": "", "": "v", "%zz": "1"},
		"requestContext": map[string]any{
			"accountId": "anonymous", "apiId": "abc123", "domainName": "abc123.example.org:8080", "domainPrefix": "abc123",
			"http":      map[string]any{"method": "POST", "path": "/event", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "probe/1"},
			"requestId": rc["requestId"], "routeKey": "$default", "stage": "$default", "time": rc["time"], "timeEpoch": rc["timeEpoch"],
		},
		"body": `{"text":"grüß dich"}`, "isBase64Encoded": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}
