package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/knee"
	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// capacitySearch tries rates on all targets, which take turns trial by trial: what changes the machine's or the network's speed
// changes it for all of them.
//
// A trial is a settling time, which is recorded nowhere, and then a phase of its own. Of all trials of a target, those at the rate
// that was kept in the end are the rounds of its one phase that counts, so that the totals show the target at its capacity.
type capacitySearch struct {
	options  *capacityOptions
	scenario *scenario.Scenario
	g        *loadgen.Generator
	c        *collector
	show     *display
	journal  *journal
	watching observers
	drain    <-chan struct{}
	targets  []capacityTarget
	number   int // of the trial, over all targets
}

// capacityTarget is the search on one target.
type capacityTarget struct {
	search *knee.Search
	trials []result.Trial
	// near are the recordings of trials that may be at the rate that is kept in the end.
	near   []trialRecord
	tired  bool // its last trial was missed
	failed bool // even probes are missed
}

// trialRecord is what one trial measured.
type trialRecord struct {
	turn     loadgen.Turn
	phase    scenario.Phase
	recorded recorder.Phase
	strain   strain
	queued   int64 // at the end of the schedule
}

// run searches until all targets' searches are over, and says whether they are: closing drain ends it early, and what was found until
// then is kept. It fails only if ctx ends.
func (s *capacitySearch) run(ctx context.Context) (whole bool, err error) {
	s.targets = make([]capacityTarget, len(s.c.targets))
	for i := range s.targets {
		s.targets[i].search = s.options.search()
	}
	for more := true; more; {
		more = false
		for i := range s.targets {
			rate, ok := s.targets[i].search.Next()
			if !ok {
				continue
			}
			more = true
			if whole, err := s.trial(ctx, i, rate); err != nil || !whole {
				s.conclude()
				return false, err
			}
		}
	}
	s.conclude()
	return true, nil
}

// settleTime is how long a trial's load runs before it is measured: connections open, and queues find their length.
func settleTime(trial time.Duration) time.Duration { return min(time.Second, trial/5) }

// trial puts a rate on a target and tells its search what came of it.
func (s *capacitySearch) trial(ctx context.Context, target int, rate float64) (whole bool, err error) {
	t := &s.targets[target]
	s.number++
	turn := loadgen.Turn{Target: target, Round: s.number, Place: target + 1}
	phase := s.phase(rate, s.options.trial)
	if whole, err := s.drained(ctx, t, turn); err != nil || !whole {
		return false, err
	}
	settling := turn
	settling.Phase = 1 // draws other values
	if whole, err := s.g.Trial(ctx, s.drain, settling, s.phase(rate, settleTime(s.options.trial)), observers{&trialRecorder{}, s.c.loads}); err != nil || !whole {
		return false, err
	}
	watch := &trialRecorder{lasts: s.options.trial}
	if whole, err := s.g.Trial(ctx, s.drain, turn, phase, append(observers{watch, s.c.loads}, s.watching...)); err != nil || !whole {
		return false, err
	}
	s.c.countFiles()
	record := watch.record
	record.turn, record.phase = turn, phase
	judged, limited := s.judge(&record)
	t.tired = !judged.Met
	t.trials = append(t.trials, judged)
	t.search.Record(rate, knee.Outcome{Met: judged.Met, Foreign: limited})
	s.journal.put(result.JournalCapacity{
		Target: s.c.targets[target].Name, At: time.Now().UTC().Truncate(time.Millisecond), Capacity: s.found(t),
	})
	t.near = append(t.near, record)
	t.forget()
	s.tell(target, &judged)
	return true, nil
}

func (s *capacitySearch) phase(rate float64, lasts time.Duration) scenario.Phase {
	p := s.scenario.Phases[0]
	p.Rate, p.Duration = &scenario.Rate{From: rate, To: rate}, scenario.Duration(lasts)
	return p
}

// probes are sent after a trial that was missed, until they keep the SLO: then the target is done with what it was sent before.
const (
	probeLasts = 500 * time.Millisecond
	mostProbes = 20
)

// drained waits until the target is done with a trial that was too much for it. A target that keeps nothing is not waited for for long.
func (s *capacitySearch) drained(ctx context.Context, t *capacityTarget, turn loadgen.Turn) (whole bool, err error) {
	if !t.tired || t.failed {
		return true, nil
	}
	turn.Phase = 2 // draws other values
	phase := s.phase(min(s.options.start, leastRequests), probeLasts)
	for range mostProbes {
		watch := &trialRecorder{lasts: probeLasts}
		if whole, err := s.g.Trial(ctx, s.drain, turn, phase, observers{watch, s.c.loads}); err != nil || !whole {
			return false, err
		}
		if judged, _ := s.judge(&watch.record); judged.Met {
			return true, nil
		}
	}
	t.failed = t.search.Found().Kept == 0
	return true, nil
}

// judge holds a trial against the SLO. A trial without requests keeps nothing.
//
// A target that is slower than the rate by a few percent may keep a generous SLO for as long as a trial lasts, while its queue grows
// and grows. So a trial is missed too if, when its schedule ends, more requests wait for a free connection than the search's
// precision is of all that were due.
func (s *capacitySearch) judge(r *trialRecord) (_ result.Trial, limited bool) {
	stats := r.recorded.Overall.Stats()
	one := result.Run{Scenario: *s.scenario, Targets: []result.Target{{Overall: stats}}}
	t := result.Trial{
		Met: true, AchievedRPS: stats.ThroughputRPS, P50: stats.ResponseTime.P50, P99: stats.ResponseTime.P99,
		Requests: stats.Requests, Errors: stats.Requests - stats.Successes, Unsent: stats.Errors[result.KindUnsent],
	}
	if r.phase.Rate != nil {
		t.RateRPS = r.phase.Rate.From
	}
	if stats.SendLag != nil {
		t.SendLagP99 = stats.SendLag.P99
	}
	t.Behind = float64(r.queued) > max(1, capacityPrecision*float64(stats.Requests))
	for _, threshold := range one.Judge() {
		t.Met = t.Met && threshold.Met
	}
	t.Met = t.Met && !t.Behind
	b := burden{strain: r.strain, stats: stats, failed: stats.Errors[loadgen.KindGenerator]}
	t.GeneratorLimited = b.limited()
	return t, t.GeneratorLimited
}

