package report_test

import (
	"strings"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

func normal() *result.Run {
	return resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda())
}

func withErrors() *result.Run {
	s := resulttest.FourPhase(20)
	s.Name = "own-scenario"
	s.Phases[0].Warmup = true
	ec2, lambda := resulttest.EC2(), resulttest.Lambda()
	ec2.FailEvery, ec2.Errors = 700, []string{"mismatch"}
	lambda.FailEvery, lambda.Errors = 90, []string{"status_503", "timeout", "mismatch"}
	run := resulttest.Run(s, 1, ec2, lambda)
	cold, started := result.NewHistogram(), result.NewHistogram()
	for i := range 20 {
		cold.Record(time.Duration(41+i) * time.Millisecond)
		started.Record(time.Duration(31+i) * time.Millisecond)
	}
	environments, concurrent, init := int64(21), int64(20), started.Summary()
	run.Targets[1].ColdStarts = &result.ColdStarts{
		Requests: 20, WarmedByCheck: 1, ResponseTime: cold.Summary(),
		Environments: &environments, MaxConcurrent: &concurrent, Init: &init,
	}
	run.Targets[1].Lambda = resulttest.Meter()
	run.Generator.Verdict, run.Generator.Reasons = result.Suspect, []string{"the generator used 84 % of all CPUs"}
	run.CheckSkipped = true
	run.Warnings = []string{"The clock of the machine was set back by 2 s while the run was going."}
	return run
}

// interrupted stopped in the second phase, before the second target had its turn.
func interrupted() *result.Run {
	run := normal()
	run.Interrupted = true
	for i := range run.Targets {
		t := &run.Targets[i]
		t.Phases, t.Steps = t.Phases[:2-i], t.Steps[:0]
		t.Overall = t.Phases[0].Stats
	}
	empty := result.Stats{Errors: map[string]int64{}}
	run.Targets[0].Phases[1].Stats = empty
	run.Targets[1].Overall = empty
	run.Targets[1].Phases[0].Stats = empty
	return run
}

func single() *result.Run {
	return resulttest.Run(resulttest.FourPhase(100), 1, resulttest.EC2())
}

func three() *result.Run {
	far := resulttest.EC2()
	far.Target = result.Target{
		Name: "ec2-behind-a-load-balancer", Kind: "url", URL: "https://app.example.com", Provenance: result.Measured,
		Spec: result.Spec{Region: "us-east-1", Arch: "arm64", InstanceType: "t4g.small", Instances: 2, FrontDoor: "alb"},
	}
	far.Base = 31 * time.Millisecond
	return resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda(), far)
}

// urls are two targets of which bench knows nothing but a loopback URL. The second is an emulated Lambda, which its answers
// tell; all of its cold starts but one were in the warm-up phase.
func urls() *result.Run {
	s := resulttest.FourPhase(20)
	s.Name = "mine"
	s.Steps[0].BodyFile = "body.txt"
	s.Phases = s.Phases[:2]
	s.Phases[0].Warmup, s.Phases[0].Duration = true, scenario.Duration(time.Second)
	one, two := resulttest.EC2(), resulttest.Lambda()
	one.Target.Kind, two.Target.Kind, two.Target.Provenance = "url", "url", result.Measured
	two.Target.Spec = result.Spec{}
	run := resulttest.Run(s, 1, one, two)
	run.Scenario.Phases[0].Iterations = 0 // a clock ended it
	run.ScenarioSource = result.FromFile
	run.Environment.Redis = &result.Redis{Kind: "external", Version: "7.0.15", URL: "redis://127.0.0.1:6390"}
	run.Generator.Verdict = result.Suspect
	run.Generator.Reasons = []string{"The generator used more than half of the machine's CPU time on a target: answers waited for the generator."}
	cold := result.NewHistogram()
	cold.Record(51 * time.Millisecond)
	run.Targets[1].ColdStarts = &result.ColdStarts{Requests: 1, WarmedByCheck: 1, ResponseTime: cold.Summary()}
	return run
}

func rounds() *result.Run {
	return resulttest.Run(resulttest.FourPhase(20), 3, resulttest.EC2(), resulttest.Lambda())
}

