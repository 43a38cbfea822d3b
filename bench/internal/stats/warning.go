package stats

import (
	"fmt"
	"math"
	"slices"
)

// Warning is what a reader should know of a comparison: a footnote.
type Warning struct {
	Code Code
	// Text is a sentence without its full stop.
	Text string
}

// Code tells warnings apart.
type Code string

const (
	// LeftOut rounds had no figure, or one of which there is no ratio.
	LeftOut Code = "left_out"
	// TooFar is a ratio beyond what numbers can hold.
	TooFar Code = "too_far"
	// NotConfirmed is a difference by the t test that the rank test does not see.
	NotConfirmed Code = "not_confirmed"
	// ByChance is a difference that does not stand the correction for the number of metrics.
	ByChance Code = "by_chance"
	// RankTooFew is a rank test that so few rounds keep from 5 %.
	RankTooFew Code = "rank_too_few"
	// Outlier is a round that lies far from the others.
	Outlier Code = "outlier"
)

func (c *Comparison) warn(code Code, format string, args ...any) {
	c.Warnings = append(c.Warnings, Warning{code, fmt.Sprintf(format, args...)})
}

func (c *Comparison) leftOut(n int) {
	if n > 0 {
		are := "rounds were"
		if n == 1 {
			are = "round was"
		}
		why := "for want of a figure"
		if c.Scale == Ratio {
			why = "as there is no ratio without a figure above 0"
		}
		c.warn(LeftOut, "%d %s left out, %s", n, are, why)
	}
}

// Five times the deviation, estimated by the median of the distances from the median, which 1.4826 makes that of a normal
// distribution, is reached by one normal value of 1.7 million.
const (
	farOff  = 5
	mad2sig = 1.4826
)

// outlier warns of a round that lies far from all others.
func (c *Comparison) outlier(steps []float64) {
	middle := median(steps)
	distances := make([]float64, len(steps))
	for i, s := range steps {
		distances[i] = math.Abs(s - middle)
	}
	limit := max(farOff*mad2sig*median(distances), c.estimate.err)
	far := 0
	for _, d := range distances {
		if d > limit {
			far++
		}
	}
	switch {
	case far == 1:
		c.warn(Outlier, "one round lies far from the others, and makes the interval wide")
	case far > 1:
		c.warn(Outlier, "%d rounds lie far from the others, and make the interval wide", far)
	}
}

// median of values that there are some of.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
