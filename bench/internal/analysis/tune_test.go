package analysis_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/tune"
)

// size is a function of a memory size, whose answers take base and are billed for so many ms each.
func size(mb int, base time.Duration) resulttest.Service {
	s := resulttest.Lambda()
	s.Target.Name, s.Target.Spec.MemoryMB, s.Target.Spec.Notes = fmt.Sprintf("lambda-%d", mb), mb, []string{"The CPU was limited to the share that the memory size buys."}
	s.Base, s.Tail, s.PerWorker = base, 0, 0
	return s
}

// swept is a run over functions in so many rounds, with what the meters counted: billedMS a request, by target.
func swept(rounds int, slo scenario.SLO, billedMS []float64, services ...resulttest.Service) (*result.Run, analysis.TuneInputs) {
	s := resulttest.FourPhase(6)
	s.SLO, s.Phases = slo, s.Phases[2:3] // 1,200 requests a round
	run := resulttest.Run(s, rounds, services...)
	in := analysis.TuneInputs{Prices: cost.Embedded(), Bills: make([][]analysis.RoundBill, len(run.Targets))}
	for i := range run.Targets {
		t := &run.Targets[i]
		if t.Provenance != result.Emulated {
			continue
		}
		n, each := t.Overall.Requests, billedMS[i%len(billedMS)]
		t.Lambda = &result.Lambda{Invocations: n, BilledMS: int64(each * float64(n)), MemoryMB: t.Spec.MemoryMB, Errors: map[string]int64{}}
		t.ColdStarts = &result.ColdStarts{}
		for round := range rounds {
			part := n / int64(rounds)
			in.Bills[i] = append(in.Bills[i], analysis.RoundBill{Invocations: part, BilledMS: int64(each*float64(part)) + int64(round%2)})
		}
	}
	return run, in
}

