package main

import (
	"time"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// observers are all told of what the generator does, in this order.
type observers []loadgen.Observer

// watcher is an observer that wants the figures of each interval. They cost milliseconds, so they are made once for all watchers.
type watcher interface {
	sampled(s *sample)
}

// sample is an interval with its figures, valid until sampled returns.
type sample struct {
	loadgen.Interval
	turn  loadgen.Turn
	at    time.Time
	stats result.Stats
}

// Started implements loadgen.Observer.
func (o observers) Started(t loadgen.Turn, progress func() recorder.Progress) {
	for _, each := range o {
		each.Started(t, progress)
	}
}

// Interval implements loadgen.Observer.
func (o observers) Interval(t loadgen.Turn, i loadgen.Interval) {
	var s *sample
	for _, each := range o {
		each.Interval(t, i)
		if w, ok := each.(watcher); ok {
			if s == nil {
				s = &sample{Interval: i, turn: t, at: time.Now(), stats: i.Recorded.Overall.Stats()}
			}
			w.sampled(s)
		}
	}
}

// Ended implements loadgen.Observer.
func (o observers) Ended(t loadgen.Turn, p recorder.Phase, spun time.Duration) {
	for _, each := range o {
		each.Ended(t, p, spun)
	}
}
