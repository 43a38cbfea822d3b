package stats_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// sleep is Student's data of 1908 on two soporifics, extra hours of sleep of ten patients: `sleep` of R, whose help prints the
// results that the tests here expect.
func sleep() (first, second []float64) {
	return []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2}, []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}
}

func exp(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.Exp(v)
	}
	return out
}

func log(in stats.Interval) stats.Interval {
	return stats.Interval{Low: math.Log(in.Low), High: math.Log(in.High)}
}

func near(t *testing.T, what string, got, want, margin float64) {
	t.Helper()
	if !cmp.Equal(got, want, cmpopts.EquateApprox(0, margin)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestPairedLikeR(t *testing.T) {
	// R: t.test(second, first, paired = TRUE): t = 4.0621, df = 9, p-value = 0.002833, 95 percent confidence interval 0.7001142 2.4598858,
	// mean difference 1.58.
	first, second := sleep()
	for name, c := range map[string]stats.Comparison{
		"differences": stats.Paired(first, second, stats.Measure{Scale: stats.Difference}),
		"ratios":      stats.Paired(exp(first), exp(second), stats.Measure{Scale: stats.Ratio}),
	} {
		t.Run(name, func(t *testing.T) {
			effect, in := *c.Effect, *c.Interval
			if c.Scale == stats.Ratio {
				effect, in = math.Log(effect), log(in)
			}
			near(t, "effect", effect, 1.58, 1e-9)
			near(t, "low", in.Low, 0.7001142, 5e-8)
			near(t, "high", in.High, 2.4598858, 5e-8)
			near(t, "p", *c.P, 0.002833, 5e-7)
		})
	}
}

func TestUnpairedLikeR(t *testing.T) {
	// R: t.test(first, second): t = -1.8608, df = 17.776, p-value = 0.07939, interval -3.3654832 0.2054832.
	first, second := sleep()
	for name, c := range map[string]stats.Comparison{
		"differences": stats.Unpaired(first, second, stats.Measure{Scale: stats.Difference}),
		"ratios":      stats.Unpaired(exp(first), exp(second), stats.Measure{Scale: stats.Ratio}),
	} {
		t.Run(name, func(t *testing.T) {
			effect, in := *c.Effect, *c.Interval
			if c.Scale == stats.Ratio {
				effect, in = math.Log(effect), log(in)
			}
			near(t, "effect", effect, 1.58, 1e-9)
			near(t, "low", in.Low, -0.2054832, 5e-8)
			near(t, "high", in.High, 3.3654832, 5e-8)
			near(t, "p", *c.P, 0.07939, 5e-6)
		})
	}
}

// TestStudentTable takes the quantiles of the table in NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, out of
// intervals: with an error of 1 the half width is the quantile.
func TestStudentTable(t *testing.T) {
	for freedom, want := range map[int]float64{4: 2.776, 5: 2.571, 9: 2.262, 14: 2.145, 19: 2.093, 29: 2.045, 60: 2.000, 99: 1.984} {
		n := freedom + 1
		other := make([]float64, n)
		for i := range other {
			other[i] = float64(i % 2)
		}
		if n%2 == 1 {
			other[n-1] = 0.5
		}
		c := stats.Paired(make([]float64, n), other, stats.Measure{Scale: stats.Difference})
		squares := 0.
		for _, v := range other {
			squares += (v - 0.5) * (v - 0.5)
		}
		half := (c.Interval.High - c.Interval.Low) / 2
		near(t, "the quantile", half/math.Sqrt(squares/float64(n-1)/float64(n)), want, 5e-4)
	}
}

func TestDecided(t *testing.T) {
	lower := []float64{90, 91, 89, 90.5, 90}
	base := []float64{100, 101, 99, 100, 100}
	noisy := []float64{90, 110, 95, 104, 103}
	tests := []struct {
		name        string
		base, other []float64
		want        stats.Outcome
	}{
		{"clearly lower", base, lower, stats.Lower},
		{"clearly higher", lower, base, stats.Higher},
		{"too noisy", base, noisy, stats.Undecided},
		{"the same", base, base, stats.Undecided},
		{"four rounds", base[:4], lower[:4], stats.Undecided},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, compare := range []func(_, _ []float64, _ stats.Measure) stats.Comparison{stats.Paired, stats.Unpaired} {
				c := compare(test.base, test.other, stats.Measure{Scale: stats.Ratio, Resolution: 0.001})
				stats.Decide([]*stats.Comparison{&c})
				if c.Outcome != test.want {
					t.Errorf("the outcome is %v, want %v: %+v", c.Outcome, test.want, c)
				}
			}
		})
	}
}

