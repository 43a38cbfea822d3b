package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
	"github.com/crossover-bench/crossover/bench/scenarios"
)

// newResult is a result with all that is known before the load.
func newResult(ctx context.Context, set *target.Set, s *scenario.Scenario, o *runOptions) *result.Run {
	source := result.FromFile
	if _, ok := scenarios.Read(o.scenario); ok {
		source = result.Shipped
	}
	r := &result.Run{
		SchemaVersion:  result.SchemaVersion,
		Tool:           tool(ctx),
		StartedAt:      time.Now().UTC().Truncate(time.Millisecond),
		Scenario:       *s,
		ScenarioSource: source,
		Seed:           o.seed,
		Rounds:         o.rounds,
		CheckSkipped:   o.skipCheck,
		Environment:    environment(set.Redis),
		Generator:      result.Generator{Verdict: result.Valid, Reasons: []string{}},
		Warnings:       []string{},
	}
	var here []string
	for _, t := range set.Targets {
		if t.Kind == target.KindProcess || t.Kind == target.KindBootstrap {
			here = append(here, t.Name)
		}
	}
	if len(here) > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s shared the %s of one machine with the load generator: read the ratio, not the"+
			" absolute figures.", strings.Join(here, " and "), numeral.Plural(r.Environment.CPUs, "CPU")))
	}
	r.Warnings = append(r.Warnings, o.reach.warnings()...)
	if o.skipCheck {
		r.Warnings = append(r.Warnings, "The targets' answers were not compared before the load (--skip-check): they may be different apps.")
	}
	return r
}

// conclude completes r with what was measured and says in an error why a run is not a good one.
func conclude(r *result.Run, set *target.Set, c *collector, warmed []int64, died <-chan error) error {
	var errs []error
	r.Finish(time.Now().UTC().Truncate(time.Millisecond))
	var meterErrs []error
	r.Targets, meterErrs = c.finish(warmed)
	c.addCapacity(r)
	r.Thresholds = r.Judge()
	r.Warnings = append(r.Warnings, c.clockWarnings(time.Now())...)
	for i := range r.Targets {
		t := &r.Targets[i]
		if n := warmed[i]; n > 0 {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: the check before the load started %s, so as many cold starts are in no figure.",
				t.Name, numeral.Plural(n, "environment")))
		}
		if t.Overall.Requests > 0 && t.Overall.Successes == 0 {
			errs = append(errs, fmt.Errorf("target %s answered none of %s rightly", t.Name, numeral.Plural(t.Overall.Requests, "request")))
		}
	}
	select {
	case err := <-died:
		errs = append(errs, fmt.Errorf("the run was stopped: %w", err))
		r.Warnings = append(r.Warnings, "Stopped early: "+strings.SplitN(err.Error(), ";", 2)[0]+".")
	default:
		// A local Lambda service that has ended cannot tell; of one that lives that would be news.
		for _, err := range meterErrs {
			r.Warnings = append(r.Warnings, err.Error())
		}
	}
	if err := set.InitErrors(); err != nil {
		r.Warnings = append(r.Warnings, strings.Split(err.Error(), "\n")...)
	}
	if r.Interrupted {
		errs = append(errs, errors.New("interrupted: the report holds what was measured until then"))
	}
	return errors.Join(errs...)
}