// forget drops recordings that are far from the rate that is kept now: a recording is a megabyte.
func (t *capacityTarget) forget() {
	const far = 2
	kept := t.search.Found().Kept
	near := t.near[:0]
	for _, r := range t.near {
		if rate := r.phase.Rate.From; rate >= kept/far && rate <= kept*far {
			near = append(near, r)
		}
	}
	clear(t.near[len(near):])
	t.near = near
}

// found is what the search on a target has found so far.
func (s *capacitySearch) found(t *capacityTarget) *result.Capacity {
	return capacityOf(t.search.Found(), s.scenario.SLO, append([]result.Trial{}, t.trials...))
}

// conclude makes the trials at the rates that were kept what the run measured.
func (s *capacitySearch) conclude() {
	s.c.capacities = make([]*result.Capacity, len(s.targets))
	highest := 0.0
	for i := range s.targets {
		t := &s.targets[i]
		found := t.search.Found()
		s.c.capacities[i] = s.found(t)
		highest = max(highest, found.Kept)
		round := 0
		for _, r := range t.near {
			if r.phase.Rate.From != found.Kept {
				continue
			}
			round++
			r.turn.Round = round
			s.c.totals[i].strain.merge(&r.strain)
			s.c.count(r.turn, r.phase, &r.recorded)
		}
		t.near = nil
	}
	s.scenario.Phases[0].Rate = &scenario.Rate{From: highest, To: highest}
}

// tell shows a trial in one line.
func (s *capacitySearch) tell(target int, t *result.Trial) {
	outcome := "kept"
	switch {
	case t.Met:
	case t.Behind:
		outcome = "missed, falls behind"
	default:
		outcome = "missed"
	}
	if t.GeneratorLimited {
		outcome += ", generator late or busy"
	}
	p99 := "none"
	if t.P99 != nil {
		p99 = numeral.Time(*t.P99)
	}
	s.show.say("%s  %-12s trial %-3d %8.5g/s  p99 %s, %d of %d failed: %s", clock(time.Since(s.c.began)), s.c.targets[target].Name,
		len(s.targets[target].trials), t.RateRPS, p99, t.Errors, t.Requests, outcome)
}

// addCapacity adds what a search found to a result.
func (c *collector) addCapacity(r *result.Run) {
	if c.capacities == nil {
		return
	}
	r.Scenario = *c.scenario
	for i, found := range c.capacities {
		t := &r.Targets[i]
		t.Capacity = found
		r.Rounds = max(r.Rounds, len(t.Phases))
		if found.KeptRPS != nil && found.LimitedBy == result.LimitGenerator {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: the load generator was the limit: the target takes %s, and may take more.",
				t.Name, numeral.Rate(*found.KeptRPS)))
		}
		if !found.Converged {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: the search for its capacity did not come to its end: the range is wider than it could be.",
				t.Name))
		}
		if n, wanted := fewestRequests(found); n < wanted {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: a trial at its capacity had %s, and a percentile of the SLO needs %d: take a longer --trial.",
				t.Name, numeral.Plural(n, "request"), wanted))
		}
	}
}

// fewestRequests of a trial at the rate that was kept, and how many the highest percentile of the SLO needs: ten above it.
func fewestRequests(c *result.Capacity) (n, wanted int64) {
	for _, limit := range c.SLO {
		if part, ok := result.PerMille(limit.Metric); ok && part < 1000 {
			wanted = max(wanted, 10*1000/(1000-part))
		}
	}
	n = wanted
	for _, t := range c.Trials {
		if c.KeptRPS != nil && t.RateRPS == *c.KeptRPS {
			n = min(n, t.Requests)
		}
	}
	return n, wanted
}

// trialRecorder is a loadgen.Observer that keeps what one trial recorded.
type trialRecorder struct {
	lasts  time.Duration // 0: nothing is kept
	before vitals
	record trialRecord

	mu     sync.Mutex // of what follows, and queued
	timer  *time.Timer
	queued int64
	ended  bool
}

// Started implements loadgen.Observer.
func (t *trialRecorder) Started(_ loadgen.Turn, progress func() recorder.Progress) {
	t.before = takeVitals()
	if t.lasts == 0 {
		return
	}
	t.timer = time.AfterFunc(t.lasts, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.ended { // else nothing waited
			t.queued = progress().Queued
		}
	})
}

// Interval implements loadgen.Observer.
func (t *trialRecorder) Interval(loadgen.Turn, loadgen.Interval) {}

// Ended implements loadgen.Observer.
func (t *trialRecorder) Ended(_ loadgen.Turn, p recorder.Phase, spun time.Duration) {
	if t.lasts == 0 {
		return
	}
	t.timer.Stop()
	t.mu.Lock()
	t.ended = true
	t.record.queued = t.queued
	t.mu.Unlock()
	t.record.recorded = p
	t.record.strain.add(t.before, takeVitals(), spun)
}
