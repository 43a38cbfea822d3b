package loadgen

import (
	"context"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// client drives one target: it holds one connection a worker, which live as long as the run.
type client struct {
	requests []request
	conns    []*conn
}

func newClient(base *url.URL, s *scenario.Scenario) (*client, error) {
	e, err := newEndpoint(base)
	if err != nil {
		return nil, err
	}
	c := &client{requests: newRequests(base, s.Steps)}
	for range mostWorkers(s) {
		c.conns = append(c.conns, newConn(e, time.Duration(s.Timeout)))
	}
	return c, nil
}

// mostWorkers is how many workers the largest phase has.
func mostWorkers(s *scenario.Scenario) int {
	workers := 1
	for _, p := range s.Phases {
		workers = max(workers, p.Workers)
	}
	return workers
}

// close ends all connections, and with them what is in flight.
func (c *client) close() {
	for _, conn := range c.conns {
		conn.close()
	}
}

// retryPause is how long a worker rests after it could not connect. Without it a phase bounded by time would count how
// fast a dead server can be asked.
const retryPause = 10 * time.Millisecond

// closedPhase runs one phase: every worker sends, waits for the answer, and sends again. It returns when all workers are
// done, and says whether they did all of it. Closing drain ends it early, after the answers to what is in flight; ending ctx
// does so at once.
//
// Connections are opened before the clock starts, since a user's connection is open long before most of its requests; what
// opening took is recorded apart.
func (c *client) closedPhase(
	ctx context.Context, drain <-chan struct{}, r *recorder.Recorder, order scenario.Order, p scenario.Phase,
) (_ recorder.Phase, whole bool) {
	var stop, cut atomic.Bool // cheaper to ask for each request than two channels
	finished := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-drain:
		case <-ctx.Done():
		case <-finished:
		}
		stop.Store(true)
	})

	var ready, done sync.WaitGroup
	var start time.Time
	begin := make(chan struct{})
	workers := make([]worker, p.Workers)
	for i := range workers {
		w := &workers[i]
		*w = worker{conn: c.conns[i], requests: c.requests, record: r.Worker(i), stop: &stop, cut: &cut}
		ready.Add(1)
		done.Go(func() {
			_ = w.connect(ctx) // the first request tries again, and counts it if that fails too
			ready.Done()
			<-begin
			if p.Duration > 0 {
				w.until = start.Add(time.Duration(p.Duration))
			}
			w.run(ctx, order, p.Iterations)
		})
	}
	ready.Wait()
	start = time.Now()
	close(begin)
	done.Wait()
	close(finished)
	watch.Wait()

	return r.Take(span(workers)), !cut.Load()
}

// span is from the first send of all workers to the last answer.
func span(workers []worker) time.Duration {
	var first, last time.Time
	for i := range workers {
		w := &workers[i]
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
	return last.Sub(first)
}

// worker is one closed loop.
type worker struct {
	conn     *conn
	requests []request
	record   *recorder.Worker
	stop     *atomic.Bool // asked: send no more
	cut      *atomic.Bool // told: stopped with work left
	until    time.Time    // zero: no limit

	first, last time.Time // begin of the first request, end of the last
	unreachable bool      // the last try to connect failed
}

// ran notes when a request ran.
func (w *worker) ran(start time.Time, took time.Duration) {
	if w.first.IsZero() {
		w.first = start
	}
	w.last = start.Add(took)
}

// run does the worker's share of a phase: iterations of each step, or as many as fit if iterations is 0.
func (w *worker) run(ctx context.Context, order scenario.Order, iterations int) {
	if order == scenario.Blocks && iterations > 0 {
		for step := range w.requests {
			for range iterations {
				if !w.once(ctx, step) {
					return
				}
			}
		}
		return
	}
	// A phase bounded by time has no blocks: which step the time ran out in would be chance.
	for i := 0; iterations == 0 || i < iterations; i++ {
		for step := range w.requests {
			if !w.once(ctx, step) {
				return
			}
		}
	}
}

// once sends one request and records what came of it. It says whether to go on.
func (w *worker) once(ctx context.Context, step int) bool {
	if w.unreachable && !rest(ctx) {
		return false
	}
	if !w.until.IsZero() && !time.Now().Before(w.until) {
		return false
	}
	if w.stop.Load() {
		w.cut.Store(true)
		return false
	}
	if w.conn.nc == nil {
		start := time.Now()
		fail := w.connect(ctx)
		if w.unreachable = fail != nil; w.unreachable {
			return w.failed(ctx, step, start, time.Since(start), fail)
		}
	}
	r := &w.requests[step]
	start, took, fail := w.conn.send(r)
	if fail != nil {
		return w.failed(ctx, step, start, took, fail)
	}
	w.ran(start, took)
	if kind, detail := r.wrong(&w.conn.resp); kind != "" {
		w.record.Failure(step, kind, took, detail)
		return true
	}
	w.record.Success(step, took, isCold(&w.conn.resp))
	return true
}

// failed records a request without an answer. One that was cut off by us says nothing of the target and is not counted.
func (w *worker) failed(ctx context.Context, step int, start time.Time, took time.Duration, fail *failure) bool {
	if ctx.Err() != nil {
		return false
	}
	w.ran(start, took)
	w.record.Failure(step, fail.kind, took, fail.Error)
	return true
}

// connect opens the worker's connection if it has none that lives, and records how long that took.
func (w *worker) connect(ctx context.Context) *failure {
	took, fail := w.conn.open(ctx)
	if fail == nil && took > 0 {
		w.record.Connected(took)
	}
	return fail
}

// rest pauses before another try to connect, and says whether to go on.
func rest(ctx context.Context) bool {
	t := time.NewTimer(retryPause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
