package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Verdict is what the run says to the question whether the app should run on Lambda or on EC2. Its JSON is for programs; rates are in
// requests a second, and null is not known.
type Verdict struct {
	SchemaVersion int `json:"schema_version"`
	// Text is one paragraph.
	Text string `json:"text"`
	// Emulated says that a target did not run on AWS: its times have no AWS network in them.
	Emulated bool `json:"emulated"`
	// Estimated says that what the function was billed is not known, so that its cost is estimated.
	Estimated bool   `json:"cost_estimated,omitempty"`
	Lambda    string `json:"lambda"`
	EC2       string `json:"ec2"`
	// LambdaBelow is the rate below which Lambda costs less, EC2Above the one above which EC2 does, whatever the values within the
	// ranges that they were assumed or measured in. Between them it is undecided.
	LambdaBelow *float64 `json:"lambda_cheaper_below_rps"`
	EC2Above    *float64 `json:"ec2_cheaper_above_rps"`
	// AtLeast says that one instance may take more than it was seen to: its capacity has no upper end in the two rates above.
	AtLeast bool `json:"ec2_capacity_at_least,omitempty"`
	// Unknown says why there is no answer about the cost; empty where there is one.
	Unknown string `json:"unknown,omitempty"`
	// Interrupted says that the run was stopped before its end: all of this is of the part that was done.
	Interrupted bool `json:"interrupted,omitempty"`
	// Misses are all targets that missed a threshold of the SLO, in total, and Untold those of which nothing was measured that tells. SLO is
	// false where the run had none.
	SLO    bool     `json:"slo"`
	Misses []string `json:"misses_slo"`
	Untold []string `json:"slo_not_known,omitempty"`
	// Why has the reason for each of Untold, as the end of a sentence, by name.
	Why map[string]string `json:"slo_not_known_why,omitempty"`
	// Changes are the facts that would change the answer most, in sentences; at most two.
	Changes []string `json:"would_change"`
	// Assumptions are what was not measured, and Caveats what the figures cannot say, in sentences.
	Assumptions []string `json:"assumptions"`
	Caveats     []string `json:"caveats"`

	bound   string // of CostInputs
	further string // what a search would take to find more, after a space
	spans   []cost.Span
}

// What is assumed of a target that does not tell, and the range around what was measured without one.
const (
	assumedRegion   = "us-east-1"
	assumedInstance = "t4g.small"
	assumedOnX86    = "t3.small"
	assumedMemory   = 512
	assumedHeadroom = 0.3
	assumedLeast    = 2
	assumedVolume   = cost.AssumedVolumeGB
	assumedPerConn  = 10
	assumedOpen     = 60 // seconds that a connection lasts
	assumedBytes    = 500
	assumedRange    = 0.2
)

// verdict is nil where there is no function, or nothing else than functions. Prices are those of the program.
func (m *Model) verdict() *Verdict {
	in := CostInputsOf(m.Run)
	if in.LambdaName == "" || in.EC2Name == "" {
		return nil
	}
	v := &Verdict{SchemaVersion: 1, Lambda: in.LambdaName, EC2: in.EC2Name, Misses: []string{}, Changes: []string{}, Assumptions: []string{}, Caveats: append([]string{}, in.Caveats...)}
	for i, t := range m.Targets {
		if t.Name == in.LambdaName || t.Name == in.EC2Name {
			v.Emulated = v.Emulated || t.Provenance != result.Measured || m.Targets[i].Local
		}
	}
	v.Interrupted = m.Run.Interrupted
	v.slo(m.Run)
	v.Estimated, v.AtLeast, v.bound = in.Estimated, in.AtLeast, in.Bound
	if in.endedBy == result.LimitMaxRate {
		v.further = " with a higher --max-rate"
	}
	v.cost(m, in)
	v.Text = strings.Join(v.sentences(m), " ")
	return v
}

// slo says of each target whether it kept the SLO.
func (v *Verdict) slo(run *result.Run) {
	v.SLO = len(run.Scenario.SLO)+len(run.Thresholds) > 0
	for i := range run.Targets {
		v.SLO = v.SLO || run.Targets[i].Capacity != nil
	}
	if !v.SLO {
		return
	}
	for i := range run.Targets {
		t := &run.Targets[i]
		switch met := keeps(run, t); {
		case met == nil:
			if v.Why == nil {
				v.Why = map[string]string{}
			}
			v.Untold, v.Why[t.Name] = append(v.Untold, t.Name), untold(t)
		case !*met:
			v.Misses = append(v.Misses, t.Name)
		}
	}
}