func TestMoreRounds(t *testing.T) {
	base := make([]float64, 8)
	other := []float64{3, -1, 3, -1, 3, -1, 3, -1} // mean 1, standard deviation 2.138
	tests := []struct {
		name        string
		base, other []float64
		want        int
	}{
		{"none", nil, nil, 5},
		{"two", base[:2], other[:2], 3},
		// R: power.t.test(delta = 1, sd = 2.138, power = 0.8, type = "paired") says n = 37.85; the formula here comes out near to it.
		{"of an effect of half a deviation", base, other, 30},
		{"no effect", base, base, 0},
		{"nearly no effect", base, []float64{1, -1, 1, -1, 1, -1, 1, -0.99}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := stats.Paired(test.base, test.other, stats.Measure{Scale: stats.Difference})
			stats.Decide([]*stats.Comparison{&c})
			if c.More != test.want {
				t.Errorf("%d more rounds, want %d", c.More, test.want)
			}
		})
	}
}

func TestHolm(t *testing.T) {
	// R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02.
	got := stats.Holm([]float64{0.01, 0.04, 0.03, 0.005})
	if diff := cmp.Diff([]float64{0.03, 0.06, 0.06, 0.02}, got, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Errorf("adjusted p-values (-want +got):\n%s", diff)
	}
	if got := stats.Holm(nil); len(got) != 0 {
		t.Errorf("adjusted p-values of none are %v", got)
	}
	if got := stats.Holm([]float64{0.9, 0.6}); got[0] != 1 || got[1] != 1 {
		t.Errorf("adjusted p-values are %v, above 1 or not 1", got)
	}
}

// A difference that does not stand next to others is called nothing, and there is a warning.
func TestFamily(t *testing.T) {
	base := []float64{100, 100, 100, 100, 100, 100, 100, 100}
	other := []float64{101, 103, 99.5, 102, 101, 100, 103, 101}
	alone := stats.Paired(base, other, stats.Measure{})
	stats.Decide([]*stats.Comparison{&alone})
	if alone.Outcome != stats.Higher {
		t.Fatalf("alone it is %v with p = %v", alone.Outcome, *alone.P)
	}
	one := stats.Paired(base, other, stats.Measure{})
	family := []*stats.Comparison{&one}
	for range 9 {
		c := stats.Paired(base, []float64{99, 101, 99, 101, 99, 101, 99, 101}, stats.Measure{})
		family = append(family, &c)
	}
	stats.Decide(family)
	if one.Outcome != stats.Undecided || len(one.Warnings) != 1 || one.Warnings[0].Code != stats.ByChance || one.More == 0 {
		t.Errorf("of ten it is %+v", one)
	}
}

// Ten rounds are far above and ten a little below: the mean is surely not 0, but that the other target is mostly the higher one is not.
func TestRankTestContradicts(t *testing.T) {
	var base, other []float64
	for i := range 20 {
		base, other = append(base, 0), append(other, 10)
		if i%2 == 0 {
			other[i] = -1
		}
	}
	c := stats.Paired(base, other, stats.Measure{Scale: stats.Difference})
	stats.Decide([]*stats.Comparison{&c})
	if *c.Adjusted > 0.01 || *c.RankP <= 0.05 || c.Outcome != stats.Undecided || c.Warnings[0].Code != stats.NotConfirmed {
		t.Errorf("p is %v, rank p %v: %+v", *c.Adjusted, *c.RankP, c)
	}
}

