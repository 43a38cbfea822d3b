package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// thresholdError is a run that was done and missed a threshold: exit status 3.
type thresholdError struct{ error }

func (e thresholdError) Unwrap() error { return e.error }

// limits are the flags that say what a run must keep.
type limits struct {
	text   string
	strict bool

	slo scenario.SLO // of text
}

func (l *limits) flags(f *pflag.FlagSet) {
	f.StringVar(&l.text, "slo", "", "thresholds such as p99=50ms,error_rate=1%, instead of the scenario's; exit status 3 if one is missed")
	f.BoolVar(&l.strict, "strict", false, "exit status 3 if the load generator itself makes the run invalid")
}

func (l *limits) validate(f *pflag.FlagSet) error {
	if !f.Changed("slo") {
		return nil
	}
	var err error
	if l.slo, err = scenario.ParseSLO(l.text); err != nil {
		return fmt.Errorf("--slo: %w", err)
	}
	return nil
}

// apply makes the flag replace what the scenario asks.
func (l *limits) apply(s *scenario.Scenario) {
	if l.slo != nil {
		s.SLO = l.slo
	}
}

// hold says in an error what a run that was done and written missed. An error that the run has already is more than that: it keeps
// its exit status, and what was missed is told beside it.
func (l *limits) hold(r *result.Run, runErr error) error {
	missed := missedThresholds(r)
	for i := range r.Targets {
		c := r.Targets[i].Capacity
		switch {
		case c == nil || c.KeptRPS != nil || c.MissedRPS == nil:
		case c.EndedByGenerator(): // that it is kept is not shown, which is what was asked
			missed = append(missed, fmt.Errorf("%s: whether it keeps the SLO is not known: the load generator itself was at its limits down to %s", r.Targets[i].Name, numeral.Rate(*c.MissedRPS)))
		default:
			missed = append(missed, fmt.Errorf("%s kept the SLO at no rate down to %s", r.Targets[i].Name, numeral.Rate(*c.MissedRPS)))
		}
	}
	if l.strict && r.Generator.Verdict == result.Invalid {
		missed = append(missed, errors.New("the run is invalid (--strict): "+strings.Join(r.Generator.Reasons, " ")))
	}
	switch err := errors.Join(missed...); {
	case err == nil:
		return runErr
	case runErr != nil:
		return errors.Join(runErr, err)
	default:
		return thresholdError{err}
	}
}

// mostMissed is how many thresholds one line of a terminal has room for; the reports have all.
const mostMissed = 6

// missedThresholds is one error that names them, or none.
func missedThresholds(r *result.Run) []error {
	var names []string
	for i := range r.Thresholds {
		if t := &r.Thresholds[i]; !t.Met {
			names = append(names, thresholdText(t))
		}
	}
	n := len(names)
	if n == 0 {
		return nil
	}
	if n > mostMissed {
		names = append(names[:mostMissed], fmt.Sprintf("and %d more", n-mostMissed))
	}
	return []error{fmt.Errorf("%s missed: %s", numeral.Plural(n, "threshold"), strings.Join(names, "; "))}
}

// thresholdText is what was missed and by how much, in a few words.
func thresholdText(t *result.Threshold) string {
	where := t.Target
	if t.Phase != "" {
		where += " " + t.Phase
	}
	value := t.Reason
	if few, ok := analysis.HeldOf(t).Value.TooFew(); ok {
		value = "of " + numeral.Plural(few, "sample")
	} else if t.Value != nil {
		value = analysis.ThresholdFigure(t.Metric, *t.Value, t.Limit)
	}
	return fmt.Sprintf("%s %s %s (limit %s)", where, t.Metric.Name(), value, t.LimitText())
}