// compared has rounds enough to tell: of a target that is clearly different, and of one that may be.
func compared() *result.Run {
	ec2, lambda, twin := resulttest.EC2(), resulttest.Lambda(), resulttest.EC2()
	us := time.Microsecond
	ec2.PerRound = []time.Duration{0, 100 * us, 40 * us, 160 * us, 20 * us, 300 * us}
	lambda.PerRound = []time.Duration{0, 100 * us, 60 * us, 190 * us, 20 * us, 330 * us}
	twin.PerRound = []time.Duration{90 * us, 10 * us, 130 * us, 210 * us, 0, 290 * us}
	twin.Target.Name = "twin"
	lambda.FailEvery, lambda.Errors = 90, []string{"status_503"}
	run := resulttest.Run(resulttest.FourPhase(20), 6, ec2, lambda)
	other := resulttest.Run(resulttest.FourPhase(20), 6, ec2, twin)
	run.Targets = append(run.Targets, other.Targets[1])
	return run
}

// cold has cold requests enough to say how slow they are, and answers that tell where their time went.
func cold() *result.Run {
	run := normal()
	t := &run.Targets[1]
	all, err := t.Overall.ResponseTime.Decode()
	if err != nil {
		panic(err)
	}
	times, app, store, started := result.NewHistogram(), result.NewHistogram(), result.NewHistogram(), result.NewHistogram()
	for i := range 60 {
		times.Record(time.Duration(200+3*i) * time.Millisecond)
		started.Record(time.Duration(90+i) * time.Millisecond)
	}
	all.Merge(times)
	o := &t.Overall
	o.Requests, o.Successes, o.ResponseTime = o.Requests+60, o.Successes+60, all.Summary()
	o.ServiceTime = o.ResponseTime
	for i := range o.Successes {
		app.Record(900 * time.Microsecond)
		if i%2 == 0 {
			store.Record(300 * time.Microsecond)
		}
	}
	o.ServerTiming = result.NewServerTiming(app, store, started)
	t.ColdStarts = &result.ColdStarts{Requests: 60, ResponseTime: times.Summary()}
	return run
}

const nastyText = "a|b `c` <img src=x> *d* [e](f)\r\n# g \x1b[31mred\x1b[0m \u202eback 日本 \xff"

func nasty() *result.Run {
	s := resulttest.FourPhase(20)
	s.Name = nastyText
	s.Steps[0].Name, s.Steps[0].Body = nastyText, []byte("```\n"+nastyText)
	s.Phases[1].Name = nastyText
	one, two := resulttest.EC2(), resulttest.Lambda()
	one.Target.Name, two.Target.Name = nastyText, "; rm -rf '$HOME' "+strings.Repeat("x", 500)
	two.Target.URL, two.Target.Kind = "http://h|h/\x07", "<kind>"
	two.Target.Spec.Notes = []string{nastyText}
	two.FailEvery, two.Errors = 50, []string{nastyText}
	run := resulttest.Run(s, 1, one, two)
	run.Targets[1].Examples[0].Detail = nastyText + strings.Repeat("y", 900)
	run.Generator.Verdict, run.Generator.Reasons = result.Invalid, []string{nastyText}
	run.Warnings = []string{nastyText}
	run.Environment.Redis = nil
	return run
}

func limits() scenario.SLO {
	return scenario.SLO{
		{Metric: scenario.MetricP99, Limit: 50_000}, {Metric: scenario.MetricP999, Limit: 250_000}, {Metric: scenario.MetricErrorRate, Limit: 0.001},
	}
}

// queueing is an open load on a target that stalls, so that what is due waits for a connection, and on one that does not. There is
// a phase that ramps, and one without load.
func queueing() *result.Run {
	s := resulttest.OpenLoad(10, scenario.Rate{From: 200, To: 200}, scenario.Rate{}, scenario.Rate{From: 50, To: 400})
	s.Name, s.SLO = "stall", limits()
	ec2, lambda := resulttest.EC2(), resulttest.Lambda()
	ec2.Stall = 2 * time.Second
	run := resulttest.Run(s, 1, ec2, lambda)
	spun, machine := 0.31, 0.645
	files, limit := int64(31), int64(1024)
	run.Generator.SpunFraction, run.Generator.MachineCPUFraction = &spun, &machine
	run.Generator.GCPauses = &result.Pauses{Count: 14, TotalUS: 1900, MaxUS: 310}
	run.Generator.OpenFiles, run.Generator.OpenFilesLimit = &files, &limit
	return run
}

