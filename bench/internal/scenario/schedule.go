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
	from, to float64 // 1/s
	steep    float64 // how fast the rate changes, up or down, in 1/s²
	lasts    float64 // s
	total    float64 // expected arrivals: the integral of the rate over the phase
	random   *rand.Rand
	reached  float64 // the integral at the next arrival
	left     int     // constant arrivals to come
}

// arrivalsSequence keeps arrivals apart from what iterations draw, which is numbered from 0.
const arrivalsSequence = math.MaxUint64

// Schedule of an open phase. The same seed gives the same due times.
func (p Phase) Schedule(seed uint64) *Schedule {
	lasts := time.Duration(p.Duration).Seconds()
	s := &Schedule{from: p.Rate.From, to: p.Rate.To, steep: math.Abs(p.Rate.To-p.Rate.From) / lasts, lasts: lasts, total: p.total()}
	if p.Arrivals == Poisson {
		s.random = rand.New(rand.NewPCG(seed, arrivalsSequence))
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
	// The total is a product of a few rounded numbers: 1/h for 24h has 24 arrivals and not 25.
	const rounding = 1e-15
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

// at is when the integral of the rate reaches n: the root of a quadratic equation, in the form that does not cancel. Where the
// rate falls, that is the one for what is left, counted back from the end.
func (s *Schedule) at(n float64) time.Duration {
	var t float64
	switch {
	case n == 0:
	case s.to >= s.from:
		t = root(s.from, s.steep, n)
	default:
		t = s.lasts - root(s.to, s.steep, max(0, s.total-n))
	}
	return time.Duration(math.Round(min(t, s.lasts) * 1e9))
}

// root is the t > 0 at which rate·t + steep·t²/2 = n, for n > 0. The conversions keep machines that can from fusing multiplication
// and addition, so that all give the same.
func root(rate, steep, n float64) float64 {
	if n == 0 {
		return 0
	}
	return 2 * n / (rate + math.Sqrt(float64(rate*rate)+float64(2*steep*n)))
}
