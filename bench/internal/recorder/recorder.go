// Package recorder collects what the workers of a load generator see, and merges it once when a phase has drained.
//
// Successes go into histograms of the worker's own, between one request and the next: no time that is measured contains the
// recording, and nothing is allocated for it. Only where there are more workers than memory for that, some share.
package recorder

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Recorder collects one phase of one target at a time. Its memory is reused from phase to phase.
type Recorder struct {
	workers []*Worker
	shards  []*shard
	steps   int

	// What is rare is recorded here.
	mu       sync.Mutex
	failed   []failed // by step
	failures []Failure
	cold     *result.Histogram
	connects *result.Histogram
}

// maxHistograms bounds the memory to some 50 MB: a histogram takes about 190 KB, so one for each of 10,000 workers and each step
// would fill a machine. 128 workers with two steps have their own.
const maxHistograms = 256

// shard has the successes of one worker, or of some where there are too many. Its lock is nearly always free.
type shard struct {
	mu        sync.Mutex
	successes []*result.Histogram // by step; nil until the first
}

// failed counts and times the failed requests of one step.
type failed struct {
	errors map[string]int64
	times  *result.Histogram
}

// New makes a recorder for up to workers workers, each with the given number of steps. Histograms are made when the
// first sample comes, so unused workers cost nothing.
func New(workers, steps int) *Recorder {
	r := &Recorder{workers: make([]*Worker, workers), steps: steps, failed: make([]failed, steps)}
	for range min(workers, max(1, maxHistograms/max(1, steps))) {
		r.shards = append(r.shards, &shard{successes: make([]*result.Histogram, steps)})
	}
	for i := range r.workers {
		r.workers[i] = &Worker{recorder: r, shard: r.shards[i%len(r.shards)]}
	}
	return r
}

// Worker i's own recorder, to be used by one goroutine at a time.
func (r *Recorder) Worker(i int) *Worker { return r.workers[i] }

// Progress is how many requests ended so far in this phase, and how many of them failed. It may be called at any time.
func (r *Recorder) Progress() (requests, failed int64) {
	for _, w := range r.workers {
		requests += w.requests.Load()
		failed += w.failed.Load()
	}
	return requests, failed
}

// Take merges what all workers recorded and empties them; no worker may be running. wall is how long the phase took.
func (r *Recorder) Take(wall time.Duration) Phase {
	p := Phase{Steps: make([]Set, r.steps), Cold: r.cold, Failures: r.failures}
	for _, s := range r.shards {
		for i, h := range s.successes {
			if h == nil || h.Count() == 0 {
				continue
			}
			p.Steps[i].successes = merge(p.Steps[i].successes, h)
			h.Reset()
		}
	}
	for _, w := range r.workers {
		w.requests.Store(0)
		w.failed.Store(0)
	}
	for i := range p.Steps {
		p.Steps[i].errors, p.Steps[i].errorTimes = r.failed[i].errors, r.failed[i].times
		p.Overall.Merge(&p.Steps[i])
	}
	p.Overall.Wall, p.Overall.connects = wall, r.connects
	r.failed, r.failures, r.cold, r.connects = make([]failed, r.steps), nil, nil, nil
	return p
}

// Phase is what one target did in one phase.
type Phase struct {
	Overall Set
	// Steps are in the scenario's order. Their wall time and connections are unknown: steps share both.
	Steps []Set
	// Cold has the successes that were the first of their environment, which are in Overall too; nil if there are none.
	Cold *result.Histogram
	// Failures has the first failure of each kind.
	Failures []Failure
}

// Failure is an example of a failed request.
type Failure struct {
	Step   int
	Kind   string
	Detail string
}

// Worker records for one worker.
type Worker struct {
	recorder *Recorder
	shard    *shard

	// Written by the worker, read by whoever shows progress.
	requests atomic.Int64
	failed   atomic.Int64
}

// Success records a right answer. took counts from when the request was sent, which in a closed loop is when it was due.
// cold says that it was the first answer of a Lambda environment.
func (w *Worker) Success(step int, took time.Duration, cold bool) {
	s := w.shard
	s.mu.Lock()
	if s.successes[step] == nil {
		s.successes[step] = result.NewHistogram()
	}
	s.successes[step].Record(took)
	s.mu.Unlock()
	if cold {
		w.recorder.record(&w.recorder.cold, took)
	}
	w.requests.Add(1)
}

// Failure records a request that failed after took. detail is asked for only if it is the first of its kind.
func (w *Worker) Failure(step int, kind string, took time.Duration, detail func() string) {
	r := w.recorder
	r.mu.Lock()
	f := &r.failed[step]
	if f.errors == nil {
		f.errors, f.times = map[string]int64{}, result.NewHistogram()
	}
	f.errors[kind]++
	f.times.Record(took)
	if !r.hasExample(kind) {
		r.failures = append(r.failures, Failure{step, kind, detail()})
	}
	r.mu.Unlock()
	w.failed.Add(1)
	w.requests.Add(1)
}

func (r *Recorder) hasExample(kind string) bool {
	for _, f := range r.failures {
		if f.Kind == kind {
			return true
		}
	}
	return false
}

// Connected records that a connection was opened in took.
func (w *Worker) Connected(took time.Duration) { w.recorder.record(&w.recorder.connects, took) }

func (r *Recorder) record(h **result.Histogram, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *h == nil {
		*h = result.NewHistogram()
	}
	(*h).Record(d)
}