// unsent is an open load that the second target cannot take, over several rounds; the generator was late, too.
func unsent() *result.Run {
	s := resulttest.OpenLoad(2, scenario.Rate{From: 100, To: 100}, scenario.Rate{From: 100, To: 1500})
	s.Name, s.SLO, s.Phases[0].Warmup, s.FreshConnections = "overload", limits(), true, true
	run := resulttest.Run(s, 2, resulttest.EC2(), resulttest.Lambda())
	run.Generator.Verdict = result.Invalid
	run.Generator.Reasons = []string{"Requests were sent late: 12 ms at p99, which is more than a tenth of the response time."}
	for i := range run.Targets {
		o := &run.Targets[i].Overall
		tls := o.ConnectTime
		o.TLSTime = &tls
	}
	return run
}

// capacity is a search for it: the figures are of each target at the rate that it kept.
func capacity() *result.Run {
	s := resulttest.OpenLoad(10, scenario.Rate{From: 200, To: 200})
	s.Name, s.SLO = "capacity", limits()
	run := resulttest.Run(s, 3, resulttest.EC2(), resulttest.Lambda())
	trial := func(rate float64, met bool, p99 float64) result.Trial {
		achieved, median, lag := rate*0.999, 2000., 40.
		t := result.Trial{RateRPS: rate, Met: met, AchievedRPS: &achieved, P50: &median, P99: &p99, Requests: int64(5 * rate), SendLagP99: &lag}
		if !met {
			t.Behind, t.Errors, t.Unsent = true, 31, 30
		}
		return t
	}
	rates := func(kept, missed, low, high float64) *result.Capacity {
		return &result.Capacity{
			SLO: s.SLO, KeptRPS: &kept, MissedRPS: &missed, LowRPS: &low, HighRPS: &high, LimitedBy: result.LimitTarget, Converged: true,
			Trials: []result.Trial{trial(50, true, 4100), trial(missed, false, 900_000), trial(kept, true, 21_000)},
		}
	}
	run.Targets[0].Capacity, run.Targets[1].Capacity = rates(4100, 4250, 4000, 4300), rates(1730, 1810, 1730, 1810)
	run.Targets[1].Capacity.Trials[1].GeneratorLimited = true
	return run
}

// cut was rendered from the journal of a run that was killed.
func cut() *result.Run {
	run := interrupted()
	run.Generator = result.Generator{Verdict: result.Suspect, Reasons: []string{"Whether the load generator kept up is not known: its health is written at the end of each phase."}}
	run.Warnings = []string{"The run was cut off; this is what its journal holds, up to second 1 of phase loading of ec2."}
	return run
}

// deployed ran on AWS, which has told of it. The instance has spent its CPU credits.
func deployed() *result.Run {
	return resulttest.Deployed(resulttest.Run(resulttest.FourPhase(20), 6, resulttest.EC2(), resulttest.Lambda()))
}

// forbidden ran on AWS too, which has told nothing.
func forbidden() *result.Run {
	run := deployed()
	run.Targets[0].CloudWatch.Instances, run.Targets[1].CloudWatch.Function = nil, nil
	run.Targets[0].CloudWatch.Notes = []string{"ec2: the CPU of its instances is not known: the credentials lack the permission cloudwatch:GetMetricData in us-east-1."}
	run.Targets[1].CloudWatch.Notes = []string{"lambda: what it was billed is not known: the credentials lack the permission logs:FilterLogEvents on the log group /aws/lambda/app in us-east-1."}
	return run
}

func runs() map[string]func() *result.Run {
	return map[string]func() *result.Run{
		"deployed": deployed, "forbidden": forbidden,
		"cold": cold, "compared": compared, "queueing": queueing, "unsent": unsent, "capacity": capacity, "cut": cut,
		"normal": normal, "errors": withErrors, "interrupted": interrupted, "single": single, "three": three, "rounds": rounds, "nasty": nasty, "urls": urls,
	}
}
