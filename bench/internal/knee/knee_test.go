package knee_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/knee"
)

func options() knee.Options {
	return knee.Options{Start: 50, Min: 2, Max: 100_000, Precision: 0.05, Repeats: 3, MaxTrials: 60}
}

// search tries a curve until the search is over, and checks what holds of every search.
func search(t *testing.T, o knee.Options, try func(rate float64, n int) knee.Outcome) (knee.Found, int) {
	t.Helper()
	s, n := knee.New(o), 0
	tried := map[float64]int{}
	for rate, ok := s.Next(); ok; rate, ok = s.Next() {
		if n++; n > o.MaxTrials {
			t.Fatalf("trial %d of %d", n, o.MaxTrials)
		}
		if rate < o.Min || rate > o.Max || math.IsNaN(rate) {
			t.Fatalf("rate %g is not in %g to %g", rate, o.Min, o.Max)
		}
		if tried[rate]++; tried[rate] > o.Repeats {
			t.Fatalf("%g is tried %d times", rate, tried[rate])
		}
		if again, ok := s.Next(); !ok || again != rate {
			t.Fatalf("asked twice, it says %g and %g", rate, again)
		}
		s.Record(rate, try(rate, n))
	}
	f := s.Found()
	if f.Kept > 0 && f.Missed > 0 && f.Kept >= f.Missed {
		t.Errorf("kept %g is not below missed %g", f.Kept, f.Missed)
	}
	if f.Low > f.Kept || f.High > 0 && f.High < f.Missed || f.Low < 0 {
		t.Errorf("kept %g and missed %g are not in %g to %g", f.Kept, f.Missed, f.Low, f.High)
	}
	if !f.Converged && n < o.MaxTrials {
		t.Errorf("it is over after %d of %d trials and has not converged: %+v", n, o.MaxTrials, f)
	}
	if f.Converged && f.Kept > 0 && f.Missed > f.Kept*(1+o.Precision) {
		t.Errorf("converged at %g and %g", f.Kept, f.Missed)
	}
	for _, end := range []float64{f.Kept, f.Missed} {
		if f.Converged && end > 0 && tried[end] < o.Repeats {
			t.Errorf("%g was tried %d times", end, tried[end])
		}
	}
	return f, n
}

// sharp is a curve that is kept up to its capacity.
func sharp(capacity float64) func(float64, int) knee.Outcome {
	return func(rate float64, _ int) knee.Outcome { return knee.Outcome{Met: rate <= capacity} }
}

func TestSharpEdges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		capacity := math.Exp(random.Float64()*math.Log(99_000/2.2) + math.Log(2.2))
		f, n := search(t, options(), sharp(capacity))
		if f.Kept > capacity || f.Missed <= capacity || f.Low != f.Kept || f.High != f.Missed || !f.Converged || f.Limit != knee.Own {
			t.Fatalf("capacity %g: %+v", capacity, f)
		}
		if n > 24 {
			t.Errorf("capacity %g takes %d trials", capacity, n)
		}
	}
}

func TestLimits(t *testing.T) {
	missed := func(foreign bool) func(float64, int) knee.Outcome {
		return func(rate float64, _ int) knee.Outcome {
			return knee.Outcome{Met: rate < 1000, Foreign: foreign && rate >= 1000}
		}
	}
	for name, tt := range map[string]struct {
		try  func(float64, int) knee.Outcome
		want knee.Found
	}{
		"never missed":          {sharp(math.Inf(1)), knee.Found{Kept: 100_000, Low: 100_000, Converged: true, Limit: knee.Max}},
		"never kept":            {sharp(0), knee.Found{Missed: 2, High: 2, Converged: true, Limit: knee.Own}},
		"exactly the highest":   {sharp(100_000), knee.Found{Kept: 100_000, Low: 100_000, Converged: true, Limit: knee.Max}},
		"missed by its own":     {missed(false), knee.Found{Limit: knee.Own}},
		"missed by what tries":  {missed(true), knee.Found{Limit: knee.Foreign}},
		"the start is the edge": {sharp(50), knee.Found{Limit: knee.Own}},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := search(t, options(), tt.try)
			if tt.want.Converged && f != tt.want || f.Limit != tt.want.Limit {
				t.Errorf("found %+v, expected %+v", f, tt.want)
			}
		})
	}
	if f := knee.New(options()).Found(); f != (knee.Found{}) {
		t.Errorf("before the first trial it found %+v", f)
	}
}

