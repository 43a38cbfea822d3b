// Package recorder collects what the workers of a load generator see: second by second while a phase runs, and merged once it
// has drained.
//
// Samples go into histograms between one request and the next: no time that is measured contains the recording, and nothing is
// allocated for it. Workers share a few sets of histograms, about two for each CPU, so that memory does not grow with the number
// of workers; each set has a lock, which is nearly always free.
package recorder

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Recorder collects one phase of one target at a time. Its memory is reused from phase to phase.
type Recorder struct {
	workers []*Worker
	shards  []*shard
	spare   samples
	steps   int

	// Of the interval that is handed out, and of the phase so far. Both are used by the goroutine that calls Interval and Take.
	interval, phase Phase

	// What is rare is recorded here.
	mu   sync.Mutex
	rare rare
}

// maxSets bounds the memory: a histogram takes about 190 KB, and a shard has two for each step.
const maxSets = 64

// shard has the samples of some workers.
type shard struct {
	mu sync.Mutex
	samples
}

// samples are histograms that are nil until their first sample.
type samples struct {
	response, service []*result.Histogram // by step
	lag               *result.Histogram
	app, store        *result.Histogram
}

func newSamples(steps int) samples {
	return samples{response: make([]*result.Histogram, steps), service: make([]*result.Histogram, steps)}
}

// rare is what happens to few requests.
type rare struct {
	steps      []failed
	failures   []Failure // since the last interval
	seen       []string  // kinds that have an example in this phase
	cold       *result.Histogram
	init       *result.Histogram
	connects   *result.Histogram
	handshakes *result.Histogram
}

// failed counts and times the failed requests of one step.
type failed struct {
	errors map[string]int64
	times  *result.Histogram
	unsent *result.Histogram
}

// New makes a recorder for up to workers workers, each with the given number of steps. Histograms are made when the
// first sample comes, so unused workers cost nothing.
func New(workers, steps int) *Recorder {
	r := &Recorder{
		workers: make([]*Worker, workers), steps: steps, spare: newSamples(steps),
		interval: newPhase(steps), phase: newPhase(steps), rare: rare{steps: make([]failed, steps)},
	}
	for range min(workers, 2*runtime.GOMAXPROCS(0), max(1, maxSets/max(1, steps))) {
		r.shards = append(r.shards, &shard{samples: newSamples(steps)})
	}
	for i := range r.workers {
		r.workers[i] = &Worker{recorder: r, shard: r.shards[i%len(r.shards)]}
	}
	return r
}

// Worker i's own recorder, to be used by one goroutine at a time.
func (r *Recorder) Worker(i int) *Worker { return r.workers[i] }

// Progress is how far a phase has come.
type Progress struct {
	// Requests that ended, and how many of them failed.
	Requests, Failed int64
	// InFlight is how many were sent and have no answer yet.
	InFlight int64
	// Queued is how many were due and wait for a free connection; 0 in a closed loop.
	Queued int64
}

// Progress so far in this phase, without Queued, which only the schedule knows. It may be called at any time.
func (r *Recorder) Progress() Progress {
	var p Progress
	for _, w := range r.workers {
		p.Requests += w.requests.Load()
		p.Failed += w.failed.Load()
		p.InFlight += int64(w.inFlight.Load())
	}
	return p
}

// Interval is what ended within a span of a phase, valid until the next call of Interval or Take.
func (r *Recorder) Interval() *Phase {
	r.interval.reset()
	for _, s := range r.shards {
		s.mu.Lock()
		s.samples, r.spare = r.spare, s.samples
		s.mu.Unlock()
		r.interval.add(&r.spare)
	}
	r.mu.Lock()
	taken := r.rare
	r.rare = rare{steps: make([]failed, r.steps), seen: taken.seen}
	r.mu.Unlock()
	r.interval.addRare(&taken)
	for i := range r.interval.Steps {
		r.interval.Overall.Merge(&r.interval.Steps[i])
	}
	r.phase.Merge(&r.interval)
	return &r.interval
}

// Take merges what all workers recorded in the phase and begins a new one; no worker may be running. wall is how long it took.
func (r *Recorder) Take(wall time.Duration) Phase {
	r.Interval()
	p := r.phase
	p.Overall.Wall = wall
	r.phase, r.rare.seen = newPhase(r.steps), nil
	for _, w := range r.workers {
		w.requests.Store(0)
		w.failed.Store(0)
	}
	return p
}

// Phase is what one target did in one phase, or in a part of it.
type Phase struct {
	Overall Set
	// Steps are in the scenario's order. Their wall time, connections and send lag are unknown: steps share them.
	Steps []Set
	// Cold has the response times of successes that were the first of their environment, which are in Overall too; nil if there
	// are none.
	Cold *result.Histogram
	// Failures has the first failure of each kind.
	Failures []Failure
}

func newPhase(steps int) Phase { return Phase{Steps: make([]Set, steps)} }

// Merge adds o to p; o stays as it is. Of each kind of failure the first example is kept.
func (p *Phase) Merge(o *Phase) {
	p.Overall.Merge(&o.Overall)
	for i := range o.Steps {
		p.Steps[i].Merge(&o.Steps[i])
	}
	p.Cold = merge(p.Cold, o.Cold)
	for _, f := range o.Failures {
		if !slices.ContainsFunc(p.Failures, func(have Failure) bool { return have.Kind == f.Kind }) {
			p.Failures = append(p.Failures, f)
		}
	}
}

// Empty tells whether nothing has been recorded.
func (p *Phase) Empty() bool {
	return p.Overall.empty() && !slices.ContainsFunc(p.Steps, func(s Set) bool { return !s.empty() }) && len(p.Failures) == 0
}

// reset empties p and keeps its memory.
func (p *Phase) reset() {
	p.Overall.reset()
	for i := range p.Steps {
		p.Steps[i].reset()
	}
	p.Cold, p.Failures = nil, nil
}

// add moves samples into p and leaves them empty.
func (p *Phase) add(s *samples) {
	for i := range p.Steps {
		move(&p.Steps[i].response, s.response[i])
		move(&p.Steps[i].service, s.service[i])
	}
	move(&p.Overall.lag, s.lag)
	move(&p.Overall.app, s.app)
	move(&p.Overall.store, s.store)
}

func move(to **result.Histogram, from *result.Histogram) {
	if from != nil && from.Count() > 0 {
		*to = merge(*to, from)
		from.Reset()
	}
}

// addRare moves what is rare into p.
func (p *Phase) addRare(r *rare) {
	for i := range p.Steps {
		p.Steps[i].Merge(&Set{errors: r.steps[i].errors, errorTimes: r.steps[i].times, unsent: r.steps[i].unsent})
	}
	p.Overall.init = merge(p.Overall.init, r.init)
	p.Overall.connects = merge(p.Overall.connects, r.connects)
	p.Overall.handshakes = merge(p.Overall.handshakes, r.handshakes)
	p.Cold, p.Failures = r.cold, r.failures
}

// Failure is an example of a failed request.
type Failure struct {
	Step   int
	Kind   string
	Detail string
}
