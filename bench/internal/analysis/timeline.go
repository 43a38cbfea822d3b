package analysis

import (
	"cmp"
	"slices"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Timeline is a run interval by interval. Times are seconds since the first interval began.
type Timeline struct {
	// Moments are by target, in the order of time.
	Moments [][]Moment
	// Spans are the phases of each round, from the first turn's begin to the last one's end, in the order of time.
	Spans []Span
	// EndS is when the last interval ended.
	EndS float64
}

// Moment is an interval of one target. Percentiles are missing where its samples are too few for them.
type Moment struct {
	FromS, ToS          float64
	Phase               string
	Round               int
	Requests, Errors    int64
	Cold                int64
	Throughput          Value
	Median, Tail, Worst Value // p50, p99, max of the response time
}

// Span is when a phase of a round ran.
type Span struct {
	Phase      string
	Round      int
	FromS, ToS float64
}

// NewTimeline puts the intervals of a run's journal on one axis. It is nil without intervals of the run's targets.
func NewTimeline(run *result.Run, intervals []result.Interval) *Timeline {
	var start, end time.Time
	known := func(name string) int {
		return slices.IndexFunc(run.Targets, func(t result.Target) bool { return t.Name == name })
	}
	for i := range intervals {
		at := &intervals[i]
		if known(at.Target) < 0 {
			continue
		}
		if start.IsZero() || at.From.Before(start) {
			start = at.From
		}
		if at.To.After(end) {
			end = at.To
		}
	}
	if start.IsZero() {
		return nil
	}
	t := &Timeline{Moments: make([][]Moment, len(run.Targets)), EndS: end.Sub(start).Seconds()}
	for i := range intervals {
		at := &intervals[i]
		target := known(at.Target)
		if target < 0 {
			continue
		}
		m := moment(at, start)
		t.Moments[target] = append(t.Moments[target], m)
		t.span(&m)
	}
	for _, list := range t.Moments {
		slices.SortStableFunc(list, func(a, b Moment) int { return cmp.Compare(a.FromS, b.FromS) })
	}
	slices.SortStableFunc(t.Spans, func(a, b Span) int { return cmp.Compare(a.FromS, b.FromS) })
	return t
}

func moment(at *result.Interval, start time.Time) Moment {
	m := Moment{
		FromS: at.From.Sub(start).Seconds(), ToS: at.To.Sub(start).Seconds(), Phase: at.Phase, Round: at.Round,
		Requests: at.Requests, Errors: at.Requests - at.Successes, Cold: at.Cold,
	}
	m.Throughput = Known(float64(at.Successes)).Over(Known(m.ToS - m.FromS))
	m.Median, m.Tail, m.Worst = quantileOf("p50").of(&at.Times), quantileOf("p99").of(&at.Times), quantileOf("max").of(&at.Times)
	return m
}

// span widens the phase that m is of. Turns of a phase come one after the other, so that it is the last of its name and round.
func (t *Timeline) span(m *Moment) {
	if n := len(t.Spans); n > 0 && t.Spans[n-1].Phase == m.Phase && t.Spans[n-1].Round == m.Round {
		s := &t.Spans[n-1]
		s.FromS, s.ToS = min(s.FromS, m.FromS), max(s.ToS, m.ToS)
		return
	}
	t.Spans = append(t.Spans, Span{Phase: m.Phase, Round: m.Round, FromS: m.FromS, ToS: m.ToS})
}
