package loadgen

import (
	"math"
	"slices"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// serve says when a request that arrives at a time is answered; both are from the begin of the phase.
type serve func(arrived time.Duration) (answered time.Duration)

// steady answers after a fixed time.
func steady(takes time.Duration) serve {
	return func(arrived time.Duration) time.Duration { return arrived + takes }
}

// stalling answers like s, but makes no progress for a while.
func stalling(s serve, from, lasts time.Duration) serve {
	return func(arrived time.Duration) time.Duration {
		switch answered := s(arrived); {
		case answered <= from:
			return answered
		case arrived < from+lasts && arrived >= from:
			return from + lasts + answered - arrived
		case arrived >= from+lasts:
			return answered
		default:
			return answered + lasts
		}
	}
}

// event is one request of the model, all times from the begin of the phase.
type event struct {
	due, sent, answered time.Duration
}

// model is the discrete-event simulation of an open phase: requests in the order in which they are due, each on the connection
// that is free first. What cannot be sent by until has no times but due.
func model(s *scenario.Scenario, p scenario.Phase, seed uint64, serve serve) (done, unsent []event) {
	until := time.Duration(p.Duration + s.Grace)
	free := make([]time.Duration, s.Connections)
	schedule := p.Schedule(seed)
	for due, ok := schedule.Next(); ok; due, ok = schedule.Next() {
		first := 0
		for i := range free {
			if free[i] < free[first] {
				first = i
			}
		}
		sent := max(due, free[first])
		if sent > until {
			unsent = append(unsent, event{due: due})
			continue
		}
		free[first] = serve(sent)
		done = append(done, event{due: due, sent: sent, answered: free[first]})
	}
	return done, unsent
}

// exact is a nearest-rank percentile.
func exact(times []time.Duration, percent float64) time.Duration {
	times = slices.Sorted(slices.Values(times))
	return times[int(math.Ceil(float64(len(times))*percent/100))-1]
}

func each(events []event, of func(event) time.Duration) []time.Duration {
	times := make([]time.Duration, len(events))
	for i, e := range events {
		times[i] = of(e)
	}
	return times
}

func response(e event) time.Duration { return e.answered - e.due }
func service(e event) time.Duration  { return e.answered - e.sent }
