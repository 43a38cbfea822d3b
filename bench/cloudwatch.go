package main

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/cloudwatch"
	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// observation is what bench asks AWS after a run.
type observation struct {
	wait  time.Duration
	every time.Duration // 0 but in tests
}

const (
	defaultObserve = time.Minute
	longestObserve = time.Hour
)

func (o *observation) flags(f *pflag.FlagSet) {
	f.DurationVar(&o.wait, "cloudwatch-wait", defaultObserve, "how long to wait after a run on AWS for the log and the metrics of its targets, which come late; 0s does not ask for them")
}

func (o *observation) validate() error {
	if o.wait < 0 || o.wait > longestObserve {
		return fmt.Errorf("--cloudwatch-wait %s: expected 0s to %s", o.wait, longestObserve)
	}
	return nil
}

// loads is a loadgen.Observer that keeps when each target had load, and how many requests may have reached it.
type loads struct {
	warmup  []bool // by phase; nil where phases are the trials of a search, which are no rounds
	targets []targetLoad
	began   time.Time
}

type targetLoad struct {
	turns []cloudwatch.Turn
	sent  int64
}

func newLoads(c *collector, search bool) *loads {
	l := &loads{targets: make([]targetLoad, len(c.targets))}
	if !search {
		for _, p := range c.scenario.Phases {
			l.warmup = append(l.warmup, p.Warmup)
		}
	}
	return l
}

// Started implements loadgen.Observer.
func (l *loads) Started(loadgen.Turn, func() recorder.Progress) { l.began = time.Now() }

// Interval implements loadgen.Observer.
func (l *loads) Interval(loadgen.Turn, loadgen.Interval) {}

// Ended implements loadgen.Observer.
func (l *loads) Ended(t loadgen.Turn, p recorder.Phase, _ time.Duration) {
	one := &l.targets[t.Target]
	turn := cloudwatch.Turn{From: l.began, To: time.Now()}
	if l.warmup != nil && !l.warmup[t.Phase] {
		turn.Round = t.Round
	}
	one.turns = append(one.turns, turn)
	stats := p.Overall.Stats()
	one.sent += stats.Requests
	for _, kind := range unreached {
		one.sent -= stats.Errors[kind]
	}
}

// unreached are the kinds of errors of requests that have surely not become an invocation.
var unreached = []string{result.KindUnsent, loadgen.KindGenerator, "dns", "connect", "tls", "request", "status_429"}

// burstable types have CPU credits: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html
var burstable = regexp.MustCompile(`^t[0-9]`)

// observed is what to ask AWS about a target; without a group it is nothing.
func (l *targetLoad) observed(s *target.Spec) cloudwatch.Target {
	t := cloudwatch.Target{Name: s.Name, Region: s.Region, Turns: l.turns, Sent: l.sent}
	switch s.Kind {
	case target.KindLambda:
		t.LogGroup, t.FunctionName = s.LogGroup, s.FunctionName
		if t.LogGroup == "" && s.FunctionName != "" {
			t.LogGroup = "/aws/lambda/" + s.FunctionName // unless one was named when the function was made
		}
	case target.KindEC2:
		t.AutoScalingGroup, t.InstanceID = s.AutoScalingGroup, s.InstanceID
		t.Burstable = burstable.MatchString(s.InstanceType) || s.CreditMode != ""
	}
	return t
}

// observe adds to a result what AWS tells of its targets. It never fails: what is missing is noted in the result. drain ends it early.
func (o *observation) observe(ctx context.Context, drain <-chan struct{}, r *result.Run, specs []target.Spec, l *loads, show *display) {
	if len(specs) != len(r.Targets) {
		return // they are the local ones
	}
	targets := make([]cloudwatch.Target, len(specs))
	some := false
	for i := range specs {
		targets[i] = l.targets[i].observed(&specs[i])
		some = some || cmp.Or(targets[i].LogGroup, targets[i].AutoScalingGroup, targets[i].InstanceID) != ""
	}
	var found []*result.CloudWatch
	if some && o.wait > 0 {
		show.asking.Store(true)
		defer show.asking.Store(false)
		show.say("CloudWatch: reading what AWS knows of this run, for up to %s; Ctrl-C goes on without", o.wait)
		found = cloudwatch.Read(ctx, targets, cloudwatch.Options{Wait: o.wait, Every: o.every, Stop: drain, Say: show.say, Now: time.Now})
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		if found != nil {
			t.CloudWatch = found[i]
		}
		if t.CloudWatch != nil {
			for _, note := range t.CloudWatch.Notes {
				show.say("CloudWatch: %s", note)
			}
			if f := t.CloudWatch.Function; f != nil {
				show.say("CloudWatch: %s: %s for %s, %s of them cold, %s GB-seconds billed", t.Name,
					numeral.Plural(f.Invocations, "invocation"), numeral.Plural(f.Sent, "request"), numeral.Whole(f.Cold), numeral.Digits(f.BilledGBSeconds))
			}
			continue
		}
		if specs[i].Kind == target.KindLambda && len(l.targets[i].turns) > 0 {
			t.CloudWatch = o.unasked(&targets[i])
		}
	}
}

// unasked says why nobody asked what a function was billed.
func (o *observation) unasked(t *cloudwatch.Target) *result.CloudWatch {
	why := "no request reached it"
	switch {
	case t.LogGroup == "":
		why = "its targets file names neither log_group nor function_name, where it would be read"
	case o.wait == 0:
		why = "CloudWatch was not asked (--cloudwatch-wait 0s)"
	}
	return &result.CloudWatch{
		From: t.Turns[0].From.UTC().Truncate(time.Millisecond), To: t.Turns[len(t.Turns)-1].To.UTC().Truncate(time.Millisecond),
		Notes: []string{fmt.Sprintf("%s: what it was billed is not known: %s.", t.Name, why)},
	}
}
