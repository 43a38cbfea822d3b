package analysis_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// simulated plays what the model is of: each request takes the environment that became idle last, or starts one where none is idle.
func simulated(random *rand.Rand, rate, busyS, idleS float64, requests int) float64 {
	var free []float64 // when each idle environment became so, the last one at the end
	var working []float64
	now, cold := 0., 0
	for range requests {
		now += random.ExpFloat64() / rate
		slices.Sort(working)
		for len(working) > 0 && working[0] <= now {
			free = append(free, working[0])
			working = working[1:]
		}
		free = slices.DeleteFunc(free, func(since float64) bool { return now-since > idleS })
		if n := len(free); n > 0 {
			free = free[:n-1]
		} else {
			cold++
		}
		working = append(working, now+busyS*random.ExpFloat64())
	}
	return float64(cold) / float64(requests)
}

func TestColdShareAgainstSimulation(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	for _, test := range []struct{ rate, busyS, idleS float64 }{
		{0.001, 0.005, 300}, {0.005, 0.005, 300}, {0.01, 0.05, 300}, {0.02, 0.1, 60}, {0.05, 1, 60}, {0.2, 0.2, 60}, {1, 0.05, 60}, {2, 0.1, 20},
	} {
		got := analysis.ColdShare(test.rate, time.Duration(test.busyS*1e9), time.Duration(test.idleS*1e9))
		want := simulated(random, test.rate, test.busyS, test.idleS, 200_000)
		// The standard error of the simulation, and a tenth for what the model simplifies.
		if math.Abs(got-want) > 5*math.Sqrt(want/200_000)+0.1*want {
			t.Errorf("%+v: the model says %.5f, the simulation %.5f", test, got, want)
		}
	}
}

func TestColdShare(t *testing.T) {
	t.Parallel()
	// One request at a time: the next one is cold if it comes after the idle time, exp(-rate·idle).
	if got, want := analysis.ColdShare(1./300, time.Microsecond, 5*time.Minute), math.Exp(-1); !near(got, want, 1e-5) {
		t.Errorf("a request in five minutes is cold in %v, want %v", got, want)
	}
	for _, rate := range []float64{0, -1, math.NaN()} {
		if got := analysis.ColdShare(rate, time.Second, time.Minute); got != 1 {
			t.Errorf("at the rate %v the share is %v", rate, got)
		}
	}
	for _, busy := range []time.Duration{0, time.Millisecond, time.Minute} {
		for _, rate := range []float64{1e-9, 1e-3, 1, 1e3, 1e5} {
			got := analysis.ColdShare(rate, busy, time.Minute)
			if !(got >= 0 && got <= 1) || got < analysis.ColdShare(rate, busy, time.Hour)-1e-12 {
				t.Errorf("%v at %v/s is %v, or longer idle times make more cold starts", busy, rate, got)
			}
		}
	}
}

// withCold adds n cold requests to the second target.
func withCold(n int) *result.Run {
	run := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda())
	t := &run.Targets[1]
	all, err := t.Overall.ResponseTime.Decode()
	if err != nil {
		panic(err)
	}
	cold := result.NewHistogram()
	for i := range n {
		cold.Record(400*time.Millisecond + time.Duration(i)*time.Millisecond)
	}
	all.Merge(cold)
	t.Overall.Requests, t.Overall.Successes = t.Overall.Requests+int64(n), t.Overall.Successes+int64(n)
	t.Overall.ResponseTime = all.Summary()
	t.Overall.ServiceTime = t.Overall.ResponseTime
	t.ColdStarts = &result.ColdStarts{Requests: int64(n), ResponseTime: cold.Summary()}
	return run
}

