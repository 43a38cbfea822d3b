package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// spend keeps a run from costing more than its user wants.
type spend struct {
	max float64 // USD

	estimate estimator // prices a run before it is made
}

// plannedRun is one that is to be priced.
type plannedRun struct {
	scenario *scenario.Scenario
	rounds   int
	// search is nil where the load is the scenario's.
	search *capacityOptions
	// onAWS are the targets that cost; all of the run take turns.
	onAWS []target.Spec
	all   int
	// prices are those that it is to be priced by.
	prices *cost.Table
}

// estimator says what a run is thought to cost.
type estimator func(*plannedRun) (*spendEstimate, error)

// spendEstimate is what a run is thought to cost.
type spendEstimate struct {
	// USD is nil where a price is not known; AtLeast is what is known of it.
	USD     *float64
	AtLeast float64
	// Notes say in sentences what was assumed and left out.
	Notes []string
}

const defaultMaxCost = 1

func (s *spend) flags(f *pflag.FlagSet) {
	f.Float64Var(&s.max, "max-cost", defaultMaxCost, "do not start a run on AWS whose estimated cost is above so many USD")
}

func (s *spend) validate() error {
	if math.IsNaN(s.max) || s.max < 0 {
		return fmt.Errorf("--max-cost %g: expected 0 or more USD", s.max)
	}
	return nil
}

// checkSpend tells what the run will cost, before anything is spent, and refuses one that costs too much. Targets elsewhere cost nothing
// that is known here.
func (o *runOptions) checkSpend(sc *scenario.Scenario, specs []target.Spec, tell func(text string)) error {
	run := &plannedRun{scenario: sc, rounds: o.rounds, all: len(specs), prices: o.prices}
	if o.capacity.find {
		run.search = &o.capacity
	}
	for _, spec := range specs {
		if spec.Region != "" && (spec.Kind == target.KindEC2 || spec.Kind == target.KindLambda) {
			run.onAWS = append(run.onAWS, spec)
		}
	}
	if len(run.onAWS) == 0 {
		return nil
	}
	s := &o.spend
	e, err := s.estimate(run)
	if err != nil {
		return fmt.Errorf("estimating the cost of the run: %w", err)
	}
	known, about := e.AtLeast, "at least "
	if e.USD != nil {
		known, about = *e.USD, ""
	}
	text := fmt.Sprintf("Estimated cost of this run: %s%s", about, usd(known))
	if len(e.Notes) > 0 {
		text += " (" + strings.Join(e.Notes, " ") + ")"
	}
	tell(text)
	// Written so that what is no number is too much.
	if !(known <= s.max) {
		return usageError{fmt.Errorf("the run is estimated to cost %s%s, above --max-cost %g: raise that, or choose %s",
			about, usd(known), s.max, run.smaller())}
	}
	return nil
}

// smaller is what makes the run cheaper.
func (r *plannedRun) smaller() string {
	if r.search != nil {
		return "a lower --max-rate or a shorter --trial"
	}
	return "a smaller scenario or fewer rounds"
}

// usd has two digits that tell something, also of parts of a cent.
func usd(v float64) string {
	if v == 0 || v >= 1 {
		return fmt.Sprintf("%.2f USD", v)
	}
	return fmt.Sprintf("%.2g USD", v)
}
