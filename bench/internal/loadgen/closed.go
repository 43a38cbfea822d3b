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
	ends := make([]time.Time, p.Workers)
	for i := range p.Workers {
		w := &worker{conn: c.conns[i], requests: c.requests, record: r.Worker(i), stop: &stop, cut: &cut}
		ready.Add(1)
		done.Go(func() {
			w.connect(ctx)
			ready.Done()
			<-begin
			if p.Duration > 0 {
				w.until = start.Add(time.Duration(p.Duration))
			}
			w.run(ctx, order, p.Iterations)
			ends[i] = time.Now()
		})
	}
	ready.Wait()
	start = time.Now()
	close(begin)
	done.Wait()
	close(finished)
	watch.Wait()

	last := start
	for _, end := range ends {
		if end.After(last) {
			last = end
		}
	}
	return r.Take(last.Sub(start)), !cut.Load()
}

// worker is one closed loop.
type worker struct {
	conn     *conn
	requests []request
	record   *recorder.Worker
	stop     *atomic.Bool // asked: send no more
	cut      *atomic.Bool // told: stopped with work left
	until    time.Time    // zero: no limit
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
	if !w.until.IsZero() && !time.Now().Before(w.until) {
		return false
	}
	if w.stop.Load() {
		w.cut.Store(true)
		return false
	}
	if w.conn.nc == nil {
		start := time.Now()
		if fail := w.connect(ctx); fail != nil {
			if ctx.Err() != nil {
				return false
			}
			w.record.Failure(step, fail.kind, time.Since(start), fail.Error)
			return w.rest(ctx)
		}
	}
	r := &w.requests[step]
	_, took, fail := w.conn.send(r)
	if fail != nil {
		if ctx.Err() != nil {
			return false // cut off by us: it says nothing of the target
		}
		w.record.Failure(step, fail.kind, took, fail.Error)
		return true
	}
	if kind, detail := r.wrong(&w.conn.resp); kind != "" {
		w.record.Failure(step, kind, took, detail)
		return true
	}
	w.record.Success(step, took, isCold(&w.conn.resp))
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

// rest pauses after a failure to connect.
func (w *worker) rest(ctx context.Context) bool {
	t := time.NewTimer(retryPause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
