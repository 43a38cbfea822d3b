package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// moments are the mean and the standard deviation of a sample, which is 0 of one value.
func moments(values []float64) (mean, deviation float64) {
	if len(values) == 1 {
		return values[0], 0
	}
	return stat.MeanStdDev(values, nil)
}

// welch is the difference of two means whose variances need not be equal, with the degrees of freedom by Satterthwaite.
func welch(meanA, deviationA float64, a int, meanB, deviationB float64, b int) estimate {
	va, vb := deviationA*deviationA/float64(a), deviationB*deviationB/float64(b)
	e := estimate{mean: meanB - meanA, err: math.Sqrt(va + vb), rounds: min(a, b)}
	e.deviation = e.err * math.Sqrt(float64(e.rounds))
	e.freedom = float64(a + b - 2)
	if va+vb > 0 {
		e.freedom = (va + vb) * (va + vb) / (va*va/float64(a-1) + vb*vb/float64(b-1))
	}
	return e
}

// test sets interval and p-values.
func (c *Comparison) test(m Measure, rank float64) {
	e := &c.estimate
	half := quantile(1-Alpha/2, e.freedom)
	// Where the rounds agree better than figures are known, it is the resolution that says how sure they are.
	e.err = max(e.err, m.width()/half)
	low, high := finite(m.Scale.back(e.mean-half*e.err)), finite(m.Scale.back(e.mean+half*e.err))
	if c.Effect == nil || low == nil || high == nil {
		c.warn(TooFar, "the figures lie too far apart for a ratio")
		return
	}
	c.Interval, c.RankP = &Interval{*low, *high}, &rank
	p := 1.
	switch {
	case e.err > 0:
		p = 2 * student(e.freedom).Survival(math.Abs(e.mean)/e.err)
	case e.mean != 0:
		// All rounds say exactly the same: how sure that is, only their number tells.
		p = rank
	}
	c.P = &p
}

func student(freedom float64) distuv.StudentsT { return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom} }

// quantile of Student's t distribution.
func quantile(probability, freedom float64) float64 { return student(freedom).Quantile(probability) }

// more is how many more rounds would probably tell a difference as large as it looks, at a p-value of alpha: the least n for which
// (t(1-alpha/2) + t(power))·deviation/√n is not above it. 0 where a thousand do not suffice.
func (e estimate) more(alpha float64) int {
	if e.mean == 0 {
		return 0
	}
	// The quantiles of the normal distribution are the lower ones, so no fewer rounds will do.
	least := (distuv.UnitNormal.Quantile(1-alpha/2) + distuv.UnitNormal.Quantile(power)) * e.deviation / e.mean
	for more := max(1, math.Ceil(least*least)-float64(e.rounds)); more <= mostMore; more++ {
		n := float64(e.rounds) + more
		// Degrees of freedom grow with the rounds, whatever there were of them for each.
		freedom := e.freedom * (n - 1) / float64(e.rounds-1)
		if (quantile(1-alpha/2, freedom)+quantile(power, freedom))*e.deviation/math.Sqrt(n) <= math.Abs(e.mean) {
			return int(more)
		}
	}
	return 0
}

// MeanInterval is the 95 % confidence interval of the mean of figures of rounds, by Student's t. It is false with fewer than MinRounds.
func MeanInterval(figures []float64) (low, high float64, ok bool) {
	if len(figures) < MinRounds {
		return 0, 0, false
	}
	mean, deviation := moments(figures)
	half := quantile(1-Alpha/2, float64(len(figures)-1)) * deviation / math.Sqrt(float64(len(figures)))
	if math.IsNaN(half) || math.IsInf(half, 0) {
		return 0, 0, false
	}
	return mean - half, mean + half, true
}