func TestColdWarm(t *testing.T) {
	t.Parallel()
	plain := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda()).Targets[1].Overall.ResponseTime
	m := compare(t, withCold(40))
	if len(m.ColdWarm) != 1 || m.ColdWarm[0].Target != 1 {
		t.Fatalf("%+v", m.ColdWarm)
	}
	c := m.ColdWarm[0]
	for _, r := range c.Rows {
		switch r.Metric.Key {
		case "p50":
			if number(r.Warm) != *plain.P50 || !near(number(r.Cold), 419_000, 0.001) {
				t.Errorf("median: warm %v, cold %v", number(r.Warm), number(r.Cold))
			}
		case "p99":
			if _, few := r.Cold.TooFew(); !few || number(r.Warm) != *plain.P99 {
				t.Errorf("p99: warm %v, cold %v", number(r.Warm), number(r.Cold))
			}
		case "max":
			if number(r.All) != 439_000 || number(r.Warm) > *plain.Max*1.001 {
				t.Errorf("max: all %v, warm %v", number(r.All), number(r.Warm))
			}
		}
	}
	if got := number(c.Share); !near(got, 40./7440, 1e-9) {
		t.Errorf("the cold share is %v", got)
	}
	// Once in three hours every request is cold; at 100/s hardly any is, and the p99 is the warm one.
	rare, often := c.Tails[0], c.Tails[len(c.Tails)-1]
	if share := number(rare.Share[0]); share < 0.95 || !near(number(rare.P50[0].Value), 419_000, 0.05) {
		t.Errorf("rare requests: %v cold, median %v", share, number(rare.P50[0].Value))
	}
	// Of forty cold requests the p99 is not known, but that it is not below the one with ten above it.
	if b := rare.P99[0]; !b.AtLeast || !near(number(b.Value), 429_000, 0.003) || often.P99[0].AtLeast {
		t.Errorf("p99 of rare requests: %v, at least: %v", number(b.Value), b.AtLeast)
	}
	if share := number(often.Share[1]); share > 1e-3 || !near(number(often.P99[1].Value), *plain.P99, 0.01) {
		t.Errorf("frequent requests: %v cold, p99 %v, want %v", share, number(often.P99[1].Value), *plain.P99)
	}
}

func TestColdWarmExtremes(t *testing.T) {
	t.Parallel()
	if c := compare(t, withCold(0)).ColdWarm[0]; len(c.Tails) != 0 || number(c.Share) != 0 {
		t.Errorf("no cold requests: %+v", c)
	}
	if c := compare(t, withCold(coldEnough-1)).ColdWarm[0]; len(c.Tails) != 0 {
		t.Error("a model of too few cold requests")
	}
	only := withCold(40)
	cold := only.Targets[1].ColdStarts.ResponseTime
	o := &only.Targets[1].Overall
	o.ResponseTime, o.ServiceTime, o.Requests, o.Successes = cold, cold, cold.Count, cold.Count
	c := compare(t, only).ColdWarm[0]
	if number(c.Share) != 1 || len(c.Tails) != 0 {
		t.Errorf("only cold requests: %+v", c)
	}
	for _, r := range c.Rows {
		if r.Warm.Valid() {
			t.Errorf("%s of no warm request is %v", r.Metric.Key, number(r.Warm))
		}
	}
}

const coldEnough = 20

func TestWaterfall(t *testing.T) {
	t.Parallel()
	of := func(n int, d time.Duration) *result.Histogram {
		h := result.NewHistogram()
		for range n {
			h.Record(d)
		}
		return h
	}
	s := statsOf(1, repeated(100, 20*time.Millisecond)...)
	s.ServiceTime = of(100, 12*time.Millisecond).Summary()
	s.ConnectTime = of(100, 3*time.Millisecond).Summary()
	tls := of(100, 2*time.Millisecond).Summary()
	s.TLSTime = &tls
	s.ServerTiming = result.NewServerTiming(of(100, 4*time.Millisecond), of(50, 2*time.Millisecond), of(2, 100*time.Millisecond))
	silent := statsOf(1, repeated(100, 20*time.Millisecond)...)
	run := runOf(s, silent)
	run.Scenario = resulttest.OpenLoad(10, scenario.Rate{From: 100, To: 100})
	run.Scenario.FreshConnections = true
	m := compare(t, run)
	want := map[string]float64{
		"Wait for a connection": 5000, "Connect": 1000, "TLS handshake": 2000, "Network, front door, adapter": 6000, "Init of cold starts": 2000,
		"Handler": 3000, "Store": 1000,
	}
	sum := 0.
	for _, p := range m.Waterfalls[0].Parts {
		if got := number(p.Mean); got != want[p.Label] {
			t.Errorf("%s takes %v, want %v", p.Label, got, want[p.Label])
		}
		sum += number(p.Mean)
		delete(want, p.Label)
	}
	if len(want) > 0 || sum != 20_000 {
		t.Errorf("missing are %v; the sum is %v", want, sum)
	}
	// A target that tells nothing has one part for all that cannot be told apart.
	if parts := m.Waterfalls[1].Parts; len(parts) != 2 || number(parts[1].Mean) != 20_000 {
		t.Errorf("%+v", parts)
	}
	run.Scenario = scenario.Scenario{Load: scenario.Closed, Workers: 1}
	if parts := compare(t, run).Waterfalls[0].Parts; len(parts) != 4 {
		t.Errorf("a closed loop with connections that are kept has %+v", parts)
	}
	if w := compare(t, runOf(result.Stats{Errors: map[string]int64{}})).Waterfalls; len(w) != 0 {
		t.Errorf("no success has %+v", w)
	}
}
