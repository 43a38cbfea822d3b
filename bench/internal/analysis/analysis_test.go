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

func TestInterruptedIsNotCompared(t *testing.T) {
	t.Parallel()
	run := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda())
	run.Interrupted = true
	last := &run.Targets[1]
	last.Phases = last.Phases[:3]
	m := compare(t, run)
	if !m.Unequal || len(m.Facts) != 0 {
		t.Errorf("unequal is %v, and there are %d facts", m.Unequal, len(m.Facts))
	}
	for _, r := range m.Totals {
		if r.Cells[1].Ratio.Valid() || r.Cells[1].Standing != analysis.Unrated {
			t.Errorf("%s: other phases were compared: %+v", r.Metric.Key, r.Cells[1])
		}
	}
	if c := row(t, m.Phases[2].Rows, "p50").Cells[1]; !c.Ratio.Valid() {
		t.Error("a phase that both ran was not compared")
	}
	if !m.Phases[3].Ran {
		t.Error("a phase that one target ran did not run")
	}
}

func TestCaveats(t *testing.T) {
	t.Parallel()
	has := func(m *analysis.Model, part string) bool {
		return slices.ContainsFunc(m.Caveats, func(s string) bool { return strings.Contains(s, part) })
	}
	one := compare(t, resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda()))
	several := compare(t, resulttest.Run(resulttest.FourPhase(20), 2, resulttest.EC2(), resulttest.Lambda()))
	few := compare(t, runOf(statsOf(1, slices.Repeat([]time.Duration{time.Millisecond}, 99)...), statsOf(1, slices.Repeat([]time.Duration{time.Millisecond}, 999)...)))
	enough := compare(t, runOf(statsOf(1, slices.Repeat([]time.Duration{time.Millisecond}, 10_000)...), statsOf(1, 2*time.Hour)))
	tests := []struct {
		name  string
		model *analysis.Model
		part  string
		want  bool
	}{
		{"one round says what is needed", one, "--rounds 5", true},
		{"several rounds do not ask for more", several, "--rounds 5", false},
		{"several rounds claim nothing", several, "no difference is called significant", true},
		{"closed loop", one, "Closed loop", true},
		{"emulated", one, "Emulated: lambda", true},
		{"local", one, "Local: ec2", true},
		{"99 and 999 successes", few, "Missing in total: a p90, p95, p99 and p99.9; b p99 and p99.9.", true},
		{"10000 successes", enough, "a p99", false},
		{"1 success", enough, "Missing in total: b median, p90", true},
		{"clipped", enough, "b: 1 response time was outside 1 µs to 1 h and counts", true},
		{"not clipped", one, "outside", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := has(test.model, test.part); got != test.want {
				t.Errorf("%q among the caveats: %v, want %v", test.part, got, test.want)
			}
		})
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"http://127.0.0.1:80/": true, "http://127.9.9.9": true, "http://localhost:1": true, "http://[::1]:8": true, "https://u:p@localhost/x": true,
		"http://127.0.0.1.example.com": false, "https://example.com/localhost": false, "http://10.0.0.1": false, "": false, "http://localhost.example.com": false,
	} {
		run := runOf(statsOf(1, time.Millisecond))
		run.Targets[0].URL = url
		if got := compare(t, run).Targets[0].Local; got != want {
			t.Errorf("%q is local: %v, want %v", url, got, want)
		}
	}
}

