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
	served := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda())
	served.Environment.Redis = &result.Redis{Kind: result.Miniredis}
	mini := compare(t, served)
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
		{"a store of bench's own", mini, "The store was miniredis", true},
		{"a Redis", one, "miniredis", false},
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
