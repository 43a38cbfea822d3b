package scenario_test

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// openPhase is a phase with a rate as a file has it.
func openPhase(t testing.TB, rate string, lasts time.Duration, arrivals scenario.Arrivals) (*scenario.Scenario, scenario.Phase) {
	t.Helper()
	s, err := scenario.Parse("test.yaml", fmt.Appendf(nil, `{name: a, load: open, arrivals: %s, steps: [{name: a, path: /}],
  phases: [{name: a, rate: %s, duration: %s}, {name: b, rate: 1/s, duration: 1s}]}`, arrivals, rate, lasts), noFiles)
	if err != nil {
		t.Fatal(err)
	}
	return s, s.Phases[0]
}

// dues are all due times, or the first so many.
func dues(p scenario.Phase, seed uint64, most int) []time.Duration {
	var all []time.Duration
	schedule := p.Schedule(seed)
	for due, ok := schedule.Next(); ok && len(all) < most; due, ok = schedule.Next() {
		all = append(all, due)
	}
	return all
}

// near checks a due time against the exact one in seconds.
func near(t *testing.T, what string, due time.Duration, exact *big.Float) {
	t.Helper()
	seconds, _ := exact.Float64()
	off := new(big.Float).Sub(big.NewFloat(float64(due.Nanoseconds())), new(big.Float).Mul(exact, big.NewFloat(1e9)))
	if ns, _ := off.Float64(); math.Abs(ns) > 500 {
		t.Errorf("%s is due at %s, %.1f ns off from %.9f s", what, due, ns, seconds)
	}
}

// TestConstant holds the due times against exact fractions: every i with i/rate < duration.
func TestConstant(t *testing.T) {
	tests := []struct {
		rate  string
		rps   *big.Rat
		lasts time.Duration
		want  int
	}{
		{"200/s", big.NewRat(200, 1), time.Minute, 12_000},
		{"0.3/s", big.NewRat(3, 10), 10 * time.Second, 3},
		{"0.3/s", big.NewRat(3, 10), 10*time.Second + 1, 4},
		{"0.3/s", big.NewRat(3, 10), 10*time.Second - 1, 3},
		{"1/h", big.NewRat(1, 3600), 24 * time.Hour, 24},
		{"1/h", big.NewRat(1, 3600), time.Second, 1},
		{"7/min", big.NewRat(7, 60), time.Hour, 420},
		{"0.000001/h", big.NewRat(1, 3_600_000_000), 24 * time.Hour, 1},
		{"333.333333/s", big.NewRat(333_333_333, 1_000_000), 3 * time.Second, 1000},
		{"1000/s", big.NewRat(1000, 1), time.Millisecond, 1},
		{"1000/s", big.NewRat(1000, 1), time.Millisecond + 1, 2},
		{"1000000/s", big.NewRat(1_000_000, 1), 10 * time.Millisecond, 10_000},
		{"0/s", new(big.Rat), time.Minute, 0},
	}
	for _, tt := range tests {
		t.Run(tt.rate+" for "+tt.lasts.String(), func(t *testing.T) {
			s, p := openPhase(t, tt.rate, tt.lasts, scenario.Constant)
			got := dues(p, 1, math.MaxInt)
			if len(got) != tt.want || s.Requests(p) != tt.want {
				t.Fatalf("%d due times and %d requests, want %d", len(got), s.Requests(p), tt.want)
			}
			for i, due := range got {
				exact := new(big.Rat).Quo(big.NewRat(int64(i), 1), tt.rps)
				if i == 0 && due != 0 {
					t.Errorf("the first is due at %s", due)
				}
				near(t, fmt.Sprint(i), due, new(big.Float).SetRat(exact))
			}
		})
	}
}

