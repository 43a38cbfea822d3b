package result

import (
	"errors"
	"fmt"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Capacity is the highest rate at which a target keeps the SLO, as a search by trials found it.
//
// All rates are iterations a second: requests, unless the scenario captures, where an iteration is all its steps.
type Capacity struct {
	// SLO that each trial was held against, with the limit of the error rate that the search adds where there is none.
	SLO scenario.SLO `json:"slo"`
	// KeptRPS is the highest rate that most trials at it kept, below all rates that most trials missed; null if none was kept.
	KeptRPS *float64 `json:"kept_rps"`
	// MissedRPS is the lowest rate that most trials at it missed; null if none was missed.
	MissedRPS *float64 `json:"missed_rps"`
	// LowRPS and HighRPS are the range that the edge is in. They are KeptRPS and MissedRPS where all repeats there agreed, and the
	// nearest rates beyond them whose trials did agree otherwise; null where there is no such rate.
	LowRPS  *float64 `json:"low_rps"`
	HighRPS *float64 `json:"high_rps"`
	// LimitedBy says what kept the rate from being higher; empty where the search ended before it knew.
	LimitedBy CapacityLimit `json:"limited_by"`
	// Converged is true when the search came to its end: KeptRPS and MissedRPS are as near as asked, and both were repeated.
	// Otherwise it was interrupted, or ran out of trials.
	Converged bool `json:"converged"`
	// Trials in the order in which they ran.
	Trials []Trial `json:"trials"`
}

// CapacityLimit says what a search for the capacity came up against.
type CapacityLimit string

// LimitTarget is the target's own capacity. LimitGenerator means that bench could not send at a higher rate on time, so that
// the target may be able to take more. LimitMaxRate means that the highest rate that was allowed was kept.
const (
	LimitTarget    CapacityLimit = "target"
	LimitGenerator CapacityLimit = "generator"
	LimitMaxRate   CapacityLimit = "max_rate"
)

// Trial is one short open load at a constant rate.
type Trial struct {
	RateRPS float64 `json:"rate_rps"`
	// Met says that the SLO was kept, and that the target did not fall behind.
	Met bool `json:"met"`
	// Behind says that more requests than the search's precision allows were still waiting for a free connection at the end: the
	// target is slower than the rate, even if the trial was too short for that to break the SLO.
	Behind bool `json:"behind,omitempty"`
	// GeneratorLimited says that bench itself was late or out of CPU, so that a miss says nothing of the target.
	GeneratorLimited bool `json:"generator_limited,omitempty"`
	// AchievedRPS is right answers a second; null where nothing was sent.
	AchievedRPS *float64 `json:"achieved_rps"`
	// P50 and P99 of the response time of the successes; null without any.
	P50 *float64 `json:"p50_us"`
	P99 *float64 `json:"p99_us"`
	// Requests that were due; Errors, how many of them failed; Unsent, how many of those were never sent.
	Requests int64 `json:"requests"`
	Errors   int64 `json:"errors"`
	Unsent   int64 `json:"unsent"`
	// SendLagP99 is null where nothing was sent.
	SendLagP99 *float64 `json:"send_lag_p99_us"`
}

// Keeps says whether the target keeps the SLO at any rate. It is nil where that is not known: a search that was interrupted before it had
// kept a rate or come to its end, and one that the load generator itself has ended, of which the misses say nothing of the target.
func (c *Capacity) Keeps(interrupted bool) *bool {
	kept := c.KeptRPS != nil
	if !kept && (c.MissedRPS == nil || c.EndedByGenerator() || interrupted && !c.Converged) {
		return nil
	}
	return &kept
}

// EndedByGenerator says that the load generator was at its limits before any rate was kept.
func (c *Capacity) EndedByGenerator() bool { return c.KeptRPS == nil && c.LimitedBy == LimitGenerator }

func (c *Capacity) validate() error {
	var errs []error
	check := func(name string, v *float64) {
		if v != nil && *v < 0 {
			errs = append(errs, fmt.Errorf("%s is negative", name))
		}
	}
	check("kept_rps", c.KeptRPS)
	check("missed_rps", c.MissedRPS)
	check("low_rps", c.LowRPS)
	check("high_rps", c.HighRPS)
	if c.KeptRPS != nil && c.MissedRPS != nil && *c.KeptRPS >= *c.MissedRPS {
		errs = append(errs, fmt.Errorf("kept_rps %g is not below missed_rps %g", *c.KeptRPS, *c.MissedRPS))
	}
	switch c.LimitedBy {
	case "", LimitTarget, LimitGenerator, LimitMaxRate:
	default:
		errs = append(errs, fmt.Errorf("limited_by %q is not known", c.LimitedBy))
	}
	for i := range c.Trials {
		t := &c.Trials[i]
		if t.RateRPS < 0 || t.Requests < 0 || t.Errors < 0 || t.Errors > t.Requests || t.Unsent < 0 || t.Unsent > t.Errors {
			errs = append(errs, fmt.Errorf("trials[%d]: its counts cannot be", i))
		}
		for _, v := range []*float64{t.AchievedRPS, t.P50, t.P99, t.SendLagP99} {
			if v != nil && *v < 0 {
				errs = append(errs, fmt.Errorf("trials[%d]: a figure is negative", i))
			}
		}
	}
	return errors.Join(errs...)
}
