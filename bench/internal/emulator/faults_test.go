package emulator_test

import (
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// bystanders send requests as long as a fault is being played, and fail the test if one of them is hurt by it.
func bystanders(t *testing.T, s *emulator.Service) (stop func()) {
	t.Helper()
	var ended atomic.Bool
	done := make(chan struct{})
	const n = 3
	for range n {
		go func() {
			for !ended.Load() {
				if r, err := try(t.Context(), s, http.MethodPost, "/body", "unhurt", http.Header{"Content-Type": {"text/plain"}}); err != nil || r.status != http.StatusOK || r.body != "unhurt" {
					t.Errorf("another request is answered %d %q (%v)", r.status, r.body, err)
					break
				}
			}
			done <- struct{}{}
		}()
	}
	return func() {
		ended.Store(true)
		for range n {
			<-done
		}
	}
}

// Each ends the environment, costs its own request and no other, and is an error of the function for its caller
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Failures during the invoke phase").
func TestFaultsHurtNobodyElse(t *testing.T) {
	for _, target := range []string{"/exit-zero", "/exit", "/kill", "/panic", "/exit-mid", "/fork-exit", "/big?n=7000000"} {
		t.Run(target[1:], func(t *testing.T) {
			s := start(t, nil)
			stop := bystanders(t, s)
			for range 3 {
				get(t, s, target).expect(t, http.StatusBadGateway, "Internal Server Error")
			}
			stop()
			eventually(t, "environments do not come to rest", func() bool { m := s.Meter(); return m.Idle == m.Environments })
			if m := s.Meter(); m.Errors != 3 || m.Throttles != 0 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

func TestCrashAtTheThirdRequest(t *testing.T) {
	s := start(t, nil)
	for i, want := range []int{200, 200, 502, 200, 200, 502} {
		if r := get(t, s, "/third"); r.status != want {
			t.Errorf("request %d is answered %d %q, want %d", i+1, r.status, r.body, want)
		}
		eventually(t, "the environment does not come to rest", func() bool { m := s.Meter(); return m.Idle == m.Environments })
	}
	if m := s.Meter(); m.Exits != 2 || m.ColdStarts != 2 || m.Environments != 0 {
		t.Errorf("meter: %+v", m)
	}
}

// The descriptors that a function leaks are its own, and gone with it.
func TestLeakedDescriptors(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("open files are counted in /proc")
	}
	s := start(t, nil)
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	get(t, s, "/pid")
	settled(t, s, 1)
	before := open()
	for _, want := range []string{"200", "400", "600"} {
		get(t, s, "/leak").expect(t, http.StatusOK, want)
		settled(t, s, 1)
	}
	if n := open(); n > before+10 {
		t.Errorf("%d descriptors are open, %d were before", n, before)
	}
}

// A runtime that has answered and does not ask for more is within its invocation, until the time-out ("Invoke phase").
func TestNeverAsksAgain(t *testing.T) {
	s := start(t, func(c *emulator.Config) { rawBootstrap(c); c.Timeout = time.Second })
	get(t, s, "/no-next").expect(t, http.StatusOK, "bye")
	get(t, s, "/").expect(t, http.StatusOK, "") // by another environment
	eventually(t, "the one that does not ask stays", func() bool { m := s.Meter(); return m.Environments == m.Idle })
	get(t, s, "/").expect(t, http.StatusOK, "")
	if m := s.Meter(); m.ColdStarts != 2 {
		t.Errorf("meter: %+v", m)
	}
}
