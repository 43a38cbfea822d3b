package analysis_test

import (
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

func repeated(n int, d time.Duration) []time.Duration { return slices.Repeat([]time.Duration{d}, n) }

// TestSamplesThatPercentilesTake has the limits as they are documented.
func TestSamplesThatPercentilesTake(t *testing.T) {
	t.Parallel()
	for key, least := range map[string]int{"p50": 20, "p90": 100, "p95": 200, "p99": 1000, "p99_9": 10_000} {
		for n, want := range map[int]bool{1: false, least - 1: false, least: true, least + 1: true} {
			m := compare(t, runOf(statsOf(1, repeated(n, time.Millisecond)...)))
			v := row(t, m.Totals, key).Cells[0].Value
			if v.Valid() != want {
				t.Errorf("%s of %d samples is there: %v", key, n, v.Valid())
			}
			if samples, few := v.TooFew(); few == want || few && samples != int64(n) {
				t.Errorf("%s of %d samples: too few is %v, of %d", key, n, few, samples)
			}
		}
	}
	one := compare(t, runOf(statsOf(1, time.Millisecond)))
	for _, key := range []string{"mean", "max"} {
		if got := number(row(t, one.Totals, key).Cells[0].Value); got != 1000 {
			t.Errorf("%s of 1 sample is %v", key, got)
		}
	}
	// No samples are not too few, but none.
	none := compare(t, runOf(result.Stats{Errors: map[string]int64{}}))
	if _, few := row(t, none.Totals, "p50").Cells[0].Value.TooFew(); few {
		t.Error("a median of nothing has too few samples")
	}
}

func TestTooFewIsMissingEverywhere(t *testing.T) {
	t.Parallel()
	run := runOf(statsOf(1, repeated(5000, time.Millisecond)...), statsOf(1, repeated(300, 2*time.Millisecond)...))
	run.Rounds = 2
	for i := range run.Targets {
		a, b := statsOf(1, repeated(30, time.Millisecond)...), statsOf(1, repeated(10, 2*time.Millisecond)...)
		run.Targets[i].Phases = []result.PhaseStats{{Name: "p", Round: 1, Stats: a}, {Name: "p", Round: 2, Stats: b}}
	}
	m := compare(t, run)
	if c := row(t, m.Totals, "p99").Cells[1]; c.Ratio.Valid() || c.Standing != analysis.Unrated {
		t.Errorf("a p99 of 300 samples has the ratio %v and stands %v", number(c.Ratio), c.Standing)
	}
	var keys []string
	for _, f := range m.Facts {
		keys = append(keys, f.Metric.Key)
	}
	// The highest percentile that both have takes its place.
	if diff := cmp.Diff([]string{"throughput", "p50", "p95"}, keys); diff != "" {
		t.Errorf("facts (-want +got)\n%s", diff)
	}
	for _, s := range m.Spread {
		if s.Metric.Key != "p50" {
			continue
		}
		// One round had 30 samples and the other 10: the spread of the one alone would be none.
		if n, few := s.Lowest[0].TooFew(); !few || n != 10 || s.Highest[0].Valid() {
			t.Errorf("the spread of the median: %v, of %d", few, n)
		}
	}
}

// TestFewInConditions holds for the medians of cold starts, connections and failures as well.
func TestFewInConditions(t *testing.T) {
	t.Parallel()
	run := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2())
	cold := result.NewHistogram()
	cold.Record(50 * time.Millisecond)
	run.Targets[0].ColdStarts = &result.ColdStarts{Requests: 1, ResponseTime: cold.Summary()}
	m := compare(t, run)
	if n, few := row(t, m.ColdStarts, "cold_p50").Cells[0].Value.TooFew(); !few || n != 1 {
		t.Errorf("the median of one cold request: %v, of %d", few, n)
	}
	if got := number(row(t, m.ColdStarts, "cold_mean").Cells[0].Value); got != 50_000 {
		t.Errorf("its mean is %v", got)
	}
	if !row(t, m.Connections, "connect_p50").Cells[0].Value.Valid() {
		t.Error("37 connections have no median")
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	us := 12.
	for n, want := range map[int64]bool{0: false, 999: false, 1000: true} {
		if got := analysis.Percentile(&us, n, 990).Valid(); got != want {
			t.Errorf("p99 of %d samples is there: %v", n, got)
		}
	}
	if analysis.Percentile(nil, 5000, 990).Valid() {
		t.Error("a null is a figure")
	}
}

// TestResponseBesideService has them in turn, in open loads alone.
func TestResponseBesideService(t *testing.T) {
	t.Parallel()
	m := compare(t, resulttest.Run(resulttest.OpenLoad(10, scenario.Rate{From: 200, To: 200}), 1, resulttest.EC2()))
	var keys []string
	for _, r := range m.Totals {
		keys = append(keys, r.Metric.Key)
	}
	want := []string{
		"requests", "successes", "errors", "wall_time", "throughput", "mean", "service_mean", "p50", "service_p50", "p90", "service_p90", "p95", "service_p95",
		"p99", "service_p99", "p99_9", "service_p99_9", "max", "service_max",
	}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if label := row(t, m.Phases[0].Rows, "service_p99").Metric.Label; label != "p99 service" {
		t.Errorf("the label is %q", label)
	}
}

func TestWaits(t *testing.T) {
	t.Parallel()
	calm, stalls := resulttest.EC2(), resulttest.EC2()
	stalls.Stall = 2 * time.Second
	steady := scenario.Rate{From: 200, To: 200}
	tests := []struct {
		name  string
		run   *result.Run
		want  int
		phase string
	}{
		{"no stall", resulttest.Run(resulttest.OpenLoad(10, steady), 1, calm), 0, ""},
		{"a stall", resulttest.Run(resulttest.OpenLoad(10, steady), 1, stalls), 1, ""},
		{"a stall in both rounds", resulttest.Run(resulttest.OpenLoad(10, steady), 2, stalls), 1, ""},
		{"a stall, and connections enough", resulttest.Run(resulttest.OpenLoad(1000, steady), 1, stalls), 0, ""},
		{"a closed loop", resulttest.Run(resulttest.FourPhase(20), 1, calm), 0, ""},
		{"in one phase alone", oneBadPhase(), 1, "second"},
		{"a late generator", late(func(s *result.Stats) { lag := s.ResponseTime; s.SendLag = &lag }), 0, ""},
		{"connections opened meanwhile", late(func(s *result.Stats) { s.ConnectTime = s.ResponseTime }), 0, ""},
		{"neither", late(func(*result.Stats) {}), 1, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			waits := compare(t, test.run).Waits
			if len(waits) != test.want {
				t.Fatalf("%d waits, want %d: %+v", len(waits), test.want, waits)
			}
			if test.want == 1 && (waits[0].Phase != test.phase || waits[0].Connections != test.run.Scenario.Connections || number(waits[0].Response) <= 2*number(waits[0].Service)) {
				t.Errorf("%+v", waits[0])
			}
		})
	}
}