// untold says in the end of a sentence why it is not known whether a target keeps the SLO.
func untold(t *result.Target) string {
	if t.Capacity != nil && t.Capacity.EndedByGenerator() {
		return "the load generator itself was at its limits before any rate was kept"
	}
	return "nothing was measured that tells"
}

// cost looks for the rates; what is missing for that it says.
func (v *Verdict) cost(m *Model, in *CostInputs) {
	switch {
	case in.BilledMS == nil && in.tooFew != "":
		v.Unknown = in.tooFew
		return
	case in.BilledMS == nil:
		v.Unknown = "what " + in.LambdaName + " was billed for is not known"
		return
	case in.Capacity == nil:
		v.Unknown = "how much one instance of " + in.EC2Name + " takes is not known"
		return
	}
	c := v.comparison(in, m.prices)
	b, err := c.BreakEven()
	if err != nil {
		v.Unknown = err.Error()
		return
	}
	v.Caveats = append(v.Caveats, b.Caveats...)
	if b.Unknown != "" {
		v.Unknown = b.Unknown
		return
	}
	v.spans = b.Spans
	v.LambdaBelow, v.EC2Above = (*float64)(b.LambdaBelow), (*float64)(b.EC2Above)
	spread := spreadOver(c, b)
	v.changes(c, spread)
	made := monthly(in, c)
	if made != nil {
		v.Caveats = append(v.Caveats, cost.Stale(m.Run.FinishedAt, made.lambda, made.ec2)...)
	}
	m.BreakEven, m.Bills = m.curves(in, c, b, made.dates()), m.bills(in, made, spread)
}

// comparison fills in what the run does not tell.
func (v *Verdict) comparison(in *CostInputs, prices *cost.Table) *cost.Comparison {
	assume := func(format string, args ...any) { v.Assumptions = append(v.Assumptions, fmt.Sprintf(format, args...)) }
	region := in.Lambda.Region
	if region == "" {
		region = in.EC2.Region
	}
	if region == "" {
		region = assumedRegion
	}
	assume("List prices of %s, put together on %s.", region, prices.Written)
	f := cost.Lambda{Region: region, Arch: in.Arch, MemoryMB: in.Lambda.MemoryMB, BilledMS: widen(*in.BilledMS), FrontDoor: in.Lambda.FrontDoor, LogBytes: cost.AssumedLogBytes, Provisioned: in.Provisioned}
	if text := in.ProvisionedText(); text != "" {
		v.Assumptions = append(v.Assumptions, text)
	}
	if f.Arch == "" {
		f.Arch = cost.ARM64
	}
	if f.MemoryMB == 0 {
		f.MemoryMB = assumedMemory
		assume("%s has %d MB.", in.LambdaName, f.MemoryMB)
	}
	if f.FrontDoor == "" {
		f.FrontDoor = cost.DoorFunctionURL
	}
	e := cost.EC2{
		Region: region, InstanceType: in.InstanceType(), Capacity: in.capacityRange(), Headroom: assumedHeadroom, MinInstances: assumedLeast,
		FrontDoor: in.EC2.FrontDoor, VolumeGB: assumedVolume,
	}
	if in.EC2.InstanceType == "" {
		assume("An instance is a %s and takes what %s took here.", e.InstanceType, in.EC2Name)
	}
	if e.FrontDoor == "" {
		e.FrontDoor = cost.DoorALB
		assume("The instances, two at least, are behind a load balancer.")
	}
	if text := in.OtherArch(prices, e.InstanceType); text != "" {
		v.Caveats = append(v.Caveats, text)
	}
	e.PublicIPv4 = e.FrontDoor == cost.DoorNone
	assume("%.0f %% of an instance's capacity is kept free, the load is even over the month, and requests and answers have %d bytes each.", 100*assumedHeadroom, assumedBytes)
	assume("An invocation writes %.0f bytes of logs; an instance writes none, and has a volume of %d GB.", float64(cost.AssumedLogBytes), assumedVolume)
	if e.FrontDoor == cost.DoorALB || f.FrontDoor == cost.DoorALB {
		assume("A client sends %d requests on a connection of a load balancer, which lasts %d s.", assumedPerConn, assumedOpen)
	}
	if in.BilledMS.Low == in.BilledMS.High || in.Capacity.Low == in.Capacity.High {
		assume("What was measured without a range may be %.0f %% off.", 100*assumedRange)
	}
	if in.AtLeast {
		assume("An instance may take any rate above the %s that it was seen to take.", numeral.Rate(in.Capacity.Point))
	}
	return &cost.Comparison{Prices: prices, Lambda: f, EC2: e, Load: cost.Load{RequestBytes: assumedBytes, ResponseBytes: assumedBytes, RequestsPerConnection: assumedPerConn, ConnectionSeconds: assumedOpen}}
}

