package emulator_test

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// clock is a clock that stands still.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newClock(s *emulator.Service) *clock {
	c := &clock{now: time.Now()}
	s.SetNow(c.Now)
	return c
}

// New environments come at a rate of 1,000 in 10 s, refilled continuously; beyond it requests are throttled ("Lambda scaling behavior").
func TestScaleRate(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.ScaleRate = 4 })
	c := newClock(s)
	g := newGate(t, 6)
	replies := g.hold(t, s, 4)
	if r := get(t, s, "/pid"); r.status != http.StatusTooManyRequests {
		t.Errorf("the fifth environment: %d %q", r.status, r.body)
	}
	c.advance(2500*time.Millisecond - time.Microsecond)
	if r := get(t, s, "/pid"); r.status != http.StatusTooManyRequests {
		t.Errorf("the fifth environment, too early: %d %q", r.status, r.body)
	}
	c.advance(time.Millisecond)
	more := g.hold(t, s, 1)
	if r := get(t, s, "/pid"); r.status != http.StatusTooManyRequests {
		t.Errorf("the sixth environment: %d %q", r.status, r.body)
	}
	close(g.open)
	for range 4 {
		<-replies
	}
	<-more
	settled(t, s, 5)
	if r := get(t, s, "/pid"); r.status != http.StatusOK {
		t.Errorf("a request that needs no new environment: %d %q", r.status, r.body)
	}
	m := s.Meter()
	if m.ThrottlesScalingRate != 3 || m.Throttles != 3 || m.ColdStarts != 5 || m.Invocations != 6 {
		t.Errorf("meter: %+v", m)
	}
}

