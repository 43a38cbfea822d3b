package analysis_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// micros are what is added to each answer of a round.
func micros(us ...int) []time.Duration {
	list := make([]time.Duration, len(us))
	for i, n := range us {
		list[i] = time.Duration(n) * time.Microsecond
	}
	return list
}

func comparison(t *testing.T, m *analysis.Model, key string) analysis.Comparison {
	t.Helper()
	i := slices.IndexFunc(m.Comparisons, func(c analysis.Comparison) bool { return c.Metric.Key == key })
	if i < 0 {
		t.Fatalf("%s is not compared", key)
	}
	return m.Comparisons[i]
}

func TestComparisons(t *testing.T) {
	t.Parallel()
	ec2, lambda := resulttest.EC2(), resulttest.Lambda()
	ec2.PerRound, lambda.PerRound = micros(0, 100, 40, 160, 20, 300), micros(10, 100, 60, 190, 20, 330)
	lambda.FailEvery, lambda.Errors = 90, []string{"status_503"}
	m := compare(t, resulttest.Run(resulttest.FourPhase(20), 6, ec2, lambda))
	var keys []string
	for _, c := range m.Comparisons {
		keys = append(keys, c.Metric.Key)
		if c.Target != 1 || c.Rounds != 6 || c.BaseRounds != 6 || c.Interval == nil || c.Adjusted == nil {
			t.Errorf("%+v", c)
		}
	}
	// There is no p99.9: a round has fewer than 10,000 requests.
	if diff := cmp.Diff([]string{"throughput", "mean", "p50", "p90", "p95", "p99", "error_rate"}, keys); diff != "" {
		t.Errorf("compared (-want +got)\n%s", diff)
	}
	median := comparison(t, m, "p50")
	// The median is that of the merged histograms, the ratio that of the rounds.
	if got, want := number(median.Other), number(row(t, m.Totals, "p50").Cells[1].Value); got != want {
		t.Errorf("the median is %v, not that of the totals, %v", got, want)
	}
	logs := 0.
	for _, r := range m.Rounds {
		c := row(t, r.Rows, "p50").Cells
		logs += math.Log(number(c[1].Value) / number(c[0].Value))
	}
	if want := math.Exp(logs / 6); !near(*median.Effect, want, 1e-9) || median.Standing != analysis.Better {
		t.Errorf("the ratio is %v, want the geometric mean %v; it stands %v", *median.Effect, want, median.Standing)
	}
	if c := row(t, m.Totals, "p50").Cells[1]; c.Standing != analysis.Better {
		t.Errorf("the total stands %v", c.Standing)
	}
	if c := comparison(t, m, "error_rate"); c.Scale != stats.Difference || c.Standing != analysis.Worse || !near(*c.Effect, 1./90, 0.02) {
		t.Errorf("the error rate: %+v", c)
	}
	if c := comparison(t, m, "throughput"); c.Standing != analysis.Worse {
		t.Errorf("the throughput stands %v", c.Standing)
	}
}

// What the rounds do not tell, the totals do not say.
func TestUndecidedTotals(t *testing.T) {
	t.Parallel()
	one, two := resulttest.EC2(), resulttest.EC2()
	one.PerRound, two.PerRound = micros(0, 500, 40, 960, 20, 1300), micros(790, 10, 1100, 200, 300, 0)
	two.Target.Name = "twin"
	m := compare(t, resulttest.Run(resulttest.FourPhase(20), 6, one, two))
	for _, key := range []string{"throughput", "mean", "p50"} {
		c := comparison(t, m, key)
		if c.Standing != analysis.Undecided {
			t.Errorf("%s: %+v", key, c)
		}
		if got := row(t, m.Totals, key).Cells[1].Standing; got != analysis.Undecided && got != analysis.Same {
			t.Errorf("the total of %s stands %v", key, got)
		}
	}
}

func TestComparisonsOfFewRounds(t *testing.T) {
	t.Parallel()
	for _, rounds := range []int{1, 4} {
		m := compare(t, resulttest.Run(resulttest.FourPhase(20), rounds, resulttest.EC2(), resulttest.Lambda()))
		c := comparison(t, m, "p50")
		if c.Interval != nil || c.Standing != analysis.Unrated || c.More != stats.MinRounds-rounds || c.Effect == nil {
			t.Errorf("%d rounds: %+v", rounds, c)
		}
		// Two figures are compared as they are, as before.
		if got := row(t, m.Totals, "p50").Cells[1].Standing; got != analysis.Better {
			t.Errorf("%d rounds: the total stands %v", rounds, got)
		}
	}
}

