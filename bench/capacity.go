package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/knee"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// capacityOptions are the flags of the search for the highest rate that each target keeps the SLO at.
type capacityOptions struct {
	find  bool
	start float64
	most  float64
	trial time.Duration
}

const (
	defaultStartRate = 50
	defaultMaxRate   = 100_000
	defaultTrial     = 5 * time.Second
	shortestTrial    = 500 * time.Millisecond
	longestTrial     = time.Hour

	capacityPrecision = 0.05
	capacityRepeats   = 3
	capacityTrials    = 60 // of a target
	// capacityErrorRate is what a trial may fail of where the SLO says nothing of errors: p50=50ms alone would keep a rate at which
	// half of the requests fail.
	capacityErrorRate = 0.01
	// capacityGrace is how long after a trial what waits may still be sent. What has waited as long shows that the rate is too high.
	capacityGrace = time.Second
	// leastRequests of a trial: the search goes no lower, as fewer say nothing of a percentile.
	leastRequests = 10

	// capacityPhase is the name of the phase that the trials at the rate that was kept are the rounds of.
	capacityPhase = "capacity"
)

func (o *capacityOptions) flags(f *pflag.FlagSet) {
	f.BoolVar(&o.find, "find-capacity", false,
		"search for the highest rate at which each target keeps the SLO, by short open trials of the scenario's steps")
	f.Float64Var(&o.start, "start-rate", defaultStartRate, "with --find-capacity, the first rate, in iterations a second")
	f.Float64Var(&o.most, "max-rate", defaultMaxRate, "with --find-capacity, the highest rate that is tried, in iterations a second")
	f.DurationVar(&o.trial, "trial", defaultTrial, "with --find-capacity, how long a trial lasts")
}

func (o *capacityOptions) validate(f *pflag.FlagSet) error {
	if !o.find {
		for _, name := range []string{"start-rate", "max-rate", "trial"} {
			if f.Changed(name) {
				return fmt.Errorf("--%s: it is for --find-capacity", name)
			}
		}
		return nil
	}
	switch {
	case f.Changed("rounds"):
		return errors.New("--rounds and --find-capacity exclude each other: the search repeats trials by itself")
	case o.trial < shortestTrial || o.trial > longestTrial:
		return fmt.Errorf("--trial %s: expected %s to %s", o.trial, shortestTrial, longestTrial)
	case !(o.most >= o.least() && o.most <= scenario.MaxRate):
		return fmt.Errorf("--max-rate %g: expected %g, which is %d requests a trial, to %d", o.most, o.least(), leastRequests, scenario.MaxRate)
	case !(o.start >= o.least() && o.start <= o.most):
		return fmt.Errorf("--start-rate %g: expected %g, which is %d requests a trial, to the --max-rate, %g", o.start, o.least(), leastRequests, o.most)
	}
	return nil
}

// least is the lowest rate that is tried.
func (o *capacityOptions) least() float64 { return leastRequests / o.trial.Seconds() }

// search is the one of a target.
func (o *capacityOptions) search() *knee.Search {
	return knee.New(knee.Options{
		Start: o.start, Min: o.least(), Max: o.most, Precision: capacityPrecision, Repeats: capacityRepeats, MaxTrials: capacityTrials,
	})
}

// apply makes s what is tried: its steps with all that belongs to them, on its connections, in one open phase. Of a closed scenario,
// each worker becomes a connection; think times between iterations go, as the rate sets the pace. Arrivals are those of its first
// open phase that counts, or constant.
func (o *capacityOptions) apply(s *scenario.Scenario) error {
	if !o.find {
		return nil
	}
	if !slices.ContainsFunc(s.SLO, func(t scenario.Threshold) bool { return t.Metric != scenario.MetricErrorRate }) {
		return errors.New("--find-capacity: expected an SLO with a response time to hold each trial against, such as --slo p99=50ms, or slo:" +
			" {p99: 50ms} in the scenario")
	}
	if !slices.ContainsFunc(s.SLO, func(t scenario.Threshold) bool { return t.Metric == scenario.MetricErrorRate }) {
		s.SLO = append(slices.Clip(s.SLO), scenario.Threshold{Metric: scenario.MetricErrorRate, Limit: capacityErrorRate})
	}
	arrivals := scenario.Constant
	if i := slices.IndexFunc(s.Phases, func(p scenario.Phase) bool { return !p.Warmup && p.Arrivals != "" }); i >= 0 {
		arrivals = s.Phases[i].Arrivals
	}
	s.Connections, s.Workers = s.InFlight(), 0
	s.Load, s.Order, s.Grace = scenario.Open, "", scenario.Duration(capacityGrace)
	s.Phases = []scenario.Phase{{
		Name: capacityPhase, Rate: &scenario.Rate{From: o.start, To: o.start}, Arrivals: arrivals, Duration: scenario.Duration(o.trial),
	}}
	if s.Chained() {
		return nil
	}
	weighted := slices.ContainsFunc(s.Steps, func(step scenario.Step) bool { return step.Weight > 0 })
	for i := range s.Steps {
		s.Steps[i].Think = scenario.Think{}
		if !weighted {
			s.Steps[i].Weight = 1
		}
	}
	return nil
}

// describe says what is coming.
func (o *capacityOptions) describe(s *scenario.Scenario) string {
	return fmt.Sprintf("searching for the highest rate that keeps %s, in trials of %s on up to %s", s.SLO, o.trial,
		numeral.Plural(s.Connections, "connection"))
}

// capacityOf is what a search found, as result files have it.
func capacityOf(f knee.Found, slo scenario.SLO, trials []result.Trial) *result.Capacity {
	known := func(rate float64) *float64 {
		if rate == 0 {
			return nil
		}
		return &rate
	}
	limits := map[knee.Limit]result.CapacityLimit{
		knee.Own: result.LimitTarget, knee.Foreign: result.LimitGenerator, knee.Max: result.LimitMaxRate,
	}
	return &result.Capacity{
		SLO: slo, KeptRPS: known(f.Kept), MissedRPS: known(f.Missed), LowRPS: known(f.Low), HighRPS: known(f.High),
		LimitedBy: limits[f.Limit], Converged: f.Converged, Trials: trials,
	}
}