// TestConstantCount counts arrivals that are too many to go through: the number is the ceiling of the exact product.
func TestConstantCount(t *testing.T) {
	tests := []struct {
		rate  string
		lasts time.Duration
		want  int
	}{
		{"1000000/s", 1000 * time.Second, 1_000_000_000},
		{"999999.999999/s", 1000 * time.Second, 1_000_000_000}, // 999,999,999.999
		{"500000.001/s", 1000 * time.Second, 500_000_001},
		{"500000.0001/s", 1000 * time.Second, 500_000_001}, // 500,000,000.1
		{"11574/s", 24 * time.Hour, 999_993_600},
		{"41666666/h", 24 * time.Hour, 999_999_984},
		{"694444/min", 24 * time.Hour, 999_999_360},
		{"0/s..20000/s", 24 * time.Hour, 864_000_000},
		{"20000/s..3/s", 24 * time.Hour, 864_129_600},
	}
	for _, tt := range tests {
		s, p := openPhase(t, tt.rate, tt.lasts, scenario.Constant)
		if got := s.Requests(p); got != tt.want {
			t.Errorf("%s for %s: %d requests, want %d", tt.rate, tt.lasts, got, tt.want)
		}
	}
	for _, rate := range []string{"0.1/s", "0.7/s", "1.1/s", "3.3/s", "17/min", "29/h", "0.9/min", "123.456/s"} {
		for seconds := range 2000 {
			p := phaseOf(t, rate, time.Duration(seconds+1)*time.Second)
			exact := new(big.Rat).Mul(rationals[rate], big.NewRat(int64(seconds+1), 1))
			want := new(big.Int).Div(new(big.Int).Sub(new(big.Int).Add(exact.Num(), exact.Denom()), big.NewInt(1)), exact.Denom())
			s := &scenario.Scenario{Load: scenario.Open, Steps: []scenario.Step{{Name: "a"}}}
			if got := s.Requests(p); int64(got) != want.Int64() {
				t.Errorf("%s for %d s: %d requests, want %s", rate, seconds+1, got, want)
			}
		}
	}
}

// rationals are exact rates in iterations a second.
var rationals = map[string]*big.Rat{
	"0.1/s": big.NewRat(1, 10), "0.7/s": big.NewRat(7, 10), "1.1/s": big.NewRat(11, 10), "3.3/s": big.NewRat(33, 10), "17/min": big.NewRat(17, 60),
	"29/h": big.NewRat(29, 3600), "0.9/min": big.NewRat(9, 600), "123.456/s": big.NewRat(123_456, 1000),
}

// phaseOf is a constant phase, parsed once for each rate.
func phaseOf(t *testing.T, rate string, lasts time.Duration) scenario.Phase {
	t.Helper()
	rps, _ := rationals[rate].Float64()
	return scenario.Phase{Rate: &scenario.Rate{From: rps, To: rps}, Arrivals: scenario.Constant, Duration: scenario.Duration(lasts)}
}

// TestRamp holds due times against the numerical integral of the rate, in numbers of 200 bits.
func TestRamp(t *testing.T) {
	for _, tt := range []struct {
		rate  string
		lasts time.Duration
	}{
		{"0/s..100/s", 10 * time.Second},
		{"100/s..0/s", 10 * time.Second},
		{"50/s..400/s", time.Minute},
		{"400/s..50/s", 90 * time.Second},
		{"0/s..20000/s", 24 * time.Hour},
		{"20000/s..0/s", 24 * time.Hour},
		{"23000/s..0.1/s", 24 * time.Hour},
		{"23/s..0/s", 24 * time.Hour},
		{"0.1/s..0.2/s", 24 * time.Hour},
		{"1000000/s..0/s", 100 * time.Second},
		{"0/s..1000000/s", 100 * time.Second},
		{"100/s..100.000001/s", time.Hour},
	} {
		t.Run(tt.rate+" for "+tt.lasts.String(), func(t *testing.T) {
			s, p := openPhase(t, tt.rate, tt.lasts, scenario.Constant)
			total := s.Requests(p)
			first := dues(p, 1, min(total, 20))
			for n, due := range first {
				near(t, fmt.Sprint(n), due, reached(p, n))
			}
			if total > 1_000_000 {
				return
			}
			all := dues(p, 1, math.MaxInt)
			if len(all) != total || !slices.IsSorted(all) {
				t.Fatalf("%d due times, sorted %v, want %d", len(all), slices.IsSorted(all), total)
			}
			for n := 1; n <= total; n += max(1, total/20) {
				near(t, fmt.Sprint(total-n), all[total-n], reached(p, total-n))
			}
		})
	}
}

