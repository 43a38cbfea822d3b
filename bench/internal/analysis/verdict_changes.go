package analysis

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// edge is where the cheaper one changes for the last time, by the figures themselves.
type edge struct {
	// rate is the end of all rates that were looked at where it never changes.
	rate    float64
	crosses bool
	// atStep says that the two do not cost the same there, but that an instance is added.
	atStep bool
	// above is the cheaper one at the highest rates.
	above cost.Cheaper
}

func edgeOf(b *cost.BreakEven) edge {
	if n := len(b.Crossings); n > 0 {
		last := b.Crossings[n-1]
		return edge{float64(last.Rate), true, last.AtStep, last.Above}
	}
	if b.AtLowest == cost.CheaperLambda {
		return edge{rate: float64(b.To), above: b.AtLowest}
	}
	return edge{rate: float64(b.From), above: b.AtLowest}
}

// where the cheaper one at the highest rates is it.
func (e edge) where() string {
	switch {
	case e.crosses:
		return "above " + numeral.Rate(e.rate)
	case e.above == cost.CheaperLambda:
		return "at all rates up to " + numeral.Rate(e.rate)
	}
	return "at all rates from " + numeral.Rate(e.rate)
}

// change says in a sentence where the edge would be with something else, and where it is now.
func (v *Verdict) change(with string, now, would edge) string {
	if now.crosses && would.crosses && now.above == would.above {
		what := "the two would cost the same"
		if would.atStep {
			what = "the cheaper one would change"
		}
		return fmt.Sprintf("With %s %s at %s instead of %s.", with, what, numeral.Rate(would.rate), numeral.Rate(now.rate))
	}
	is := now.where()
	switch {
	case now.above == would.above:
	case now.crosses:
		is = "at no rate above " + numeral.Rate(now.rate)
	default:
		is = v.named(now.above) + " does " + is
	}
	return fmt.Sprintf("With %s %s would cost less %s (now %s).", with, v.named(would.above), would.where(), is)
}

func (v *Verdict) named(who cost.Cheaper) string {
	if who == cost.CheaperLambda {
		return v.Lambda
	}
	return v.EC2
}

// changes asks what else might be true, and names the two answers that are farthest from this one.
func (v *Verdict) changes(c *cost.Comparison, b duties) {
	if v.AtLeast && b.even.EC2Above == nil {
		// It hangs on a capacity that nobody has seen, so that the figures themselves cross nowhere that can be told.
		v.Changes = append(v.Changes, fmt.Sprintf("How much one instance of %s takes would decide more of it: bench run --find-capacity%s measures that.", v.EC2, v.further))
		return
	}
	now := edgeOf(b.even)
	type what struct {
		words  string
		answer *cost.BreakEven // nil where there is none
	}
	with := func(change func(c *cost.Comparison)) *cost.BreakEven {
		other := *c
		change(&other)
		answer, err := other.BreakEven()
		if err != nil {
			return nil
		}
		return answer
	}
	scaled := func(i cost.Interval, by float64) cost.Interval {
		return cost.Interval{Low: i.Low * by, Point: i.Point * by, High: i.High * by}
	}
	billed := func(by float64) *cost.BreakEven {
		return with(func(c *cost.Comparison) { c.Lambda.BilledMS = scaled(c.Lambda.BilledMS, by) })
	}
	takes := func(by float64) *cost.BreakEven {
		return with(func(c *cost.Comparison) {
			if c.EC2.Capacity = scaled(c.EC2.Capacity, by); v.AtLeast {
				c.EC2.Capacity = c.EC2.Capacity.OrMore()
			}
		})
	}
	list := []what{
		{"a billed time twice as long", billed(2)},
		{"a billed time half as long", billed(0.5)},
		{"instances that take twice as much", takes(2)},
		{"instances that take half as much", takes(0.5)},
		{"ten times the load for a twentieth of the time", b.bursty},
	}
	if c.EC2.FrontDoor != cost.DoorNone {
		list = append(list, what{"one instance without a load balancer", with(func(c *cost.Comparison) {
			c.EC2.FrontDoor, c.EC2.MinInstances, c.EC2.PublicIPv4 = cost.DoorNone, 1, true
		})})
	}
	type found struct {
		words string
		edge  edge
		shift float64
	}
	var shifts []found
	for _, w := range list {
		if w.answer == nil || w.answer.Unknown != "" {
			continue
		}
		if to := edgeOf(w.answer); to.rate != now.rate || to.above != now.above {
			shifts = append(shifts, found{w.words, to, math.Abs(math.Log(to.rate / now.rate))})
		}
	}
	slices.SortStableFunc(shifts, func(a, b found) int { return cmp.Compare(b.shift, a.shift) })
	for _, s := range shifts[:min(2, len(shifts))] {
		v.Changes = append(v.Changes, v.change(s.words, now, s.edge))
	}
}
