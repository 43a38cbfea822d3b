package loadgen

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// kept is an observer that keeps everything.
type kept struct {
	turns    []recorder.Phase
	parts    recorder.Phase // sum of the intervals of the last turn
	progress func() recorder.Progress
	each     func(Interval)
}

func (k *kept) Started(_ Turn, progress func() recorder.Progress) { k.progress = progress }
func (k *kept) Ended(_ Turn, p recorder.Phase, _ time.Duration)   { k.turns = append(k.turns, p) }

func (k *kept) Interval(_ Turn, i Interval) {
	if k.parts.Steps == nil {
		k.parts.Steps = make([]recorder.Set, len(i.Recorded.Steps))
	}
	k.parts.Merge(i.Recorded)
	if k.each != nil {
		k.each(i)
	}
}

// virtual runs s on a virtual clock against a server in memory. It must be called in a bubble of synctest.
func virtual(t *testing.T, s *scenario.Scenario, seed uint64, serve serve, drain <-chan struct{}, k *kept) (whole bool) {
	t.Helper()
	g, err := New(s, []Target{{Name: "model", URL: "http://model"}}, Options{
		Seed: seed, newPacer: func() pacer { return virtualPacer{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	begun := time.Now()
	for _, l := range g.clients[0].links {
		ours, theirs := net.Pipe()
		c := l.(*conn)
		c.nc, c.used = ours, time.Now()
		c.reader.Reset(c)
		go answerAll(theirs, begun, serve)
	}
	whole, err = g.Run(t.Context(), drain, 1, k)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// virtualPacer never spins: in a bubble time stands still while anything runs.
type virtualPacer struct{}

func (virtualPacer) wait(at time.Time, asked <-chan struct{}, _ bool) bool {
	return timerSleep(time.Until(at), asked)
}
func (virtualPacer) spun() time.Duration { return 0 }
func (virtualPacer) close()              {}

// answerAll is the server's side of one connection.
func answerAll(c net.Conn, begun time.Time, serve serve) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		arrived := time.Since(begun)
		time.Sleep(serve(arrived) - arrived)
		body := req.URL.Path
		if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			return
		}
	}
}

func openScenario(connections int, phases ...scenario.Phase) *scenario.Scenario {
	return &scenario.Scenario{
		Name: "virtual", Load: scenario.Open, Connections: connections, Protocol: scenario.HTTP1,
		Timeout: scenario.Duration(time.Minute), Grace: scenario.Duration(10 * time.Second),
		Steps:  []scenario.Step{{Name: "get", Method: "GET", Path: "/", Weight: 1}},
		Phases: phases,
	}
}

func openPhase(from, to float64, lasts time.Duration, arrivals scenario.Arrivals) scenario.Phase {
	return scenario.Phase{
		Name: "load", Rate: &scenario.Rate{From: from, To: to}, Duration: scenario.Duration(lasts), Arrivals: arrivals,
	}
}

// checkTimes compares a summary with the model's list: HDR histograms are exact to a thousandth, and to a microsecond.
func checkTimes(t *testing.T, what string, got *result.Summary, want []time.Duration) {
	t.Helper()
	if got == nil {
		got = &result.Summary{}
	}
	if int(got.Count) != len(want) {
		t.Errorf("%s: %d samples, the model has %d", what, got.Count, len(want))
	}
	if got.Count == 0 || len(want) == 0 {
		return
	}
	for _, p := range []struct {
		percent float64
		value   *float64
	}{{50, got.P50}, {90, got.P90}, {95, got.P95}, {99, got.P99}, {99.9, got.P999}, {100, got.Max}} {
		exact := exact(want, p.percent).Seconds() * 1e6
		if math.Abs(*p.value-exact) > exact/1000+1.5 {
			t.Errorf("%s: p%g is %.1f µs, the model's %.1f", what, p.percent, *p.value, exact)
		}
	}
}

// The test of field reports: 2 ms answers, one stall of 2 s, 200/s for 10 s on 10 connections. Generators that forget the wait
// for a connection print a p99 of 3 to 4 ms.
func TestStall(t *testing.T) {
	for _, arrivals := range []scenario.Arrivals{scenario.Constant, scenario.Poisson} {
		t.Run(string(arrivals), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openScenario(10, openPhase(200, 200, 10*time.Second, arrivals))
				serve := stalling(steady(2*time.Millisecond), 4*time.Second, 2*time.Second)
				k := &kept{}
				if !virtual(t, s, 7, serve, nil, k) {
					t.Error("the run says that it was cut")
				}
				done, _ := model(s, s.Phases[0], 7^stream(1, 0), serve)
				got := k.turns[0].Overall.Stats()
				checkTimes(t, "response time", &got.ResponseTime, each(done, response))
				checkTimes(t, "service time", &got.ServiceTime, each(done, service))
				if p99 := *got.ResponseTime.P99; p99 < 1.8e6 {
					t.Errorf("the response p99 is %.0f µs: the stall is hidden", p99)
				}
				if p99 := *got.ServiceTime.P99; p99 > 10e3 {
					t.Errorf("the service p99 is %.0f µs, want that of the answers", p99)
				}
				if lag := got.SendLag; lag == nil || int(lag.Count) != len(done) || *lag.Max > 1 {
					t.Errorf("send lag %+v on a clock that never lags", lag)
				}
				if wall := *got.WallS; wall < 10 || wall > 10.003 {
					t.Errorf("the phase took %g s, want 10", wall)
				}
			})
		})
	}
}

