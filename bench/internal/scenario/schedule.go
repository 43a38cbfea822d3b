package scenario

import (
	"math"
	"math/rand/v2"
	"time"
)

// Schedule gives the due times of an open phase, one after the other. It is a pure function of phase and seed: never reset,
// never stretched by what becomes of the requests.
//
// The n-th arrival is due when the integral of the rate reaches n for constant arrivals, and the n-th event of a Poisson process
// of rate 1 for Poisson ones, which makes the latter an inhomogeneous Poisson process where the rate ramps (time-rescaling).
type Schedule struct {
	from, slope float64 // 1/s, 1/s²
	lasts       float64 // s
	total       float64 // expected arrivals: the integral of the rate over the phase
	random      *rand.Rand
	reached     float64 // the integral at the next arrival
	left        int     // constant arrivals to come
}

// Schedule of an open phase. The same seed gives the same due times.
func (p Phase) Schedule(seed uint64) *Schedule {
	lasts := time.Duration(p.Duration).Seconds()
	s := &Schedule{from: p.Rate.From, slope: (p.Rate.To - p.Rate.From) / lasts, lasts: lasts, total: p.total()}
	if p.Arrivals == Poisson {
		s.random = rand.New(rand.NewPCG(seed, 0))
		s.reached = s.random.ExpFloat64()
	}
	s.left = p.planned()
	return s
}

// total is the integral of the rate over the phase.
func (p Phase) total() float64 {
	return (p.Rate.From + p.Rate.To) / 2 * time.Duration(p.Duration).Seconds()
}

// planned is how many constant arrivals the phase has: every n from 0 whose due time is before the end.
func (p Phase) planned() int {
	const rounding = 1e-9 // so that 0.3/s for 10s has 3 and not 4
	return int(math.Ceil(p.total() * (1 - rounding)))
}

// Next is when the next arrival is due, from the start of the phase; false when there is none before its end.
func (s *Schedule) Next() (due time.Duration, ok bool) {
	if s.random == nil {
		if s.left == 0 {
			return 0, false
		}
		s.left--
		due = s.at(s.reached)
		s.reached++
		return due, true
	}
	if s.reached >= s.total {
		return 0, false
	}
	due = s.at(s.reached)
	s.reached += s.random.ExpFloat64()
	return due, true
}

// at is when the integral of the rate reaches n: the root of from·t + slope·t²/2 = n, in the form that does not cancel.
func (s *Schedule) at(n float64) time.Duration {
	if n == 0 && s.from > 0 {
		return 0
	}
	t := 2 * n / (s.from + math.Sqrt(s.from*s.from+2*s.slope*n))
	if math.IsNaN(t) { // 0/0: a ramp from 0 at its very begin; or beyond the peak of a falling one by rounding
		t = 0
		if n > 0 {
			t = s.lasts
		}
	}
	return time.Duration(math.Round(min(t, s.lasts) * 1e9))
}