func TestTurns(t *testing.T) {
	t.Parallel()
	run := runOf(statsOf(1, time.Millisecond), statsOf(1, time.Millisecond))
	for round := 1; round <= 2; round++ {
		for i := range run.Targets {
			turn := i + 1
			if round == 2 {
				turn = 2 - i
			}
			run.Targets[i].Phases = append(run.Targets[i].Phases, result.PhaseStats{Name: "p", Round: round, Turn: turn, Stats: statsOf(1, time.Millisecond)})
		}
	}
	want := []analysis.Turn{{Round: 1, Phase: "p", Order: []int{0, 1}}, {Round: 2, Phase: "p", Order: []int{1, 0}}}
	if diff := cmp.Diff(want, compare(t, run).Turns); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
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

// TestTimedWarmup has a warm-up phase that a clock ends before a phase of so many iterations: only the former's wall time says
// nothing.
func TestTimedWarmup(t *testing.T) {
	t.Parallel()
	phase := func(name string, warmup bool, wall float64) result.PhaseStats {
		return result.PhaseStats{Name: name, Warmup: warmup, Round: 1, Stats: statsOf(wall, time.Millisecond)}
	}
	run := runOf(statsOf(1, time.Millisecond), statsOf(2, time.Millisecond))
	run.Scenario.Phases = []scenario.Phase{
		{Name: "warm", Workers: 1, Duration: scenario.Duration(time.Second), Warmup: true}, {Name: "counted", Workers: 1, Iterations: 1},
	}
	for i := range run.Targets {
		run.Targets[i].Phases = []result.PhaseStats{phase("warm", true, float64(i+1)), phase("counted", false, float64(i+1))}
	}
	m := compare(t, run)
	for _, test := range []struct {
		name            string
		rows            []analysis.Row
		wall, successes analysis.Standing
	}{
		{"totals", m.Totals, analysis.Worse, analysis.Same},
		{"warm", m.Phases[0].Rows, analysis.Unrated, analysis.Unrated},
		{"counted", m.Phases[1].Rows, analysis.Worse, analysis.Same},
	} {
		wall, successes := row(t, test.rows, "wall_time").Cells[1].Standing, row(t, test.rows, "successes").Cells[1].Standing
		if wall != test.wall || successes != test.successes {
			t.Errorf("%s: the wall time stands %v, want %v; the successes %v, want %v", test.name, wall, test.wall, successes, test.successes)
		}
	}
}

// TestLoopbackURL is about targets that bench was only given the URL of.
func TestLoopbackURL(t *testing.T) {
	t.Parallel()
	cold := &result.ColdStarts{Requests: 1}
	tests := []struct {
		name, kind, url string
		provenance      result.Provenance
		cold            *result.ColdStarts
		opaque          bool
		say             []string
		not             []string
	}{
		{"a URL", "url", "http://127.0.0.1:1", result.Measured, nil, true, []string{"a was measured over loopback", "may be an emulator"}, []string{"Cold starts", "Local:"}},
		{"a URL without cold starts", "url", "http://127.0.0.1:1", result.Measured, &result.ColdStarts{}, true, nil, []string{"Cold starts"}},
		{"a URL with cold starts", "url", "http://localhost:1", result.Measured, cold, true, []string{"a was measured over loopback", "local Lambda service, and hence no measurement of AWS"}, []string{"Local:"}},
		{"warmed by the check", "url", "http://localhost:1", result.Measured, &result.ColdStarts{WarmedByCheck: 1}, true, []string{"local Lambda service"}, nil},
		{"said to be in the cloud", "lambda", "http://[::1]:1", result.Measured, cold, true, []string{"local Lambda service"}, []string{"Local:"}},
		{"a process", "process", "http://127.0.0.1:1", result.Measured, cold, false, []string{"Local: a ran", "was called", "its figures"}, []string{"Cold starts"}},
		{"emulated", "bootstrap", "http://127.0.0.1:1", result.Emulated, cold, false, []string{"Emulated: a"}, []string{"Cold starts", "Loopback"}},
		{"far away", "url", "https://example.com", result.Measured, cold, false, nil, []string{"Cold starts", "oopback"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run := runOf(statsOf(1, time.Millisecond))
			target := &run.Targets[0]
			target.Kind, target.URL, target.Provenance, target.ColdStarts = test.kind, test.url, test.provenance, test.cold
			m := compare(t, run)
			text := strings.Join(m.Caveats, "\n")
			if m.Targets[0].Opaque != test.opaque {
				t.Errorf("opaque is %v", m.Targets[0].Opaque)
			}
			for _, part := range test.say {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in\n%s", part, text)
				}
			}
			for _, part := range test.not {
				if strings.Contains(text, part) {
					t.Errorf("%q is in\n%s", part, text)
				}
			}
		})
	}
}

func TestCaveatsOfSeveral(t *testing.T) {
	t.Parallel()
	run := runOf(statsOf(1, time.Millisecond), statsOf(1, time.Millisecond), statsOf(1, time.Millisecond))
	for i := range run.Targets {
		run.Targets[i].Kind, run.Targets[i].URL = "process", "http://127.0.0.1:1"
	}
	text := strings.Join(compare(t, run).Caveats, "\n")
	for _, part := range []string{"Local: a, b and c ran", "and were called", "in their figures", "Missing in total: a median"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}