func sweep(t *testing.T, run *result.Run, in analysis.TuneInputs) *tune.Result {
	t.Helper()
	r, err := analysis.Tune(run, in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(r); err != nil { // refuses NaN
		t.Fatal(err)
	}
	return r
}

func p99(limit time.Duration) scenario.SLO {
	return scenario.SLO{{Metric: scenario.MetricP99, Limit: float64(limit.Microseconds())}}
}

func TestTune(t *testing.T) {
	t.Parallel()
	run, in := swept(5, p99(20*time.Millisecond), []float64{40, 9, 5, 5}, size(128, 40*time.Millisecond), size(512, 9*time.Millisecond), size(1769, 5*time.Millisecond), size(3008, 5*time.Millisecond))
	r := sweep(t, run, in)
	// By hand, at the prices of us-east-1: 0.20 USD a million requests, and 1e6 x billed s x GB at 0.0000166667 USD (x86_64),
	// https://aws.amazon.com/lambda/pricing/. Logs and data out cost the same for all of them.
	byHand := func(ms, mb float64) float64 { return 0.20 + 1e6*ms/1000*mb/1024*0.0000166667 }
	rest := r.Configurations[0].USDPerMillion.Point - byHand(40, 128)
	want := []float64{byHand(40, 128) + rest, byHand(9, 512) + rest, byHand(5, 1769) + rest, byHand(5, 3008) + rest}
	var got []float64
	var standings []tune.Standing
	for _, c := range r.Configurations {
		got, standings = append(got, c.USDPerMillion.Point), append(standings, c.Standing)
		if c.Tail == nil || c.Tail.Low > c.Tail.Point || c.Tail.Point > c.Tail.High || c.Tail.Low == c.Tail.High {
			t.Errorf("%s: p99 %+v", c.Name, c.Tail)
		}
		if c.BilledMS.Low >= c.BilledMS.High || c.USDPerMillion.Low >= c.USDPerMillion.High {
			t.Errorf("%s: billed %+v, cost %+v", c.Name, c.BilledMS, c.USDPerMillion)
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-6, 0)); diff != "" || rest < 0 {
		t.Errorf("USD a million (-by hand +got), %g of it logs and data:\n%s", rest, diff)
	}
	// 512 MB cost less than 128 MB and are faster; 3,008 MB are no faster than 1,769 MB.
	if r.Chosen != "lambda-512" || r.Latency != "p99" || standings[0] != tune.Beaten || standings[1] != tune.OnFront || standings[2] != tune.OnFront || standings[3] == tune.OnFront {
		t.Errorf("chosen %q by %s, standings %q", r.Chosen, r.Latency, standings)
	}
	if diff := cmp.Diff([]string{"p99=20ms"}, r.SLO); diff != "" || *r.Configurations[0].Meets || len(r.Configurations[0].Missed) != 1 {
		t.Errorf("SLO %q, 128 MB missed %q", r.SLO, r.Configurations[0].Missed)
	}
}

// One rate is for all: a slow configuration would be cheaper otherwise, as it answers less in the same time.
func TestTuneRate(t *testing.T) {
	t.Parallel()
	run, in := swept(1, nil, []float64{40, 5}, size(128, 40*time.Millisecond), size(1769, 5*time.Millisecond))
	slowest := min(*run.Targets[0].Overall.ThroughputRPS, *run.Targets[1].Overall.ThroughputRPS)
	if r := sweep(t, run, in); *r.RateRPS != slowest {
		t.Errorf("costs are for %g/s, expected %g/s", *r.RateRPS, slowest)
	}
	in.Rate = 7
	if r := sweep(t, run, in); *r.RateRPS != 7 {
		t.Errorf("costs are for %g/s, expected 7/s", *r.RateRPS)
	}
}

// Nothing is trimmed: one request in fifty that is slow is the p99, which a mean without the slowest fifth would not show.
func TestTuneKeepsOutliers(t *testing.T) {
	t.Parallel()
	slow := size(512, 5*time.Millisecond)
	slow.Tail = 500 * time.Millisecond // one in a hundred, and more by chance
	steady := size(1024, 6*time.Millisecond)
	run, in := swept(5, p99(600*time.Millisecond), []float64{5, 5}, slow, steady)
	r := sweep(t, run, in)
	if got := *run.Targets[0].Overall.ResponseTime.Max; got < 500_000 {
		t.Fatalf("the slowest request took %g µs", got)
	}
	if r.Configurations[0].Tail.High < 100_000 || r.Configurations[1].Tail.High > 100_000 {
		t.Errorf("p99 of the one with a tail %+v, of the other %+v", r.Configurations[0].Tail, r.Configurations[1].Tail)
	}
}

// A configuration must not look fast for failing.
func TestTuneFailing(t *testing.T) {
	t.Parallel()
	failing := size(128, time.Millisecond)
	failing.FailEvery, failing.Errors = 20, []string{"status_502"}
	run, in := swept(5, p99(20*time.Millisecond), []float64{1, 9}, failing, size(512, 9*time.Millisecond))
	r := sweep(t, run, in)
	if c := r.Configurations[0]; c.Tail != nil || c.Standing != tune.Unplaced || *c.Meets || len(c.Notes) == 0 || !strings.Contains(c.Notes[0], "failed") {
		t.Errorf("%+v", c)
	}
	if r.Chosen != "lambda-512" || r.Fastest != "lambda-512" {
		t.Errorf("chosen %q, fastest %q", r.Chosen, r.Fastest)
	}
}

func TestTuneCannotTellApart(t *testing.T) {
	t.Parallel()
	run, in := swept(5, nil, []float64{5, 5}, size(128, 5*time.Millisecond), size(512, 5*time.Millisecond))
	for i := range run.Targets {
		run.Targets[i].Spec.Notes = []string{"CPU not limited (no right to make a cgroup)."}
	}
	r := sweep(t, run, in)
	if r.Apart || r.Chosen != "" || r.Fastest != "" || !strings.HasPrefix(r.Why, "CPU not limited (no right to make a cgroup): each size had all CPUs") {
		t.Errorf("apart %t, %q, chosen %q", r.Apart, r.Why, r.Chosen)
	}
	for _, c := range r.Configurations {
		if c.Standing != tune.Unplaced || c.P99 == nil {
			t.Errorf("%s is %q with p99 %v", c.Name, c.Standing, c.P99)
		}
	}
	// One size is not compared with another.
	one, in := swept(5, nil, []float64{5}, size(128, 5*time.Millisecond))
	one.Targets[0].Spec.Notes = run.Targets[0].Spec.Notes
	if r := sweep(t, one, in); !r.Apart || r.Chosen != "lambda-128" {
		t.Errorf("one size: apart %t, chosen %q", r.Apart, r.Chosen)
	}
}

func TestTuneEstimates(t *testing.T) {
	t.Parallel()
	run, in := swept(1, nil, []float64{0, 5}, resulttest.EC2(), size(512, 5*time.Millisecond))
	in.Types, in.Rate = []string{"t3.small", "c7i.xlarge", "c7g.medium"}, 100
	r := sweep(t, run, in)
	capacity := 0.
	for _, p := range run.Targets[0].Phases {
		capacity = max(capacity, *p.ThroughputRPS)
	}
	if c := r.Configurations[0]; c.USDPerMillion != nil || c.Standing != tune.Unplaced {
		t.Errorf("a process here costs %+v, standing %q", c.USDPerMillion, c.Standing)
	}
	for i, vcpu := range []float64{2, 4, 1} {
		c := r.Configurations[2+i]
		// 30 % of what one takes, in proportion to the 2 CPUs of the machine, is kept free, and two are the least.
		want := max(2, int(math.Ceil(100/(capacity*vcpu/2*0.7))))
		if c.Origin != tune.Estimated || c.Tail != nil || c.Standing != tune.Unplaced || c.Instances != want || c.VCPU != vcpu || c.USDPerMillion == nil {
			t.Errorf("%+v, expected %d instances", c, want)
		}
	}
	if notes := strings.Join(r.Configurations[4].Notes, " "); !strings.Contains(notes, "The machine here is x86_64, not arm64.") {
		t.Errorf("of another architecture it says %q", notes)
	}
	// Three instances that take 50/s each keep 30 % of it free at 100/s: 730 h a month of 2,628e5 requests.
	in.InstanceRPS = 50
	if c := sweep(t, run, in).Configurations[2]; c.Instances != 3 || strings.Contains(strings.Join(c.Notes, " "), "answered on") {
		t.Errorf("%+v", c)
	}
	if r.Chosen != "lambda-512" {
		t.Errorf("chosen is %q: what nobody measured is no choice", r.Chosen)
	}
	// Too few answers of the local process say nothing of an instance, but that is said.
	in.InstanceRPS = 0
	for i := range run.Targets[0].Phases {
		run.Targets[0].Phases[i].Successes = 1
	}
	r = sweep(t, run, in)
	if caveats := strings.Join(r.Caveats, " "); len(r.Configurations) != 2 || !strings.Contains(caveats, "Instance types are left out: the local EC2 binary has no phase that counts with 100 right answers") {
		t.Errorf("%d configurations, %q", len(r.Configurations), caveats)
	}
}

// Deployed targets have no meter: what is not known is a range that says so.
func TestTuneDeployed(t *testing.T) {
	t.Parallel()
	lambda, ec2 := size(512, 20*time.Millisecond), resulttest.EC2()
	for _, s := range []*resulttest.Service{&lambda, &ec2} {
		s.Target.Provenance, s.Target.Spec.Region = result.Measured, "eu-west-1"
	}
	lambda.Target.Kind, ec2.Target.Kind = "lambda", "ec2"
	ec2.Target.Spec.InstanceType, ec2.Target.Spec.Instances, ec2.Target.Spec.FrontDoor = "t4g.small", 2, "alb"
	run, in := swept(5, nil, []float64{0, 0}, lambda, ec2)
	r := sweep(t, run, in)
	client := *run.Targets[0].Overall.ServiceTime.Mean / 1000
	if c := r.Configurations[0]; c.BilledFrom != tune.BilledByClient || c.BilledMS.Low != 1 || math.Abs(c.BilledMS.High-client-1) > 1e-9 {
		t.Errorf("without Server-Timing: %s, %+v", c.BilledFrom, c.BilledMS)
	}
	app := result.NewHistogram()
	app.Record(4 * time.Millisecond)
	run.Targets[0].Overall.ServerTiming = result.NewServerTiming(app, nil, nil)
	r = sweep(t, run, in)
	if c := r.Configurations[0]; c.BilledFrom != tune.BilledByServer || math.Abs(c.BilledMS.Point-4.5) > 0.01 || math.Abs(c.BilledMS.High-client-1) > 1e-9 {
		t.Errorf("with Server-Timing: %s, %+v", c.BilledFrom, c.BilledMS)
	}
	// What AWS's log says takes precedence; its range is over the rounds.
	log := &result.FunctionLog{Invocations: 6000, BilledMS: 30_000, MemoryMB: 1024}
	for round := 1; round <= 5; round++ {
		log.Rounds = append(log.Rounds, result.BilledRound{Round: round, Invocations: 1200, BilledMS: 6000 + int64(round%2)*12})
	}
	run.Targets[0].CloudWatch = &result.CloudWatch{Function: log}
	if c := sweep(t, run, in).Configurations[0]; c.BilledFrom != tune.BilledByLog || c.BilledMS.Point != 5 || c.BilledMS.High <= 5 || c.BilledMS.High > 5.1 ||
		!strings.Contains(strings.Join(c.Notes, " "), "has invocations of 1024 MB in its turns") {
		t.Errorf("with AWS's log: %s, %+v, %q", c.BilledFrom, c.BilledMS, c.Notes)
	}
	if c := r.Configurations[1]; c.USDPerMillion == nil || c.USDPerMillion.Low != c.USDPerMillion.Point || c.USDPerMillion.High <= c.USDPerMillion.Point || c.VCPU != 2 {
		t.Errorf("burstable instances cost %+v: expected a range up to all of their CPU", c.USDPerMillion)
	}
	// Where it is known there is no range: 10 % of all CPU is below the baseline of a t4g.small, 20 %.
	unknown := *r.Configurations[1].USDPerMillion
	run.Targets[1].CloudWatch = &result.CloudWatch{Instances: &result.InstanceMetrics{CPUMean: new(0.1)}}
	if c := sweep(t, run, in).Configurations[1]; *c.USDPerMillion != cost.Exactly(unknown.Low) {
		t.Errorf("instances that used 10 %% of their CPU cost %+v, expected %g", c.USDPerMillion, unknown.Low)
	}
	run.Targets[1].Spec.InstanceType = "z9.huge"
	if c := sweep(t, run, in).Configurations[1]; c.USDPerMillion != nil || len(c.Notes) == 0 || c.Standing != tune.Unplaced {
		t.Errorf("an unknown type costs %+v, notes %q", c.USDPerMillion, c.Notes)
	}
}

// TestTuneSays has what a reader must know of how far the figures go.
func TestTuneSays(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(run *result.Run, in *analysis.TuneInputs)
		want   string
	}{
		"warm alone": {func(*result.Run, *analysis.TuneInputs) {}, "No counted request was cold"},
		"few rounds": {func(run *result.Run, _ *analysis.TuneInputs) { run.Rounds = 4 }, "With fewer than 5 rounds"},
		"closed":     {func(*result.Run, *analysis.TuneInputs) {}, "The load is closed"},
		"emulated":   {func(*result.Run, *analysis.TuneInputs) {}, "Emulated: real binaries"},
		"stopped":    {func(run *result.Run, _ *analysis.TuneInputs) { run.Interrupted = true }, "Stopped early"},
		"types":      {func(_ *result.Run, in *analysis.TuneInputs) { in.Types, in.InstanceRPS = []string{"t3.small"}, 50 }, "Instance types are estimated"},
		"late generator": {func(run *result.Run, _ *analysis.TuneInputs) {
			run.Generator.Verdict, run.Generator.Reasons = result.Suspect, []string{"It was late."}
		}, "It was late."},
		"too large for this machine": {func(run *result.Run, _ *analysis.TuneInputs) {
			run.Targets[1].Lambda.Concurrency = []result.ConcurrencySample{{BusyMax: 3}}
		}, "entitled to 3 CPUs and this machine has 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run, in := swept(5, nil, []float64{40, 5}, size(128, 40*time.Millisecond), size(1769, 5*time.Millisecond))
			tt.change(run, &in)
			r := sweep(t, run, in)
			text := strings.Join(append(append(r.Caveats, r.Warnings...), r.Configurations[1].Notes...), "\n")
			if !strings.Contains(text, tt.want) {
				t.Errorf("it does not say %q:\n%s", tt.want, text)
			}
		})
	}
	// With a cold request it says nothing of the kind.
	run, in := swept(5, nil, []float64{40, 5}, size(128, 40*time.Millisecond), size(1769, 5*time.Millisecond))
	run.Targets[0].ColdStarts.Requests = 1
	if text := strings.Join(sweep(t, run, in).Caveats, "\n"); strings.Contains(text, "No counted request was cold") {
		t.Errorf("it says\n%s", text)
	}
}

