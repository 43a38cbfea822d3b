package analysis

import (
	"fmt"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// capacity of one instance: what a search found, or else the highest rate that a phase reached.
func (in *CostInputs) capacity(run *result.Run, t *result.Target) {
	each := 1.0
	if t.Spec.Instances > 1 {
		each = float64(t.Spec.Instances)
	}
	if c := t.Capacity; c != nil && c.KeptRPS != nil && *c.KeptRPS > 0 {
		// A search counts iterations; those of a chain are several requests.
		per := 1 / each
		if run.Scenario.Chained() {
			per *= float64(len(run.Scenario.Steps))
		}
		found := cost.Interval{Low: *c.KeptRPS * per, Point: *c.KeptRPS * per, High: *c.KeptRPS * per}
		if c.LowRPS != nil && *c.LowRPS > 0 {
			found.Low = min(found.Low, *c.LowRPS*per)
		}
		if c.HighRPS != nil {
			found.High = max(found.High, *c.HighRPS*per)
		}
		in.Capacity, in.AtLeast = &found, c.LimitedBy != result.LimitTarget
		if in.AtLeast {
			var ended string
			in.endedBy = c.LimitedBy
			in.Bound, ended = boundOf(t.Name, c.LimitedBy)
			in.caveat("%s: %s ended the search for its capacity, so that one instance may take more.", t.Name, ended)
		}
	} else if phase, rate := fastest(t); phase != "" {
		reached := cost.Interval{Low: rate.Low / each, Point: rate.Point / each, High: rate.High / each}
		in.Capacity, in.AtLeast, in.Bound = &reached, true, "The capacity of "+t.Name+" was not searched for."
		of := ""
		if rate.Low < rate.High {
			of = fmt.Sprintf(" (%s to %s by round)", numeral.Digits(rate.Low), numeral.Rate(rate.High))
		}
		in.caveat("%s: its capacity was not searched for (bench run --find-capacity); the %s%s that it answered in the phase %s are the least that it takes, so that EC2 may need fewer instances.",
			t.Name, numeral.Rate(rate.Point), of, phase)
	} else if t.Overall.Successes > 0 {
		in.caveat("%s: no phase that counts has %d right answers, which it takes to tell a rate.", t.Name, enoughAnswers)
	}
	if in.Capacity != nil && t.Provenance == result.Measured && t.Spec.InstanceType == "" {
		in.caveat("%s: its capacity is that of the machine that it ran on, not of an instance on AWS.", t.Name)
	}
}

// boundOf says in a sentence why a search that the target did not end has no upper end, and in a few words what ended it.
func boundOf(name string, by result.CapacityLimit) (sentence, ended string) {
	switch by {
	case result.LimitMaxRate:
		return "The capacity of " + name + " was searched for only up to the highest rate that was allowed.", "the highest rate that was allowed"
	case result.LimitGenerator:
		return "The search for the capacity of " + name + " ended where the load generator was at its limits.", "the load generator"
	default:
		return "The search for the capacity of " + name + " did not come to its end.", "something else than the target"
	}
}

// enoughAnswers is how many right answers it takes to tell the rate of a phase. Of n that come independently of each other it is known
// within 2/√n, with 95 % confidence: of 100 as well as assumedRange has it. It takes as many invocations to tell what one is billed, whose
// times spread about as much as their mean, cold starts among them.
const enoughAnswers = 100

// fastest is the phase that counts with the most right answers a second over all its rounds together, and the range of its rounds: a turn
// by itself may last no longer than a tenth of a second. The name is empty where no phase has enoughAnswers.
func fastest(t *result.Target) (string, cost.Interval) {
	type phase struct {
		name            string
		occurrence      int // in its round, should a scenario repeat a name
		answers, wall   float64
		lowest, highest float64
	}
	type turn struct {
		name  string
		round int
	}
	var phases []*phase
	seen := map[turn]int{}
	for i := range t.Phases {
		p := &t.Phases[i]
		of := turn{p.Name, p.Round}
		occurrence := seen[of]
		seen[of]++
		if p.Warmup || p.ThroughputRPS == nil || p.WallS == nil || *p.WallS <= 0 {
			continue
		}
		rate := float64(p.Successes) / *p.WallS
		at := slices.IndexFunc(phases, func(f *phase) bool { return f.name == p.Name && f.occurrence == occurrence })
		if at < 0 {
			at = len(phases)
			phases = append(phases, &phase{name: p.Name, occurrence: occurrence, lowest: rate})
		}
		f := phases[at]
		f.answers, f.wall = f.answers+float64(p.Successes), f.wall+*p.WallS
		f.lowest, f.highest = min(f.lowest, rate), max(f.highest, rate)
	}
	name, best := "", cost.Interval{}
	for _, f := range phases {
		if rate := f.answers / f.wall; f.answers >= enoughAnswers && rate > best.Point {
			name, best = f.name, cost.Interval{Low: min(f.lowest, rate), Point: rate, High: max(f.highest, rate)}
		}
	}
	return name, best
}