// TestAgainstModel compares whole runs with the model: any number of connections, rates, ramps, service times, stalls, graces.
func TestAgainstModel(t *testing.T) {
	const runs = 40
	for seed := range uint64(runs) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 99))
			arrivals := scenario.Constant
			if r.IntN(2) == 0 {
				arrivals = scenario.Poisson
			}
			from, to := r.Float64()*300, r.Float64()*300
			if r.IntN(2) == 0 {
				to = from
			}
			s := openScenario(1+r.IntN(20), openPhase(from, to, time.Duration(500+r.IntN(2500))*time.Millisecond, arrivals))
			s.Grace = scenario.Duration(r.IntN(3000)) * scenario.Duration(time.Millisecond)
			// Answers that depend on when a request comes, in an odd number of nanoseconds: no two events at one time.
			slow := time.Duration(1+r.IntN(100)) * time.Millisecond
			serve := stalling(func(arrived time.Duration) time.Duration {
				return arrived + slow/2 + arrived*7919%slow + 1
			}, time.Duration(r.IntN(2000))*time.Millisecond, time.Duration(r.IntN(1500))*time.Millisecond)

			k := &kept{}
			virtual(t, s, seed, serve, nil, k)
			done, unsent := model(s, s.Phases[0], seed^stream(1, 0), serve)
			got := k.turns[0].Overall.Stats()
			checkTimes(t, "response time", &got.ResponseTime, each(done, response))
			checkTimes(t, "service time", &got.ServiceTime, each(done, service))
			until := time.Duration(s.Phases[0].Duration + s.Grace)
			checkTimes(t, "unsent", got.UnsentTime, each(unsent, func(e event) time.Duration { return until - e.due }))
			if n := got.Errors[recorder.KindUnsent]; int(n) != len(unsent) || got.Requests != got.Successes+n {
				t.Errorf("%d unsent of %d requests, the model has %d", n, got.Requests, len(unsent))
			}
			if parts := k.parts.Overall.Stats(); parts.Requests != got.Requests || parts.ResponseTime.Histogram != got.ResponseTime.Histogram {
				t.Errorf("the intervals have %d requests, the phase %d", parts.Requests, got.Requests)
			}
			if t.Failed() {
				t.Logf("seed %d: %+v", seed, s)
			}
		})
		if t.Failed() {
			return
		}
	}
}

func TestQueueWhileStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openScenario(10, openPhase(200, 200, 6*time.Second, scenario.Constant))
		k := &kept{}
		var queued, inFlight []int64
		k.each = func(i Interval) {
			queued, inFlight = append(queued, i.Queued), append(inFlight, i.InFlight)
		}
		virtual(t, s, 1, stalling(steady(2*time.Millisecond), 2500*time.Millisecond, 2*time.Second), nil, k)
		// At 4 s the stall has lasted 1.5 s: 300 requests came, 10 of them are in flight. Those due in this very instant may
		// count either way.
		if q, f := queued[3], inFlight[3]; q < 288 || q > 292 || f != 10 {
			t.Errorf("after 4 s %d are queued and %d in flight, want 290 and 10; all: %v, %v", q, f, queued, inFlight)
		}
		if q := queued[len(queued)-1]; q != 0 {
			t.Errorf("%d are queued at the end", q)
		}
	})
}

func TestDrainOfOpenPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openScenario(2, openPhase(10, 10, time.Minute, scenario.Constant), openPhase(1, 1, time.Minute, scenario.Constant))
		drain := make(chan struct{})
		time.AfterFunc(5050*time.Millisecond, func() { close(drain) })
		k := &kept{}
		if virtual(t, s, 1, steady(time.Second), drain, k) {
			t.Error("the run says that it did everything")
		}
		// 51 were due by then. Two go out each second: at 0 and 0.1, at 1.0 and 1.1, …, at 5.0.
		got := k.turns[0].Overall.Stats()
		if len(k.turns) != 1 || got.Requests != 51 || got.Successes != 11 || got.Errors[recorder.KindUnsent] != 40 {
			t.Errorf("%d turns, %d requests, %d successes, errors %v", len(k.turns), got.Requests, got.Successes, got.Errors)
		}
	})
}

func TestIdlePhaseLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openScenario(2, openPhase(0, 0, time.Hour, scenario.Constant), openPhase(1, 1, 10*time.Second, scenario.Constant))
		begun, k := time.Now(), &kept{}
		if !virtual(t, s, 1, steady(time.Millisecond), nil, k) || len(k.turns) != 2 {
			t.Fatal("not all of it ran")
		}
		if took := time.Since(begun); took != time.Hour+10*time.Second {
			t.Errorf("it took %s", took)
		}
		idle, load := k.turns[0].Overall.Stats(), k.turns[1].Overall.Stats()
		if idle.Requests != 0 || idle.WallS != nil || load.Requests != 10 || *load.WallS != 10 || *load.ThroughputRPS != 1 {
			t.Errorf("idle %+v, load %+v", idle, load)
		}
	})
}

func TestAbortOfOpenPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openScenario(2, openPhase(10, 10, time.Hour, scenario.Constant))
		g, err := New(s, []Target{{URL: "http://model"}}, Options{newPacer: func() pacer { return virtualPacer{} }})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range g.clients[0].links {
			ours, theirs := net.Pipe()
			c := l.(*conn)
			c.nc, c.used = ours, time.Now()
			c.reader.Reset(c)
			go func() { _, _ = io.Copy(io.Discard, theirs) }() // never answers
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute/2, cancel)
		k := &kept{}
		if whole, err := g.Run(ctx, nil, 1, k); whole || err == nil || len(k.turns) != 0 {
			t.Errorf("Run returned %v, %v with %d turns", whole, err, len(k.turns))
		}
		synctest.Wait()
	})
}

// Both targets of a run get the same steps in the same order.
func TestSameLoadForAllTargets(t *testing.T) {
	paths := map[string][]string{}
	synctest.Test(t, func(t *testing.T) {
		s := openScenario(1, openPhase(50, 50, 4*time.Second, scenario.Poisson))
		s.Steps = nil
		for _, name := range []string{"a", "b", "c"} {
			s.Steps = append(s.Steps, scenario.Step{Name: name, Method: "GET", Path: "/" + name, Weight: 1})
		}
		g, err := New(s, []Target{{Name: "1", URL: "http://one"}, {Name: "2", URL: "http://two"}}, Options{
			Seed: 5, newPacer: func() pacer { return virtualPacer{} },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		for i, c := range g.clients {
			ours, theirs := net.Pipe()
			conn := c.links[0].(*conn)
			conn.nc, conn.used = ours, time.Now()
			conn.reader.Reset(conn)
			go func() {
				r := bufio.NewReader(theirs)
				for req, err := http.ReadRequest(r); err == nil; req, err = http.ReadRequest(r) {
					paths[g.targets[i].Name] = append(paths[g.targets[i].Name], req.URL.Path)
					_, _ = io.WriteString(theirs, "HTTP/1.1 204 No Content\r\n\r\n")
				}
			}()
		}
		if whole, err := g.Run(t.Context(), nil, 1, &kept{}); err != nil || !whole {
			t.Fatalf("Run returned %v, %v", whole, err)
		}
	})
	if len(paths["1"]) < 100 || !slices.Equal(paths["1"], paths["2"]) {
		t.Errorf("the targets got %d and %d requests, or not the same", len(paths["1"]), len(paths["2"]))
	}
	counts := map[string]int{}
	for _, p := range paths["1"] {
		counts[p]++
	}
	if len(counts) != 3 || slices.MinFunc([]string{"/a", "/b", "/c"}, func(a, b string) int { return cmp.Compare(counts[a], counts[b]) }) == "" {
		t.Errorf("the steps were drawn %v times", counts)
	}
}
