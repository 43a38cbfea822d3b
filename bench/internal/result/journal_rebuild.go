package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// longestTurn is a century: beyond all runs, and well within what a time.Duration holds.
const longestTurn = 100 * 365 * 24 * 3600.0 // s

// rebuilt is a run in the making.
type rebuilt struct {
	run       *Run // nil before the head
	targets   []*rebuiltTarget
	open      *rebuiltTurn // nil between turns
	at        time.Time    // of the last line that has a time
	known     bool         // the generator's health
	validator validator
}

// rebuiltTarget has the sums over all phases that count.
type rebuiltTarget struct {
	result  *Target
	overall sums
	steps   []sums
	cold    *Histogram
}

// rebuiltTurn is one that has begun and not ended.
type rebuiltTurn struct {
	target *rebuiltTarget
	phase  PhaseStats // without figures
	toS    float64
	whole  sums
	steps  []sums
	cold   *Histogram
}

func (r *rebuilt) line(text []byte) error {
	var kind struct {
		Type string `json:"type"`
	}
	if !json.Valid(text) {
		return fmt.Errorf("%w or is not JSON", errCut)
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return plainError(err)
	}
	if (r.run == nil) != (kind.Type == typeHead) {
		return fmt.Errorf("a journal begins with its only line of type %q; this one has type %q", typeHead, kind.Type)
	}
	switch kind.Type {
	case typeHead:
		return r.head(text)
	case typeInterval:
		return r.interval(text)
	case typeTurn:
		return r.turn(text)
	case typeHealth:
		return r.health(text)
	case typeCapacity:
		return r.capacity(text)
	}
	return fmt.Errorf("unknown type %q: expected one of %q", kind.Type, []string{typeInterval, typeTurn, typeHealth, typeCapacity})
}

