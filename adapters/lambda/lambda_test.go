package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/aws/aws-lambda-go/events"

	"github.com/crossover-bench/crossover/adapters/internal/elasticache/elasticachetest"
	"github.com/crossover-bench/crossover/app/storetest"
)

// event is what a Function URL sends for a request.
func event(method, path, body string) events.LambdaFunctionURLRequest {
	return events.LambdaFunctionURLRequest{
		Version: "2.0", RawPath: path, Body: body,
		Headers: map[string]string{"host": "x.lambda-url.us-east-1.on.aws", "content-type": "text/plain", "x-forwarded-for": "192.0.2.1"},
		RequestContext: events.LambdaFunctionURLRequestContext{
			DomainName: "x.lambda-url.us-east-1.on.aws",
			HTTP:       events.LambdaFunctionURLRequestContextHTTPDescription{Method: method, Path: path, Protocol: "HTTP/1.1", SourceIP: "192.0.2.1"},
		},
	}
}

type answer struct {
	events.LambdaFunctionURLResponse
}

// header is case-insensitive, as the front door is.
func (a answer) header(name string) string {
	for k, v := range maps.All(a.Headers) {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// session runs one bootstrap and numbers its invocations.
type session struct {
	api *runtimeAPI
	f   *function
	n   int
}

func start(t *testing.T, env ...string) *session {
	t.Helper()
	api := startRuntimeAPI(t)
	return &session{api: api, f: launch(t, bootstrapBinary, append(env, "AWS_LAMBDA_RUNTIME_API="+api.host())...)}
}

func (s *session) do(t *testing.T, event any) answer {
	t.Helper()
	s.n++
	inv := s.api.invoke(t, fmt.Sprintf("request-%d", s.n), event)
	if inv.failed {
		t.Fatalf("function error: %s", inv.result)
	}
	var a answer
	if err := json.Unmarshal(inv.result, &a.LambdaFunctionURLResponse); err != nil {
		t.Fatalf("result %s: %v", inv.result, err)
	}
	if a.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		a.Body = string(body)
	}
	return a
}

func TestAnswers(t *testing.T) {
	for _, adapter := range []string{"httpevent", "api-proxy"} {
		t.Run(adapter, func(t *testing.T) { testAnswers(t, adapter) })
	}
}

func testAnswers(t *testing.T, adapter string) {
	mini := miniredis.RunT(t)
	s := start(t, "REDIS_URL=redis://"+mini.Addr(), "LAMBDA_ADAPTER="+adapter)
	encoded := event("POST", "/", base64.StdEncoding.EncodeToString([]byte("世界")))
	encoded.IsBase64Encoded = true
	query := event("POST", "/digest", "abc")
	query.RawQueryString = "rounds=0"
	for name, tt := range map[string]struct {
		event  events.LambdaFunctionURLRequest
		status int
		body   string // a part of it
	}{
		"floor":       {event("GET", "/", ""), 200, "alive"},
		"post":        {event("POST", "/", "123"), 200, "3"},
		"post base64": {encoded, 200, "2"},
		"digest":      {event("POST", "/digest", "abc"), 200, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		"bad query":   {query, 400, `"status":400`},
		"too long":    {event("POST", "/", strings.Repeat("x", 1<<20+1)), 413, `"status":413`},
		"no route":    {event("GET", "/nope", ""), 404, `"status":404`},
		"bad method":  {event("DELETE", "/", ""), 405, `"status":405`},
		"head":        {event("HEAD", "/", ""), 200, ""},
		"options":     {event("OPTIONS", "/", ""), 204, ""},
		"ready":       {event("GET", "/readyz", ""), 200, "ready"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.do(t, tt.event)
			if got.StatusCode != tt.status || !strings.Contains(got.Body, tt.body) {
				t.Errorf("= %d %q; want %d %q", got.StatusCode, got.Body, tt.status, tt.body)
			}
			if got.header("Server-Timing") == "" {
				t.Errorf("no Server-Timing in %v", got.Headers)
			}
			if tt.event.RequestContext.HTTP.Method == http.MethodHead && got.Body != "" {
				t.Errorf("body of HEAD = %q", got.Body)
			}
		})
	}
}

func TestInitIsInTheFirstAnswerOnly(t *testing.T) {
	s := start(t, "REDIS_URL=redis://127.0.0.1:1")
	first, second := s.do(t, event("GET", "/", "")), s.do(t, event("GET", "/", ""))
	if got := first.header("Server-Timing"); !regexp.MustCompile(`^app;dur=[\d.]+, init;dur=\d+\.\d{3}$`).MatchString(got) || strings.Contains(got, "init;dur=0.000") {
		t.Errorf("first Server-Timing = %q", got)
	}
	if got := second.header("Server-Timing"); strings.Contains(got, "init") {
		t.Errorf("second Server-Timing = %q", got)
	}
}

func TestStoreConnectionsOutliveInvocations(t *testing.T) {
	mini := miniredis.RunT(t)
	s := start(t, "REDIS_URL=redis://"+mini.Addr())
	<-s.api.asked
	if n := mini.TotalConnectionCount(); n != 0 {
		t.Errorf("%d connections before the first invocation", n)
	}
	location := ""
	for range 5 {
		location = s.do(t, event("POST", "/", "世界")).header("Location")
	}
	if got := s.do(t, event("GET", location, "")); got.Body != "世界" {
		t.Errorf("the text came back as %d %q", got.StatusCode, got.Body)
	}
	if n := mini.TotalConnectionCount(); n != 1 {
		t.Errorf("%d connections for six invocations; want 1", n)
	}
}

// An environment that was frozen finds its connections closed.
func TestFirstRequestAfterAFreeze(t *testing.T) {
	server := storetest.StartRedis(t)
	s := start(t, "REDIS_URL=redis://"+server.Addr)
	for range 3 {
		if got := s.do(t, event("POST", "/", "123")); got.StatusCode != http.StatusOK {
			t.Fatalf("POST / = %d %s", got.StatusCode, got.Body)
		}
		if reply, err := server.Do("CLIENT KILL TYPE normal SKIPME yes"); err != nil || reply != ":1" {
			t.Fatalf("CLIENT KILL = %q, %v; want one connection closed", reply, err)
		}
	}
}

func TestOutageIsAnAnswerNotAFunctionError(t *testing.T) {
	s := start(t, "REDIS_URL=redis://127.0.0.1:1")
	got := s.do(t, event("POST", "/", "123"))
	if got.StatusCode != http.StatusServiceUnavailable || got.header("Retry-After") == "" {
		t.Errorf("= %d %v", got.StatusCode, got.Headers)
	}
	s.f.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // the exit shows it
	_, log := s.f.exit(t)
	i := slices.IndexFunc(log, func(line string) bool { return strings.Contains(line, "store unavailable") })
	if i < 0 {
		t.Fatalf("the outage is not in the log: %q", log)
	}
	var record map[string]any
	if err := json.Unmarshal([]byte(log[i]), &record); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"level": "WARN", "msg": "store unavailable", "request_id": "request-1"} {
		if record[key] != want {
			t.Errorf("%s = %v; want %v", key, record[key], want)
		}
	}
}

