package main

import (
	"fmt"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// collector turns what the generator records into a result, turn by turn, so that at any time what was measured is complete.
type collector struct {
	scenario *scenario.Scenario
	targets  []*target.Target
	totals   []totals // by target
	results  []result.Target
	before   vitals // at the start of the turn
	files    int64  // the most that were open at the end of a turn; 0 if unknown
	began    time.Time
	meters   []meters // by target
	loads    *loads   // nil in tests
	// capacities of the targets; nil without a search for them
	capacities []*result.Capacity
}

// totals are the sums over all phases that count.
type totals struct {
	overall recorder.Set
	steps   []recorder.Set
	cold    *result.Histogram
	strain  strain
}

func newCollector(s *scenario.Scenario, targets []*target.Target) *collector {
	c := &collector{scenario: s, targets: targets, totals: make([]totals, len(targets)), meters: make([]meters, len(targets)), began: time.Now()}
	for i, t := range targets {
		c.totals[i].steps = make([]recorder.Set, len(s.Steps))
		c.results = append(c.results, result.Target{
			Name: t.Name, Kind: t.Kind, URL: t.URL, Provenance: t.Provenance, Spec: t.Spec,
			Phases: []result.PhaseStats{}, Examples: []result.ErrorSample{},
		})
	}
	return c
}

// Started implements loadgen.Observer.
func (c *collector) Started(loadgen.Turn, func() recorder.Progress) {
	c.before = takeVitals()
}

// Interval implements loadgen.Observer.
func (c *collector) Interval(loadgen.Turn, loadgen.Interval) {}

// Ended implements loadgen.Observer.
func (c *collector) Ended(t loadgen.Turn, p recorder.Phase, spun time.Duration) {
	c.totals[t.Target].strain.add(c.before, takeVitals(), spun)
	c.countFiles()
	c.count(t, c.scenario.Phases[t.Phase], &p)
	c.sample()
}

// count adds what was recorded in a turn.
func (c *collector) count(t loadgen.Turn, phase scenario.Phase, p *recorder.Phase) {
	r, sum := &c.results[t.Target], &c.totals[t.Target]
	r.Phases = append(r.Phases, phaseStats(phase, t, p.Overall.Stats()))
	for _, f := range p.Failures {
		c.example(r, phase.Name, f)
	}
	if !phase.Warmup {
		sum.overall.Merge(&p.Overall)
		for i := range p.Steps {
			sum.steps[i].Merge(&p.Steps[i])
		}
		if p.Cold != nil {
			if sum.cold == nil {
				sum.cold = result.NewHistogram()
			}
			sum.cold.Merge(p.Cold)
		}
	}
}

// phaseStats is a turn as result files have it.
func phaseStats(p scenario.Phase, t loadgen.Turn, s result.Stats) result.PhaseStats {
	out := result.PhaseStats{Name: p.Name, Warmup: p.Warmup, Round: t.Round, Turn: t.Place, Workers: p.Workers, Stats: s}
	if p.Rate != nil {
		out.RateRPS = &p.Rate.From
		if p.Rate.To != p.Rate.From {
			out.RateEndRPS = &p.Rate.To
		}
	}
	return out
}

// example keeps the first failure of each kind.
func (c *collector) example(r *result.Target, phase string, f recorder.Failure) {
	for _, e := range r.Examples {
		if e.Kind == f.Kind {
			return
		}
	}
	r.Examples = append(r.Examples, result.ErrorSample{
		Kind: f.Kind, Phase: phase, Step: c.scenario.Steps[f.Step].Name, Detail: f.Detail,
	})
}

// finish gives the results of all targets. warmed is how many environments of each the check had started; its errors are those
// of local Lambda services that no longer answer, whose meters are then missing.
func (c *collector) finish(warmed []int64) ([]result.Target, []error) {
	var errs []error
	for i := range c.results {
		r, sum := &c.results[i], &c.totals[i]
		r.Overall = sum.overall.Stats()
		r.Steps = make([]result.StepStats, 0, len(sum.steps))
		for j := range sum.steps {
			r.Steps = append(r.Steps, result.StepStats{Name: c.scenario.Steps[j].Name, Stats: sum.steps[j].Stats()})
		}
		meter, err := c.meters[i].close(c.targets[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("target %s: %w", r.Name, err))
		}
		if meter != nil {
			r.Lambda, r.Spec.Notes = c.meters[i].lambda(meter, r.Spec.MemoryMB), c.targets[i].Notes(meter)
		}
		r.ColdStarts = coldStarts(c.targets[i], sum.cold, warmed[i], meter)
	}
	return c.results, errs
}

// coldStarts is nil for a target that shows no sign of having any. meter is nil if the target has none, or its service has ended.
func coldStarts(t *target.Target, seen *result.Histogram, warmed int64, meter *target.MeterReport) *result.ColdStarts {
	c := &result.ColdStarts{WarmedByCheck: warmed, ResponseTime: seen.Summary()}
	c.Requests = c.ResponseTime.Count
	if meter == nil {
		if !t.Metered() && c.Requests == 0 && warmed == 0 && t.Kind != target.KindLambda {
			return nil
		}
		return c
	}
	inits := result.NewHistogram()
	for _, us := range meter.InitUS {
		inits.Record(time.Duration(us) * time.Microsecond)
	}
	summary, most := inits.Summary(), int64(meter.MaxEnvironments)
	c.Environments, c.Init, c.MaxConcurrent = &meter.ColdStarts, &summary, &most
	return c
}
