package stats_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// What is simulated: rounds of a thousand requests, whose times are lognormal within a round. All of a round are slower or faster by
// what both targets share (12 % of deviation, and a slow drift), and by what is a target's own (4 %); one request in 50 is slow, in some rounds
// one in 25. So rounds differ as those on shared machines do, and much more than a thousand requests of one round would make believe.
const (
	trials   = 2000
	requests = 1000
)

// figures of one round.
type figures struct{ mean, p50, p90, p95, p99, throughput float64 }

type simulated struct {
	random *rand.Rand
	values []float64
}

func newSimulated(seed uint64) *simulated {
	return &simulated{rand.New(rand.NewPCG(seed, 1908)), make([]float64, requests)}
}

// round draws a round of a target whose times are longer by factor.
func (s *simulated) round(shared, factor float64) figures {
	own := shared * factor * math.Exp(0.04*s.random.NormFloat64())
	slow := 0.02
	if s.random.Float64() < 0.2 {
		slow = 0.04
	}
	sum := 0.
	for i := range s.values {
		v := own * math.Exp(0.3*s.random.NormFloat64())
		if s.random.Float64() < slow {
			v *= 6
		}
		s.values[i] = v
		sum += v
	}
	slices.Sort(s.values)
	// Nearest rank: ⌈n·p⌉.
	at := func(rank int) float64 { return s.values[rank-1] }
	return figures{sum / requests, at(requests / 2), at(requests * 9 / 10), at(requests * 95 / 100), at(requests * 99 / 100), requests / sum}
}

// rounds draws pairs of rounds; factor is the second target's time over the first's.
func (s *simulated) rounds(n int, factor float64) (base, other []figures) {
	phase := 2 * math.Pi * s.random.Float64()
	for i := range n {
		shared := s.shared(i, phase)
		base, other = append(base, s.round(shared, 1)), append(other, s.round(shared, factor))
	}
	return base, other
}

// alone draws rounds of one target, at another time.
func (s *simulated) alone(n int) (rounds []figures) {
	phase := 2 * math.Pi * s.random.Float64()
	for i := range n {
		rounds = append(rounds, s.round(s.shared(i, phase), 1))
	}
	return rounds
}

func (s *simulated) shared(round int, phase float64) float64 {
	return math.Exp(0.12*s.random.NormFloat64() + 0.05*math.Sin(float64(round)/3+phase))
}

func pick(rounds []figures, of func(figures) float64) []float64 {
	out := make([]float64, len(rounds))
	for i, f := range rounds {
		out[i] = of(f)
	}
	return out
}

var metrics = []struct {
	name string
	of   func(figures) float64
}{
	{"mean", func(f figures) float64 { return f.mean }},
	{"p50", func(f figures) float64 { return f.p50 }},
	{"p90", func(f figures) float64 { return f.p90 }},
	{"p95", func(f figures) float64 { return f.p95 }},
	{"p99", func(f figures) float64 { return f.p99 }},
	{"throughput", func(f figures) float64 { return f.throughput }},
}

