package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/knee"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// boundedServer serves so many requests at a time, each of which takes that long: its capacity is their quotient.
type boundedServer struct {
	*httptest.Server
	workers          int
	requests, worked atomic.Int64 // nanoseconds of all workers
}

func bounded(t *testing.T, workers int, takes time.Duration) *boundedServer {
	t.Helper()
	free := make(chan struct{}, workers)
	s := &boundedServer{workers: workers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		free <- struct{}{}
		defer func(began time.Time) {
			s.worked.Add(int64(time.Since(began)))
			s.requests.Add(1)
			<-free
		}(time.Now())
		select {
		case <-time.After(takes):
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "done")
	}))
	t.Cleanup(s.Close)
	return s
}

// capacity is what it was, in requests a second: on a busy machine a worker takes longer.
func (s *boundedServer) capacity() float64 {
	return float64(s.workers) * float64(s.requests.Load()) / time.Duration(s.worked.Load()).Seconds()
}

// capacityScenario is closed: the search makes it open.
func capacityScenario(t *testing.T, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "get.yaml")
	text := "name: get\nworkers: 20\nsteps:\n  - {name: get, path: /}\nphases:\n  - {name: all, iterations: 1}\ntimeout: 1m\n" + more
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Two targets of 2 workers and 20 ms, and of 1 worker and 40 ms, take at most 100 and 25 requests a second.
func TestFindCapacity(t *testing.T) {
	if raceEnabled {
		t.Skip("race: what the generator can send then is no capacity, and a search that finds none is tested")
	}
	t.Parallel()
	fast, slow := bounded(t, 2, 20*time.Millisecond), bounded(t, 1, 40*time.Millisecond)
	out := filepath.Join(t.TempDir(), "out")
	r := start(t, nil, "run", "--find-capacity", "--slo", "p90=400ms", "--trial", "2s", "--start-rate", "20", "--scenario", capacityScenario(t, ""),
		"--target", "fast="+fast.URL, "--target", "slow="+slow.URL, "--out", out)
	r.wait(exitDone)
	got, err := result.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{100, 25} {
		target, least := &got.Targets[i], []*boundedServer{fast, slow}[i].capacity()/2
		c := target.Capacity
		if c == nil || c.KeptRPS == nil || c.MissedRPS == nil {
			t.Fatalf("%s: %+v", target.Name, c)
		}
		// A loaded machine makes the service slower, but nothing makes it faster than it is. What a queue holds for a while is above.
		if *c.KeptRPS < least || *c.KeptRPS > want*1.3 || *c.MissedRPS <= *c.KeptRPS || *c.MissedRPS > want*1.5 {
			t.Errorf("%s: found %.1f to %.1f a second, expected %.0f, and %.1f at least", target.Name, *c.KeptRPS, *c.MissedRPS, want, least)
		}
		kept := int64(0)
		for _, trial := range c.Trials {
			if trial.RateRPS == *c.KeptRPS {
				kept += trial.Requests
			}
		}
		if len(target.Phases) < 1 || target.Overall.Requests != kept || *target.Phases[0].RateRPS != *c.KeptRPS {
			t.Errorf("%s: %d phases with %d requests, expected those %d of the trials at the rate that was kept",
				target.Name, len(target.Phases), target.Overall.Requests, kept)
		}
	}
	if got.Interrupted || got.Thresholds != nil || got.Scenario.Load != scenario.Open || got.Scenario.Connections != 20 {
		t.Errorf("interrupted %t, thresholds %v, %s scenario on %d connections", got.Interrupted, got.Thresholds, got.Scenario.Load, got.Scenario.Connections)
	}
	if text := r.stderr.String(); !strings.Contains(text, "fast         trial 1         20/s") || !strings.Contains(text, "slow         trial 1 ") {
		t.Errorf("no line for each trial:\n%s", text)
	}
}

// lenient is an SLO that only a rate misses which the target falls behind, so that a search goes on however busy the machine is.
const lenient = "p90=1m"

// What was found until the first Ctrl-C is kept.
func TestFindCapacityInterrupted(t *testing.T) {
	t.Parallel()
	server := bounded(t, 2, 10*time.Millisecond)
	out := filepath.Join(t.TempDir(), "out")
	r := start(t, nil, "--find-capacity", "--slo", lenient, "--trial", "1s", "--start-rate", "20", "--scenario",
		capacityScenario(t, ""), "--target", "only="+server.URL, "--out", out)
	r.await("trial 1 ")
	r.signal(os.Interrupt)
	r.wait(exitFailed)
	got, err := result.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	c := got.Targets[0].Capacity
	if !got.Interrupted || c == nil || len(c.Trials) < 1 || c.Converged {
		t.Errorf("interrupted %t, found %+v", got.Interrupted, c)
	}
}