// Every tenth outcome, whatever the rate, is the wrong one.
func TestNoise(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			const capacity = 1234
			wrong := 0
			f, _ := search(t, options(), func(rate float64, _ int) knee.Outcome {
				met := rate <= capacity
				if random.IntN(10) == 0 {
					met = !met
					wrong++
				}
				return knee.Outcome{Met: met}
			})
			if wrong == 0 && (f.Kept > capacity || f.Missed <= capacity) {
				t.Errorf("nothing was wrong: %+v", f)
			}
		})
	}
}

// One outcome of a search is wrong, each in turn: the majority finds the edge all the same, or the range tells of the doubt.
func TestOneWrongOutcome(t *testing.T) {
	for _, capacity := range []float64{3, 49, 51, 777, 25_000} {
		_, trials := search(t, options(), sharp(capacity))
		for wrong := range trials {
			f, _ := search(t, options(), func(rate float64, n int) knee.Outcome {
				return knee.Outcome{Met: (rate <= capacity) != (n == wrong+1)}
			})
			if f.Low > capacity || f.High != 0 && f.High <= capacity {
				t.Errorf("capacity %g, trial %d wrong: %+v does not contain it", capacity, wrong+1, f)
			}
			if !f.Converged || f.Kept < capacity/1.11 || f.Missed > capacity*1.11 {
				t.Errorf("capacity %g, trial %d wrong: %+v is far from it", capacity, wrong+1, f)
			}
		}
	}
}

// A soft edge, where the odds of being kept fall from 1 at 800 to 0 at 1200: the result is in there, and the range covers what the repeats
// disagreed about.
func TestSoftEdge(t *testing.T) {
	inside, wide := 0, 0
	const searches = 300
	for seed := range uint64(searches) {
		random := rand.New(rand.NewPCG(seed, 3))
		f, _ := search(t, options(), func(rate float64, _ int) knee.Outcome {
			return knee.Outcome{Met: random.Float64() < (1200-rate)/400}
		})
		if f.Kept >= 750 && f.Missed <= 1250 {
			inside++
		}
		if f.High == 0 || f.Low == 0 || f.High > f.Low*1.06 {
			wide++
		}
	}
	if inside < searches*95/100 || wide < searches/3 {
		t.Errorf("of %d searches %d are on the edge and %d tell of its width", searches, inside, wide)
	}
}

// A curve that is missed in a band and kept again above it: the lowest miss decides, and the range reaches above what is kept again.
func TestNotMonotonic(t *testing.T) {
	f, _ := search(t, options(), func(rate float64, n int) knee.Outcome {
		return knee.Outcome{Met: rate < 300 || rate >= 700 && rate <= 900 && n < 8 || rate == 400 && n == 4}
	})
	if f.Kept >= 300 || f.Missed < 300 || f.Missed > 330 {
		t.Errorf("found %+v, expected the edge at 300", f)
	}
}

func FuzzSearch(f *testing.F) {
	f.Add([]byte{1, 1, 1, 0, 1, 0, 1, 0, 1}, 50.0, uint8(3))
	f.Add([]byte{0, 0, 2, 2, 1}, 2.0, uint8(1))
	f.Fuzz(func(t *testing.T, outcomes []byte, start float64, repeats uint8) {
		o := options()
		if !(start >= o.Min && start <= o.Max) || repeats == 0 || repeats%2 == 0 {
			t.Skip()
		}
		o.Start, o.Repeats = start, int(repeats)
		search(t, o, func(_ float64, n int) knee.Outcome {
			if len(outcomes) == 0 {
				return knee.Outcome{}
			}
			b := outcomes[n%len(outcomes)]
			return knee.Outcome{Met: b&1 == 1, Foreign: b&2 == 2}
		})
	})
}
