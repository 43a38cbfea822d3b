package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// CostInputs are what a run has measured of what a cost is made of. Fields that it has not are nil or empty.
type CostInputs struct {
	// LambdaName and EC2Name are the targets that the figures are of: the first one that ran as a function, and the first other one.
	LambdaName, EC2Name string
	Lambda, EC2         result.Spec
	// Arch of the function and EC2Arch of the other target, as AWS spells it: the spec's, or that of the machine.
	Arch, EC2Arch string
	// BilledMS is the mean billed time of an invocation in ms, inits included; nil where it is not known, or known of too few invocations.
	// Estimated says that it was not measured.
	BilledMS  *cost.Interval
	Estimated bool
	// tooFew says in the end of a sentence of how few invocations the billed time is known; empty where they are enough, or none.
	tooFew string
	// Provisioned is the concurrency that the run kept, with the share of the invocations that it served. ShareAssumed says that the share
	// was not measured, and that all of them are taken.
	Provisioned  cost.Provisioned
	ShareAssumed bool
	// Capacity is the rate in requests/s of one instance. AtLeast says that the target may take more: it was not searched for, and is the
	// rate that was reached, or something else than the target ended the search. Bound says which of the two, in a sentence.
	Capacity *cost.Interval
	AtLeast  bool
	Bound    string
	// endedBy is what ended a search that is AtLeast.
	endedBy result.CapacityLimit
	// Rate in requests/s that the function answered, or the other target where there is no function.
	Rate *cost.RPS
	// LambdaMeets and EC2Meets say whether the thresholds were kept in total; nil without any, and where nothing was measured that tells.
	LambdaMeets, EC2Meets *bool
	// Caveats are what these figures cannot say, in sentences.
	Caveats []string
}

// CostInputsOf reads them from a run.
func CostInputsOf(run *result.Run) *CostInputs {
	in := &CostInputs{}
	var others []string
	for i := range run.Targets {
		t := &run.Targets[i]
		function := t.Lambda != nil || t.Kind == "lambda" || t.Kind == "bootstrap"
		switch {
		case function && in.LambdaName == "":
			in.LambdaName, in.Lambda, in.Arch, in.LambdaMeets = t.Name, t.Spec, awsArch(t.Spec.Arch, run.Environment.Arch), keeps(run, t)
			in.billed(t)
			in.provisioned(t)
			in.Rate = rate(t)
		case !function && in.EC2Name == "":
			in.EC2Name, in.EC2, in.EC2Arch, in.EC2Meets = t.Name, t.Spec, awsArch(t.Spec.Arch, run.Environment.Arch), keeps(run, t)
			in.capacity(run, t)
			if in.Rate == nil {
				in.Rate = rate(t)
			}
		default:
			others = append(others, t.Name)
		}
	}
	if len(others) > 0 {
		judged := slices.DeleteFunc([]string{in.LambdaName, in.EC2Name}, func(name string) bool { return name == "" })
		in.caveat("Judged are %s, not %s: the first function and the first other target are taken.", strings.Join(judged, " and "), strings.Join(others, ", "))
	}
	return in
}

func (in *CostInputs) provisioned(t *result.Target) {
	in.Provisioned.Environments = t.Spec.ProvisionedConcurrency
	if l := t.Lambda; l != nil && l.Environments.Provisioned > 0 && l.Invocations > 0 {
		in.Provisioned = cost.Provisioned{Environments: int(l.Environments.Provisioned), Share: float64(l.ProvisionedInvocations) / float64(l.Invocations)}
	} else if in.Provisioned.Environments > 0 {
		in.Provisioned.Share, in.ShareAssumed = 1, true
	}
}

// ProvisionedText says what is taken of provisioned concurrency, in a sentence; empty where the run kept none.
func (in *CostInputs) ProvisionedText() string {
	if in.Provisioned.Environments == 0 {
		return ""
	}
	as := "as in this run"
	if in.ShareAssumed {
		as = "as it is not known how many did"
	}
	return fmt.Sprintf("%s: %s of provisioned concurrency are paid for all the time, and %s %% of the requests run on them at all rates, %s; of a higher rate it would be fewer.",
		in.LambdaName, numeral.Plural(in.Provisioned.Environments, "environment"), numeral.Digits(100*in.Provisioned.Share), as)
}

// InstanceType is the target's, or else one of two vCPUs and 2 GB of the architecture that it ran on.
func (in *CostInputs) InstanceType() string {
	switch {
	case in.EC2.InstanceType != "":
		return in.EC2.InstanceType
	case in.EC2Arch == cost.X86:
		return assumedOnX86
	}
	return assumedInstance
}

// OtherArch says that the capacity was measured on another architecture than an instance type has; empty where it was not.
func (in *CostInputs) OtherArch(prices *cost.Table, instanceType string) string {
	arch := prices.Instances[instanceType].Arch
	if in.Capacity == nil || arch == "" || in.EC2Arch == "" || arch == in.EC2Arch {
		return ""
	}
	return fmt.Sprintf("The capacity was measured on %s, a %s is %s.", in.EC2Arch, instanceType, arch)
}

func awsArch(spec, machine string) string {
	if spec == "" {
		spec = machine
	}
	switch spec {
	case "amd64", cost.X86:
		return cost.X86
	case cost.ARM64:
		return cost.ARM64
	}
	return ""
}

func (in *CostInputs) caveat(format string, args ...any) {
	in.Caveats = append(in.Caveats, fmt.Sprintf(format, args...))
}