// reached finds by bisection when the integral of the rate is n, in seconds.
func reached(p scenario.Phase, n int) *big.Float {
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(v) }
	const slices = 4
	lasts, from, to := number(time.Duration(p.Duration).Seconds()), number(p.Rate.From), number(p.Rate.To)
	slope := number(0).Quo(number(0).Sub(to, from), lasts)
	integral := func(until *big.Float) *big.Float {
		sum, width := number(0), number(0).Quo(until, number(slices))
		for i := range slices { // the rate in the middle of each slice
			middle := number(0).Mul(width, number(float64(i)+0.5))
			rate := number(0).Add(from, number(0).Mul(slope, middle))
			sum.Add(sum, rate.Mul(rate, width))
		}
		return sum
	}
	low, high := number(0), lasts
	for range 60 {
		middle := number(0).Quo(number(0).Add(low, high), number(2))
		if integral(middle).Cmp(number(float64(n))) < 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// TestPoissonCounts checks mean and variance of the arrivals in each tenth of a phase over many seeds. Both are the integral of the rate.
func TestPoissonCounts(t *testing.T) {
	for _, rate := range []string{"50/s", "0/s..100/s", "100/s..20/s"} {
		t.Run(rate, func(t *testing.T) {
			const seeds, parts = 300, 10
			lasts := 10 * time.Second
			s, p := openPhase(t, rate, lasts, scenario.Poisson)
			if got := s.Requests(p); got != -1 {
				t.Errorf("%d requests are known before", got)
			}
			counts := [parts][seeds]float64{}
			for seed := range uint64(seeds) {
				all := dues(p, seed, math.MaxInt)
				if !slices.IsSorted(all) {
					t.Fatal("not in order")
				}
				for _, due := range all {
					if due < 0 || due > lasts {
						t.Fatalf("due at %s", due)
					}
					counts[min(parts-1, int(due*parts/lasts))][seed]++
				}
			}
			for i := range counts {
				middle := (float64(i) + 0.5) / parts
				want := (p.Rate.From + (p.Rate.To-p.Rate.From)*middle) * lasts.Seconds() / parts
				mean, variance := moments(counts[i][:])
				if off := (mean - want) / math.Sqrt(want/seeds); math.Abs(off) > 5 {
					t.Errorf("part %d: mean %.2f, %.1f standard errors from %.2f", i, mean, off, want)
				}
				// The variance of the sample variance of a Poisson distribution: (2λ² + λ)/n, about.
				if off := (variance - want) / math.Sqrt((2*want*want+want)/seeds); math.Abs(off) > 5 {
					t.Errorf("part %d: variance %.2f, %.1f standard errors from %.2f", i, variance, off, want)
				}
			}
		})
	}
}

func moments(v []float64) (mean, variance float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		variance += (x - mean) * (x - mean) / float64(len(v)-1)
	}
	return mean, variance
}

// TestPoissonGaps holds the gaps against the exponential distribution by the test of Kolmogorov and Smirnov. Where the rate ramps, the gaps
// of its integral are what is exponential.
func TestPoissonGaps(t *testing.T) {
	for _, rate := range []string{"100/s", "0/s..200/s", "200/s..10/s"} {
		t.Run(rate, func(t *testing.T) {
			lasts := 100 * time.Second
			_, p := openPhase(t, rate, lasts, scenario.Poisson)
			integral := func(due time.Duration) float64 {
				x := due.Seconds()
				return p.Rate.From*x + (p.Rate.To-p.Rate.From)/lasts.Seconds()*x*x/2
			}
			var gaps []float64
			last := 0.0
			for _, due := range dues(p, 11, math.MaxInt) {
				gaps = append(gaps, 1-math.Exp(last-integral(due)))
				last = integral(due)
			}
			slices.Sort(gaps)
			distance := 0.0
			for i, gap := range gaps {
				distance = max(distance, float64(i+1)/float64(len(gaps))-gap, gap-float64(i)/float64(len(gaps)))
			}
			if limit := 1.95 / math.Sqrt(float64(len(gaps))); len(gaps) < 1000 || distance > limit { // a chance of 0.1 %
				t.Errorf("%d gaps, %.4f from the exponential distribution, limit %.4f", len(gaps), distance, limit)
			}
		})
	}
}

func TestScheduleRepeats(t *testing.T) {
	for _, arrivals := range []scenario.Arrivals{scenario.Constant, scenario.Poisson} {
		_, p := openPhase(t, "10/s..200/s", 10*time.Second, arrivals)
		a, b, other := dues(p, 5, math.MaxInt), dues(p, 5, math.MaxInt), dues(p, 6, math.MaxInt)
		if !slices.Equal(a, b) {
			t.Errorf("%s: two due times for the same seed", arrivals)
		}
		if slices.Equal(a, other) != (arrivals == scenario.Constant) {
			t.Errorf("%s: equal for another seed: %v", arrivals, slices.Equal(a, other))
		}
		schedule := p.Schedule(5)
		for range a {
			schedule.Next()
		}
		for range 2 {
			if due, ok := schedule.Next(); ok {
				t.Errorf("%s: after the last another at %s", arrivals, due)
			}
		}
	}
}

func BenchmarkSchedule(b *testing.B) {
	for _, arrivals := range []scenario.Arrivals{scenario.Constant, scenario.Poisson} {
		b.Run(string(arrivals), func(b *testing.B) {
			p := scenario.Phase{Rate: &scenario.Rate{From: 1000, To: 900}, Arrivals: arrivals, Duration: scenario.Duration(24 * time.Hour)}
			schedule := p.Schedule(1)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := schedule.Next(); !ok {
					schedule = p.Schedule(1)
				}
			}
		})
	}
}
