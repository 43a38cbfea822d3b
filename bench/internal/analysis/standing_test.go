package analysis_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

func TestThresholds(t *testing.T) {
	t.Parallel()
	s := resulttest.OpenLoad(2, scenario.Rate{From: 100, To: 100}, scenario.Rate{From: 1500, To: 1500}, scenario.Rate{})
	s.SLO = scenario.SLO{{Metric: scenario.MetricP99, Limit: 50_000}, {Metric: scenario.MetricErrorRate, Limit: 0.01}}
	run := resulttest.Run(s, 1, resulttest.EC2(), resulttest.Lambda())
	type line struct {
		Phase, Key string
		Met        []bool
	}
	want := []line{
		{"", "p99", []bool{true, false}},
		{"", "error_rate", []bool{true, false}},
		{"first", "p99", []bool{true, true}},
		{"first", "error_rate", []bool{true, true}},
		{"second", "p99", []bool{true, false}},
		{"second", "error_rate", []bool{true, false}},
	}
	check := func(name string) {
		var got []line
		list := compare(t, run).Thresholds
		for _, h := range list {
			got = append(got, line{h.Phase, h.Metric.Key, []bool{h.Held[0].Met, h.Held[1].Met}})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if h := list[0].Held[1]; !h.Failed || h.Value.Valid() {
			t.Errorf("%s: a percentile that falls on a failure: %+v", name, h)
		}
	}
	check("from the file")
	run.Thresholds = nil
	check("from a journal")
	run.Targets[1].Phases = run.Targets[1].Phases[:1]
	list := compare(t, run).Thresholds
	if last := list[len(list)-1]; last.Phase != "second" || last.Held[1] != nil || last.Held[0] == nil {
		t.Errorf("a phase that one target did not run: %+v", last)
	}
}

func TestCapacityRatio(t *testing.T) {
	t.Parallel()
	found := func(kept, low, high float64, by result.CapacityLimit) *result.Capacity {
		return &result.Capacity{KeptRPS: &kept, LowRPS: &low, HighRPS: &high, LimitedBy: by, Converged: true}
	}
	run := runOf(statsOf(1, time.Millisecond), statsOf(1, time.Millisecond), statsOf(1, time.Millisecond))
	run.Targets[0].Capacity = found(100, 80, 125, result.LimitTarget)
	run.Targets[1].Capacity = found(200, 200, 250, result.LimitGenerator)
	m := compare(t, run)
	got := m.Capacity.Ratios[1]
	if number(got.Ratio) != 2 || number(got.Low) != 1.6 || number(got.High) != 3.125 || !got.TargetAtLeast || got.BaseAtLeast {
		t.Errorf("%+v", got)
	}
	if m.Capacity.Ratios[2].Ratio.Valid() || m.Capacity.Ratios[0].Ratio.Valid() {
		t.Error("a target that was not searched, or the first one, has a ratio")
	}
	rate := 200.
	run.Targets[1].Phases = []result.PhaseStats{{Name: "capacity", Round: 1, RateRPS: &rate, Stats: statsOf(1, time.Millisecond)}}
	if p := compare(t, run).Phases[0]; p.Rate != nil || number(row(t, p.Rows, "rate").Cells[1].Value) != rate || row(t, p.Rows, "rate").Cells[0].Value.Valid() {
		t.Errorf("the phase has the rate %v, and by target %v", p.Rate, row(t, p.Rows, "rate"))
	}
	if !m.Unequal || len(m.Facts) != 0 || row(t, m.Totals, "p50").Cells[1].Ratio.Valid() {
		t.Error("targets at their own capacities were compared")
	}
	if compare(t, runOf(statsOf(1, time.Millisecond))).Capacity != nil {
		t.Error("there is a capacity of a run that did not search")
	}
}

// TestCapacityStandsWhereTheSearchesTell: a search that something else than the target ended has only the least that the target takes.
func TestCapacityStandsWhereTheSearchesTell(t *testing.T) {
	t.Parallel()
	const own, foreign = result.LimitTarget, result.LimitGenerator
	type search struct {
		kept, low, high float64
		by              result.CapacityLimit
	}
	for name, c := range map[string]struct {
		base, other search
		want        analysis.Standing
	}{
		"both found":                {search{100, 95, 105, own}, search{200, 190, 210, own}, analysis.Better},
		"less":                      {search{200, 190, 210, own}, search{100, 95, 105, own}, analysis.Worse},
		"ranges overlap":            {search{100, 95, 150, own}, search{130, 120, 140, own}, analysis.Undecided},
		"ranges overlap below":      {search{130, 120, 140, own}, search{100, 95, 150, own}, analysis.Undecided},
		"the first may take more":   {search{100, 95, 105, foreign}, search{200, 190, 210, own}, analysis.Undecided},
		"the other may take more":   {search{200, 190, 210, own}, search{100, 95, 105, foreign}, analysis.Undecided},
		"the higher may take more":  {search{100, 95, 105, own}, search{200, 190, 210, foreign}, analysis.Better},
		"the first, higher, too":    {search{200, 190, 210, foreign}, search{100, 95, 105, own}, analysis.Worse},
		"the same, and may be more": {search{100, 95, 105, foreign}, search{100, 95, 105, own}, analysis.Undecided},
	} {
		run := runOf(statsOf(1, time.Millisecond), statsOf(1, time.Millisecond))
		for i, s := range []search{c.base, c.other} {
			run.Targets[i].Capacity = &result.Capacity{KeptRPS: &s.kept, LowRPS: &s.low, HighRPS: &s.high, LimitedBy: s.by, Converged: true}
		}
		if got := row(t, compare(t, run).Capacity.Rows, "kept").Cells[1].Standing; got != c.want {
			t.Errorf("%s: standing %v, want %v", name, got, c.want)
		}
	}
}
