package analysis_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

func compare(t testing.TB, run *result.Run) *analysis.Model {
	t.Helper()
	m, err := analysis.Compare(run)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func row(t testing.TB, rows []analysis.Row, key string) analysis.Row {
	t.Helper()
	r, ok := analysis.Find(rows, key)
	if !ok {
		t.Fatalf("no row %s", key)
	}
	return r
}

func number(v analysis.Value) float64 {
	if n, ok := v.Get(); ok {
		return n
	}
	return math.NaN()
}

// near is false where a figure is missing.
func near(got, want, share float64) bool { return math.Abs(got-want) <= share*math.Abs(want) }

// statsOf records times by hand.
func statsOf(wallS float64, times ...time.Duration) result.Stats {
	h := result.NewHistogram()
	for _, d := range times {
		h.Record(d)
	}
	n := int64(len(times))
	rate := float64(n) / wallS
	return result.Stats{
		Requests: n, Successes: n, Errors: map[string]int64{}, WallS: &wallS, ThroughputRPS: &rate,
		ResponseTime: h.Summary(), ServiceTime: h.Summary(),
	}
}

func runOf(stats ...result.Stats) *result.Run {
	run := &result.Run{SchemaVersion: 1, Rounds: 1, Scenario: scenario.Scenario{Name: "own", Load: scenario.Closed, Workers: 1}}
	for i, s := range stats {
		run.Targets = append(run.Targets, result.Target{Name: string(rune('a' + i)), Provenance: result.Measured, Overall: s})
	}
	return run
}

func TestTotals(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	// Twenty samples are enough for a median.
	five := func(wallS float64, times ...time.Duration) result.Stats {
		return statsOf(wallS, slices.Repeat(times, 5)...)
	}
	m := compare(t, runOf(five(2, 1*ms, 2*ms, 3*ms, 4*ms), five(1, 2*ms, 4*ms, 6*ms, 8*ms), five(4, 1*ms, 1*ms, 1*ms, 2*ms)))
	var keys []string
	for _, r := range m.Totals {
		keys = append(keys, r.Metric.Key)
	}
	want := []string{"requests", "successes", "errors", "wall_time", "throughput", "mean", "p50", "p90", "p95", "p99", "p99_9", "max"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	tests := []struct {
		key       string
		values    [3]float64
		ratios    [3]float64
		standings [3]analysis.Standing
	}{
		{"requests", [3]float64{20, 20, 20}, [3]float64{0, 1, 1}, [3]analysis.Standing{}},
		{"successes", [3]float64{20, 20, 20}, [3]float64{0, 1, 1}, [3]analysis.Standing{0, analysis.Same, analysis.Same}},
		{"wall_time", [3]float64{2e6, 1e6, 4e6}, [3]float64{0, 0.5, 2}, [3]analysis.Standing{0, analysis.Better, analysis.Worse}},
		{"throughput", [3]float64{10, 20, 5}, [3]float64{0, 2, 0.5}, [3]analysis.Standing{0, analysis.Better, analysis.Worse}},
		{"mean", [3]float64{2500, 5000, 1250}, [3]float64{0, 2, 0.5}, [3]analysis.Standing{0, analysis.Worse, analysis.Better}},
		{"p50", [3]float64{2000, 4000, 1000}, [3]float64{0, 2, 0.5}, [3]analysis.Standing{0, analysis.Worse, analysis.Better}},
		{"max", [3]float64{4000, 8000, 2000}, [3]float64{0, 2, 0.5}, [3]analysis.Standing{0, analysis.Worse, analysis.Better}},
	}
	for _, test := range tests {
		r := row(t, m.Totals, test.key)
		for i, c := range r.Cells {
			// The median's bucket is at most 0.1 % wide.
			if !near(number(c.Value), test.values[i], 0.001) {
				t.Errorf("%s[%d] is %v, want %v", test.key, i, number(c.Value), test.values[i])
			}
			if i > 0 && !near(number(c.Ratio), test.ratios[i], 0.002) {
				t.Errorf("%s[%d] has the ratio %v, want %v", test.key, i, number(c.Ratio), test.ratios[i])
			}
			if c.Standing != test.standings[i] {
				t.Errorf("%s[%d] stands %v, want %v", test.key, i, c.Standing, test.standings[i])
			}
		}
		if r.Cells[0].Ratio.Valid() {
			t.Errorf("%s: the baseline has a ratio", test.key)
		}
	}
}

func TestMissingStaysMissing(t *testing.T) {
	t.Parallel()
	empty := result.Stats{Errors: map[string]int64{}}
	wall := 0.5
	failedOnly := result.Stats{Requests: 3, Errors: map[string]int64{"connect": 3}, WallS: &wall}
	m := compare(t, runOf(statsOf(1, time.Millisecond), empty, failedOnly))
	for _, r := range m.Totals {
		if r.Metric.Key != "requests" && r.Cells[1].Value.Valid() {
			t.Errorf("%s of nothing is %v", r.Metric.Key, number(r.Cells[1].Value))
		}
		if r.Cells[1].Standing != analysis.Unrated {
			t.Errorf("%s of nothing stands %v", r.Metric.Key, r.Cells[1].Standing)
		}
	}
	for _, key := range []string{"mean", "p50", "max", "throughput"} {
		if c := row(t, m.Totals, key).Cells[2]; c.Value.Valid() || c.Ratio.Valid() {
			t.Errorf("%s without a success is %v", key, number(c.Value))
		}
	}
	// Three errors against none: no ratio, but worse.
	if c := row(t, m.Totals, "errors").Cells[2]; number(c.Value) != 3 || c.Ratio.Valid() || c.Standing != analysis.Worse {
		t.Errorf("errors: %+v", c)
	}
}

func TestCompareErrors(t *testing.T) {
	t.Parallel()
	if _, err := analysis.Compare(&result.Run{}); err == nil || !strings.Contains(err.Error(), "has none") {
		t.Errorf("no target: %v", err)
	}
	run := resulttest.Run(resulttest.FourPhase(20), 2, resulttest.EC2())
	run.Targets[0].Phases[6].ResponseTime.Histogram = "broken"
	_, err := analysis.Compare(run)
	if err == nil || !strings.Contains(err.Error(), `merging the rounds of "ec2": phase "peak", round 2: response_time_us`) {
		t.Errorf("broken histogram: %v", err)
	}
}

// TestRoundsAreMerged takes two rounds whose merged median is far from the mean of their medians.
func TestRoundsAreMerged(t *testing.T) {
	t.Parallel()
	fast := slices.Repeat([]time.Duration{time.Millisecond}, 900)
	slow := slices.Repeat([]time.Duration{100 * time.Millisecond}, 100)
	run := runOf(statsOf(10, append(slices.Clone(fast), slow...)...))
	run.Rounds = 2
	run.Scenario.Phases = []scenario.Phase{{Name: "peak", Workers: 1, Iterations: 500}}
	run.Targets[0].Phases = []result.PhaseStats{
		{Name: "peak", Round: 1, Turn: 1, Stats: statsOf(1, fast...)},
		{Name: "peak", Round: 2, Turn: 1, Stats: statsOf(9, slow...)},
	}
	m := compare(t, run)
	if len(m.Phases) != 1 || len(m.Rounds) != 2 {
		t.Fatalf("%d phases, %d rounds", len(m.Phases), len(m.Rounds))
	}
	for key, want := range map[string]float64{"requests": 1000, "wall_time": 10e6, "throughput": 100, "p50": 1000, "p99": 100_000, "mean": 10_900} {
		got := number(row(t, m.Phases[0].Rows, key).Cells[0].Value)
		if !near(got, want, 0.001) {
			t.Errorf("%s over both rounds is %v, want %v", key, got, want)
		}
	}
	if got := number(row(t, m.Rounds[1].Rows, "p50").Cells[0].Value); !near(got, 100_000, 0.001) {
		t.Errorf("the median of round 2 is %v", got)
	}
	for _, s := range m.Spread {
		if s.Metric.Key == "throughput" && (number(s.Lowest[0]) != 100./9 || number(s.Highest[0]) != 900 || number(s.Middle[0]) != (900+100./9)/2) {
			t.Errorf("spread %v %v %v", number(s.Lowest[0]), number(s.Middle[0]), number(s.Highest[0]))
		}
	}
}

// TestMergedRoundsAreTheTotals holds because the test's totals were recorded apart, request by request.
func TestMergedRoundsAreTheTotals(t *testing.T) {
	t.Parallel()
	s := resulttest.FourPhase(20)
	s.Phases = s.Phases[2:3]
	m := compare(t, resulttest.Run(s, 5, resulttest.EC2(), resulttest.Lambda()))
	for _, want := range m.Totals {
		got := row(t, m.Phases[0].Rows, want.Metric.Key)
		for i := range want.Cells {
			if a, b := number(want.Cells[i].Value), number(got.Cells[i].Value); !near(a, b, 1e-9) {
				t.Errorf("%s[%d] is %v in total and %v merged", want.Metric.Key, i, a, b)
			}
		}
	}
}

func TestDirections(t *testing.T) {
	t.Parallel()
	run := runOf(statsOf(1, time.Millisecond), statsOf(2, time.Millisecond))
	run.Scenario.Phases = []scenario.Phase{{Name: "timed", Workers: 1, Duration: scenario.Duration(time.Second)}}
	if c := row(t, compare(t, run).Totals, "wall_time").Cells[1]; c.Standing != analysis.Unrated || number(c.Ratio) != 2 {
		t.Errorf("the wall time of a phase that a clock ends: %+v", c)
	}
	run = runOf(statsOf(1, time.Millisecond), statsOf(2, time.Millisecond, time.Millisecond))
	if c := row(t, compare(t, run).Totals, "successes").Cells[1]; c.Standing != analysis.Unrated {
		t.Errorf("successes of another number of requests stand %v", c.Standing)
	}
	run = runOf(statsOf(1, 1000*time.Microsecond), statsOf(1, 1004*time.Microsecond), statsOf(1, 1006*time.Microsecond))
	cells := row(t, compare(t, run).Totals, "mean").Cells
	if cells[1].Standing != analysis.Same || cells[2].Standing != analysis.Worse {
		t.Errorf("0.4 %% apart stands %v, 0.6 %% apart %v", cells[1].Standing, cells[2].Standing)
	}
}

func TestFlips(t *testing.T) {
	t.Parallel()
	m := compare(t, resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda()))
	found := false
	for _, f := range m.Flips {
		if f.Metric.Key == "p50" {
			found = true
			if diff := cmp.Diff([]string{"warmup", "cooldown"}, f.Worse); diff != "" {
				t.Errorf("worse (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff([]string{"loading", "peak"}, f.Better); diff != "" {
				t.Errorf("better (-want +got)\n%s", diff)
			}
		}
	}
	if !found {
		t.Error("the medians cross between 5 and 10 workers, and no flip was found")
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	one, zero, none := analysis.Known(1), analysis.Known(0), analysis.Value{}
	for name, v := range map[string]analysis.Value{
		"NaN": analysis.Known(math.NaN()), "infinite": analysis.Known(math.Inf(-1)), "by zero": one.Over(zero), "zero by zero": zero.Over(zero),
		"by none": one.Over(none), "none by one": none.Over(one), "overflow": analysis.Known(1e300).Over(analysis.Known(1e-300)),
	} {
		if v.Valid() {
			t.Errorf("%s is %v", name, number(v))
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	run := resulttest.Run(resulttest.FourPhase(20), 20, resulttest.EC2(), resulttest.Lambda())
	b.ReportAllocs()
	for b.Loop() {
		compare(b, run)
	}
}
