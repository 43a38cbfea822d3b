package analysis_test

import (
	"math"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

func costRun() *result.Run {
	run := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda())
	run.Targets[1].Lambda = &result.Lambda{Invocations: 105, Unsettled: 5, BilledMS: 1250, MemoryMB: 512, Errors: map[string]int64{}}
	return run
}

func TestCostInputs(t *testing.T) {
	t.Parallel()
	run := costRun()
	in := analysis.CostInputsOf(run)
	if in.LambdaName != "lambda" || in.EC2Name != "ec2" || in.Arch != cost.X86 || in.EC2Arch != cost.X86 {
		t.Errorf("%+v", in)
	}
	// 1,250 ms over the 100 invocations whose bill is known.
	if in.BilledMS == nil || in.BilledMS.Point != 12.5 {
		t.Errorf("billed %v", in.BilledMS)
	}
	best := 0.0
	for _, p := range run.Targets[0].Phases {
		best = max(best, *p.ThroughputRPS)
	}
	if in.Capacity == nil || in.Capacity.Point != best || !in.AtLeast || in.Rate == nil || float64(*in.Rate) != *run.Targets[1].Overall.ThroughputRPS {
		t.Errorf("capacity %v, expected the best phase's %g; rate %v", in.Capacity, best, in.Rate)
	}
	if text := strings.Join(in.Caveats, "\n"); !strings.Contains(text, "was not searched for") || !strings.Contains(text, "emulated on the local Lambda service") {
		t.Errorf("caveats:\n%s", text)
	}
	if in.LambdaMeets != nil || in.EC2Meets != nil {
		t.Error("an SLO is said to be kept where there is none")
	}
}

// TestReachedCapacityIsOfAllRounds: one short turn that was fast by chance is no capacity.
func TestReachedCapacityIsOfAllRounds(t *testing.T) {
	t.Parallel()
	run := resulttest.Run(resulttest.FourPhase(20), 3, resulttest.EC2(), resulttest.Lambda())
	type turn struct{ successes, wall float64 }
	// loading: 300 answers in 3 s; peak: 100 in 2 s, of which a turn had 90 in 0.1 s.
	for name, turns := range map[string][]turn{"warmup": {{1, 1}, {1, 1}, {1, 1}}, "loading": {{100, 1}, {80, 1}, {120, 1}}, "peak": {{90, 0.1}, {5, 0.9}, {5, 1}}, "cooldown": {{10, 1}, {10, 1}, {10, 1}}} {
		for i := range run.Targets[0].Phases {
			if p := &run.Targets[0].Phases[i]; p.Name == name {
				of := turns[p.Round-1]
				p.Successes, p.WallS, p.ThroughputRPS = int64(of.successes), &of.wall, new(of.successes/of.wall)
			}
		}
	}
	in := analysis.CostInputsOf(run)
	if want := (cost.Interval{Low: 80, Point: 100, High: 120}); in.Capacity == nil || *in.Capacity != want {
		t.Errorf("capacity %v, expected %v", in.Capacity, want)
	}
	if text := strings.Join(in.Caveats, "\n"); !strings.Contains(text, "the 100/s (80.0 to 120/s by round) that it answered in the phase loading") {
		t.Errorf("caveats:\n%s", text)
	}
	// Of several instances it is what each of them took.
	run.Targets[0].Spec.Instances = 4
	if in = analysis.CostInputsOf(run); *in.Capacity != (cost.Interval{Low: 20, Point: 25, High: 30}) {
		t.Errorf("capacity %v", in.Capacity)
	}
}

func TestCapacityOfAnInstance(t *testing.T) {
	t.Parallel()
	run := costRun()
	ec2 := &run.Targets[0]
	ec2.Spec.Instances, ec2.Spec.InstanceType = 2, "t4g.small"
	ec2.Capacity = &result.Capacity{KeptRPS: new(400.0), MissedRPS: new(420.0), LowRPS: new(380.0), HighRPS: new(440.0), LimitedBy: result.LimitTarget}
	in := analysis.CostInputsOf(run)
	if want := (cost.Interval{Low: 190, Point: 200, High: 220}); in.Capacity == nil || *in.Capacity != want || in.AtLeast {
		t.Errorf("capacity %v, at least %t; expected %v", in.Capacity, in.AtLeast, want)
	}
	if in.EC2Meets == nil || !*in.EC2Meets {
		t.Error("at its capacity it keeps the SLO")
	}
	// Of a chain of two requests each.
	run.Scenario.Steps[0].Capture = []scenario.Capture{{Name: "id", Header: "location"}}
	ec2.Capacity.LimitedBy, ec2.Capacity.LowRPS, ec2.Capacity.HighRPS = result.LimitGenerator, nil, nil
	if in = analysis.CostInputsOf(run); *in.Capacity != cost.Exactly(400) || !in.AtLeast {
		t.Errorf("capacity %v, at least %t", in.Capacity, in.AtLeast)
	}
	ec2.Capacity.KeptRPS, ec2.Capacity.LimitedBy, ec2.Capacity.MissedRPS = nil, result.LimitTarget, new(2.)
	if in = analysis.CostInputsOf(run); in.EC2Meets == nil || *in.EC2Meets {
		t.Error("no rate kept the SLO")
	}
}

