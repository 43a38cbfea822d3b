package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// costQuestion is all that goes into an answer.
type costQuestion struct {
	comparison cost.Comparison
	duties     []cost.Duty
	managed    bool
	atLeast    bool // the capacity has no upper end
	// Whether these are of a run; what is of a flag is shown as it was given.
	rateMeasured, capacityMeasured bool
	store                          *cost.Redis
	subject                        []string
	caveats                        []string
	// Whether the two kept the SLO in the run; nil where that is not known.
	lambdaMeets, ec2Meets *bool
}

// question takes what it needs from the flags, and what they do not set from a run.
func (o *costOptions) question(f *pflag.FlagSet, prices *cost.Table, args []string) (*costQuestion, error) {
	duties, dutyErr := parseDuties(o.duties)
	store, storeErr := o.store()
	q := &costQuestion{duties: duties, managed: o.managed, store: store}
	var run *analysis.CostInputs
	if len(args) == 1 {
		r, err := load(args[0])
		if err != nil {
			return nil, err
		}
		if len(r.Targets) == 0 {
			return nil, fmt.Errorf("%s: its result has no targets, so nothing was measured that could cost anything", args[0])
		}
		run = analysis.CostInputsOf(r)
		o.adopt(f, run)
		q.rateMeasured = run.Rate != nil && !f.Changed("rate")
		q.caveats, q.lambdaMeets, q.ec2Meets = run.Caveats, run.LambdaMeets, run.EC2Meets
		if text := run.ProvisionedText(); text != "" && !f.Changed("provisioned") {
			q.caveats = append(q.caveats, text)
		}
		if text := run.OtherArch(prices, o.instanceType); text != "" {
			q.caveats = append(q.caveats, text)
		}
		q.subject = append(q.subject, "Measured figures are of "+args[0]+": Lambda is its target "+orNone(run.LambdaName)+", EC2 its target "+orNone(run.EC2Name)+".")
	}
	q.comparison = cost.Comparison{Prices: prices, Lambda: o.function(), EC2: o.instances(), Load: o.load()}
	var errs []error
	switch {
	case o.duration > 0 || f.Changed("duration"):
	case run != nil && run.BilledMS != nil:
		q.comparison.Lambda.BilledMS = widened(*run.BilledMS, f, o)
	default:
		errs = append(errs, errors.New("--duration: how long does Lambda work on a request? Give it, or the folder of a run with a local Lambda target"))
	}
	switch {
	case o.instanceRPS > 0 || f.Changed("instance-rps"):
	case run != nil && run.Capacity != nil:
		q.capacityMeasured = true
		q.comparison.EC2.Capacity = widened(*run.Capacity, f, o)
		if q.atLeast = run.AtLeast; q.atLeast {
			q.comparison.EC2.Capacity = q.comparison.EC2.Capacity.OrMore()
		}
	default:
		errs = append(errs, errors.New("--instance-rps: how many requests/s does one instance take? Give it, or the folder of a run (bench run --find-capacity measures it)"))
	}
	if err := errors.Join(append(errs, dutyErr, storeErr)...); err != nil {
		return nil, err
	}
	q.comparison.Load.Duty = duties[0]
	q.describe(prices)
	return q, nil
}

func orNone(name string) string {
	if name == "" {
		return "(none)"
	}
	return name
}

// widened gives what was measured without a range the range of the flag.
func widened(c cost.Interval, f *pflag.FlagSet, o *costOptions) cost.Interval {
	if c.Low == c.High || f.Changed("uncertainty") {
		return cost.Within(c.Point, float64(o.uncertainty))
	}
	return c
}

// adopt takes from a run what no flag sets.
func (o *costOptions) adopt(f *pflag.FlagSet, run *analysis.CostInputs) {
	text := func(flag string, to *string, v string) {
		if v != "" && !f.Changed(flag) {
			*to = v
		}
	}
	region := run.Lambda.Region
	if region == "" {
		region = run.EC2.Region
	}
	text("region", &o.region, region)
	text("arch", &o.arch, run.Arch)
	text("front-door", &o.door, run.Lambda.FrontDoor)
	text("instance-type", &o.instanceType, run.InstanceType())
	text("ec2-front-door", &o.ec2Door, run.EC2.FrontDoor)
	if run.Lambda.MemoryMB > 0 && !f.Changed("memory") {
		o.memory = run.Lambda.MemoryMB
	}
	if !f.Changed("provisioned") {
		o.kept = run.Provisioned
	}
	if run.Rate != nil && !f.Changed("rate") {
		o.rate = float64(*run.Rate)
	}
}

func (q *costQuestion) describe(prices *cost.Table) {
	c := &q.comparison
	b, r := c.Lambda.BilledMS, c.EC2.Capacity
	show := numeral.Digits
	figure := func(v float64, measured bool) string {
		if measured {
			return show(v)
		}
		return numeral.Exact(v)
	}
	capacity := show(r.Low) + " to " + show(r.High)
	if q.atLeast {
		capacity = show(r.Low) + " or more"
	}
	q.subject = append(q.subject,
		fmt.Sprintf("Lambda: %s MB %s in %s, %s ms billed a request (%s to %s), front door %s.", numeral.Exact(float64(c.Lambda.MemoryMB)), c.Lambda.Arch, c.Lambda.Region,
			show(b.Point), show(b.Low), show(b.High), c.Lambda.FrontDoor),
		fmt.Sprintf("EC2: %s in %s, %s requests/s an instance (%s), %s %% of it kept free, at least %s, front door %s.",
			c.EC2.InstanceType, c.EC2.Region, figure(r.Point, q.capacityMeasured), capacity, numeral.Exact(c.EC2.Headroom*100),
			numeral.Plural(c.EC2.MinInstances, "instance"), c.EC2.FrontDoor),
		fmt.Sprintf("Load: %s requests/s on the mean, spread: %s. Prices of %s, list prices without tax.",
			figure(float64(c.Load.Rate), q.rateMeasured), c.Load.Duty.Name, prices.Written))
}