// oneBadPhase has a phase of 1,000 requests that waited, and 200,000 others that did not.
func oneBadPhase() *result.Run {
	good, bad := statsOf(10, repeated(200_000, time.Millisecond)...), statsOf(1, repeated(1000, time.Second)...)
	bad.ServiceTime = statsOf(1, repeated(1000, time.Millisecond)...).ResponseTime
	total := statsOf(11, slices.Concat(repeated(200_000, time.Millisecond), repeated(1000, time.Second))...)
	total.ServiceTime = statsOf(1, repeated(201_000, time.Millisecond)...).ResponseTime
	run := runOf(total)
	run.Scenario = resulttest.OpenLoad(10, scenario.Rate{From: 20_000, To: 20_000}, scenario.Rate{From: 1000, To: 1000})
	run.Targets[0].Phases = []result.PhaseStats{{Name: "first", Round: 1, Stats: good}, {Name: "second", Round: 1, Stats: bad}}
	return run
}

// late has response times far above service times, for a reason that change may give.
func late(change func(*result.Stats)) *result.Run {
	s := statsOf(1, repeated(1000, 100*time.Millisecond)...)
	s.ServiceTime = statsOf(1, repeated(1000, time.Millisecond)...).ResponseTime
	change(&s)
	run := runOf(s)
	run.Scenario = resulttest.OpenLoad(10)
	return run
}