// TestFewAnswersAreNoCapacity: twelve answers within a millisecond are no 13,000 a second that an instance takes.
func TestFewAnswersAreNoCapacity(t *testing.T) {
	t.Parallel()
	run := resulttest.Run(resulttest.FourPhase(20), 2, resulttest.EC2(), resulttest.Lambda())
	run.Targets[1].Lambda = resulttest.Meter()
	answer := func(n int64) {
		for i := range run.Targets[0].Phases {
			p, wall := &run.Targets[0].Phases[i], 0.001
			p.Successes, p.WallS, p.ThroughputRPS = n, &wall, new(float64(n)/wall)
		}
	}
	answer(12)
	m := compare(t, run)
	if in := analysis.CostInputsOf(run); in.Capacity != nil || !strings.Contains(strings.Join(m.Verdict.Caveats, " "), "no phase that counts has 100 right answers") {
		t.Errorf("capacity %v; caveats %q", in.Capacity, m.Verdict.Caveats)
	}
	if v := m.Verdict; v.LambdaBelow != nil || v.EC2Above != nil || !strings.Contains(v.Text, "how much one instance of ec2 takes is not known") {
		t.Errorf("the verdict knows more than that: %s", v.Text)
	}
	answer(50) // in each of two rounds
	if in := analysis.CostInputsOf(run); in.Capacity == nil || in.Capacity.Point != 50_000 {
		t.Errorf("capacity %v of 100 answers in 2 ms", in.Capacity)
	}
}

// TestInitsInTheBilledTime are named where they are much of it: how many there are depends on the rate.
func TestInitsInTheBilledTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ms    int64
		named string
	}{{0, ""}, {62, ""}, {625, "lambda: 50.0 % of the billed time is inits"}} {
		run := costRun()
		run.Targets[1].Lambda.InitBilledMS = c.ms
		if text := strings.Join(analysis.CostInputsOf(run).Caveats, " "); !strings.Contains(text, c.named) || strings.Contains(text, "of the billed time is inits") != (c.named != "") {
			t.Errorf("of %d ms: %s", c.ms, text)
		}
	}
}

func TestCostInputsOfRunsThatLackThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change           func(*result.Run)
		billed, capacity bool
	}{
		"no targets":       {func(r *result.Run) { r.Targets = nil }, false, false},
		"only a function":  {func(r *result.Run) { r.Targets = r.Targets[1:] }, true, false},
		"only an instance": {func(r *result.Run) { r.Targets = r.Targets[:1] }, false, true},
		"no meter":         {func(r *result.Run) { r.Targets[1].Lambda = nil }, false, true},
		"too few billed":   {func(r *result.Run) { r.Targets[1].Lambda.Unsettled = 6 }, false, true},
		"nothing billed":   {func(r *result.Run) { r.Targets[1].Lambda.Unsettled = 105 }, false, true},
		"nothing answered": {func(r *result.Run) {
			for i := range r.Targets[0].Phases {
				r.Targets[0].Phases[i].ThroughputRPS = nil
			}
		}, true, false},
		"only warm-up": {func(r *result.Run) {
			for i := range r.Targets[0].Phases {
				r.Targets[0].Phases[i].Warmup = true
			}
		}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := costRun()
			c.change(run)
			in := analysis.CostInputsOf(run)
			if (in.BilledMS != nil) != c.billed || (in.Capacity != nil) != c.capacity {
				t.Errorf("billed %v, capacity %v", in.BilledMS, in.Capacity)
			}
			if in.BilledMS != nil && math.IsNaN(in.BilledMS.Point) {
				t.Error("NaN")
			}
		})
	}
}

func TestKeepingTheSLO(t *testing.T) {
	t.Parallel()
	run := costRun()
	run.Thresholds = []result.Threshold{{Target: "ec2", Met: true}, {Target: "ec2", Phase: "peak"}, {Target: "lambda", Met: true}, {Target: "lambda"}}
	in := analysis.CostInputsOf(run)
	if in.EC2Meets == nil || !*in.EC2Meets || in.LambdaMeets == nil || *in.LambdaMeets {
		t.Errorf("ec2 %v, lambda %v: the total counts, and all of its limits", in.EC2Meets, in.LambdaMeets)
	}
	run.Targets[1].Overall = result.Stats{Errors: map[string]int64{}}
	if in = analysis.CostInputsOf(run); in.LambdaMeets != nil {
		t.Errorf("lambda %v, and it got no requests", *in.LambdaMeets)
	}
}
