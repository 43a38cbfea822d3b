package cost

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// RunTarget is one target of a planned run on AWS. Empty fields are not known.
type RunTarget struct {
	Name string
	// Function says that it is a function, otherwise it is instances.
	Function     bool
	Region, Arch string
	MemoryMB     int
	InstanceType string
	// Instances that run; 0 is 1.
	Instances int
	FrontDoor string
	// Balancer names the load balancer of the front door alb. Targets with the same one share it, and its hours are paid once; empty is one
	// of its own.
	Balancer string
	// Requests that it will get, warm-up and checks included; Duration is how long all of the run takes, of all targets: what is paid by the
	// hour is paid while the others have their turns too.
	Requests int64
	Duration time.Duration
	// AssumedMS is what a request is thought to be billed for; 0 is AssumedBilledMS.
	AssumedMS float64
	// RequestBytes and ResponseBytes of a request; 0 is not counted.
	RequestBytes, ResponseBytes Bytes
	// RequestsPerConnection is as of Load; 0 is 1.
	RequestsPerConnection float64
}

// Assumptions of EstimateRun, chosen to rather say too much.
const (
	AssumedBilledMS = 100
	// AssumedLogBytes are the START, END and REPORT lines of an invocation, with the 26 bytes that CloudWatch adds to each.
	AssumedLogBytes Bytes = 350
	// AssumedVolumeGB is the volume of an instance.
	AssumedVolumeGB = 8
)

// RunEstimate is what a planned run is thought to cost.
type RunEstimate struct {
	Targets []*Bill `json:"targets"`
	// Total is nil where a price is not known; AtLeast is what is known of it.
	Total   *USD     `json:"usd"`
	AtLeast USD      `json:"usd_at_least"`
	Caveats []string `json:"caveats"`
}

// EstimateRun says what a planned run costs: requests and billed time, and the share of what is paid by the hour for as long as the run
// takes. Free tiers are not taken off. What the stack costs before and after the run is not in it.
func EstimateRun(t *Table, targets []RunTarget) (*RunEstimate, error) {
	e := &RunEstimate{Targets: []*Bill{}, Caveats: []string{}}
	var errs []error
	var total USD
	complete := true
	balancers := map[string]string{} // names of the targets that pay for them
	for _, target := range targets {
		shared := ""
		if target.FrontDoor == DoorALB && target.Balancer != "" {
			if shared = balancers[target.Balancer]; shared == "" {
				balancers[target.Balancer] = target.Name
			}
		}
		b, err := target.bill(t, shared)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", target.Name, err))
			continue
		}
		e.Targets = append(e.Targets, b)
		e.AtLeast += b.Known()
		e.Caveats = append(e.Caveats, b.Caveats...)
		if b.Total == nil {
			complete = false
			continue
		}
		total += *b.Total
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if complete {
		e.Total = &total
	}
	return e, nil
}

// bill leaves the hours of the load balancer to the target that is named, if any is.
func (r *RunTarget) bill(t *Table, balancerOf string) (*Bill, error) {
	if r.Requests < 0 || r.Duration <= 0 {
		return nil, fmt.Errorf("%d requests in %s: expected 0 or more in a time above 0", r.Requests, r.Duration)
	}
	seconds := r.Duration.Seconds()
	if what := r.unpriced(t); what != "" {
		b := &Bill{Name: r.Name, Hours: seconds / secondsPerHour, Requests: float64(r.Requests), Lines: []Line{{Item: what}}}
		b.finish()
		return b, nil
	}
	l := Load{
		Rate: RPS(float64(r.Requests) / seconds), Hours: seconds / secondsPerHour,
		RequestBytes: r.RequestBytes, ResponseBytes: r.ResponseBytes, RequestsPerConnection: r.RequestsPerConnection,
	}
	var o *option
	var err error
	if r.Function {
		ms := r.AssumedMS
		if ms == 0 {
			ms = AssumedBilledMS
		}
		f := Lambda{Region: r.Region, Arch: r.Arch, MemoryMB: r.MemoryMB, BilledMS: Exactly(ms), FrontDoor: r.FrontDoor, LogBytes: AssumedLogBytes}
		if o, err = f.option(t, l, point); err == nil {
			o.caveats = append(o.caveats, fmt.Sprintf("%s: a request is assumed to be billed for %g ms, inits included.", r.Name, ms))
		}
	} else {
		o, err = r.instances(t, l)
	}
	if err != nil {
		return nil, err
	}
	if balancerOf != "" {
		o.parts = slices.DeleteFunc(o.parts, func(p part) bool { return p.item == itemBalancer || p.item == itemBalancerIPv4 })
		o.caveats = append(o.caveats, fmt.Sprintf("%s: the hours of its load balancer are in the figures of %s, which shares it.", r.Name, balancerOf))
	}
	b := o.bill(float64(l.Rate))
	b.Name = r.Name
	return b, nil
}

// unpriced is what there are no prices for at all, so that nothing can be said of the target; empty where there are some.
func (r *RunTarget) unpriced(t *Table) string {
	if r.Region != "" && t.CheckRegion(r.Region) != nil {
		return "anything in " + r.Region
	}
	if !r.Function && r.InstanceType != "" && t.CheckInstance(r.InstanceType) != nil {
		return r.InstanceType
	}
	return ""
}

// instances that are there whatever the rate is. What they use above their baseline is not known before the run: all of it is assumed.
func (r *RunTarget) instances(t *Table, l Load) (*option, error) {
	capacity := max(float64(l.Rate)/float64(max(1, r.Instances)), minCapacity)
	e := EC2{
		Region: r.Region, InstanceType: r.InstanceType, Capacity: Exactly(capacity), MinInstances: r.Instances,
		FrontDoor: r.FrontDoor, VolumeGB: AssumedVolumeGB, PublicIPv4: r.FrontDoor != DoorALB, CPUAtCapacity: 1,
	}
	return e.option(t, l, point)
}