// capacityRange has no upper end where none was found.
func (in *CostInputs) capacityRange() cost.Interval {
	if in.AtLeast {
		return widen(*in.Capacity).OrMore()
	}
	return widen(*in.Capacity)
}

// bands says in a sentence what was measured of the ranges, and what is assumed.
func (in *CostInputs) bands() string {
	assumed := fmt.Sprintf("±%.0f %%, assumed", 100*assumedRange)
	billed, capacity := "the range that was measured", "the range that its search found"
	switch {
	case in.BilledMS.Low == in.BilledMS.High:
		billed = assumed
	case in.Estimated:
		billed = "the range of its estimate"
	}
	switch {
	case in.AtLeast && in.Capacity.Low == in.Capacity.High:
		capacity = fmt.Sprintf("from %.0f %% less, assumed, with no upper end", 100*assumedRange)
	case in.AtLeast:
		capacity = "from the lowest that was measured, with no upper end"
	case in.Capacity.Low == in.Capacity.High:
		capacity = assumed
	}
	return fmt.Sprintf("Bands: of the billed time %s; of an instance's capacity %s.", billed, capacity)
}

func widen(i cost.Interval) cost.Interval {
	if i.Low == i.High {
		return cost.Within(i.Point, assumedRange)
	}
	return i
}

// curves are for drawing.
func (m *Model) curves(in *CostInputs, c *cost.Comparison, b *cost.BreakEven, dates string) *BreakEven {
	index := func(name string) int {
		return slices.IndexFunc(m.Targets, func(t Target) bool { return t.Name == name })
	}
	lambda, ec2 := CostCurve{Target: index(in.LambdaName)}, CostCurve{Target: index(in.EC2Name)}
	for _, p := range b.Curve {
		lambda.Points = append(lambda.Points, CostPoint{float64(p.Rate), float64(p.Lambda), float64(p.LambdaLow), float64(p.LambdaHigh)})
		ec2.Points = append(ec2.Points, CostPoint{float64(p.Rate), float64(p.EC2), float64(p.EC2Low), float64(p.EC2High)})
	}
	least := ""
	if in.AtLeast {
		least = "at least "
	}
	if dates == "" {
		dates = "no known date"
	}
	out := &BreakEven{
		Basis:  fmt.Sprintf("List prices as of %s in %s, %s ms billed a request, %s%s an instance.", dates, c.Lambda.Region, numeral.Digits(c.Lambda.BilledMS.Point), least, numeral.Rate(c.EC2.Capacity.Point)),
		Curves: []CostCurve{lambda, ec2},
	}
	out.Bands = in.bands()
	if in.Estimated {
		out.Basis += " The billed time is estimated."
	}
	for _, crossing := range b.Crossings {
		x := Crossing{Below: lambda.Target, Above: ec2.Target, RateRPS: Known(float64(crossing.Rate))}
		if crossing.Above == cost.CheaperLambda {
			x.Below, x.Above = x.Above, x.Below
		}
		if len(b.Crossings) == 1 && b.LambdaBelow != nil && b.EC2Above != nil {
			x.Low, x.High = Known(float64(*b.LambdaBelow)), Known(float64(*b.EC2Above))
		}
		out.Crossings = append(out.Crossings, x)
	}
	return out
}
