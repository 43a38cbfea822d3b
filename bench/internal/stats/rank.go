package stats

import (
	"cmp"
	"math"
	"slices"

	moremath "github.com/aclements/go-moremath/stats"
	"gonum.org/v1/gonum/stat/distuv"
)

// exactRounds is up to where the distribution of the signed-rank statistic is counted out.
const exactRounds = 100

// SignedRank is the two-sided p-value of Wilcoxon's signed-rank test that differences are symmetric about 0. Differences of 0 are
// left out, as Wilcoxon does, and equal sizes share their mean rank. It is exact up to 100 differences, ties included; beyond that a
// normal approximation with corrections for ties and for continuity. Without a difference it is 1. Differences that are NaN are
// left out too.
func SignedRank(differences []float64) float64 {
	var d []float64
	for _, v := range differences {
		if v != 0 && !math.IsNaN(v) {
			d = append(d, v)
		}
	}
	if len(d) == 0 {
		return 1
	}
	slices.SortFunc(d, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	// Twice the mean ranks are whole numbers.
	twice := make([]int, len(d))
	positive, ties := 0, 0.
	for i := 0; i < len(d); {
		j := i
		for j < len(d) && math.Abs(d[j]) == math.Abs(d[i]) {
			j++
		}
		for k := i; k < j; k++ {
			twice[k] = i + 1 + j
			if d[k] > 0 {
				positive += twice[k]
			}
		}
		t := float64(j - i)
		ties += t*t*t - t
		i = j
	}
	n := float64(len(d))
	total := len(d) * (len(d) + 1)
	smaller := min(positive, total-positive)
	if len(d) <= exactRounds {
		return signedRankExact(twice, smaller)
	}
	variance := n*(n+1)*(2*n+1)/24 - ties/48
	z := (float64(total)/4 - float64(smaller)/2 - 0.5) / math.Sqrt(variance)
	return min(1, 2*distuv.UnitNormal.Survival(z))
}

// signedRankExact counts the ways of giving signs to the ranks, which are doubled, whose sum of the positive ones is at most so
// large, of the 2^n that are equally likely.
func signedRankExact(twice []int, smaller int) float64 {
	total := 0
	for _, r := range twice {
		total += r
	}
	ways := make([]float64, total+1)
	ways[0] = 1
	reached := 0
	for _, r := range twice {
		reached += r
		for s := reached; s >= r; s-- {
			ways[s] += ways[s-r]
		}
	}
	tail := 0.
	for _, w := range ways[:smaller+1] {
		tail += w
	}
	return min(1, 2*math.Ldexp(tail, -len(twice)))
}

// rankSum is the two-sided p-value of the test of Mann and Whitney: exact for few rounds.
func rankSum(a, b []float64) float64 {
	if slices.Min(a) == slices.Max(b) && slices.Max(a) == slices.Min(b) {
		return 1 // all figures are the same, of which the library's approximation would make 0/0
	}
	r, err := moremath.MannWhitneyUTest(a, b, moremath.LocationDiffers)
	if err != nil {
		return 1
	}
	return min(1, r.P) // twice a tail that is more than half of a distribution with ties
}

func logChoose(n, k int) float64 {
	whole, _ := math.Lgamma(float64(n + 1))
	first, _ := math.Lgamma(float64(k + 1))
	rest, _ := math.Lgamma(float64(n - k + 1))
	return whole - first - rest
}
