package analysis

import (
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

// Bills are what the function and the instances would cost under the rate of this run, kept up for a month.
type Bills struct {
	// RateRPS is that rate, in requests/s: the one that the function answered.
	RateRPS float64
	// List has the function first.
	List []Bill
	// BreakEvens are the rates at which the cheaper one changes, for each way in which the load may be spread over the week: even, in
	// business hours, in bursts.
	BreakEvens []*cost.BreakEven
}

// Bill is what a target costs.
type Bill struct {
	// Target is an index of Model.Targets.
	Target int
	*cost.Bill
	// Meets tells whether it has kept the thresholds of the run; nil where there were none.
	Meets *bool
}

// bills are nil where one of them cannot be made.
func (m *Model) bills(in *CostInputs, c *cost.Comparison) *Bills {
	if in.Rate == nil || *in.Rate <= 0 {
		return nil
	}
	at := *c
	at.Load.Rate = *in.Rate
	lambda, lambdaErr := at.Lambda.Bill(at.Prices, at.Load)
	ec2, ec2Err := at.EC2.Bill(at.Prices, at.Load)
	if lambdaErr != nil || ec2Err != nil {
		return nil
	}
	target := func(name string) int {
		return slices.IndexFunc(m.Targets, func(t Target) bool { return t.Name == name })
	}
	b := &Bills{RateRPS: float64(*in.Rate), List: []Bill{{target(in.LambdaName), lambda, in.LambdaMeets}, {target(in.EC2Name), ec2, in.EC2Meets}}}
	for _, duty := range []cost.Duty{cost.Even(), cost.BusinessHours(), cost.Bursty()} {
		spread := at
		spread.Load.Duty = duty
		if even, err := spread.BreakEven(); err == nil {
			b.BreakEvens = append(b.BreakEvens, even)
		}
	}
	return b
}