func TestBadFigures(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	five := []float64{1, 2, 3, 4, 5}
	tests := []struct {
		name        string
		base, other []float64
		scale       stats.Scale
		used        int
		effect      any
		interval    bool
	}{
		{"empty", nil, nil, stats.Ratio, 0, nil, false},
		{"one value", []float64{2}, []float64{3}, stats.Ratio, 1, 1.5, false},
		{"one value, difference", []float64{2}, []float64{3}, stats.Difference, 1, 1., false},
		{"zero", []float64{0, 2}, []float64{1, 3}, stats.Ratio, 1, 1.5, false},
		{"zeros alone", []float64{0, 0, 0, 0, 0}, []float64{0, 0, 0, 0, 0}, stats.Ratio, 0, nil, false},
		{"zeros alone, difference", []float64{0, 0, 0, 0, 0}, []float64{0, 0, 0, 0, 0}, stats.Difference, 5, 0., true},
		{"negative", []float64{-1, 2}, []float64{-2, 3}, stats.Ratio, 1, 1.5, false},
		{"negative, difference", []float64{-1, -1, -1, -1, -1}, []float64{-2, -2, -2, -2, -2}, stats.Difference, 5, -1., true},
		{"NaN", []float64{nan, 2, 2}, []float64{1, nan, 3}, stats.Ratio, 1, 1.5, false},
		{"infinite", []float64{inf, 2, 2}, []float64{1, -inf, 3}, stats.Ratio, 1, 1.5, false},
		{"infinite, difference", []float64{inf, 2, 2}, []float64{1, -inf, 3}, stats.Difference, 1, 1., false},
		{"beyond the largest number", []float64{1e-300, 1e-300, 1e-300, 1e-300, 1e-300}, []float64{1e300, 1e300, 1e300, 1e300, 1e300}, stats.Ratio, 5, nil, false},
		{"interval beyond the largest number", []float64{1, 1, 1, 1, 1}, []float64{1e-300, 1e300, 1e-300, 1e300, 1}, stats.Ratio, 5, 1., false},
		{"difference beyond the largest number", []float64{-math.MaxFloat64, -1, -1, -1, -1}, []float64{math.MaxFloat64, 1, 1, 1, 1}, stats.Difference, 5, nil, false},
		{"the same five", five, five, stats.Ratio, 5, 1., true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := stats.Paired(test.base, test.other, stats.Measure{Scale: test.scale})
			stats.Decide([]*stats.Comparison{&c})
			check(t, &c)
			if c.BaseRounds != test.used {
				t.Errorf("%d rounds were used, want %d", c.BaseRounds, test.used)
			}
			switch {
			case test.effect == nil && c.Effect != nil:
				t.Errorf("the effect is %v, want none", *c.Effect)
			case test.effect != nil && c.Effect == nil:
				t.Errorf("there is no effect, want %v", test.effect)
			case test.effect != nil:
				near(t, "the effect", *c.Effect, test.effect.(float64), 1e-9)
			}
			if (c.Interval != nil) != test.interval {
				t.Errorf("the interval is %v", c.Interval)
			}
			if left := len(test.base) - test.used; (left > 0) != (len(c.Warnings) > 0 && c.Warnings[0].Code == stats.LeftOut) {
				t.Errorf("%d rounds were left out; the warnings are %v", left, c.Warnings)
			}
			for n, want := range map[int]string{1: "1 round was left out, ", 2: "2 rounds were left out, "} {
				if left := len(test.base) - test.used; left == n && !strings.HasPrefix(c.Warnings[0].Text, want) {
					t.Errorf("the warning of %d rounds is %q", n, c.Warnings[0].Text)
				}
			}
			u := stats.Unpaired(test.base, test.other, stats.Measure{Scale: test.scale})
			stats.Decide([]*stats.Comparison{&u})
			check(t, &u)
		})
	}
}

