package analysis

import (
	"fmt"
	"math"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// ColdWarm splits the response times of a target in those of cold requests and all others.
type ColdWarm struct {
	// Target is an index of Model.Targets.
	Target int
	// Share of the successes that were cold.
	Share Value
	Rows  []ColdWarmRow
	// Tails are what a model expects at other rates of requests; empty where too few cold requests were seen.
	Tails []Tail
	// BusyUS is how long the model takes an environment to be busy with a request.
	BusyUS Value
}

// ColdWarmRow is one metric of the response times, in µs.
type ColdWarmRow struct {
	Metric          Metric
	All, Warm, Cold Value
}

// Tail is what the model of idle time-outs expects at a rate. Each figure has two values: with environments that are taken away after
// the shortest and the longest idle time that was ever reported.
type Tail struct {
	RateRPS  float64
	Share    [2]Value
	P50, P99 [2]Bound
}

// Bound is a time in µs, or, with AtLeast, one that it is not below: a percentile with fewer than ten samples above it is not known any
// better.
type Bound struct {
	Value
	AtLeast bool
}

const (
	// Idle times after which AWS takes an environment away are not documented. Reports reach from 5 to 60 minutes.
	shortestIdle = 5 * time.Minute
	longestIdle  = time.Hour
	// coldEnough is how many cold requests it takes to say how slow they are.
	coldEnough = 20
)

// tailRates are where the model is asked, in requests a second.
func tailRates() []float64 { return []float64{0.0001, 0.001, 0.01, 0.1, 1, 10, 100} }

func (m *Model) coldWarm() ([]ColdWarm, error) {
	var list []ColdWarm
	for i := range m.Run.Targets {
		t := &m.Run.Targets[i]
		if t.ColdStarts == nil || t.Overall.Successes == 0 {
			continue
		}
		c := ColdWarm{Target: i, Share: Known(float64(t.ColdStarts.ResponseTime.Count) / float64(t.Overall.Successes))}
		all, err := t.Overall.ResponseTime.Decode()
		if err != nil {
			return nil, fmt.Errorf("the response times of %q: %w", t.Name, err)
		}
		cold, err := t.ColdStarts.ResponseTime.Decode()
		if err != nil {
			return nil, fmt.Errorf("the cold requests of %q: %w", t.Name, err)
		}
		warm, err := all.Without(cold)
		if err != nil { // a file that was edited: what was warm is then not known
			warm = result.NewHistogram()
		}
		warmFigures := warm.Figures()
		for _, q := range quantiles() {
			c.Rows = append(c.Rows, ColdWarmRow{
				Metric: Metric{q.key, q.label, Microseconds, Lower},
				All:    q.of(&t.Overall.ResponseTime), Warm: q.of(&warmFigures), Cold: q.of(&t.ColdStarts.ResponseTime),
			})
		}
		c.BusyUS = busy(&t.Overall)
		if us, ok := c.BusyUS.Get(); ok && cold != nil && cold.Count() >= coldEnough && warm.Count() >= coldEnough {
			c.Tails = tails(warm, cold, time.Duration(us*float64(time.Microsecond)))
		}
		list = append(list, c)
	}
	return list, nil
}

// busy is the mean time for which a request keeps its environment: what the app says, or else the service time, in which the network
// is too.
func busy(s *result.Stats) Value {
	if s.ServerTiming != nil && s.ServerTiming.App != nil {
		return optional(s.ServerTiming.App.Mean)
	}
	return optional(s.ServiceTime.Mean)
}

func tails(warm, cold *result.Histogram, busy time.Duration) []Tail {
	mixture := newMixture(warm, cold)
	list := make([]Tail, 0, len(tailRates()))
	for _, rate := range tailRates() {
		t := Tail{RateRPS: rate}
		for i, idle := range []time.Duration{shortestIdle, longestIdle} {
			share := ColdShare(rate, busy, idle)
			t.Share[i] = Known(share)
			t.P50[i], t.P99[i] = mixture.at(0.5, share), mixture.at(0.99, share)
		}
		list = append(list, t)
	}
	return list
}

// ColdShare is the share of requests that find no warm environment, 0 to 1, by a model: requests come as a Poisson process of rate
// requests a second and each keeps an environment busy for a time whose mean is given; the one that became idle last is taken first; and one
// that was idle for the given time is taken away. It is 1 where rate is 0.
//
// The number of busy environments is that of M/G/∞: Poisson, of mean a = rate·busy, with probabilities p(j). Environment k is needed when an
// arrival finds k-1 busy, which a share p(k-1) of them do, and is cold if it has been idle for too long. The time between two such
// needs is taken as exponential with its mean (p(0)+…+p(k-1))/(rate·p(k-1)), which for k = 1 is exact. So the share is
//
//	Σ p(k-1) · exp(-idle·rate·p(k-1)/(p(0)+…+p(k-1))), over k from 1.
func ColdShare(rate float64, busy, idle time.Duration) float64 {
	if !(rate > 0) {
		return 1
	}
	a := rate * busy.Seconds()
	share, sum := 0., 0.
	most := a + 20*math.Sqrt(a+1) + 20
	for j := 0.; j <= most; j++ {
		logFactorial, _ := math.Lgamma(j + 1)
		p := math.Exp(j*math.Log(max(a, 1e-300)) - a - logFactorial)
		if sum += p; sum > 0 {
			share += p * math.Exp(-idle.Seconds()*rate*p/sum)
		}
	}
	return min(1, share)
}

// mixture is a distribution of times of which a share is cold.
type mixture struct {
	limits       []time.Duration
	warm, cold   []float64 // shares that are not above each limit
	warmN, coldN float64
}

// gridSteps is how many times there are from the shortest to the longest, in equal ratios: fine enough for three digits.
const gridSteps = 8000

func newMixture(warm, cold *result.Histogram) *mixture {
	w, c := warm.Figures(), cold.Figures()
	lowest, highest := max(1, min(*w.Min, *c.Min)), max(*w.Max, *c.Max)*1.001+1
	m := &mixture{}
	for i := range gridSteps + 1 {
		us := lowest * math.Pow(highest/lowest, float64(i)/gridSteps)
		m.limits = append(m.limits, time.Duration(math.Ceil(us))*time.Microsecond)
	}
	shares := func(h *result.Histogram) []float64 {
		out := make([]float64, 0, len(m.limits))
		for _, n := range h.AtMost(m.limits) {
			out = append(out, float64(n)/float64(h.Count()))
		}
		return out
	}
	m.warm, m.cold = shares(warm), shares(cold)
	m.warmN, m.coldN = float64(w.Count), float64(c.Count)
	return m
}

// at is a percentile, as a probability.
func (m *mixture) at(p, cold float64) Bound {
	known := 0 // the last limit with samples enough above it
	for i, limit := range m.limits {
		if (1-m.warm[i])*m.warmN+(1-m.cold[i])*m.coldN >= samplesAbove {
			known = i
		}
		if (1-cold)*m.warm[i]+cold*m.cold[i] >= p {
			if known < i {
				return Bound{Known(float64(m.limits[known].Microseconds())), true}
			}
			return Bound{Value: Known(float64(limit.Microseconds()))}
		}
	}
	return Bound{}
}
