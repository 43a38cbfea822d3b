package recorder

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// KindUnsent is the kind of error of a request that was due and was never sent, as no connection became free in time.
const KindUnsent = result.KindUnsent

// Worker records for one worker.
type Worker struct {
	recorder *Recorder
	shard    *shard

	// Written by the worker, read by whoever shows progress.
	requests atomic.Int64
	failed   atomic.Int64
	inFlight atomic.Int32
}

// Sending notes that a request is in flight until Success or Failure.
func (w *Worker) Sending() { w.inFlight.Store(1) }

// Success records a right answer in a closed loop, where response and service time are one. cold says that it was the first
// answer of a Lambda environment.
func (w *Worker) Success(step int, took time.Duration, cold bool) {
	s := w.shard
	s.mu.Lock()
	record(&s.response[step], took)
	s.mu.Unlock()
	w.succeeded(took, cold)
}

// Times of a request in an open loop.
type Times struct {
	// Response counts from when the request was due, Service from when it was sent.
	Response, Service time.Duration
	// Lag is how much later the generator sent it than it could have: after it was due and a connection was free. NoLag if it was due at no
	// time of its own, as it follows another.
	Lag time.Duration
}

// NoLag is not recorded.
const NoLag time.Duration = -1

// SuccessOpen records a right answer in an open loop.
func (w *Worker) SuccessOpen(step int, t Times, cold bool) {
	s := w.shard
	s.mu.Lock()
	record(&s.response[step], t.Response)
	record(&s.service[step], t.Service)
	if t.Lag != NoLag {
		record(&s.lag, t.Lag)
	}
	s.mu.Unlock()
	w.succeeded(t.Response, cold)
}

func (w *Worker) succeeded(response time.Duration, cold bool) {
	if cold {
		w.recorder.record(&w.recorder.rare.cold, response)
	}
	w.inFlight.Store(0)
	w.requests.Add(1)
}

// Told records what a right answer said of itself: how long the app took, the part of it that waited for the store, and how long the
// environment took to start. What was not said is negative.
func (w *Worker) Told(app, store, init time.Duration) {
	if app >= 0 || store >= 0 {
		s := w.shard
		s.mu.Lock()
		if app >= 0 {
			record(&s.app, app)
		}
		if store >= 0 {
			record(&s.store, store)
		}
		s.mu.Unlock()
	}
	if init >= 0 {
		w.recorder.record(&w.recorder.rare.init, init)
	}
}

// Lag records the send lag of a request that failed.
func (w *Worker) Lag(d time.Duration) {
	w.shard.mu.Lock()
	defer w.shard.mu.Unlock()
	record(&w.shard.lag, d)
}

// Failure records a request that failed after took. detail is asked for only if it is the first of its kind.
func (w *Worker) Failure(step int, kind string, took time.Duration, detail func() string) {
	w.recorder.fail(step, kind, took, detail)
	w.inFlight.Store(0)
	w.failed.Add(1)
	w.requests.Add(1)
}

// Unsent records a request that was due and was given up after it had waited for a connection.
func (w *Worker) Unsent(step int, waited time.Duration) {
	w.recorder.fail(step, KindUnsent, waited, func() string {
		return "due " + numeral.Duration(waited) + " before it was given up: no connection became free"
	})
	w.failed.Add(1)
	w.requests.Add(1)
}

// Connected records that a connection was opened in took, of which the TLS handshake was a part; 0 without TLS.
func (w *Worker) Connected(took, handshake time.Duration) {
	w.recorder.record(&w.recorder.rare.connects, took)
	if handshake > 0 {
		w.recorder.record(&w.recorder.rare.handshakes, handshake)
	}
}

func (r *Recorder) fail(step int, kind string, took time.Duration, detail func() string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &r.rare.steps[step]
	if f.errors == nil {
		f.errors = map[string]int64{}
	}
	f.errors[kind]++
	if kind == KindUnsent {
		record(&f.unsent, took)
	} else {
		record(&f.times, took)
	}
	if !slices.Contains(r.rare.seen, kind) {
		r.rare.seen = append(r.rare.seen, kind)
		r.rare.failures = append(r.rare.failures, Failure{step, kind, detail()})
	}
}

func (r *Recorder) record(h **result.Histogram, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	record(h, d)
}

func record(h **result.Histogram, d time.Duration) {
	if *h == nil {
		*h = result.NewHistogram()
	}
	(*h).Record(d)
}