func TestUnsent(t *testing.T) {
	t.Parallel()
	run := resulttest.Run(resulttest.OpenLoad(2, scenario.Rate{From: 1500, To: 1500}), 1, resulttest.EC2(), resulttest.Lambda())
	run.Targets[1].Examples = []result.ErrorSample{{Kind: result.KindUnsent}}
	m := compare(t, run)
	n := number(row(t, m.Unsent, "unsent").Cells[1].Value)
	if want := float64(run.Targets[1].Overall.Errors[result.KindUnsent]); n != want || n == 0 || number(row(t, m.Unsent, "unsent").Cells[0].Value) != 0 {
		t.Errorf("%v were never sent, want %v", n, want)
	}
	if got, want := number(row(t, m.Unsent, "unsent_share").Cells[1].Value), n/float64(run.Targets[1].Overall.Requests); got != want {
		t.Errorf("they are a share of %v, want %v", got, want)
	}
	if v := row(t, m.Unsent, "unsent_max").Cells[1].Value; !v.Valid() {
		t.Error("how long they waited is not known")
	}
	for _, f := range m.Facts {
		if f.Metric.Unit == analysis.Microseconds {
			t.Errorf("%s of those that were sent is a fact", f.Metric.Label)
		}
	}
	if c := row(t, m.Totals, "p50").Cells[1]; c.Standing != analysis.Unrated || !c.Ratio.Valid() {
		t.Errorf("the median of those that were sent stands %v", c.Standing)
	}
	if len(m.Errors) != 0 {
		t.Errorf("they are among the other errors: %v", m.Errors)
	}
	for _, rows := range [][]analysis.Row{m.Totals, m.Phases[0].Rows} {
		if got := number(row(t, rows, "unsent").Cells[1].Value); got != n {
			t.Errorf("%v of %v are in a table", got, n)
		}
	}
	if m := compare(t, resulttest.Run(resulttest.OpenLoad(9, scenario.Rate{From: 9, To: 9}), 1, resulttest.EC2())); m.Unsent != nil {
		t.Errorf("all were sent, and there is %v", m.Unsent)
	}
}

func TestGenerator(t *testing.T) {
	t.Parallel()
	run := runOf(statsOf(1, repeated(50, time.Millisecond)...))
	if m := compare(t, run); len(m.Generator) != 1 { // connections
		t.Errorf("of a generator that nothing is known of: %v", m.Generator)
	}
	share, lag := 0.25, run.Targets[0].Overall.ResponseTime
	run.Generator = result.Generator{CPUFraction: &share, MachineCPUFraction: &share, SendLag: &lag, GCPauses: &result.Pauses{Count: 3, TotalUS: 900, MaxUS: 500}}
	m := compare(t, run)
	for key, want := range map[string]float64{"cpu": 0.25, "machine_cpu": 0.25, "lag_p50": 1000, "lag_max": 1000, "gc_pauses": 3, "gc_total": 900, "gc_max": 500} {
		if got := number(row(t, m.Generator, key).Cells[0].Value); !near(got, want, 0.001) {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	if n, few := row(t, m.Generator, "lag_p99").Cells[0].Value.TooFew(); !few || n != 50 {
		t.Errorf("p99 of 50 lags: %v of %d", few, n)
	}
	if text := strings.Join(m.Caveats, " "); strings.Contains(text, "Closed loop: this is") == (run.Scenario.Load == scenario.Open) {
		t.Errorf("the closed loop is not named in %s", text)
	}
}
