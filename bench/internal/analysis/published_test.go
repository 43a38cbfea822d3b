package analysis_test

import (
	"math"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

func TestPublishedRunsAddUp(t *testing.T) {
	t.Parallel()
	p, err := analysis.LoadPublished()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Runs) != 4 || len(p.Flaws) != 7 || len(p.Workload.Phases) != 4 {
		t.Fatalf("%d runs, %d flaws, %d phases", len(p.Runs), len(p.Flaws), len(p.Workload.Phases))
	}
	for _, r := range p.Runs {
		workers, wall := 0., int64(0)
		for _, phase := range p.Workload.Phases {
			workers += phase.Fraction * float64(r.Threads)
			wall += r.PhaseMS[phase.Name]
		}
		if want := int64(math.Round(workers)) * 2 * int64(p.Workload.Iterations); r.Requests != want || r.Successes != want {
			t.Errorf("%s at %d: %d requests, %d successes, want %d", r.Target, r.Threads, r.Requests, r.Successes, want)
		}
		if wall != r.WallMS {
			t.Errorf("%s at %d: the phases took %d ms, the run %d ms", r.Target, r.Threads, wall, r.WallMS)
		}
		if got := float64(r.Successes) / float64(r.WallMS); math.Abs(got-r.Throughput) > 1e-12 {
			t.Errorf("%s at %d: %v a millisecond, reported %v", r.Target, r.Threads, got, r.Throughput)
		}
		if r.P95MS >= r.P99MS {
			t.Errorf("%s at %d: p95 %d is not below p99 %d", r.Target, r.Threads, r.P95MS, r.P99MS)
		}
	}
	// What shows that the median is none.
	if r := p.Run("ec2", 100); r.RandomMS <= r.P95MS {
		t.Errorf("median %d is below p95 %d", r.RandomMS, r.P95MS)
	}
	if p.Run("ec2", 21) != nil {
		t.Error("there is a run that was never published")
	}
}

func TestPublishedMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*scenario.Scenario)
		want   int
	}{
		{"20", func(*scenario.Scenario) {}, 20},
		{"100", func(s *scenario.Scenario) { *s = resulttest.FourPhase(100) }, 100},
		{"40 were never published", func(s *scenario.Scenario) { *s = resulttest.FourPhase(40) }, 0},
		{"another name", func(s *scenario.Scenario) { s.Name = "mine" }, 20},
		{"interleaved", func(s *scenario.Scenario) { s.Order = scenario.Interleaved }, 0},
		{"open", func(s *scenario.Scenario) { s.Load = scenario.Open }, 0},
		{"one step", func(s *scenario.Scenario) { s.Steps = s.Steps[:1] }, 0},
		{"another body", func(s *scenario.Scenario) { s.Steps[0].Body = []byte("1234") }, 0},
		{"GET first", func(s *scenario.Scenario) { s.Steps[0], s.Steps[1] = s.Steps[1], s.Steps[0] }, 0},
		{"three phases", func(s *scenario.Scenario) { s.Phases = s.Phases[:3] }, 0},
		{"other workers", func(s *scenario.Scenario) { s.Phases[1].Workers = 11 }, 0},
		{"other iterations", func(s *scenario.Scenario) { s.Phases[1].Iterations = 99 }, 0},
		{"warm-up does not count", func(s *scenario.Scenario) { s.Phases[0].Warmup = true }, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2())
			test.change(&run.Scenario)
			m := compare(t, run)
			got := 0
			if m.Published != nil {
				got = m.Published.Threads
			}
			if got != test.want {
				t.Errorf("matched the run at %d threads, want %d", got, test.want)
			}
		})
	}
}

func TestPublishedRows(t *testing.T) {
	t.Parallel()
	p := compare(t, resulttest.Run(resulttest.FourPhase(20), 3, resulttest.EC2(), resulttest.Lambda())).Published
	find := func(label string) analysis.PublishedRow {
		for _, r := range p.Rows {
			if r.Metric.Label == label {
				return r
			}
		}
		t.Fatalf("no row %s", label)
		return analysis.PublishedRow{}
	}
	if r := find("Throughput"); math.Abs(number(r.EC2)-201.114) > 0.001 || math.Abs(number(r.Lambda)-78.087) > 0.001 || math.Abs(number(r.Ratio)-0.3883) > 0.0001 {
		t.Errorf("throughput %v and %v a second, ratio %v", number(r.EC2), number(r.Lambda), number(r.Ratio))
	}
	if r := find("Median"); r.Note != analysis.RandomSample || r.Ratio.Valid() {
		t.Errorf("the random sample has the note %v and the ratio %v", r.Note, r.Ratio)
	}
	if r := find("p99"); r.Note != analysis.SwappedLabel || number(r.EC2) != 162_000 {
		t.Errorf("p99 %v, note %v", number(r.EC2), r.Note)
	}
	if r := find("p95"); r.Note != analysis.SwappedLabel || number(r.EC2) != 77_000 {
		t.Errorf("p95 %v, note %v", number(r.EC2), r.Note)
	}
	// Three rounds sent three times as much; beside one published run stands the mean round.
	if r := find("Requests"); number(r.Ours[0].Value) != 7400 || number(r.EC2) != 7400 {
		t.Errorf("%v requests beside %v", number(r.Ours[0].Value), number(r.EC2))
	}
	if r := find("Wall time, peak"); number(r.EC2) != 9_846_000 {
		t.Errorf("peak took %v", number(r.EC2))
	}
}
