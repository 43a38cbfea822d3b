package analysis

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// RunComparison sets two runs beside each other: what changed between them, of each target that both have.
type RunComparison struct {
	Old, New *result.Run
	// OneRun says that both are the same result, such as a folder that was given twice: there is nothing to compare.
	OneRun bool
	// Targets are the names of those that both runs have, in the order of the new one.
	Targets []string
	// OldOnly and NewOnly are the names of the others.
	OldOnly, NewOnly []string
	// Differences are what else is not the same in the two runs, what matters most first.
	Differences []Difference
	// Comparisons of the rounds; their Target is an index of Targets. The old run is the base.
	Comparisons []Comparison
	// Broken are targets, as indexes of Targets, that answered rightly in the old run and never in the new one.
	Broken []int
	// Caveats are what the comparison cannot say, in sentences.
	Caveats []string
}

// CompareRuns fails when the runs have no target in common, or a histogram cannot be read. The rounds of two runs are no pairs:
// nothing is shared by the third round of one and the third of the other.
func CompareRuns(before, after *result.Run) (*RunComparison, error) {
	c := &RunComparison{Old: before, New: after, OneRun: reflect.DeepEqual(before, after)}
	names := func(r *result.Run) []string {
		list := make([]string, len(r.Targets))
		for i := range list {
			list[i] = r.Targets[i].Name
		}
		return list
	}
	was, is := names(before), names(after)
	for _, name := range is {
		if slices.Contains(was, name) {
			c.Targets = append(c.Targets, name)
		} else {
			c.NewOnly = append(c.NewOnly, name)
		}
	}
	for _, name := range was {
		if !slices.Contains(is, name) {
			c.OldOnly = append(c.OldOnly, name)
		}
	}
	if len(c.Targets) == 0 {
		return nil, fmt.Errorf("the runs have no target in common: the old one has %s, the new one %s", orNone(was), orNone(is))
	}
	old, err := Compare(before)
	if err != nil {
		return nil, fmt.Errorf("the old run: %w", err)
	}
	current, err := Compare(after)
	if err != nil {
		return nil, fmt.Errorf("the new run: %w", err)
	}
	c.differences()
	if old.Capacity != nil || current.Capacity != nil {
		c.Caveats = append(c.Caveats, "A run searched for the capacity, so that its figures are of a rate of its own: no figure is compared.")
		return c, nil
	}
	for i, name := range c.Targets {
		c.target(i, old, slices.Index(was, name), current, slices.Index(is, name))
	}
	decide(c.Comparisons)
	return c, nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (c *RunComparison) target(index int, old *Model, before int, current *Model, after int) {
	was, is := old.whole(before), current.whole(after)
	for _, r := range []struct {
		which string
		m     *Model
		left  int
	}{{"old", old, len(old.every) - len(was)}, {"new", current, len(current.every) - len(is)}} {
		if r.left > 0 {
			c.Caveats = append(c.Caveats, fmt.Sprintf("%s: %d of the %d rounds of the %s run are not whole and are left out.", c.Targets[index], r.left, len(r.m.every), r.which))
		}
	}
	if old.Run.Targets[before].Overall.Successes > 0 && current.Run.Targets[after].Overall.Requests > 0 && current.Run.Targets[after].Overall.Successes == 0 {
		c.Broken = append(c.Broken, index)
	}
	for _, key := range compared() {
		a, b := old.total(key), current.total(key)
		x, y := series(was, key, before), series(is, key, after)
		if len(a.Cells) == 0 || len(b.Cells) == 0 || a.Metric.Better == Neither || b.Metric.Better == Neither || nothing(key, x, y) {
			continue
		}
		c.Comparisons = append(c.Comparisons, Comparison{
			Metric: b.Metric, Target: index, Base: a.Cells[before].Value, Other: b.Cells[after].Value, Rounds: min(len(was), len(is)),
			Comparison: stats.Unpaired(x, y, measure(b.Metric, smallest(x, y))),
		})
	}
}

// total is the row of a metric that is compared; it has no cells where there is none.
func (m *Model) total(key string) Row {
	if key == "error_rate" {
		return errorRate(m.overallStats())
	}
	row, _ := Find(m.Totals, key)
	return row
}

// whole are the rounds in which a target ran all phases that it ran in any round.
func (m *Model) whole(target int) []Round {
	return slices.DeleteFunc(slices.Clone(m.every), func(r Round) bool {
		return slices.ContainsFunc(m.groups, func(g *phaseGroup) bool {
			ran := g.roundsRun(target)
			return !g.warmup && len(ran) > 0 && !ran[r.Number]
		})
	})
}

// Regressions are the comparisons in which the new run is worse, by more than tolerance: a share of the old figure, 0.05 for 5 %. Of the error
// rate every difference that stands is one.
func (c *RunComparison) Regressions(tolerance float64) []Comparison {
	return slices.DeleteFunc(slices.Clone(c.Comparisons), func(m Comparison) bool {
		switch {
		case m.Standing != Worse:
			return true
		case m.Scale == stats.Difference:
			return false
		case m.Metric.Better == Higher:
			return *m.Effect >= 1-tolerance
		}
		return *m.Effect <= 1+tolerance
	})
}
