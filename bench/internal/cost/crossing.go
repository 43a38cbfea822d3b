package cost

import (
	"math"
	"slices"
)

// Cheaper names the option that costs less.
type Cheaper string

// Undecided is where the ranges of the measured figures allow both.
const (
	CheaperLambda Cheaper = "lambda"
	CheaperEC2    Cheaper = "ec2"
	Undecided     Cheaper = "undecided"
)

// Crossing is a rate at which the cheaper option changes.
type Crossing struct {
	Rate RPS `json:"rate_rps"`
	// Above is the cheaper one just above it.
	Above Cheaper `json:"cheaper_above"`
	// AtStep says that the two are not equal there, but that an instance is added.
	AtStep bool `json:"at_step"`
}

// maxVisits bounds the search where the two costs lie close together over many steps.
const maxVisits = 20_000

// maxCrossings is how many are listed.
const maxCrossings = 256

// search finds the rates at which two costs cross. Between its breakpoints, where an instance is added, a tier begins or credits run out,
// each cost is a straight line, so that a crossing there is exact. Stretches in which the ranges of the two costs do not meet are not
// looked into any further.
type search struct {
	lambda, ec2 *option
	visits      int
	current     Cheaper
	first       Cheaper
	list        []Crossing
	incomplete  bool
}

// crossings between two rates, from below; first is the cheaper option at the lower one. incomplete says that there are more than are
// listed.
func crossings(lambda, ec2 *option, from, to float64) *search {
	s := &search{lambda: lambda, ec2: ec2}
	s.visit(from, to)
	return s
}

// just is a rate just above another one.
const just = 1 + 1e-10

func (s *search) difference(rate float64) float64 {
	l, _ := s.lambda.total(rate)
	e, _ := s.ec2.total(rate)
	return l - e
}

// at reports who is cheaper at a rate that the search has come to.
func (s *search) at(rate, difference float64, step bool) {
	who := CheaperEC2
	switch {
	case difference < 0:
		who = CheaperLambda
	case difference == 0 && s.current != "":
		return
	}
	switch {
	case s.current == "":
		s.first = who
	case s.current != who && len(s.list) >= maxCrossings:
		s.incomplete = true
	case s.current != who:
		s.list = append(s.list, Crossing{RPS(rate), who, step})
	}
	s.current = who
}

// visit looks at the rates above from, up to and with to.
func (s *search) visit(from, to float64) {
	s.visits++
	lowL, highL := s.lambda.bounds(from, to)
	lowE, highE := s.ec2.bounds(from, to)
	if s.visits > maxVisits {
		s.incomplete = true
	}
	apart := highL < lowE || highE < lowL
	if apart || s.incomplete {
		s.at(from, s.difference(from*just), true)
		if !apart {
			s.at(to, s.difference(to), true)
		}
		return
	}
	next := func(rate float64) float64 { return min(s.lambda.next(rate), s.ec2.next(rate)) }
	if split := next(from); split < to {
		if middle := next(math.Sqrt(from * to)); middle < to {
			split = middle
		}
		s.visit(from, split)
		s.visit(split, to)
		return
	}
	start, end := s.difference(from*just), s.difference(to)
	s.at(from, start, true)
	if start != 0 && end != 0 && (start < 0) != (end < 0) {
		s.at(from+(to-from)*start/(start-end), end, false)
	}
}

// bounds are what the cost is at least and at most between two rates: what grows with the rate at its two ends, and the credits with as
// many and as few instances as there are.
func (o *option) bounds(from, to float64) (least, most float64) {
	few, many := o.instanceHours(from), o.instanceHours(to)
	low, high := o.usageOf(from, few), o.usageOf(to, many)
	low.surplus = o.usageOf(from, many).surplus
	high.surplus = o.usageOf(to, few).surplus
	least, _ = o.sum(low)
	most, _ = o.sum(high)
	return least, most
}

// next is the lowest breakpoint above a rate, +Inf where there is none.
func (o *option) next(rate float64) float64 {
	best := math.Inf(1)
	above := func(r float64) {
		if r > rate*just && r < best {
			best = r
		}
	}
	if o.usable > 0 {
		for _, factor := range o.factors() {
			above(o.count(rate*factor*just) * o.usable / factor)
		}
	}
	if o.surplusPerRequest > 0 {
		// Credits run out where the CPU of the requests is that of the baselines, as long as the instances stay the same.
		above(o.instanceHours(rate*just) * o.baseline / o.surplusPerRequest / o.load.requests(1))
	}
	for i := range o.parts {
		p := &o.parts[i]
		if p.perRequest == 0 {
			continue
		}
		for _, bound := range append(p.rate.bounds(), 0) {
			above((bound + p.free - p.fixed) / p.perRequest / o.load.requests(1))
		}
	}
	return best
}

// factors are the rates over the mean rate at which instances are counted.
func (o *option) factors() []float64 {
	if !o.autoscaled {
		return []float64{o.load.Duty.peak()}
	}
	var list []float64
	for _, s := range o.load.Duty.segments() {
		if s.Factor > 0 {
			list = append(list, s.Factor)
		}
	}
	return list
}

// Span is a range of rates with one answer.
type Span struct {
	From    RPS     `json:"from_rps"`
	To      RPS     `json:"to_rps"`
	Cheaper Cheaper `json:"cheaper"`
}

// spans join what two searches agree on; where they do not, it is undecided.
func spans(a, b *search, from, to float64) []Span {
	edges := []float64{from, to}
	for _, s := range []*search{a, b} {
		for _, c := range s.list {
			edges = append(edges, float64(c.Rate))
		}
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	var list []Span
	for i := range len(edges) - 1 {
		who := a.cheaperAbove(edges[i])
		if who != b.cheaperAbove(edges[i]) {
			who = Undecided
		}
		if n := len(list); n > 0 && list[n-1].Cheaper == who {
			list[n-1].To = RPS(edges[i+1])
			continue
		}
		list = append(list, Span{RPS(edges[i]), RPS(edges[i+1]), who})
	}
	return list
}

// cheaperAbove is who is cheaper just above a rate.
func (s *search) cheaperAbove(rate float64) Cheaper {
	who := s.first
	for _, c := range s.list {
		if float64(c.Rate) > rate {
			break
		}
		who = c.Above
	}
	return who
}
