package analysis

import (
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Threshold is one limit in one span, with how each target did.
type Threshold struct {
	// Phase is empty for the total of all phases that count.
	Phase  string
	Metric Metric
	Limit  Value
	// LimitText is the limit as users write it.
	LimitText string
	// Held is by target; nil for one that sent nothing in the phase.
	Held []*Held
}

// Held is a target held against a limit.
type Held struct {
	// Value is over all requests; missing where it falls on a failed request, and where there were too few of them to tell it.
	Value Value
	// Failed is true where the value falls on a failed request, which is above any limit.
	Failed bool
	// Met counts the requests, and so is known of any number of them but 0.
	Met      bool
	Requests int64
}

// ThresholdFigure writes a figure that is held against a limit, both in µs, or shares for the error rate.
func ThresholdFigure(m scenario.Metric, v, limit float64) string {
	if m == scenario.MetricErrorRate {
		return numeral.Shares.Against(v, limit)
	}
	return numeral.Times(v).Against(v, limit)
}

// thresholds are those of the total first, and then of the phases in their order.
func thresholds(run *result.Run) []Threshold {
	list := run.Thresholds
	if len(list) == 0 {
		list = run.Judge() // a journal holds none
	}
	type identity struct {
		phase  string
		metric scenario.Metric
		// occurrence tells phases of one name apart.
		occurrence int
	}
	type place struct {
		target, phase string
		metric        scenario.Metric
	}
	var out []Threshold
	index, seen := map[identity]int{}, map[place]int{}
	for i := range list {
		t := &list[i]
		at := place{t.Target, t.Phase, t.Metric}
		id := identity{t.Phase, t.Metric, seen[at]}
		seen[at]++
		if _, ok := index[id]; !ok {
			index[id] = len(out)
			out = append(out, Threshold{
				Phase: t.Phase, Metric: limited(t.Metric), Limit: Known(t.Limit), LimitText: t.LimitText(), Held: make([]*Held, len(run.Targets)),
			})
		}
		target := slices.IndexFunc(run.Targets, func(one result.Target) bool { return one.Name == t.Target })
		if target >= 0 {
			out[index[id]].Held[target] = HeldOf(t)
		}
	}
	// Phases that only a later target ran come after the others, wherever they were: totals are what must be first.
	slices.SortStableFunc(out, func(a, b Threshold) int { return min(len(a.Phase), 1) - min(len(b.Phase), 1) })
	return out
}

// HeldOf is the target of t held against its limit.
func HeldOf(t *result.Threshold) *Held {
	perMille, _ := result.PerMille(t.Metric)
	return &Held{
		Value: enough(optional(t.Value), t.Requests, perMille), Failed: t.Value == nil && t.Requests > 0, Met: t.Met, Requests: t.Requests,
	}
}

// limited is what a threshold's metric is called.
func limited(m scenario.Metric) Metric {
	names := map[scenario.Metric]Metric{
		scenario.MetricP50: {"p50", "Median", Microseconds, Lower}, scenario.MetricP90: {"p90", "p90", Microseconds, Lower},
		scenario.MetricP95: {"p95", "p95", Microseconds, Lower}, scenario.MetricP99: {"p99", "p99", Microseconds, Lower},
		scenario.MetricP999: {"p99_9", "p99.9", Microseconds, Lower}, scenario.MetricMax: {"max", "Max", Microseconds, Lower},
		scenario.MetricErrorRate: {"error_rate", "Error rate", Share, Lower},
	}
	if name, ok := names[m]; ok {
		return name
	}
	return Metric{string(m), string(m), Count, Lower}
}
