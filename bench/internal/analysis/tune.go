package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/stats"
	"github.com/crossover-bench/crossover/bench/internal/tune"
)

// TuneInputs are what a sweep over configurations knows beside its run, whose targets are the configurations.
type TuneInputs struct {
	Prices *cost.Table
	// Region of the prices where a target does not tell; empty is us-east-1.
	Region string
	// Rate in requests/s that costs are for; 0 is that of the load: the lowest throughput of all configurations.
	Rate cost.RPS
	// Bills are what the meter of a target counted in each of its rounds, by target; nil for one without a meter.
	Bills [][]RoundBill
	// Types of instances that are estimated. InstanceRPS is the rate in requests/s that one of each takes; 0 scales what a local process
	// answered to its vCPUs.
	Types       []string
	InstanceRPS float64
}

// RoundBill is what a meter counted in a round, warm-up phases and inits included.
type RoundBill struct{ Invocations, BilledMS int64 }

// sweep is a run whose targets are configurations.
type sweep struct {
	TuneInputs
	run   *result.Run
	model *Model
	out   *tune.Result
}

// Tune says which configurations are on the Pareto front of cost against latency, and which is the cheapest that will do.
func Tune(run *result.Run, in TuneInputs) (*tune.Result, error) {
	m, err := Compare(run)
	if err != nil {
		return nil, err
	}
	if in.Region == "" {
		in.Region = assumedRegion
	}
	s := &sweep{in, run, m, &tune.Result{
		SchemaVersion: tune.SchemaVersion, StartedAt: run.StartedAt, Scenario: run.Scenario.Name, Seed: run.Seed, Rounds: run.Rounds, Interrupted: run.Interrupted,
		PricesWritten: in.Prices.Written, SLO: []string{}, Apart: true, Front: []string{}, Configurations: []tune.Configuration{}, Warnings: []string{}, Caveats: []string{},
	}}
	if run.Generator.Verdict != result.Valid {
		s.out.Warnings = append(s.out.Warnings, run.Generator.Reasons...)
	}
	for _, t := range run.Scenario.SLO {
		s.out.SLO = append(s.out.SLO, t.String())
	}
	s.rate()
	s.latency()
	for i := range run.Targets {
		s.out.Configurations = append(s.out.Configurations, s.configuration(i))
	}
	s.estimates()
	s.apart()
	s.caveats()
	s.out.Place()
	return s.out, nil
}

// rate that all costs are for: one for all, or a configuration would be cheaper for being slower.
func (s *sweep) rate() {
	rate := float64(s.Rate)
	for i := range s.run.Targets {
		if v := s.run.Targets[i].Overall.ThroughputRPS; s.Rate == 0 && v != nil && *v > 0 && (rate == 0 || *v < rate) {
			rate = *v
		}
	}
	if rate > 0 {
		s.out.RateRPS = &rate
	}
}

// latency is the highest percentile, p99 at most, of which each configuration that answered anything has a figure.
func (s *sweep) latency() {
	for _, key := range []string{"p99", "p95", "p90", "p50"} {
		row, ok := Find(s.model.Totals, key)
		all, some := true, false
		for i := range row.Cells {
			answered := s.run.Targets[i].Overall.Successes > 0
			some = some || answered
			all = all && (!answered || row.Cells[i].Value.Valid())
		}
		if ok && all && some {
			s.out.Latency = key
			return
		}
	}
}

func (s *sweep) configuration(target int) tune.Configuration {
	t := &s.run.Targets[target]
	c := tune.Configuration{
		Name: t.Name, Function: t.Kind == "lambda" || t.Kind == "bootstrap", Origin: tune.Measured,
		InstanceType: t.Spec.InstanceType, Requests: t.Overall.Requests, Errors: t.Overall.Requests - t.Overall.Successes,
		ThroughputRPS: t.Overall.ThroughputRPS, Meets: keeps(s.run, t),
	}
	if t.Provenance == result.Emulated {
		c.Origin = tune.Emulated
	}
	figure := func(key string) *float64 {
		row, _ := Find(s.model.Totals, key)
		if len(row.Cells) == 0 {
			return nil
		}
		v, ok := row.Cells[target].Value.Get()
		if !ok {
			return nil
		}
		return &v
	}
	c.P50, c.P99 = figure("p50"), figure("p99")
	if v := figure(s.out.Latency); v != nil {
		if s.fails(t) {
			c.Notes = append(c.Notes, fmt.Sprintf("Its %s over all requests is that of a failed one: %d of %d failed.", s.out.Latency, c.Errors, c.Requests))
		} else {
			c.Tail = s.ranged(*v, series(s.model.Rounds, s.out.Latency, target))
		}
	}
	if t.Capacity != nil && c.Meets == nil {
		c.Notes = append(c.Notes, "Whether it keeps the SLO is not known: "+untold(t)+".")
	}
	for i := range s.run.Thresholds {
		if th := &s.run.Thresholds[i]; th.Target == t.Name && th.Phase == "" && !th.Met {
			c.Missed = append(c.Missed, missedWords(th))
		}
	}
	if c.Function {
		c.MemoryMB, c.VCPU = t.Spec.MemoryMB, tune.VCPU(t.Spec.MemoryMB)
		s.function(&c, t, target)
	} else {
		c.Instances, c.VCPU = t.Spec.Instances, float64(s.Prices.Instances[t.Spec.InstanceType].VCPU)
		s.instances(&c, t)
	}
	return c
}

// fails says that so many requests failed that the percentile over all of them is a failed one's: times are those of right answers, and a
// configuration must not look fast for failing.
func (s *sweep) fails(t *result.Target) bool {
	failed := t.Overall.Requests - t.Overall.Successes
	return failed*1000 > t.Overall.Requests*(1000-quantileOf(s.out.Latency).perMille)
}

// ranged is a figure with its 95 % interval over the rounds, which needs five of them. It always holds the figure itself, which is of all
// rounds together.
func (s *sweep) ranged(v float64, rounds []float64) *cost.Interval {
	i := cost.Exactly(v)
	ones := make([]float64, len(rounds))
	for n := range ones {
		ones[n] = 1
	}
	if c := stats.Paired(ones, rounds, stats.Measure{Scale: stats.Ratio, Resolution: bucketWidth}); c.Interval != nil {
		i.Low, i.High = min(v, c.Interval.Low), max(v, c.Interval.High)
	}
	return &i
}

// apart is false where local functions of several sizes had all the CPU of the machine each.
func (s *sweep) apart() {
	sizes := map[int]bool{}
	why := ""
	for i := range s.run.Targets {
		t := &s.run.Targets[i]
		if t.Provenance != result.Emulated {
			continue
		}
		sizes[t.Spec.MemoryMB] = true
		notes := t.Spec.Notes
		if t.Lambda != nil {
			notes = slices.Concat(notes, t.Lambda.Notes)
		}
		if n := slices.IndexFunc(notes, func(note string) bool { return strings.HasPrefix(note, "CPU not limited") }); n >= 0 {
			why = strings.TrimSuffix(notes[n], ".")
		}
	}
	if why != "" && len(sizes) > 1 {
		s.out.Apart, s.out.Why = false, why+": each size had all CPUs of this machine, so that the sizes cannot be told apart. It takes the right to make a cgroup (as root, or delegated)."
	}
}