func TestSIGTERM(t *testing.T) {
	s := start(t, "REDIS_URL=redis://127.0.0.1:1", "LOG_LEVEL=debug")
	s.do(t, event("GET", "/", ""))
	timeout := time.After(limit)
	for caught := false; !caught; {
		select {
		case line := <-s.f.lines:
			caught = strings.Contains(line, "signals are caught")
		case <-timeout:
			t.Fatal("signals are not caught")
		}
	}
	if err := s.f.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, log := s.f.exit(t); code != 0 || len(log) != 0 {
		t.Errorf("exit code %d, log %q; want 0 and nothing more", code, log)
	}
}

func TestDoesNotStart(t *testing.T) {
	api := startRuntimeAPI(t)
	for name, tt := range map[string]struct {
		env  []string
		code int
		log  []string
	}{
		"not on Lambda": {[]string{"REDIS_URL=redis://h"}, 2, []string{"AWS_LAMBDA_RUNTIME_API is not set"}},
		"bad environment": {
			[]string{"AWS_LAMBDA_RUNTIME_API=" + api.host(), "REDIS_URL=http://:secret@h", "LAMBDA_ADAPTER=magic", "LAMBDA_RESPONSE_MODE=fast"},
			1,
			[]string{"REDIS_URL", `LAMBDA_ADAPTER=\"magic\"`, `LAMBDA_RESPONSE_MODE=\"fast\"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			code, log := launch(t, bootstrapBinary, tt.env...).exit(t)
			if code != tt.code || len(log) != 1 {
				t.Fatalf("exit code %d, log %q; want %d and one record", code, log, tt.code)
			}
			for _, part := range tt.log {
				if !strings.Contains(log[0], part) {
					t.Errorf("log = %s; want %q in it", log[0], part)
				}
			}
			if !json.Valid([]byte(log[0])) || strings.Contains(log[0], "secret") {
				t.Errorf("log = %s; want JSON without secrets", log[0])
			}
		})
	}
}

// A function's role gets it into a cache with IAM authentication, and no secret is in
// its configuration, answers or log.
func TestIAMAuthentication(t *testing.T) {
	keys := elasticachetest.Keys{ID: "ASIAEXAMPLE", Secret: "a-secret-key", Session: "a-session-token"}
	cache := elasticachetest.Start(t, keys)
	for name, tt := range map[string]struct {
		env    []string
		status int
	}{
		"role":    {keys.Env(), http.StatusOK},
		"no role": {nil, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, slices.Concat([]string{"LOG_LEVEL=debug"}, cache.Env(), tt.env)...)
			for range 2 {
				if got := s.do(t, event("POST", "/", "123")); got.StatusCode != tt.status {
					t.Errorf("= %d %q; want %d: %v", got.StatusCode, got.Body, tt.status, cache.Entries())
				}
			}
			s.api.stop()
			_ = s.f.cmd.Process.Signal(syscall.SIGTERM)
			_, log := s.f.exit(t)
			for _, secret := range []string{keys.Secret, keys.Session, "X-Amz-Signature"} {
				if strings.Contains(strings.Join(log, "\n"), secret) {
					t.Errorf("the log has %q: %s", secret, log)
				}
			}
			if tt.env == nil && !strings.Contains(strings.Join(log, "\n"), "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set") {
				t.Errorf("the log does not say why: %s", log)
			}
		})
	}
	if entries := cache.Entries(); len(entries) != 1 || entries[0] != nil {
		t.Errorf("connections: %v; want one that was let in", entries)
	}
}
