// Package stats says how far two series of rounds lie apart, how sure that is, and when nothing can be said.
//
// A round is the unit of repetition. Requests of one round share its conditions, so a thousand of them are no thousand
// repetitions; what a round gives is one figure, such as its p99. Of two targets that took turns in the same round the figures are
// a pair: Paired compares them within each round, so that what both share cancels out. Of two runs the rounds have nothing in
// common: Unpaired compares these.
//
// Each has an interval by Student's t, on the logarithms of ratios or on differences, and a rank test that knows nothing of
// normal distributions. Decide then looks at all metrics of a question together and calls different only what stands after
// Holm's correction, and what the rank test does not contradict. The formulas are in docs/methodology.md.
//
// No figure here is ever NaN or infinite: what cannot be given is nil.
package stats

import (
	"math"
)

const (
	// Level is the confidence of each interval by itself.
	Level = 0.95
	// Alpha is the chance, at most, that Decide calls anything different in a family of metrics in which nothing is.
	Alpha = 1 - Level
	// MinRounds is how many rounds it takes to say anything. With fewer, an interval says more of the assumption of a normal
	// distribution than of the rounds.
	MinRounds = 5
	// mostMore is how many more rounds may be asked for.
	mostMore = 1000
	// power is the chance with which as many rounds as asked for would show the difference, were it what it looks like.
	power = 0.8
)

// Scale is what two figures are compared by.
type Scale int

const (
	// Ratio is the other figure over the base, 1 if they are equal. It takes figures above 0. Of several rounds it is the
	// geometric mean.
	Ratio Scale = iota
	// Difference is the other figure less the base, 0 if they are equal: for what may be 0, such as a share of errors.
	Difference
)

// Measure is how a metric is compared.
type Measure struct {
	Scale Scale
	// Resolution is how fine the figures are: relative of a ratio, 0 to 1, else in the unit of the figures; 0 is exact. No
	// interval is narrower.
	Resolution float64
}

// Outcome is what can be said of a metric.
type Outcome int

// Undecided is not the same as equal: nothing can be said. Lower and Higher say how the other figure lies to the base.
const (
	Undecided Outcome = iota
	Lower
	Higher
)

// Interval has the ends between which a method that is right in 95 % of cases puts the true value.
type Interval struct{ Low, High float64 }

// Comparison of the figures of two series of rounds.
type Comparison struct {
	Scale Scale
	// BaseRounds and OtherRounds are the numbers of rounds that could be used; of pairs they are equal.
	BaseRounds, OtherRounds int
	// Effect is the ratio or the difference; nil where no round could be used.
	Effect *float64
	// Interval of Effect at Level; nil with fewer than MinRounds rounds. It is of this metric alone, without the correction for
	// the number of metrics.
	Interval *Interval
	// P is the p-value of the t test, RankP that of the rank test, both two-sided; nil like Interval.
	P, RankP *float64
	// Adjusted is P after Holm's correction, by Decide; nil before, and where P is.
	Adjusted *float64
	// Outcome is Undecided until Decide says otherwise.
	Outcome Outcome
	// More is how many more rounds it would take: for MinRounds, or to tell by Decide, with a chance of 80 %, a difference as
	// large as it looks now. 0 where that is decided, and where no thousand rounds would do.
	More int
	// Warnings are what a reader of the figures should know.
	Warnings []Warning

	leastP   float64 // the least that RankP can be
	estimate estimate
}

// estimate is what a t interval is made of, on the scale on which figures are added.
type estimate struct {
	mean, err, freedom float64
	// deviation and rounds are for the question how many more rounds it takes: err is deviation/√rounds.
	deviation float64
	rounds    int
}

// Paired compares base and other round by round: figure i of both is of round i. A round in which either figure is missing, which
// is NaN, or cannot be used, is left out and there is a warning. It panics if they are not of one length.
func Paired(base, other []float64, m Measure) Comparison {
	if len(base) != len(other) {
		panic("stats: pairs take as many figures on both sides")
	}
	c := Comparison{Scale: m.Scale}
	var steps []float64
	for i := range base {
		if usable(base[i], m.Scale) && usable(other[i], m.Scale) {
			steps = append(steps, m.Scale.coordinate(other[i])-m.Scale.coordinate(base[i]))
		}
	}
	c.BaseRounds, c.OtherRounds = len(steps), len(steps)
	c.leftOut(len(base) - len(steps))
	if len(steps) == 0 {
		c.More = MinRounds
		return c
	}
	mean, deviation := moments(steps)
	c.Effect = finite(m.Scale.back(mean))
	if len(steps) < MinRounds {
		c.More = MinRounds - len(steps)
		return c
	}
	n := float64(len(steps))
	c.estimate = estimate{mean: mean, err: deviation / math.Sqrt(n), freedom: n - 1, deviation: deviation, rounds: len(steps)}
	rank := SignedRank(steps)
	c.leastP = math.Ldexp(1, 1-len(steps))
	c.test(m, rank)
	c.outlier(steps)
	return c
}

// Unpaired compares two series of rounds that have nothing in common, such as those of two runs. Figures that are missing, which
// is NaN, or cannot be used, are left out and there is a warning.
func Unpaired(base, other []float64, m Measure) Comparison {
	c := Comparison{Scale: m.Scale}
	a, b := m.Scale.coordinates(base), m.Scale.coordinates(other)
	c.BaseRounds, c.OtherRounds = len(a), len(b)
	c.leftOut(len(base) - len(a) + len(other) - len(b))
	fewest := min(len(a), len(b))
	if fewest == 0 {
		c.More = MinRounds
		return c
	}
	ma, sa := moments(a)
	mb, sb := moments(b)
	c.Effect = finite(m.Scale.back(mb - ma))
	if fewest < MinRounds {
		c.More = MinRounds - fewest
		return c
	}
	c.estimate = welch(ma, sa, len(a), mb, sb, len(b))
	rank := rankSum(a, b)
	c.leastP = 2 / math.Exp(logChoose(len(a)+len(b), len(a)))
	c.test(m, rank)
	return c
}

// usable says whether a figure can be put on the scale.
func usable(v float64, s Scale) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (s == Difference || v > 0)
}

func (s Scale) coordinates(figures []float64) []float64 {
	var out []float64
	for _, v := range figures {
		if usable(v, s) {
			out = append(out, s.coordinate(v))
		}
	}
	return out
}

// coordinate is a figure on the scale on which differences are taken.
func (s Scale) coordinate(v float64) float64 {
	if s == Ratio {
		return math.Log(v)
	}
	return v
}

// back is coordinate's inverse, of a difference.
func (s Scale) back(d float64) float64 {
	if s == Ratio {
		return math.Exp(d)
	}
	return d
}

// width is the resolution on that scale.
func (m Measure) width() float64 {
	if m.Scale == Ratio {
		return math.Log1p(m.Resolution)
	}
	return m.Resolution
}

// finite is nil where a number is too large to be given.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
