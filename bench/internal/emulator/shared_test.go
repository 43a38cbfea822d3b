package emulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// Environments for several events at once, as those of Lambda Managed Instances
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html), with the official library's own client.
func TestSharedEnvironment(t *testing.T) {
	const n = 8
	s := start(t, func(c *emulator.Config) { c.EnvironmentConcurrency = n })
	g := newGate(t, 2*n)
	replies := g.hold(t, s, n)
	if m := s.Meter(); m.Environments != 1 || m.ColdStarts != 1 || m.Idle != 0 {
		t.Errorf("with %d events in work: %+v", n, m)
	}
	more := g.hold(t, s, 1)
	if m := s.Meter(); m.Environments != 2 || m.ColdStarts != 2 {
		t.Errorf("with one more: %+v", m)
	}
	close(g.open)
	pids := map[string]int{}
	for range n {
		r := <-replies
		if r.status != http.StatusOK {
			t.Errorf("answer is %d %q", r.status, r.body)
		}
		pids[r.body]++
	}
	pids[(<-more).body]++
	settled(t, s, 2)
	if len(pids) != 2 {
		t.Errorf("events by process: %v", pids)
	}
	body := get(t, s, "/env").body
	for _, want := range []string{"AWS_LAMBDA_MAX_CONCURRENCY=8", "AWS_LAMBDA_INITIALIZATION_TYPE=lambda-managed-instances"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if m := s.Meter(); m.Invocations != n+2 || m.Errors != 0 || m.Throttles != 0 {
		t.Errorf("meter: %+v", m)
	}
}

// Many more requests than places, one after the other on each connection: none gets another's answer.
func TestSharedEnvironmentLoad(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.EnvironmentConcurrency, c.MaxConcurrency = 16, 2 })
	const workers, each = 32, 30
	errs := make(chan string, workers)
	for worker := range workers {
		go func() {
			for i := range each {
				body := strings.Repeat("x", worker) + strings.Repeat("y", i)
				r, err := try(t.Context(), s, http.MethodPost, "/body", body, http.Header{"Content-Type": {"text/plain"}})
				if err != nil || r.status != http.StatusOK && r.status != http.StatusTooManyRequests || r.status == http.StatusOK && r.body != body {
					errs <- r.body
					return
				}
			}
			errs <- ""
		}()
	}
	for range workers {
		if err := <-errs; err != "" {
			t.Errorf("answer is %q", err)
		}
	}
	if m := s.Meter(); m.Errors != 0 || m.Invocations+m.Throttles != workers*each || m.MaxEnvironments > 2 {
		t.Errorf("meter: %+v", m)
	}
}

// One event that times out does not hurt the others, nor end the environment, even when its answer comes in the end.
func TestSharedEnvironmentTimeout(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.EnvironmentConcurrency, c.Timeout = 3, brief })
	pid := get(t, s, "/pid").body
	g := newGate(t, 1)
	r := <-g.hold(t, s, 1)
	r.expect(t, http.StatusBadGateway, "Internal Server Error")
	get(t, s, "/forever").expect(t, http.StatusBadGateway, "Internal Server Error")
	if m := s.Meter(); m.Timeouts != 2 || m.Environments != 1 {
		t.Errorf("meter: %+v", m)
	}
	get(t, s, "/pid").expect(t, http.StatusOK, pid)
	close(g.open)
	for range 10 {
		get(t, s, "/pid").expect(t, http.StatusOK, pid)
	}
	if m := s.Meter(); m.Exits != 0 || m.Environments != 1 || m.ColdStarts != 1 {
		t.Errorf("meter: %+v", m)
	}
}

// The end of the process is the end of all its events.
func TestSharedEnvironmentExits(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.EnvironmentConcurrency = 4 })
	g := newGate(t, 2)
	replies := g.hold(t, s, 2)
	get(t, s, "/exit").expect(t, http.StatusBadGateway, "Internal Server Error")
	for range 2 {
		(<-replies).expect(t, http.StatusBadGateway, "Internal Server Error")
	}
	if r := get(t, s, "/pid"); r.status != http.StatusOK {
		t.Errorf("after that: %d %q", r.status, r.body)
	}
	if m := s.Meter(); m.Exits != 3 || m.ColdStarts != 2 {
		t.Errorf("meter: %+v", m)
	}
}

func TestSharedEnvironmentInitFails(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.EnvironmentConcurrency, c.Env = 4, map[string]string{"INIT": "exit"} })
	replies := make(chan reply, 4)
	for range 4 {
		go func() {
			r, _ := try(t.Context(), s, http.MethodGet, "/pid", "", nil)
			replies <- r
		}()
	}
	for range 4 {
		(<-replies).expect(t, http.StatusBadGateway, "Internal Server Error")
	}
	settled(t, s, 0)
	if m := s.Meter(); m.Invocations != 4 || m.Exits != 4 || m.InitFailures != 2*m.InitRetries {
		t.Errorf("meter: %+v", m)
	}
}

// A runtime that asks for one event at a time gets them so; what has waited for it goes elsewhere.
func TestSharedEnvironmentOfOldRuntime(t *testing.T) {
	s := start(t, func(c *emulator.Config) { rawBootstrap(c); c.EnvironmentConcurrency = 4 })
	replies := make(chan reply, 8)
	for range 8 {
		go func() {
			r, _ := try(t.Context(), s, http.MethodGet, "/", "", nil)
			replies <- r
		}()
	}
	for range 8 {
		if r := <-replies; r.status != http.StatusOK {
			t.Errorf("answer is %d %q", r.status, r.body)
		}
	}
}

func TestSharedEnvironmentIdleTimeout(t *testing.T) {
	s := start(t, func(c *emulator.Config) {
		c.EnvironmentConcurrency, c.IdleTimeout, c.Freeze = 4, 100*time.Millisecond, true
	})
	g := newGate(t, 6)
	replies := g.hold(t, s, 6)
	close(g.open)
	for range 6 {
		<-replies
	}
	eventually(t, "idle environments stay", func() bool { return s.Meter().Environments == 0 })
	if m := s.Meter(); m.Reaped != 2 || m.Freezes != 0 || m.Freezer != "" {
		t.Errorf("meter: %+v", m)
	}
}
