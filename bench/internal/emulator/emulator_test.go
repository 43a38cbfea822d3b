package emulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// gate lets functions wait for the test: they ask for its URL and get no answer until it opens.
type gate struct {
	url     string
	waiting chan struct{}
	open    chan struct{}
}

// newGate starts a gate for up to n functions.
func newGate(t *testing.T, n int) *gate {
	t.Helper()
	g := &gate{waiting: make(chan struct{}, n), open: make(chan struct{})}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		g.waiting <- struct{}{}
		select {
		case <-g.open:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(srv.Close)
	g.url = "/hold?url=" + url.QueryEscape(srv.URL)
	return g
}

// hold sends n requests and waits until all are in the hands of a function; the channel gives their answers.
func (g *gate) hold(t *testing.T, s *emulator.Service, n int) chan reply {
	t.Helper()
	replies := make(chan reply, n)
	for range n {
		go func() {
			r, err := try(t.Context(), s, http.MethodGet, g.url, "", nil)
			if err != nil {
				r.body = err.Error()
			}
			replies <- r
		}()
	}
	for range n {
		<-g.waiting
	}
	return replies
}

func TestOneRequestAtATime(t *testing.T) {
	const n = 64
	s := start(t, nil)
	g := newGate(t, n)
	replies := g.hold(t, s, n)
	if m := s.Meter(); m.Environments != n || m.Idle != 0 || m.ColdStarts != n {
		t.Errorf("with %d requests in flight: %+v", n, m)
	}
	close(g.open)
	pids := map[string]bool{}
	for range n {
		r := <-replies
		if r.status != http.StatusOK {
			t.Errorf("answer is %d %q", r.status, r.body)
		}
		pids[r.body] = true
	}
	if len(pids) != n {
		t.Errorf("%d processes have answered %d requests in flight", len(pids), n)
	}
	settled(t, s, n)
	m := s.Meter()
	if len(m.InitUS) != n || len(m.StartWaitUS) != n || m.Invocations != n || m.Errors != 0 || m.MaxEnvironments != n {
		t.Errorf("meter: %+v", m)
	}
	for _, us := range m.InitUS {
		if us <= 0 {
			t.Errorf("init of %d µs", us)
		}
	}
}

func TestReusesTheLastUsedFirst(t *testing.T) {
	s := start(t, nil)
	g := newGate(t, 2)
	first := g.hold(t, s, 2)
	close(g.open)
	<-first
	<-first
	settled(t, s, 2)
	last := get(t, s, "/pid").body
	settled(t, s, 2)
	for range 10 {
		if pid := get(t, s, "/pid").body; pid != last {
			t.Errorf("answered by %s, want %s which was used last", pid, last)
		}
		settled(t, s, 2)
	}
	if m := s.Meter(); m.ColdStarts != 2 {
		t.Errorf("%d cold starts, want 2", m.ColdStarts)
	}
}

// A burst far over the number of inits at once costs one cold start for each request at most, and fails none.
func TestBurst(t *testing.T) {
	const n = 200
	s := start(t, func(c *emulator.Config) { c.MaxStarting = 3 })
	g := newGate(t, n)
	replies := g.hold(t, s, n)
	close(g.open)
	for range n {
		if r := <-replies; r.status != http.StatusOK {
			t.Errorf("answer is %d %q", r.status, r.body)
		}
	}
	if m := s.Meter(); m.ColdStarts != n || m.Errors != 0 {
		t.Errorf("meter: %+v", m)
	}
}

// Requests that follow each other without a pause.
func TestLoad(t *testing.T) {
	s := start(t, nil)
	var wg sync.WaitGroup
	for worker := range 32 {
		wg.Go(func() {
			for i := range 30 {
				body := fmt.Sprintf("text %d of %d", i, worker)
				r, err := try(t.Context(), s, http.MethodPost, "/body", body, http.Header{"Content-Type": {"text/plain"}})
				if err != nil || r.status != http.StatusOK || r.body != body {
					t.Errorf("answer is %d %q (%v), want %q", r.status, r.body, err, body)
				}
			}
		})
	}
	wg.Wait()
	if m := s.Meter(); m.Invocations != 32*30 || m.Errors != 0 || m.Throttles != 0 {
		t.Errorf("meter: %+v", m)
	}
}

func TestFailures(t *testing.T) {
	// dies tells that the environment does not survive.
	tests := map[string]struct {
		dies  bool
		count func(emulator.Meter) int64
	}{
		"/panic":       {true, func(m emulator.Meter) int64 { return m.FunctionErrors }},
		"/exit":        {true, func(m emulator.Meter) int64 { return m.Exits }},
		"/kill":        {true, func(m emulator.Meter) int64 { return m.Exits }},
		"/fork-exit":   {true, func(m emulator.Meter) int64 { return m.Exits }},
		"/error":       {false, func(m emulator.Meter) int64 { return m.FunctionErrors }},
		"/broken":      {false, func(m emulator.Meter) int64 { return m.FunctionErrors }},
		"/malformed":   {false, func(m emulator.Meter) int64 { return m.InvalidAnswers }},
		"/status?n=99": {false, func(m emulator.Meter) int64 { return m.InvalidAnswers }},
		// The runtime library ends the process when its answer is refused.
		"/big?n=7000000": {true, func(m emulator.Meter) int64 { return m.TooLarge }},
	}
	for target, tt := range tests {
		t.Run(target[1:], func(t *testing.T) {
			s := start(t, nil)
			pid := get(t, s, "/pid").body
			settled(t, s, 1)
			r := get(t, s, target)
			r.expect(t, http.StatusBadGateway, "Internal Server Error")
			if got := r.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %q", got)
			}
			if tt.dies {
				settled(t, s, 0)
			} else {
				settled(t, s, 1)
			}
			after := get(t, s, "/pid")
			if after.status != http.StatusOK || (after.body == pid) == tt.dies {
				t.Errorf("next answer is %d from %s, the one before was from %s", after.status, after.body, pid)
			}
			m := s.Meter()
			if tt.count(m) != 1 || m.Errors+m.InvalidAnswers != 1 || m.Invocations != 3 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.Timeout = brief })
	get(t, s, "/pid")
	settled(t, s, 1)
	get(t, s, "/forever").expect(t, http.StatusBadGateway, "Internal Server Error")
	settled(t, s, 0)
	if r := get(t, s, "/pid"); r.status != http.StatusOK {
		t.Errorf("after a time-out: %d", r.status)
	}
	if m := s.Meter(); m.Timeouts != 1 || m.Errors != 1 || m.ColdStarts != 2 {
		t.Errorf("meter: %+v", m)
	}
}

func TestThrottle(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.MaxConcurrency = 2 })
	g := newGate(t, 2)
	replies := g.hold(t, s, 2)
	r := get(t, s, "/pid")
	r.expect(t, http.StatusTooManyRequests, `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
	close(g.open)
	<-replies
	<-replies
	settled(t, s, 2)
	if r := get(t, s, "/pid"); r.status != http.StatusOK {
		t.Errorf("after the throttling: %d", r.status)
	}
	if m := s.Meter(); m.Throttles != 1 || m.Invocations != 3 || m.Errors != 0 {
		t.Errorf("meter: %+v", m)
	}
}

func TestClientGoesAway(t *testing.T) {
	s := start(t, nil)
	g := newGate(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := try(ctx, s, http.MethodGet, g.url, "", nil)
		gone <- err
	}()
	<-g.waiting
	cancel()
	if err := <-gone; err == nil {
		t.Error("the request was answered")
	}
	if m := s.Meter(); m.Environments != 1 || m.Idle != 0 {
		t.Errorf("the invocation does not go on: %+v", m)
	}
	close(g.open)
	settled(t, s, 1)
	if r := get(t, s, "/pid"); r.status != http.StatusOK {
		t.Errorf("next answer: %d", r.status)
	}
	if m := s.Meter(); m.ColdStarts != 1 || m.Errors != 0 || m.Invocations != 2 {
		t.Errorf("meter: %+v", m)
	}
}

// An environment that dies while idle gets no request, not even one that comes at the same moment.
func TestIdleEnvironmentIsKilled(t *testing.T) {
	s := start(t, nil)
	for range 20 {
		pid, err := strconv.Atoi(get(t, s, "/pid").body)
		if err != nil {
			t.Fatal(err)
		}
		settled(t, s, 1)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if r := get(t, s, "/pid"); r.status != http.StatusOK {
			t.Fatalf("answer is %d %q", r.status, r.body)
		}
		eventually(t, "the dead one stays", func() bool { m := s.Meter(); return m.Idle == 1 && m.Environments == 1 })
	}
}

// A failed init is tried again inside the invocation, and only then is there an error (lambda-runtime-environment.html, "Init phase").
func TestInitFailures(t *testing.T) {
	tests := map[string]struct {
		env    map[string]string
		limit  time.Duration // of the first try; the second has the function's time-out
		out    time.Duration
		want   emulator.InitError
		errors func(emulator.Meter) int64
	}{
		"exit": {
			map[string]string{"INIT": "exit"},
			time.Minute, time.Minute,
			emulator.InitError{Reason: "it ended (exit status 3) before it asked for an event", Type: "Runtime.ExitError", Exit: "exit status 3", Stderr: "no such table: users\n"},
			func(m emulator.Meter) int64 { return m.Exits },
		},
		"error": {
			map[string]string{"INIT": "error"},
			time.Minute, time.Minute,
			emulator.InitError{Reason: "it reported an init error: Config.Missing: no STORE given", Type: "Config.Missing"},
			func(m emulator.Meter) int64 { return m.FunctionErrors },
		},
		"never": {
			map[string]string{"INIT": "never"},
			500 * time.Millisecond, brief,
			emulator.InitError{Reason: "it did not ask for an event within 2s", Type: "Sandbox.Timedout", Stderr: "waiting for a lock\n"},
			func(m emulator.Meter) int64 { return m.Timeouts },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(c *emulator.Config) { c.Env, c.InitTimeout, c.Timeout = tt.env, tt.limit, tt.out })
			if err := s.LastInitError(); err != nil {
				t.Errorf("before the first request: %v", err)
			}
			for range 2 {
				get(t, s, "/pid").expect(t, http.StatusBadGateway, "Internal Server Error")
			}
			if diff := cmp.Diff(&tt.want, s.LastInitError(), cmpopts.IgnoreUnexported(emulator.InitError{})); diff != "" {
				t.Errorf("init error (-want +got):\n%s", diff)
			}
			settled(t, s, 0)
			m := s.Meter()
			if m.InitFailures != 4 || m.InitRetries != 2 || m.ColdStarts != 0 || m.Invocations != 2 || m.Errors != 2 || tt.errors(m) != 2 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

func TestInitIsTriedAgain(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.Env = map[string]string{"INIT": "once", "MARK": t.TempDir() + "/mark"} })
	if r := get(t, s, "/pid"); r.status != http.StatusOK {
		t.Errorf("the second init: %d", r.status)
	}
	settled(t, s, 1)
	if m := s.Meter(); m.InitFailures != 1 || m.InitRetries != 1 || m.ColdStarts != 1 || m.Invocations != 1 || m.MaxEnvironments != 1 {
		t.Errorf("meter: %+v", m)
	}
}

func TestFunctionEnvironment(t *testing.T) {
	t.Setenv("OF_THE_HOST", "secret")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	s := start(t, func(c *emulator.Config) {
		c.Env = map[string]string{"STORE": "memory", "TZ": "Europe/Zurich", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SESSION_TOKEN": strings.Repeat("x", 5000)}
		c.FunctionName, c.MemoryMB = "demo", 512
	})
	var list []string
	if err := json.Unmarshal([]byte(get(t, s, "/env").body), &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, line := range list {
		name, value, _ := strings.Cut(line, "=")
		got[name] = value
	}
	want := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "demo",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/demo", "_HANDLER": "bootstrap", "LANG": "en_US.UTF-8", "TZ": "Europe/Zurich", "STORE": "memory",
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SESSION_TOKEN": strings.Repeat("x", 5000),
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s=%q, want %q", name, got[name], value)
		}
	}
	for _, name := range []string{"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_LOG_STREAM_NAME", "PATH"} {
		if got[name] == "" {
			t.Errorf("%s is not set", name)
		}
	}
	for _, name := range []string{"OF_THE_HOST", "HOME", "AWS_EXECUTION_ENV", "AWS_SECRET_ACCESS_KEY"} {
		if value, ok := got[name]; ok {
			t.Errorf("%s=%q is set", name, value)
		}
	}
}

func TestOutput(t *testing.T) {
	var out output
	s := start(t, func(c *emulator.Config) { c.Output = &out })
	get(t, s, "/noise?n=300000").expect(t, http.StatusOK, "ok")
	eventually(t, "the output does not come", func() bool { return strings.Contains(out.String(), "end of noise") })
	if n := len(out.String()); n < 300000 {
		t.Errorf("%d bytes of output", n)
	}
}
