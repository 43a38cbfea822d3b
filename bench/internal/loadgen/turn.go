package loadgen

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// intervalLasts is how often what was recorded is handed out while a turn runs.
const intervalLasts = time.Second

// pace gives a worker its iterations.
type pace interface {
	// next begins the worker's next iteration, when it may be sent, or says that there is none. prepare is called with the
	// iteration's number and its first step, or drawn, before that time has come, so that no work is left for when it is due. due
	// is zero in a closed loop.
	next(w *worker, prepare func(n uint64, step int)) (due time.Time, ok bool)
	// queued is how many iterations are due and not begun.
	queued() int64
	// finish is called after the last worker has ended. It records what was never begun, and says whether that is because the
	// turn was stopped.
	finish(w *worker) (cut bool)
	// span is the wall time of a turn whose first send and last answer are known; zero where nothing was sent.
	span(first, last time.Time) time.Duration
}

// drawn is for a step that is drawn by weight.
const drawn = -1

// turn runs one phase on one target: workers that do iterations at a pace. It returns when all are done, and says whether they
// did all of it. Closing drain ends it early, after the answers to what is in flight; ending ctx does so at once.
//
// Connections are opened before the clock starts, since a user's connection is open long before most of its requests; what
// opening took is recorded apart.
func (g *Generator) turn(ctx context.Context, drain <-chan struct{}, t Turn, phase scenario.Phase, o Observer) (whole bool) {
	c := g.clients[t.Target]
	stop, unwatch := stopped(ctx, drain)
	defer unwatch()

	workers := make([]*worker, max(phase.Workers, g.scenario.Connections))
	for i := range workers {
		workers[i] = c.worker(i, g.recorder.Worker(i), stop)
	}
	connect(ctx, workers)
	var p pace
	start, spun := time.Now(), func() time.Duration { return 0 }
	if phase.Rate != nil {
		pacer := g.options.newPacer()
		defer pacer.close()
		spun = pacer.spun
		p = newOpenPace(g.scenario, phase, start, g.options.Seed^stream(t.Round, t.Phase), pacer, stop)
	} else {
		p = newClosedPace(g.scenario, phase, start, stop)
	}
	progress := func() recorder.Progress {
		now := g.recorder.Progress()
		now.Queued = p.queued()
		return now
	}
	o.Started(t, progress)
	intervals := &intervals{turn: t, observer: o, recorder: g.recorder, progress: progress, began: start}
	end := intervals.watch()
	var done sync.WaitGroup
	for _, w := range workers {
		w.begin(g.options.Seed, stream(t.Round, t.Phase))
		done.Go(func() { w.run(ctx, p) })
	}
	done.Wait()
	cut := p.finish(workers[0])
	end()
	if ctx.Err() != nil {
		return false
	}
	intervals.finish()
	o.Ended(t, g.recorder.Take(p.span(ran(workers))), spun())
	return !cut
}

// stopped turns the two channels that stop a turn into something that is cheap to ask before each request. unwatch ends the watch.
func stopped(ctx context.Context, drain <-chan struct{}) (_ *stop, unwatch func()) {
	s := &stop{asked: make(chan struct{})}
	finished := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-drain:
		case <-ctx.Done():
		case <-finished:
			return
		}
		s.at = time.Now()
		s.flag.Store(true)
		close(s.asked)
	})
	return s, func() {
		close(finished)
		watch.Wait()
	}
}

// stop is asked for when no more is to be sent.
type stop struct {
	flag  atomic.Bool
	at    time.Time // set when flag is
	asked chan struct{}
}

// connect opens the connections of all workers at once.
func connect(ctx context.Context, workers []*worker) {
	var ready sync.WaitGroup
	for _, w := range workers {
		ready.Go(func() { w.connect(ctx) }) // the first request tries again, and counts it if that fails too
	}
	ready.Wait()
}

// intervals hands out what was recorded, second by second.
type intervals struct {
	turn     Turn
	observer Observer
	recorder *recorder.Recorder
	progress func() recorder.Progress
	began    time.Time
	last     time.Duration
}

// watch hands out intervals until its result is called.
func (i *intervals) watch() (end func()) {
	finished := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(intervalLasts)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				i.hand()
			case <-finished:
				return
			}
		}
	})
	return func() {
		close(finished)
		watch.Wait()
	}
}

func (i *intervals) hand() { i.pass(time.Since(i.began), i.recorder.Interval()) }

// finish hands out the rest of the turn. Where it ends just after a tick, and nothing has come since, that would be an interval of some
// milliseconds with a rate of 0: there is none then.
func (i *intervals) finish() {
	now, recorded := time.Since(i.began), i.recorder.Interval()
	if i.last == 0 || now-i.last >= intervalLasts/10 || !recorded.Empty() {
		i.pass(now, recorded)
	}
}

func (i *intervals) pass(now time.Duration, recorded *recorder.Phase) {
	i.observer.Interval(i.turn, Interval{From: i.last, To: now, Progress: i.progress(), Recorded: recorded})
	i.last = now
}

// ran is when the first of all workers sent and when the last had its answer; zero where nothing was sent.
func ran(workers []*worker) (first, last time.Time) {
	for _, w := range workers {
		if w.first.IsZero() {
			continue
		}
		if first.IsZero() || w.first.Before(first) {
			first = w.first
		}
		if w.last.After(last) {
			last = w.last
		}
	}
	return first, last
}