func (r *rebuilt) head(text []byte) error {
	var head struct {
		Run json.RawMessage `json:"run"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return plainError(err)
	}
	run, err := Decode(head.Run)
	if err != nil {
		return err
	}
	r.run, r.at = run, run.StartedAt
	for i := range run.Targets {
		t := &run.Targets[i]
		t.Phases, t.Examples = []PhaseStats{}, []ErrorSample{}
		r.targets = append(r.targets, &rebuiltTarget{result: t, steps: make([]sums, len(run.Scenario.Steps))})
	}
	return nil
}

func (r *rebuilt) interval(text []byte) error {
	var i JournalInterval
	if err := json.Unmarshal(text, &i); err != nil {
		return plainError(err)
	}
	if err := r.begin(&i); err != nil {
		return err
	}
	o := r.open
	if i.FromS != o.toS || i.ToS < i.FromS || i.ToS > longestTurn {
		return fmt.Errorf("the interval is from %g s to %g s, and the one before it ended at %g s", i.FromS, i.ToS, o.toS)
	}
	if len(i.Steps) != len(o.steps) {
		return fmt.Errorf("the interval has %d steps, and the scenario has %d", len(i.Steps), len(o.steps))
	}
	o.toS, r.at = i.ToS, i.At
	if err := r.add(&o.whole, "phase", &i.Phase.Stats); err != nil {
		return err
	}
	for n := range i.Steps {
		if err := r.add(&o.steps[n], fmt.Sprintf("steps[%d]", n), &i.Steps[n].Stats); err != nil {
			return err
		}
	}
	if i.Cold != nil {
		if err := r.validator.summary("cold_us", i.Cold); err != nil {
			return err
		}
		if err := addSummary(&o.cold, i.Cold); err != nil {
			return fmt.Errorf("cold_us: %w", err)
		}
	}
	t := o.target.result
	for _, e := range i.Examples {
		if !slices.ContainsFunc(t.Examples, func(have ErrorSample) bool { return have.Kind == e.Kind }) {
			t.Examples = append(t.Examples, e)
		}
	}
	return nil
}

// add checks the figures of an interval and adds them.
func (r *rebuilt) add(to *sums, where string, s *Stats) error {
	lengthen(s)
	if err := r.validator.stats(where, s); err != nil {
		return err
	}
	if err := to.add(s); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return nil
}

// begin opens the interval's turn, unless it is the one that is open.
func (r *rebuilt) begin(i *JournalInterval) error {
	phase := i.Phase
	phase.Stats = Stats{}
	if o := r.open; o != nil {
		if i.Target != o.target.result.Name || phase.Name != o.phase.Name || phase.Round != o.phase.Round {
			return fmt.Errorf("an interval of %q, phase %q, round %d, and that of %q, phase %q, round %d has not ended",
				i.Target, phase.Name, phase.Round, o.target.result.Name, o.phase.Name, o.phase.Round)
		}
		return nil
	}
	t, err := r.target(i.Target)
	if err != nil {
		return err
	}
	r.open = &rebuiltTurn{target: t, phase: phase, steps: make([]sums, len(r.run.Scenario.Steps))}
	return nil
}

func (r *rebuilt) turn(text []byte) error {
	var t JournalTurn
	if err := json.Unmarshal(text, &t); err != nil {
		return plainError(err)
	}
	o := r.open
	if o == nil || t.Target != o.target.result.Name || t.Phase != o.phase.Name || t.Round != o.phase.Round {
		return fmt.Errorf("the end of %q, phase %q, round %d, which has no interval before it", t.Target, t.Phase, t.Round)
	}
	if t.WallS != nil {
		if *t.WallS < 0 || *t.WallS > longestTurn {
			return fmt.Errorf("wall_s is %g", *t.WallS)
		}
		o.whole.wall = time.Duration(*t.WallS*1e9 + 0.5)
	}
	r.at = t.At
	r.close()
	return nil
}

func (r *rebuilt) health(text []byte) error {
	var h JournalHealth
	if err := json.Unmarshal(text, &h); err != nil {
		return plainError(err)
	}
	r.run.Generator, r.known = h.Generator, true
	return nil
}

func (r *rebuilt) capacity(text []byte) error {
	var c JournalCapacity
	if err := json.Unmarshal(text, &c); err != nil {
		return plainError(err)
	}
	t, err := r.target(c.Target)
	switch {
	case err != nil:
		return err
	case c.Capacity == nil:
		return errors.New("capacity is missing")
	}
	if err := c.Capacity.validate(); err != nil {
		return fmt.Errorf("capacity: %w", err)
	}
	t.result.Capacity, r.at = c.Capacity, c.At
	return nil
}

func (r *rebuilt) target(name string) (*rebuiltTarget, error) {
	at := slices.IndexFunc(r.targets, func(t *rebuiltTarget) bool { return t.result.Name == name })
	if at < 0 {
		return nil, fmt.Errorf("target %q is not in the first line", name)
	}
	return r.targets[at], nil
}

// close adds the open turn to its target.
func (r *rebuilt) close() {
	o := r.open
	r.open = nil
	o.phase.Stats = o.whole.stats()
	t := o.target
	t.result.Phases = append(t.result.Phases, o.phase)
	if o.phase.Warmup {
		return
	}
	t.overall.merge(&o.whole)
	for i := range o.steps {
		t.steps[i].merge(&o.steps[i])
	}
	mergeInto(&t.cold, o.cold)
}

// finish gives the run.
func (r *rebuilt) finish(cut bool) (*Run, error) {
	if r.run == nil {
		return nil, errors.New("the journal's first line is not whole: nothing is known of the run")
	}
	run := r.run
	run.Interrupted = true
	run.Finish(r.at)
	run.Warnings = append(r.warnings(cut), run.Warnings...)
	if o := r.open; o != nil {
		if o.whole.requests > 0 {
			o.whole.wall = time.Duration(o.toS * 1e9)
		}
		r.close()
	}
	if !r.known {
		run.Generator = Generator{Verdict: Suspect, Reasons: []string{"Whether the load generator kept up is not known: bench ended before it could judge."}}
	}
	for _, t := range r.targets {
		t.finish(run.Scenario.Steps)
	}
	run.Thresholds = run.Judge()
	// Each line was checked, but not what they add up to.
	if err := run.validate(); err != nil {
		return nil, err
	}
	return run, nil
}

func (r *rebuilt) warnings(cut bool) []string {
	text := fmt.Sprintf("There is no %s: bench was killed, the machine stopped, the disk was full, or the run still goes on. This is rebuilt from %s, which ",
		FileName, JournalName)
	at := r.at.UTC().Format(time.DateTime) + " UTC"
	switch o := r.open; {
	case o != nil:
		text += fmt.Sprintf("reaches to second %.1f of phase %s, round %d, on %s, at %s. The wall time of that phase ends there.",
			o.toS, o.phase.Name, o.phase.Round, o.target.result.Name, at)
	case r.at.Equal(r.run.StartedAt):
		text += "has no figures yet."
	default:
		text += "reaches to the end of a phase or trial, at " + at + "."
	}
	all := []string{text}
	if cut {
		all = append(all, "The last line of "+JournalName+" was cut off and is ignored.")
	}
	return all
}

func (t *rebuiltTarget) finish(steps []scenario.Step) {
	out := t.result
	out.Overall = t.overall.stats()
	out.Steps = make([]StepStats, 0, len(steps))
	for i := range steps {
		out.Steps = append(out.Steps, StepStats{Name: steps[i].Name, Stats: t.steps[i].stats()})
	}
	if out.ColdStarts == nil && t.cold == nil {
		return
	}
	cold := &ColdStarts{ResponseTime: t.cold.Summary()}
	if out.ColdStarts != nil {
		cold.WarmedByCheck = out.ColdStarts.WarmedByCheck
	}
	cold.Requests = cold.ResponseTime.Count
	out.ColdStarts = cold
}
