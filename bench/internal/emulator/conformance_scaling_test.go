package emulator_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

func scalingRules() []rule {
	three := 3
	throttled := func(t *testing.T, s *emulator.Service) {
		t.Helper()
		if r := get(t, s, "/pid"); r.status != http.StatusTooManyRequests {
			t.Errorf("answer is %d %q", r.status, r.body)
		}
	}
	return []rule{
		{
			says: "new environments come at a rate of 1,000 in 10 s, refilled continuously and never above 1,000", source: docScaling,
			config: func(c *emulator.Config) { c.ScaleRate = 2 }, // the rate of 1,000 has no other code: TestBucket
			official: func(t *testing.T, s *emulator.Service) {
				clock := newClock(s)
				g := newGate(t, 3)
				replies := g.hold(t, s, 2)
				throttled(t, s)
				clock.advance(5*time.Second + time.Millisecond)
				more := g.hold(t, s, 1)
				throttled(t, s)
				close(g.open)
				<-replies
				<-replies
				<-more
				if m := s.Meter(); m.ThrottlesScalingRate != 2 || m.ColdStarts != 3 {
					t.Errorf("meter: %+v", m)
				}
			},
		},
		{
			says: "beyond its reserved concurrency a function is throttled, and not before", source: docConcurrency,
			config: func(c *emulator.Config) { c.ReservedConcurrency = &three },
			official: func(t *testing.T, s *emulator.Service) {
				g := newGate(t, three)
				replies := g.hold(t, s, three)
				throttled(t, s)
				close(g.open)
				for range three {
					<-replies
				}
				settled(t, s, three)
				if r := get(t, s, "/pid"); r.status != http.StatusOK {
					t.Errorf("answer is %d %q", r.status, r.body)
				}
			},
		},
		{
			says: "provisioned environments are initialised before the first request, which is no cold start; what is over them spills over", source: docProvisioned,
			config: func(c *emulator.Config) { c.Provisioned = 2 },
			official: func(t *testing.T, s *emulator.Service) {
				settled(t, s, 2)
				g := newGate(t, 3)
				replies := g.hold(t, s, 3)
				close(g.open)
				for range 3 {
					<-replies
				}
				m := s.Meter()
				if m.ProvisionedStarts != 2 || m.ProvisionedInvocations != 2 || m.Spillovers != 1 || m.ColdStarts != 1 {
					t.Errorf("meter: %+v", m)
				}
			},
		},
		{
			says: "AWS_LAMBDA_INITIALIZATION_TYPE of a provisioned environment is provisioned-concurrency", source: docVariables,
			config: func(c *emulator.Config) { c.Provisioned = 1 },
			official: func(t *testing.T, s *emulator.Service) {
				if body := get(t, s, "/env").body; !strings.Contains(body, `"AWS_LAMBDA_INITIALIZATION_TYPE=provisioned-concurrency"`) {
					t.Errorf("variables are %s", body)
				}
			},
		},
		{
			says: "with AWS_LAMBDA_MAX_CONCURRENCY one environment takes so many events at once", source: sourceManagedGo,
			unverified: "whether AWS takes Go functions there at all",
			config:     func(c *emulator.Config) { c.EnvironmentConcurrency = 4 },
			official: func(t *testing.T, s *emulator.Service) {
				g := newGate(t, 4)
				replies := g.hold(t, s, 4)
				close(g.open)
				pids := map[string]bool{}
				for range 4 {
					pids[(<-replies).body] = true
				}
				if body := get(t, s, "/env").body; len(pids) != 1 || !strings.Contains(body, `"AWS_LAMBDA_MAX_CONCURRENCY=4"`) {
					t.Errorf("4 events were handled by the processes %v; variables %s", pids, body)
				}
			},
		},
		{
			says: "a time-out of one of several events at once leaves the environment and its other events alone", source: docManaged,
			config: func(c *emulator.Config) { c.EnvironmentConcurrency, c.Timeout = 2, brief },
			official: func(t *testing.T, s *emulator.Service) {
				pid := get(t, s, "/pid").body
				get(t, s, "/forever").expect(t, http.StatusBadGateway, "Internal Server Error")
				get(t, s, "/pid").expect(t, http.StatusOK, pid)
				if n, err := strconv.Atoi(pid); err != nil || n <= 0 {
					t.Errorf("process %q", pid)
				}
			},
		},
	}
}