// billed is what the local Lambda service metered, what AWS's log says, or an estimate of a deployed function.
func (in *CostInputs) billed(t *result.Target) {
	f := functionOf(t)
	switch {
	case f.meter != nil:
		in.metered(t, f.meter)
	case f.log != nil && f.log.Invocations > 0:
		in.logged(t, f.log)
	case t.Kind == "lambda" && in.estimate(t):
	case in.tooFew != "":
	default:
		in.caveat("%s: what it was billed for is not in the result; --duration gives it.", t.Name)
	}
}

func (in *CostInputs) metered(t *result.Target, l *result.Lambda) {
	settled := l.Invocations - l.Unsettled
	if settled <= 0 {
		in.caveat("%s: no invocation was billed.", t.Name)
		return
	}
	if in.few(t, settled) {
		return
	}
	ms := cost.Exactly(float64(l.BilledMS) / float64(settled))
	in.BilledMS = &ms
	in.caveat("%s: the billed time is %s on the local Lambda service, a mean of %s ms over %s, inits included. On AWS the same code takes another time.",
		t.Name, t.Provenance, numeral.Digits(ms.Point), numeral.Plural(settled, "invocation"))
	in.inits(t, l.InitBilledMS, l.BilledMS)
}

// few says whether so many invocations are too few to tell what one is billed for, and notes it.
func (in *CostInputs) few(t *result.Target, invocations int64) bool {
	if invocations >= enoughAnswers {
		return false
	}
	in.tooFew = fmt.Sprintf("what %s was billed for is known of %s alone, and a mean takes %d", t.Name, numeral.Plural(invocations, "invocation"), enoughAnswers)
	in.caveat("%s: %s %s billed of the %d that a mean of the billed time takes; --duration gives it.", t.Name,
		numeral.Plural(invocations, "invocation"), choose(invocations, "was", "were"), enoughAnswers)
	return true
}

// muchInit is the share of the billed time from which on a reader should know that inits are in it.
const muchInit = 0.05

// inits warns of a billed time that is made of cold starts, of which a busier or a longer load has fewer.
func (in *CostInputs) inits(t *result.Target, initMS, billedMS int64) {
	if share := float64(initMS) / float64(billedMS); share >= muchInit {
		in.caveat("%s: %s %% of the billed time is inits; the share of cold starts is taken to be that of this run at all rates.",
			t.Name, numeral.Digits(100*share))
	}
}

// logged has a range where there are rounds enough for one.
func (in *CostInputs) logged(t *result.Target, l *result.FunctionLog) {
	if in.few(t, l.Invocations) {
		return
	}
	ms := cost.Exactly(float64(l.BilledMS) / float64(l.Invocations))
	of := numeral.Plural(l.Invocations, "invocation")
	if l.Invocations < l.Sent {
		of += " of " + numeral.Whole(l.Sent)
	}
	var means []float64
	for _, r := range l.Rounds {
		if r.Invocations > 0 {
			means = append(means, float64(r.BilledMS)/float64(r.Invocations))
		}
	}
	if low, high, ok := stats.MeanInterval(means); ok {
		ms.Low, ms.High = max(0, min(ms.Point, low)), max(ms.Point, high)
		of += fmt.Sprintf(" (95 %% of %d rounds: %s to %s)", len(means), numeral.Digits(ms.Low), numeral.Digits(ms.High))
	}
	in.BilledMS = &ms
	in.caveat("%s: the billed time is measured, by the REPORT lines of AWS's log: a mean of %s ms over %s, inits included.", t.Name, numeral.Digits(ms.Point), of)
	in.inits(t, l.InitBilledMS, l.BilledMS)
}

// halfMS is what rounding up to whole milliseconds adds on the mean.
const halfMS = 0.5

// estimate takes what the answers tell of themselves as the least that was billed, and what the client waited as the most. It says
// whether there is anything to take.
func (in *CostInputs) estimate(t *result.Target) bool {
	s := &t.Overall
	waited, known := optional(s.ServiceTime.Mean).Get()
	if !known || s.Successes == 0 || in.few(t, s.Successes) {
		return false
	}
	ms := cost.Interval{Low: 1, High: waited/microsecondsPerMS + 2*halfMS}
	ms.Point = ms.High
	how := "no answer tells how long the app took, so that the whole service time is taken"
	if told := s.ServerTiming; told != nil && told.App != nil && told.App.Mean != nil && float64(told.App.Count) >= toldEnough*float64(s.Successes) {
		app := (*told.App.Mean + spread(told.Init, s.Successes)) / microsecondsPerMS
		ms.Low, ms.Point = max(1, app), max(1, app+halfMS)
		ms.High = max(ms.High, ms.Point)
		how = "between what its answers tell of themselves and what the client waited for them"
	}
	in.BilledMS, in.Estimated = &ms, true
	in.caveat("%s: what it was billed is not known, so that its cost is estimated: %s ms an invocation (%s to %s), %s; --duration gives a better one.",
		t.Name, numeral.Digits(ms.Point), numeral.Digits(ms.Low), numeral.Digits(ms.High), how)
	return true
}

func rate(t *result.Target) *cost.RPS {
	if v := t.Overall.ThroughputRPS; v != nil && *v > 0 {
		r := cost.RPS(*v)
		return &r
	}
	return nil
}

// keeps says whether a target kept all limits in total; at its capacity it did. It is nil without limits, and where nothing was measured
// that tells: no request that counts, or a search that does not.
func keeps(run *result.Run, t *result.Target) *bool {
	if c := t.Capacity; c != nil {
		return c.Keeps(run.Interrupted)
	}
	if t.Overall.Requests == 0 {
		return nil
	}
	known, met := false, true
	for i := range run.Thresholds {
		if th := &run.Thresholds[i]; th.Target == t.Name && th.Phase == "" {
			known, met = true, met && th.Met
		}
	}
	if !known {
		return nil
	}
	return &met
}
