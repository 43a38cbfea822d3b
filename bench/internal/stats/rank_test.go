package stats_test

import (
	"math"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// withSum are n differences whose ranks are 1 to n, of which the positive ones add up to sum.
func withSum(n, sum int) []float64 {
	d := make([]float64, n)
	for rank := n; rank > 0; rank-- {
		d[rank-1] = -float64(rank)
		if rank <= sum {
			d[rank-1] = float64(rank)
			sum -= rank
		}
	}
	return d
}

// TestSignedRankTable holds it against the table of critical values in F. Wilcoxon, R. A. Wilcox, Some Rapid Approximate Statistical
// Procedures (1964), as reprinted in textbooks: the largest smaller sum of ranks that is significant at that level, two-sided.
func TestSignedRankTable(t *testing.T) {
	for level, table := range map[float64]map[int]int{
		0.05: {6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 11: 10, 12: 13, 13: 17, 14: 21, 15: 25, 16: 29, 17: 34, 18: 40, 19: 46, 20: 52, 21: 58, 22: 65, 23: 73, 24: 81, 25: 89},
		0.01: {8: 0, 9: 1, 10: 3, 11: 5, 12: 7, 13: 9, 14: 12, 15: 15, 16: 19, 17: 23, 18: 27, 19: 32, 20: 37, 21: 42, 22: 48, 23: 54, 24: 61, 25: 68},
	} {
		for n, critical := range table {
			if p := stats.SignedRank(withSum(n, critical)); p > level {
				t.Errorf("of %d, a sum of %d has p = %v, above %v", n, critical, p, level)
			}
			if p := stats.SignedRank(withSum(n, critical+1)); p <= level {
				t.Errorf("of %d, a sum of %d has p = %v, not above %v", n, critical+1, p, level)
			}
		}
	}
}

func TestSignedRank(t *testing.T) {
	tests := []struct {
		name        string
		differences []float64
		want        float64
	}{
		{"none", nil, 1},
		{"zeros", []float64{0, 0, 0}, 1},
		{"NaN", []float64{math.NaN(), 0}, 1},
		{"one", []float64{3}, 1},
		{"five of one sign", []float64{1, 2, 3, 4, 5}, 2. / 32},
		{"six of one sign, and a zero", []float64{-1, -2, -3, -4, -5, -6, 0}, 2. / 64},
		// Hollander and Wolfe (1973), depression scores of nine patients: R's help of wilcox.test has V = 40, p-value = 0.01953 one-sided.
		{"depression", []float64{1.83 - 0.878, 0.50 - 0.647, 1.62 - 0.598, 2.48 - 2.05, 1.68 - 1.06, 1.88 - 1.29, 1.55 - 1.06, 3.06 - 3.14, 1.30 - 1.29}, 2 * 10. / 512},
		// By hand: ranks 1.5, 1.5, 3 have the sums 0, 1.5, 1.5, 3, 3, 4.5, 4.5, 6; of 1.5 and less there are three of eight.
		{"ties", []float64{1, -1, 2}, 2 * 3. / 8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { near(t, "p", stats.SignedRank(test.differences), test.want, 1e-12) })
	}
}

// Where counting ends and the approximation begins, they must meet.
func TestSignedRankApproximation(t *testing.T) {
	for _, sum := range []int{1500, 1900, 2300} {
		// As many deviations from the mean, n(n+1)/4, where the variance is n(n+1)(2n+1)/24.
		z := (2525 - float64(sum)) / math.Sqrt(100*101*201./24)
		same := 2575.5 - z*math.Sqrt(101*102*203./24)
		near(t, "p with one more", stats.SignedRank(withSum(101, int(math.Round(same)))), stats.SignedRank(withSum(100, sum)), 0.002)
	}
	all := make([]float64, 500)
	for i := range all {
		all[i] = 1 + float64(i%3)
	}
	if p := stats.SignedRank(all); !(p >= 0 && p < 1e-50) {
		t.Errorf("five hundred of one sign have p = %v", p)
	}
}

// TestRankSumTable holds it against the table of Mann and Whitney (1947): the largest U that is significant at 5 %, two-sided.
func TestRankSumTable(t *testing.T) {
	for n, critical := range map[int]int{5: 2, 6: 5, 7: 8, 8: 13, 9: 17, 10: 23, 15: 64, 20: 127} {
		for u, significant := range map[int]bool{critical: true, critical + 1: false} {
			// U counts for how many pairs the other figure is the lower one: shift the lowest of them up, one by one.
			var base, other []float64
			for i := range n {
				base = append(base, float64(10*(i+1)))
			}
			left := u
			for i := range n {
				above := n // how many of base lie below this one
				take := min(left, n)
				above -= take
				left -= take
				other = append(other, float64(10*above)+5+float64(i)/100)
			}
			c := stats.Unpaired(base, other, stats.Measure{Scale: stats.Difference})
			if got := *c.RankP <= 0.05; got != significant {
				t.Errorf("U = %d of %d and %d has p = %v", u, n, n, *c.RankP)
			}
		}
	}
	same := make([]float64, 60)
	if c := stats.Unpaired(same, same, stats.Measure{Scale: stats.Difference}); *c.RankP != 1 {
		t.Errorf("sixty zeros against sixty zeros have p = %v", *c.RankP)
	}
}