// Runs in which little or nothing was measured.
func TestTuneLittle(t *testing.T) {
	t.Parallel()
	run, in := swept(1, p99(time.Second), []float64{5, 5}, size(128, 5*time.Millisecond), size(512, 5*time.Millisecond))
	empty := func(s *result.Stats) { *s = result.Stats{Errors: map[string]int64{}} }
	for i := range run.Targets {
		target := &run.Targets[i]
		empty(&target.Overall)
		target.Phases, target.Lambda = []result.PhaseStats{}, nil
		for j := range target.Steps {
			empty(&target.Steps[j].Stats)
		}
	}
	run.Interrupted, run.Thresholds = true, run.Judge()
	r := sweep(t, run, in)
	if r.RateRPS != nil || r.Latency != "" || r.Chosen != "" || len(r.Configurations) != 2 {
		t.Errorf("of nothing it makes %+v", r)
	}
	few := resulttest.FourPhase(20)
	few.Phases = few.Phases[:1]
	few.Phases[0].Iterations, few.Phases[0].Workers = 30, 1
	run = resulttest.Run(few, 1, size(128, 5*time.Millisecond), size(512, 5*time.Millisecond))
	if r := sweep(t, run, in); r.Latency != "p50" || r.Configurations[0].P99 != nil || r.Configurations[0].Tail == nil {
		t.Errorf("of 60 requests the front is of %q, %+v", r.Latency, r.Configurations[0])
	}
}
