package loadgen

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// openPace gives out the requests of a schedule in the order in which they are due. What is due while all workers are busy waits in a
// queue that takes no memory: it is the part of the schedule between the last request that was given out and now.
type openPace struct {
	start time.Time
	end   time.Time // of the schedule
	until time.Time // what is still queued then is given up
	pacer pacer
	stop  *stop

	// The worker that holds the token takes the next request and waits until it is due. All other idle workers wait for the token.
	token    chan struct{}
	over     chan struct{} // closed when there is nothing left to give out
	schedule *scenario.Schedule
	given    atomic.Int64
	gaveUp   time.Time     // when the queue was given up; zero if it was not
	undone   time.Duration // then, the request that a worker took last and did not send
	busy     atomic.Int64  // workers with a request
	step     int           // first step of an iteration, or drawn
	cpus     int

	// The same schedule once more, as far as it is due.
	mu      sync.Mutex
	shadow  *scenario.Schedule
	nextDue time.Duration
	due     int64
	allDue  bool
}

func newOpenPace(s *scenario.Scenario, p scenario.Phase, start time.Time, seed uint64, pacer pacer, stop *stop) *openPace {
	end := start.Add(time.Duration(p.Duration))
	o := &openPace{
		start: start, end: end, until: end.Add(time.Duration(s.Grace)), pacer: pacer, stop: stop,
		token: make(chan struct{}, 1), over: make(chan struct{}),
		schedule: p.Schedule(seed), shadow: p.Schedule(seed), step: drawn, cpus: runtime.GOMAXPROCS(0),
	}
	if s.Chained() {
		o.step = 0
	}
	first, ok := o.shadow.Next()
	o.nextDue, o.allDue = first, !ok
	o.token <- struct{}{}
	return o
}

// next implements pace.
func (o *openPace) next(w *worker, prepare func(n uint64, step int)) (time.Time, bool) {
	if w.given {
		o.busy.Add(-1)
		w.given = false
	}
	select {
	case <-o.token:
	case <-o.over:
		return time.Time{}, false
	}
	due, ok := o.schedule.Next()
	if !ok {
		close(o.over)
		return time.Time{}, false
	}
	at := o.start.Add(due)
	prepare(uint64(o.given.Load()), o.step) //nolint:gosec // counts up from 0
	if !o.wait(at) {
		o.undone = due
		close(o.over)
		return time.Time{}, false
	}
	o.given.Add(1)
	o.busy.Add(1)
	w.given = true
	o.token <- struct{}{}
	return at, true
}

// wait for a due time, and say whether to send.
func (o *openPace) wait(at time.Time) bool {
	now := time.Now()
	switch {
	case o.stop.flag.Load():
		o.gaveUp = o.stop.at
		return false
	case now.After(o.until):
		o.gaveUp = o.until
		return false
	case !at.After(now):
		return true
	}
	// Spinning would keep the only CPU from reading answers.
	if o.pacer.wait(at, o.stop.asked, o.cpus > 1 || o.busy.Load() == 0) {
		return true
	}
	o.gaveUp = o.stop.at
	return false
}

// span implements pace: a schedule has a length of its own, which what is late adds to.
func (o *openPace) span(first, last time.Time) time.Duration {
	switch {
	case first.IsZero():
		return 0
	case o.stop.flag.Load() || last.After(o.end):
		return max(0, last.Sub(o.start))
	}
	return o.end.Sub(o.start)
}

// queued implements pace.
func (o *openPace) queued() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	for now := time.Since(o.start); !o.allDue && o.nextDue <= now; o.due++ {
		next, ok := o.shadow.Next()
		o.nextDue, o.allDue = next, !ok
	}
	return max(0, o.due-o.given.Load())
}

// finish implements pace. A phase lasts as long as it says, even if its last request was answered long before.
func (o *openPace) finish(w *worker) (cut bool) {
	if o.gaveUp.IsZero() {
		return time.Now().Before(o.end) && !timerSleep(time.Until(o.end), o.stop.asked)
	}
	n := uint64(o.given.Load()) //nolint:gosec // counts up from 0
	for due, ok := o.undone, true; ok && o.unsent(w, n, due); due, ok = o.schedule.Next() {
		n++
	}
	return o.stop.flag.Load()
}

// unsent records a request that was due and given up; false if it was not due yet.
func (o *openPace) unsent(w *worker, n uint64, due time.Duration) bool {
	waited := o.gaveUp.Sub(o.start.Add(due))
	if waited < 0 {
		return false
	}
	w.unsent(n, o.step, waited)
	return true
}
