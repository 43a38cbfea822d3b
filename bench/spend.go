package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// spend keeps a run from costing more than its user wants.
type spend struct {
	max float64 // USD

	estimate estimator // prices a run before it is made
}

// estimator says what a run of a scenario is thought to cost on those targets, all of which are on AWS.
type estimator func(s *scenario.Scenario, rounds int, targets []target.Spec) (*spendEstimate, error)

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

// check tells what the run will cost, before anything is spent, and refuses one that costs too much. Targets elsewhere cost nothing
// that is known here.
func (s *spend) check(sc *scenario.Scenario, rounds int, specs []target.Spec, say func(format string, args ...any)) error {
	var onAWS []target.Spec
	for _, spec := range specs {
		if spec.Region != "" && (spec.Kind == target.KindEC2 || spec.Kind == target.KindLambda) {
			onAWS = append(onAWS, spec)
		}
	}
	if len(onAWS) == 0 {
		return nil
	}
	e, err := s.estimate(sc, rounds, onAWS)
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
	say("%s", text)
	// Written so that what is no number is too much.
	if !(known <= s.max) {
		return usageError{fmt.Errorf("the run is estimated to cost %s%s, above --max-cost %g: raise that, or choose a smaller scenario or fewer rounds",
			about, usd(known), s.max)}
	}
	return nil
}

// usd has two digits that tell something, also of parts of a cent.
func usd(v float64) string {
	if v == 0 || v >= 1 {
		return fmt.Sprintf("%.2f USD", v)
	}
	return fmt.Sprintf("%.2g USD", v)
}
