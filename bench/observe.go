package main

import (
	"time"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
)

// observers are all told of what the generator does, in this order.
type observers []loadgen.Observer

// Started implements loadgen.Observer.
func (o observers) Started(t loadgen.Turn, progress func() recorder.Progress) {
	for _, each := range o {
		each.Started(t, progress)
	}
}

// Interval implements loadgen.Observer.
func (o observers) Interval(t loadgen.Turn, i loadgen.Interval) {
	for _, each := range o {
		each.Interval(t, i)
	}
}

// Ended implements loadgen.Observer.
func (o observers) Ended(t loadgen.Turn, p recorder.Phase, spun time.Duration) {
	for _, each := range o {
		each.Ended(t, p, spun)
	}
}
