// Package tune chooses among configurations, of which each has a cost and a latency: which ones nothing else beats in both (the Pareto
// front), and which one that keeps the SLO costs least.
//
// It is pure, and knows nothing of how the figures came about. What is not known stays unknown: such a configuration is neither on the
// front nor chosen. The definitions are in docs/methodology.md.
package tune

import (
	"cmp"
	"math"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

// Option is a configuration as far as the choice is concerned.
type Option struct {
	// Cost of a million requests in USD, and Latency in µs, each with the range that it may be in; nil is not known. One whose figures
	// are not finite is not known either.
	Cost, Latency *cost.Interval
	// Meets says whether the SLO was kept; nil is not known.
	Meets *bool
}

// Standing says how an option lies to the Pareto front, whatever the values within the ranges are.
type Standing string

const (
	// OnFront is an option that no other one can beat: none is as good in both figures and better in one.
	OnFront Standing = "front"
	// NearFront is one that another one beats for some values within the ranges, but none for all: it may belong to the front.
	NearFront Standing = "near"
	// Beaten is one that another one beats for all values within the ranges.
	Beaten Standing = "beaten"
	// Unplaced is one of which a figure is not known.
	Unplaced Standing = "unknown"
)

// Standings gives that of each option. Two with the same figures do not beat each other.
func Standings(options []Option) []Standing {
	out := make([]Standing, len(options))
	for i := range options {
		out[i] = Unplaced
		o := &options[i]
		if !o.placed() {
			continue
		}
		out[i] = OnFront
		for j := range options {
			other := &options[j]
			switch {
			case i == j || !other.placed():
			case beats(other.Cost.High, o.Cost.Low, other.Latency.High, o.Latency.Low):
				out[i] = Beaten
			case out[i] == OnFront && beats(other.Cost.Low, o.Cost.High, other.Latency.Low, o.Latency.High):
				out[i] = NearFront
			}
		}
	}
	return out
}

// Front gives the options that no other one beats by the figures themselves, from the cheapest to the fastest.
func Front(options []Option) []int {
	var front []int
	for i := range options {
		o := &options[i]
		if o.placed() && !slices.ContainsFunc(options, func(other Option) bool {
			return other.placed() && beats(other.Cost.Point, o.Cost.Point, other.Latency.Point, o.Latency.Point)
		}) {
			front = append(front, i)
		}
	}
	slices.SortStableFunc(front, func(a, b int) int { return cmp.Compare(options[a].Cost.Point, options[b].Cost.Point) })
	return front
}

func (o *Option) placed() bool { return known(o.Cost) && known(o.Latency) }

func known(i *cost.Interval) bool {
	return i != nil && !math.IsNaN(i.Low+i.Point+i.High) && !math.IsInf(i.Low+i.Point+i.High, 0)
}

// beats says whether the first of each pair is not above the other, and one of them below.
func beats(costA, costB, latencyA, latencyB float64) bool {
	return costA <= costB && latencyA <= latencyB && (costA < costB || latencyA < latencyB)
}

// Choice is the cheapest option that will do.
type Choice struct {
	// Option is its index.
	Option int
	// Rivals are the other options that will do and of which it cannot be told whether they cost more: the ranges of the costs overlap.
	Rivals []int
}

// Choose gives the cheapest option that keeps the SLO, or of all of them where there is none; of two that cost the same the faster one, then the
// first. False where no option is known to keep it and costs a known amount.
func Choose(options []Option, slo bool) (Choice, bool) {
	best := -1
	for i := range options {
		if options[i].candidate(slo) && (best < 0 || options[i].before(&options[best])) {
			best = i
		}
	}
	if best < 0 {
		return Choice{}, false
	}
	c := Choice{Option: best}
	for i := range options {
		if i != best && options[i].candidate(slo) && options[i].Cost.Low <= options[best].Cost.High {
			c.Rivals = append(c.Rivals, i)
		}
	}
	return c, true
}

// candidate is an option that may be chosen. Without an SLO its latency must be known at least: what nobody measured is no choice.
func (o *Option) candidate(slo bool) bool {
	if slo {
		return known(o.Cost) && o.Meets != nil && *o.Meets
	}
	return o.placed()
}

func (o *Option) before(other *Option) bool {
	switch {
	case o.Cost.Point != other.Cost.Point:
		return o.Cost.Point < other.Cost.Point
	case !known(o.Latency) || !known(other.Latency):
		return known(o.Latency) && !known(other.Latency)
	}
	return o.Latency.Point < other.Latency.Point
}

// Fastest gives the cheapest of the options that are as fast as the fastest, as far as can be told: whose latency is within the range of the lowest
// one. False where no option has both figures.
func Fastest(options []Option) (int, bool) {
	front := Front(options)
	if len(front) == 0 {
		return -1, false
	}
	lowest := front[len(front)-1]
	best := lowest
	for i := range options {
		if options[i].placed() && options[i].Latency.Point <= options[lowest].Latency.High && options[i].before(&options[best]) {
			best = i
		}
	}
	return best, true
}

// memoryPerVCPU is the memory size in MB that buys one vCPU, https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html.
const memoryPerVCPU = 1769

// VCPU is the share of a CPU that a function's memory size in MB buys: Lambda gives it in proportion.
func VCPU(memoryMB int) float64 { return float64(memoryMB) / memoryPerVCPU }