// What was found until bench is killed is in its journal.
func TestFindCapacityKilled(t *testing.T) {
	t.Parallel()
	server := bounded(t, 2, 10*time.Millisecond)
	out := filepath.Join(t.TempDir(), "out")
	r := start(t, nil, "--find-capacity", "--slo", lenient, "--trial", "500ms", "--start-rate", "20", "--scenario",
		capacityScenario(t, ""), "--target", "only="+server.URL, "--out", out)
	eventually(t, "the journal has two trials", func() bool {
		text, err := os.ReadFile(filepath.Join(out, result.JournalName))
		return err == nil && strings.Count(string(text), `"type":"capacity"`) >= 2
	})
	r.signal(os.Kill)
	for range r.lines { // until it is gone
	}
	_ = r.cmd.Wait()
	if text := command(t, "report", out); !strings.Contains(text, "Capacity") || !strings.Contains(text, "There is no result.json") {
		t.Errorf("the report of a search that was killed:\n%s", text)
	}
	got, err := result.LoadJournal(out)
	if err != nil {
		t.Fatal(err)
	}
	if c := got.Targets[0].Capacity; c == nil || len(c.Trials) < 2 || c.Converged || c.Trials[0].RateRPS != 20 {
		t.Errorf("found %+v", c)
	}
}

// A target that keeps the SLO at no rate is a missed threshold.
func TestFindCapacityOfNone(t *testing.T) {
	t.Parallel()
	server := bounded(t, 20, 30*time.Millisecond)
	r := start(t, nil, "--find-capacity", "--trial", "500ms", "--start-rate", "40", "--scenario", capacityScenario(t, "slo: {p50: 1ms}\n"),
		"--target", "only="+server.URL, "--out", filepath.Join(t.TempDir(), "out"))
	r.wait(exitThreshold)
	if !strings.Contains(r.stderr.String(), "only kept the SLO at no rate down to 20.0/s") {
		t.Errorf("standard error:\n%s", r.stderr.String())
	}
}

func TestApplyCapacity(t *testing.T) {
	parse := func(text string) *scenario.Scenario {
		t.Helper()
		s, err := scenario.Parse("test.yaml", []byte("name: test\nslo: {p99: 50ms}\n"+text), nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	o := capacityOptions{find: true, start: 50, most: 1000, trial: 5 * time.Second}
	phase := scenario.Phase{Name: "capacity", Rate: &scenario.Rate{From: 50, To: 50}, Arrivals: scenario.Constant, Duration: scenario.Duration(5 * time.Second)}
	slo := scenario.SLO{{Metric: scenario.MetricP99, Limit: 50e3}, {Metric: scenario.MetricErrorRate, Limit: 0.01}}

	s := parse("workers: 7\nsteps: [{name: a, path: /, think_time: 1s}, {name: b, path: /b}]\nphases: [{name: p, iterations: 3}]\n")
	if err := o.apply(s); err != nil {
		t.Fatal(err)
	}
	if s.Load != scenario.Open || s.Connections != 7 || s.InFlight() != 7 || !s.Weighted() || s.Steps[0].Weight != 1 || s.Steps[0].Think != (scenario.Think{}) {
		t.Errorf("a closed scenario becomes %+v", s)
	}
	if diff := cmp.Diff(slo, s.SLO) + cmp.Diff([]scenario.Phase{phase}, s.Phases); diff != "" {
		t.Error(diff)
	}

	s = parse("load: open\nconnections: 9\narrivals: poisson\nsteps: [{name: a, path: /, weight: 3}, {name: b, path: /b}]\nphases: [{name: p, rate: 5/s, duration: 1s}]\n")
	s.SLO = append(s.SLO, scenario.Threshold{Metric: scenario.MetricErrorRate, Limit: 0.5})
	if err := o.apply(s); err != nil {
		t.Fatal(err)
	}
	if s.Connections != 9 || s.Steps[0].Weight != 3 || s.Phases[0].Arrivals != scenario.Poisson || len(s.SLO) != 2 || s.SLO[1].Limit != 0.5 {
		t.Errorf("an open scenario becomes %+v", s)
	}

	s.SLO = s.SLO[1:]
	if err := o.apply(s); err == nil || !strings.Contains(err.Error(), "--slo p99=50ms") {
		t.Errorf("without a response time in the SLO: %v", err)
	}
}

// A target that falls behind misses, even if the SLO is generous; and the percentiles count failed requests as slow.
func TestJudgeTrial(t *testing.T) {
	s := &capacitySearch{scenario: &scenario.Scenario{SLO: scenario.SLO{{Metric: scenario.MetricP99, Limit: 1e9}}}}
	generous := trialRecord{queued: 100}
	if judged, _ := s.judge(&generous); judged.Met || !judged.Behind {
		t.Errorf("100 requests wait at the end: %+v", judged)
	}
	if judged, limited := s.judge(&trialRecord{}); judged.Met || judged.Behind || limited {
		t.Errorf("nothing was sent: %+v", judged)
	}
}

func TestCapacityOf(t *testing.T) {
	want := &result.Capacity{KeptRPS: new(10.0), LowRPS: new(10.0), LimitedBy: result.LimitMaxRate, Converged: true}
	if diff := cmp.Diff(want, capacityOf(knee.Found{Kept: 10, Low: 10, Converged: true, Limit: knee.Max}, nil, nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&result.Capacity{}, capacityOf(knee.Found{}, nil, nil)); diff != "" {
		t.Error(diff)
	}
	c := &result.Capacity{SLO: scenario.SLO{{Metric: scenario.MetricP99}, {Metric: scenario.MetricMax}}, KeptRPS: new(50.0), Trials: []result.Trial{
		{RateRPS: 50, Requests: 250}, {RateRPS: 50, Requests: 249}, {RateRPS: 25, Requests: 125},
	}}
	if n, wanted := fewestRequests(c); n != 249 || wanted != 1000 {
		t.Errorf("%d requests of %d wanted", n, wanted)
	}
}