// check holds what is true of any comparison.
func check(t testing.TB, c *stats.Comparison) {
	t.Helper()
	finite := func(what string, v *float64) {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			t.Errorf("%s is %v", what, *v)
		}
	}
	finite("effect", c.Effect)
	for what, p := range map[string]*float64{"p": c.P, "rank p": c.RankP, "adjusted p": c.Adjusted} {
		finite(what, p)
		if p != nil && (*p < 0 || *p > 1) {
			t.Errorf("%s is %v", what, *p)
		}
	}
	if in := c.Interval; in != nil {
		finite("low", &in.Low)
		finite("high", &in.High)
		if in.Low > *c.Effect*(1+1e-12)+1e-300 && *c.Effect >= 0 || in.High < in.Low {
			t.Errorf("the effect %v is not within %v", *c.Effect, *in)
		}
	}
	if (c.Interval == nil) != (c.P == nil) || (c.P == nil) != (c.RankP == nil) {
		t.Errorf("of interval, p and rank p some are missing: %+v", c)
	}
	if c.Outcome != stats.Undecided && (c.BaseRounds < stats.MinRounds || c.OtherRounds < stats.MinRounds) {
		t.Errorf("decided by %d and %d rounds", c.BaseRounds, c.OtherRounds)
	}
}

func TestPairsOfUnequalLength(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	stats.Paired([]float64{1}, nil, stats.Measure{})
}

// The interval is never narrower than the figures are known.
func TestResolution(t *testing.T) {
	base, other := []float64{100, 100, 100, 100, 100, 100}, []float64{100.05, 100.05, 100.05, 100.05, 100.05, 100.05}
	c := stats.Paired(base, other, stats.Measure{Scale: stats.Ratio, Resolution: 0.001})
	near(t, "low", c.Interval.Low, 1.0005/1.001, 1e-9)
	near(t, "high", c.Interval.High, 1.0005*1.001, 1e-9)
	stats.Decide([]*stats.Comparison{&c})
	if c.Outcome != stats.Undecided {
		t.Errorf("half a bucket is called %v", c.Outcome)
	}
	exact := stats.Paired(base, other, stats.Measure{Scale: stats.Ratio})
	if p := *exact.P; p != 2./64 {
		t.Errorf("six equal differences have p = %v, want what the signs say, 2/64", p)
	}
}

func TestOutlier(t *testing.T) {
	base := []float64{100, 100, 100, 100, 100, 100, 100}
	c := stats.Paired(base, []float64{101, 100, 101.5, 99, 100.5, 100, 180}, stats.Measure{})
	if len(c.Warnings) != 1 || c.Warnings[0].Code != stats.Outlier {
		t.Errorf("the warnings are %v", c.Warnings)
	}
}

func FuzzPaired(f *testing.F) {
	f.Add(1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 0.001, false)
	f.Add(0., math.NaN(), -1., math.Inf(1), 5., 1e308, -1e308, 8., 1e-320, 10., 0., true)
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g, h, i, j, k, resolution float64, difference bool) {
		if !(resolution >= 0 && resolution < 1) {
			return
		}
		m := stats.Measure{Resolution: resolution}
		if difference {
			m.Scale = stats.Difference
		}
		base, other := []float64{a, b, c, d, e}, []float64{g, h, i, j, k}
		pair, apart := stats.Paired(base, other, m), stats.Unpaired(base, other, m)
		stats.Decide([]*stats.Comparison{&pair, &apart})
		check(t, &pair)
		check(t, &apart)
	})
}

// TestMeanInterval has the extra hours of sleep of "Student" (1908), whose interval is printed by the documentation of R's t.test.
func TestMeanInterval(t *testing.T) {
	t.Parallel()
	low, high, ok := stats.MeanInterval([]float64{1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4})
	if !ok || math.Abs(low-0.7001142) > 1e-7 || math.Abs(high-2.4598858) > 1e-7 {
		t.Errorf("%v to %v, %t", low, high, ok)
	}
	if low, high, ok := stats.MeanInterval([]float64{3, 3, 3, 3, 3}); !ok || low != 3 || high != 3 {
		t.Errorf("of equal rounds %v to %v, %t", low, high, ok)
	}
	for _, figures := range [][]float64{nil, {1, 2, 3, 4}, {1, 2, 3, 4, math.NaN()}, {1, 2, 3, 4, math.Inf(1)}} {
		if low, high, ok := stats.MeanInterval(figures); ok {
			t.Errorf("%v: %v to %v", figures, low, high)
		}
	}
}