// The request rate is limited to ten times the concurrency, whatever the number of environments ("Lambda quotas").
func TestRequestQuota(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.MaxConcurrency, c.RateQuota = 2, true })
	c := newClock(s)
	ok := func(n int) {
		t.Helper()
		for range n {
			if r := get(t, s, "/pid"); r.status != http.StatusOK {
				t.Fatalf("answer is %d %q", r.status, r.body)
			}
		}
		get(t, s, "/pid").expect(t, http.StatusTooManyRequests, `{"Reason":"FunctionInvocationRateLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
	}
	ok(20)
	c.advance(time.Minute)
	ok(20)
	c.advance(251 * time.Millisecond)
	ok(5)
	if m := s.Meter(); m.ThrottlesRequestRate != 3 || m.Throttles != 3 || m.Invocations != 45 {
		t.Errorf("meter: %+v", m)
	}
}

// Reserved concurrency 0 throttles everything ("Reserved concurrency 0 makes a function URL answer 429 to everything"), which each
// front door tells in its own way: 429, for HTTP and REST APIs 500, by a load balancer 502.
func TestReservedConcurrency(t *testing.T) {
	none := 0
	s := start(t, func(c *emulator.Config) { c.ReservedConcurrency, c.FrontDoors = &none, emulator.FrontDoors() })
	want := map[emulator.FrontDoor]int{
		emulator.DoorFunctionURL: 429, emulator.DoorFunctionURLStream: 429, emulator.DoorHTTPAPI: 500,
		emulator.DoorRESTAPI: 500, emulator.DoorALB: 502, emulator.DoorALBMulti: 502,
	}
	for door, status := range want {
		r := sendTo(t, s, door, http.MethodGet, "/", "", nil)
		if r.status != status {
			t.Errorf("%s answers %d, want %d", door, r.status, status)
		}
		if status == 429 && (!strings.Contains(r.body, `"ReservedFunctionConcurrentInvocationLimitExceeded"`) || r.header.Get("X-Amzn-Errortype") != "TooManyRequestsException") {
			t.Errorf("%s says %q", door, r.body)
		}
	}
	if m := s.Meter(); m.ThrottlesConcurrency != int64(len(want)) || m.Environments != 0 || m.Invocations != 0 {
		t.Errorf("meter: %+v", m)
	}

	two := 2
	s = start(t, func(c *emulator.Config) { c.ReservedConcurrency = &two })
	g := newGate(t, 2)
	replies := g.hold(t, s, 2)
	if r := get(t, s, "/pid"); r.status != http.StatusTooManyRequests {
		t.Errorf("the third: %d %q", r.status, r.body)
	}
	close(g.open)
	<-replies
	<-replies
}

// A function without extensions gets no SIGTERM: its shutdown phase is of 0 ms (lambda-runtime-environment.html, "Shutdown phase").
func TestIdleTimeout(t *testing.T) {
	mark := t.TempDir() + "/term"
	s := start(t, func(c *emulator.Config) {
		c.IdleTimeout, c.Freeze, c.Env = 200*time.Millisecond, true, map[string]string{"ON_TERM": mark}
	})
	g := newGate(t, 4)
	replies := g.hold(t, s, 3)
	pids := make([]string, 0, 4)
	close(g.open)
	for range 3 {
		pids = append(pids, (<-replies).body)
	}
	eventually(t, "idle environments stay", func() bool { m := s.Meter(); return m.Environments == 0 && m.Frozen == 0 })
	if m := s.Meter(); m.Reaped != 3 || m.Exits != 0 || m.Idle != 0 {
		t.Errorf("meter: %+v", m)
	}
	for _, pid := range pids {
		if alive(t, pid) {
			t.Errorf("process %s is left", pid)
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the function got SIGTERM")
	}
	if r := get(t, s, "/pid"); r.status != http.StatusOK {
		t.Errorf("after that: %d", r.status)
	}
	if m := s.Meter(); m.ColdStarts != 4 {
		t.Errorf("%d cold starts, want 4", m.ColdStarts)
	}
}

// Busy environments are not idle, however long their event takes.
func TestIdleTimeoutSparesTheBusy(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.IdleTimeout = 20 * time.Millisecond })
	g := newGate(t, 1)
	held := g.hold(t, s, 1)
	for reaped := int64(1); reaped <= 3; reaped++ { // of those beside it
		get(t, s, "/pid")
		eventually(t, "the idle environment stays", func() bool { return s.Meter().Reaped == reaped })
	}
	close(g.open)
	if r := <-held; r.status != http.StatusOK {
		t.Errorf("the one that was busy meanwhile: %d %q", r.status, r.body)
	}
}

func TestProvisioned(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.Provisioned, c.MaxConcurrency, c.IdleTimeout = 3, 4, 50*time.Millisecond })
	if m := s.Meter(); m.Idle != 3 || m.ProvisionedStarts != 3 || m.ColdStarts != 0 || m.Invocations != 0 {
		t.Fatalf("before the first request: %+v", m)
	}
	if r := get(t, s, "/env"); !strings.Contains(r.body, "AWS_LAMBDA_INITIALIZATION_TYPE=provisioned-concurrency") {
		t.Errorf("environment: %s", r.body)
	}
	settled(t, s, 3)
	g := newGate(t, 4)
	replies := g.hold(t, s, 4)
	if r := get(t, s, "/pid"); r.status != http.StatusTooManyRequests {
		t.Errorf("the fifth at once: %d", r.status)
	}
	close(g.open)
	pids := map[string]bool{}
	for range 4 {
		pids[(<-replies).body] = true
	}
	settled(t, s, 3)
	m := s.Meter()
	if len(pids) != 4 || m.ColdStarts != 1 || m.Reaped != 1 || m.ProvisionedInvocations != 4 || m.Spillovers != 1 {
		t.Errorf("%d processes, meter: %+v", len(pids), m)
	}
	// One that ends is replaced.
	pid, err := strconv.Atoi(get(t, s, "/pid").body)
	if err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
	eventually(t, "it is not replaced", func() bool { return s.Meter().ProvisionedStarts == 4 })
	settled(t, s, 3)
}

func TestProvisionedInitFails(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.Provisioned, c.Env = 2, map[string]string{"INIT": "exit"} })
	if m := s.Meter(); m.InitFailures != 2 || m.Invocations != 0 || s.LastInitError() == nil {
		t.Errorf("after the start: %+v", m)
	}
	get(t, s, "/pid").expect(t, http.StatusBadGateway, "Internal Server Error")
}

func TestStartRefusesConcurrency(t *testing.T) {
	two := 2
	for want, change := range map[string]func(*emulator.Config){
		"reserved concurrency of 2":    func(c *emulator.Config) { c.ReservedConcurrency, c.MaxConcurrency = &two, 1 },
		"provisioned concurrency of 3": func(c *emulator.Config) { c.ReservedConcurrency, c.Provisioned = &two, 3 },
		"5000 events at once":          func(c *emulator.Config) { c.EnvironmentConcurrency = 5000 },
		"a limit is negative":          func(c *emulator.Config) { c.ScaleRate = -1 },
	} {
		cfg := emulator.Config{Bootstrap: programs.fn, Group: group}
		change(&cfg)
		s, err := emulator.Start(t.Context(), cfg)
		if err == nil {
			_ = s.Close(0)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}

func TestConcurrencyOverTime(t *testing.T) {
	s := start(t, nil)
	g := newGate(t, 5)
	replies := g.hold(t, s, 5)
	sampled := func(want func(emulator.ConcurrencySample) bool) {
		t.Helper()
		eventually(t, "no such sample", func() bool {
			list := s.Meter().Concurrency
			return len(list) > 0 && want(list[len(list)-1])
		})
	}
	sampled(func(c emulator.ConcurrencySample) bool { return c.Busy == 5 && c.BusyMax == 5 && c.Idle == 0 })
	close(g.open)
	for range 5 {
		<-replies
	}
	sampled(func(c emulator.ConcurrencySample) bool { return c.Busy == 0 && c.Idle == 5 && c.Starting == 0 })
	// An init is far shorter than the time between two samples, and in them all the same.
	var environments, starting int
	for _, c := range s.Meter().Concurrency {
		environments, starting = max(environments, c.EnvironmentsMax), max(starting, c.StartingMax)
	}
	if environments != 5 || starting < 1 || starting > 5 {
		t.Errorf("at most %d environments and %d in their init, want 5 and 1 to 5", environments, starting)
	}
}