// TestCoverage: of intervals at 95 %, 93 to 97 % hold what is true, whatever the number of rounds. The standard error of the share
// is 0.5 % at 2,000 trials.
func TestCoverage(t *testing.T) {
	if testing.Short() || raceEnabled { // one goroutine, ten times as slow
		t.Skip("120 million simulated requests")
	}
	const truth = 1.07 // the factor moves every percentile and the mean alike
	sizes := []int{5, 10, 20}
	type key struct {
		metric string
		rounds int
		paired bool
	}
	held := map[key]int{}
	s := newSimulated(1)
	for range trials {
		base, other := s.rounds(20, truth)
		strangers := s.alone(20)
		for _, n := range sizes {
			for _, m := range metrics[:5] {
				pair := stats.Paired(pick(base[:n], m.of), pick(other[:n], m.of), stats.Measure{Scale: stats.Ratio})
				if pair.Interval.Low <= truth && truth <= pair.Interval.High {
					held[key{m.name, n, true}]++
				}
				apart := stats.Unpaired(pick(strangers[:n], m.of), pick(other[:n], m.of), stats.Measure{Scale: stats.Ratio})
				if apart.Interval.Low <= truth && truth <= apart.Interval.High {
					held[key{m.name, n, false}]++
				}
			}
		}
	}
	for _, n := range sizes {
		for _, m := range metrics[:5] {
			for _, paired := range []bool{true, false} {
				share := float64(held[key{m.name, n, paired}]) / trials
				t.Logf("%2d rounds, paired %-5v %-4s: %.1f %%", n, paired, m.name, 100*share)
				if share < 0.93 || share > 0.97 {
					t.Errorf("%d rounds, paired %v: %.2f %% of the intervals of %s hold the truth", n, paired, 100*share, m.name)
				}
			}
		}
	}
}

// TestIdenticalTargets: of two targets that are the same, at most 6 % of runs call any metric different.
func TestIdenticalTargets(t *testing.T) {
	if testing.Short() || raceEnabled { // one goroutine, ten times as slow
		t.Skip("120 million simulated requests")
	}
	sizes := []int{5, 10, 20}
	wrong, alone := map[string]int{}, map[int]int{}
	s := newSimulated(2)
	for range trials {
		base, other := s.rounds(20, 1)
		strangers := s.alone(20)
		for _, n := range sizes {
			pairs, apart := make([]*stats.Comparison, 0, len(metrics)), make([]*stats.Comparison, 0, len(metrics))
			for _, m := range metrics {
				p := stats.Paired(pick(base[:n], m.of), pick(other[:n], m.of), stats.Measure{Scale: stats.Ratio})
				u := stats.Unpaired(pick(base[:n], m.of), pick(strangers[:n], m.of), stats.Measure{Scale: stats.Ratio})
				pairs, apart = append(pairs, &p), append(apart, &u)
			}
			for name, family := range map[string][]*stats.Comparison{"paired": pairs, "unpaired": apart} {
				stats.Decide(family)
				if slices.ContainsFunc(family, func(c *stats.Comparison) bool { return c.Outcome != stats.Undecided }) {
					wrong[fmt.Sprint(n, " ", name)]++
				}
			}
			if slices.ContainsFunc(pairs, func(c *stats.Comparison) bool { return *c.P <= stats.Alpha }) {
				alone[n]++
			}
		}
	}
	for _, n := range sizes {
		t.Logf("%2d rounds: without the correction %.1f %%", n, 100*float64(alone[n])/trials)
		for _, name := range []string{"paired", "unpaired"} {
			share := float64(wrong[fmt.Sprint(n, " ", name)]) / trials
			t.Logf("%2d rounds, %s: %.1f %%", n, name, 100*share)
			if share > 0.06 {
				t.Errorf("%d rounds, %s: %.2f %% call two identical targets different", n, name, 100*share)
			}
		}
	}
}

// TestPower: what is there is found. A test that never says anything would pass the one before.
func TestPower(t *testing.T) {
	if testing.Short() || raceEnabled { // one goroutine, ten times as slow
		t.Skip("4 million simulated requests")
	}
	found := 0
	s := newSimulated(3)
	for range 200 {
		base, other := s.rounds(10, 1.15)
		family := make([]*stats.Comparison, 0, len(metrics))
		for _, m := range metrics {
			c := stats.Paired(pick(base, m.of), pick(other, m.of), stats.Measure{Scale: stats.Ratio})
			family = append(family, &c)
		}
		stats.Decide(family)
		if family[1].Outcome == stats.Higher {
			found++
		}
	}
	t.Logf("a median 15 %% higher is found in %d of 200", found)
	if found < 190 {
		t.Errorf("a median 15 %% higher is found in %d of 200 runs of ten rounds, by differences of 6 %% of deviation", found)
	}
}
