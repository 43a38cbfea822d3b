package stats

import (
	"cmp"
	"slices"
)

// Holm adjusts p-values for their number: calling different what has an adjusted p-value of at most α does so wrongly, in a family
// in which nothing differs, with a chance of at most α, however the metrics hang together. The result is in the order of ps.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	adjusted := make([]float64, len(ps))
	highest := 0.
	for place, i := range order {
		highest = max(highest, min(1, float64(len(ps)-place)*ps[i]))
		adjusted[i] = highest
	}
	return adjusted
}

// Decide says which metrics of one question differ: those whose p-value stands after Holm's correction over all of them, and for
// which the rank test says so too, at 5 % or as near to it as so few rounds let it come. It sets Adjusted, Outcome and More.
func Decide(family []*Comparison) {
	var tested []*Comparison
	var ps []float64
	for _, c := range family {
		if c.P != nil {
			tested = append(tested, c)
			ps = append(ps, *c.P)
		}
	}
	for i, p := range Holm(ps) {
		c := tested[i]
		c.Adjusted = &p
		c.decide(p, len(tested))
	}
}

func (c *Comparison) decide(adjusted float64, tests int) {
	confirmed := *c.RankP <= max(Alpha, c.leastP)
	switch {
	case adjusted <= Alpha && confirmed && c.estimate.mean < 0:
		c.Outcome = Lower
	case adjusted <= Alpha && confirmed:
		c.Outcome = Higher
	case adjusted <= Alpha:
		c.warn(NotConfirmed, "the rank test does not confirm what the interval says (p = %.2g): a few rounds make the difference", *c.RankP)
	case *c.P <= Alpha:
		c.warn(ByChance, "the interval by itself excludes equality, but of %d metrics one may do so by chance (p = %.2g after the correction)", tests, adjusted)
	}
	if c.Outcome != Undecided {
		if c.leastP > Alpha {
			c.warn(RankTooFew, "with %d rounds the rank test cannot reach 5 %%; all rounds agree, which is as much as it can say", c.BaseRounds)
		}
		return
	}
	c.More = c.estimate.more(Alpha / float64(tests))
}
