package analysis

import (
	"math"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// Comparison is what the rounds tell of one metric of two targets, or of two runs of one target.
type Comparison struct {
	Metric Metric
	// Target is an index of Model.Targets.
	Target int
	// Base and Other are the figures over all rounds together; percentiles are of the merged histograms.
	Base, Other Value
	// Rounds that could have been compared.
	Rounds int
	stats.Comparison
	// Standing of the target, or of the newer run, where the rounds tell: Better, Worse or Undecided.
	Standing Standing
}

// compared are the metrics that the rounds are compared by, in their order. All of them are one family: Holm's correction is for
// their number.
func compared() []string {
	return []string{"throughput", "mean", "p50", "p90", "p95", "p99", "p99_9", "error_rate"}
}

// measure says how a metric is compared. least is the smallest figure.
func measure(m Metric, least float64) stats.Measure {
	switch {
	case m.Key == "error_rate":
		return stats.Measure{Scale: stats.Difference}
	case m.Key == "throughput" || m.Key == "mean" || !(least > 0):
		return stats.Measure{Scale: stats.Ratio}
	}
	// Percentiles are known to the width of a bucket: a thousandth, and not below a microsecond.
	return stats.Measure{Scale: stats.Ratio, Resolution: min(1, max(bucketWidth, 1/least))}
}

const bucketWidth = 0.001

// compareRounds takes the rounds that were whole on both sides. Targets that were measured at their own capacity had not the same load.
func (m *Model) compareRounds(groups []*phaseGroup, rounds []Round) []Comparison {
	if m.Capacity != nil {
		return nil
	}
	var list []Comparison
	for target := 1; target < len(m.Targets); target++ {
		whole := slices.DeleteFunc(slices.Clone(rounds), func(r Round) bool { return !alike(groups, r.Number, target) })
		for _, key := range compared() {
			if c, ok := m.compareMetric(key, target, whole); ok {
				list = append(list, c)
			}
		}
	}
	decide(list)
	return list
}

// alike says whether a target ran the same phases in a round as the baseline.
func alike(groups []*phaseGroup, round, target int) bool {
	return !slices.ContainsFunc(groups, func(g *phaseGroup) bool {
		return !g.warmup && g.roundsRun(0)[round] != g.roundsRun(target)[round]
	})
}

func (m *Model) compareMetric(key string, target int, rounds []Round) (Comparison, bool) {
	base, other := series(rounds, key, 0), series(rounds, key, target)
	row, ok := Find(m.Totals, key)
	if key == "error_rate" {
		row, ok = errorRate(m.overallStats()), true
	}
	if !ok || row.Metric.Better == Neither || nothing(key, base, other) {
		return Comparison{}, false
	}
	c := Comparison{Metric: row.Metric, Target: target, Base: row.Cells[0].Value, Other: row.Cells[target].Value, Rounds: len(rounds)}
	c.Comparison = stats.Paired(base, other, measure(row.Metric, smallest(base, other)))
	return c, true
}

func (m *Model) overallStats() []*result.Stats {
	list := make([]*result.Stats, len(m.Run.Targets))
	for i := range list {
		list[i] = &m.Run.Targets[i].Overall
	}
	return list
}

// series is a metric of one target by round, NaN where a round has none.
func series(rounds []Round, key string, target int) []float64 {
	list := make([]float64, len(rounds))
	for i, r := range rounds {
		list[i] = math.NaN()
		if row, ok := Find(r.Rows, key); ok {
			if v, ok := row.Cells[target].Value.Get(); ok {
				list[i] = v
			}
		}
	}
	return list
}

// nothing says whether there is nothing to compare: no figure on one side, or no error on either.
func nothing(key string, base, other []float64) bool {
	missing := func(list []float64) bool {
		return !slices.ContainsFunc(list, func(v float64) bool { return !math.IsNaN(v) })
	}
	none := func(list []float64) bool { return !slices.ContainsFunc(list, func(v float64) bool { return v > 0 }) }
	return missing(base) || missing(other) || key == "error_rate" && none(base) && none(other)
}

func smallest(lists ...[]float64) float64 {
	least := math.Inf(1)
	for _, v := range slices.Concat(lists...) {
		if v < least { // false for NaN
			least = v
		}
	}
	return least
}

// decide looks at all of them together.
func decide(list []Comparison) {
	family := make([]*stats.Comparison, len(list))
	for i := range list {
		family[i] = &list[i].Comparison
	}
	stats.Decide(family)
	for i := range list {
		c := &list[i]
		switch {
		case c.Interval == nil:
		case c.Outcome == stats.Undecided:
			c.Standing = Undecided
		case (c.Outcome == stats.Lower) == (c.Metric.Better == Lower):
			c.Standing = Better
		default:
			c.Standing = Worse
		}
	}
}

// judge lets the totals say no more than the rounds do.
func (m *Model) judge() {
	for _, c := range m.Comparisons {
		i := slices.IndexFunc(m.Totals, func(r Row) bool { return r.Metric.Key == c.Metric.Key })
		if i < 0 || c.Standing == Unrated {
			continue
		}
		if cell := &m.Totals[i].Cells[c.Target]; cell.Standing != Unrated && cell.Standing != Same {
			cell.Standing = c.Standing
		}
	}
}