// A round that one target did not finish is no pair.
func TestRoundsThatAreNotAlike(t *testing.T) {
	t.Parallel()
	run := resulttest.Run(resulttest.FourPhase(20), 6, resulttest.EC2(), resulttest.Lambda())
	run.Interrupted = true
	last := &run.Targets[1]
	last.Phases = last.Phases[:len(last.Phases)-2]
	m := compare(t, run)
	if c := comparison(t, m, "p50"); c.Rounds != 5 || c.BaseRounds != 5 {
		t.Errorf("%d rounds of which the last was cut: %+v", 6, c)
	}
	if c := row(t, m.Totals, "p50").Cells[1]; c.Standing != analysis.Unrated {
		t.Errorf("totals of unequal loads stand %v", c.Standing)
	}
}

func TestNoComparisons(t *testing.T) {
	t.Parallel()
	one := resulttest.Run(resulttest.FourPhase(20), 6, resulttest.EC2())
	if m := compare(t, one); len(m.Comparisons) != 0 {
		t.Errorf("one target is compared: %v", m.Comparisons)
	}
	failed := resulttest.EC2()
	failed.Target.Name, failed.FailEvery, failed.Errors = "down", 1, []string{"connect"}
	m := compare(t, resulttest.Run(resulttest.FourPhase(20), 6, resulttest.EC2(), failed))
	for _, c := range m.Comparisons {
		if c.Metric.Key != "error_rate" && c.Metric.Key != "throughput" {
			t.Errorf("%s of a target without a success is compared", c.Metric.Key)
		}
	}
	if c := comparison(t, m, "throughput"); c.Effect != nil || c.Interval != nil || c.Standing != analysis.Unrated {
		t.Errorf("a throughput of 0 has a ratio: %+v", c)
	}
	if c := comparison(t, m, "error_rate"); c.Standing != analysis.Worse || *c.Effect != 1 {
		t.Errorf("all requests failed: %+v", c)
	}
}

// TestCoverageOfHistograms does what a run does: times go into histograms, figures come out of them, and the intervals of their ratios
// hold what is true in 93 to 97 % of 2,000 trials. bench/internal/stats has the same of exact values, for more numbers of rounds.
func TestCoverageOfHistograms(t *testing.T) {
	t.Parallel()
	if testing.Short() || raceEnabled {
		t.Skip("40 million recorded times")
	}
	const trials, requests, truth = 2000, 1000, 1.25
	random := rand.New(rand.NewPCG(7, 7))
	h := result.NewHistogram()
	round := func(factor float64) result.Summary {
		h.Reset()
		factor *= math.Exp(0.05 * random.NormFloat64())
		for range requests {
			us := 1800 * factor * math.Exp(0.35*random.NormFloat64())
			if random.Float64() < 0.03 {
				us *= 5
			}
			h.Record(time.Duration(us * 1000))
		}
		return h.Figures()
	}
	keys := []func(result.Summary) float64{
		func(s result.Summary) float64 { return *s.Mean }, func(s result.Summary) float64 { return *s.P50 }, func(s result.Summary) float64 { return *s.P99 },
	}
	held := map[[2]int]int{}
	for range trials {
		base, other := make([][]float64, 3), make([][]float64, 3)
		for range 10 {
			shared := math.Exp(0.15 * random.NormFloat64())
			a, b := round(shared), round(shared*truth)
			for k, of := range keys {
				base[k], other[k] = append(base[k], of(a)), append(other[k], of(b))
			}
		}
		for k := range keys {
			for _, n := range []int{5, 10} {
				c := stats.Paired(base[k][:n], other[k][:n], stats.Measure{Scale: stats.Ratio, Resolution: 0.001})
				if c.Interval.Low <= truth && truth <= c.Interval.High {
					held[[2]int{k, n}]++
				}
			}
		}
	}
	for k, name := range []string{"mean", "p50", "p99"} {
		for _, n := range []int{5, 10} {
			share := float64(held[[2]int{k, n}]) / trials
			t.Logf("%2d rounds, %s: %.1f %%", n, name, 100*share)
			if share < 0.93 || share > 0.97 {
				t.Errorf("%d rounds: %.2f %% of the intervals of %s hold the truth", n, 100*share, name)
			}
		}
	}
}
