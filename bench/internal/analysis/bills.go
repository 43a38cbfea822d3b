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

// months are the bills of both for a month of the rate of a run. Of a run without a rate they are for none, and have the prices alone.
type months struct{ lambda, ec2 *cost.Bill }

// monthly is nil where one of them cannot be made.
func monthly(in *CostInputs, c *cost.Comparison) *months {
	load := c.Load
	if in.Rate != nil {
		load.Rate = *in.Rate
	}
	lambda, lambdaErr := c.Lambda.Bill(c.Prices, load)
	ec2, ec2Err := c.EC2.Bill(c.Prices, load)
	if lambdaErr != nil || ec2Err != nil {
		return nil
	}
	return &months{lambda, ec2}
}

// dates say from when to when the prices in the bills are; empty where that is not known.
func (b *months) dates() string {
	if b == nil {
		return ""
	}
	var list []string
	for _, l := range slices.Concat(b.lambda.Lines, b.ec2.Lines) {
		if l.USD != nil && l.AsOf != "" {
			list = append(list, l.AsOf[:min(len(l.AsOf), len("2006-01"))])
		}
	}
	if len(list) == 0 {
		return ""
	}
	if first, last := slices.Min(list), slices.Max(list); first != last {
		return first + " to " + last
	}
	return list[0]
}

// duties are the break-even for each way in which a load may be spread over the week; nil where one cannot be had.
type duties struct{ even, businessHours, bursty *cost.BreakEven }

// spreadOver looks for those besides the even one.
func spreadOver(c *cost.Comparison, even *cost.BreakEven) duties {
	with := func(duty cost.Duty) *cost.BreakEven {
		other := *c
		other.Load.Duty = duty
		b, err := other.BreakEven()
		if err != nil {
			return nil
		}
		return b
	}
	return duties{even, with(cost.BusinessHours()), with(cost.Bursty())}
}

// bills are nil where one of them was not made, or is of no rate.
func (m *Model) bills(in *CostInputs, made *months, spread duties) *Bills {
	if made == nil || in.Rate == nil || *in.Rate <= 0 {
		return nil
	}
	target := func(name string) int {
		return slices.IndexFunc(m.Targets, func(t Target) bool { return t.Name == name })
	}
	b := &Bills{RateRPS: float64(*in.Rate), List: []Bill{{target(in.LambdaName), made.lambda, in.LambdaMeets}, {target(in.EC2Name), made.ec2, in.EC2Meets}}}
	for _, even := range []*cost.BreakEven{spread.even, spread.businessHours, spread.bursty} {
		if even != nil {
			b.BreakEvens = append(b.BreakEvens, even)
		}
	}
	return b
}
