package loadgen

import (
	"context"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// retryPause is how long a worker rests after it could not connect, or got nothing but a close. Without it a phase bounded by
// time would count how fast a dead server can be asked.
const retryPause = 10 * time.Millisecond

// worker does one iteration after the other.
type worker struct {
	number int
	client *client
	link   link
	record *recorder.Worker
	stop   *stop

	messages  []message // by step; of those that are not the same each time
	variables *scenario.Variables
	random    uint64 // what the iterations of this phase are drawn from
	step      int    // the first of the iteration at hand
	begun     int    // iterations of a closed phase
	given     bool   // has a request of an open phase
	follows   bool   // its request follows another of the same iteration in an open phase

	first, last time.Time // begin of the first request, end of the last
	free        time.Time // when the worker was ready for another request
	unreachable bool      // the last try to connect failed, or the server closed the connection at once
}

// begin makes the worker draw from the phase's own sequence.
func (w *worker) begin(seed, stream uint64) {
	w.random = seed ^ stream*0x9e3779b97f4a7c15 // spread over all bits
	w.free = time.Now()
}

// run does iterations until there are none left.
func (w *worker) run(ctx context.Context, p pace) {
	chained := w.client.scenario.Chained()
	prepare := w.iteration // made once: it would be an allocation a request
	for {
		if w.unreachable && !w.rest(ctx, retryPause) {
			return
		}
		due, ok := p.next(w, prepare)
		if !ok {
			return
		}
		if chained {
			w.chain(ctx, due)
		} else {
			w.once(ctx, w.step, due)
		}
	}
}

// iteration draws the values of iteration n and makes its first message.
func (w *worker) iteration(n uint64, step int) {
	w.variables.Begin(w.random, n, w.client.counter.Add(1))
	if w.step = step; step == drawn {
		w.step = w.variables.Step()
	}
	w.prepare(w.step)
}

// unsent records an iteration that was never begun, with the step that it would have been.
func (w *worker) unsent(n uint64, step int, waited time.Duration) {
	if step == drawn {
		w.variables.Begin(w.random, n, w.client.counter.Add(1))
		step = w.variables.Step()
	}
	w.record.Unsent(step, waited)
}

// chain does all steps in order, each when the one before has its answer. A step that fails ends the iteration: what the next
// ones would need is missing.
func (w *worker) chain(ctx context.Context, due time.Time) {
	open := !due.IsZero()
	w.follows = false
	for step := range w.client.requests {
		if step > 0 {
			w.prepare(step)
			due, w.follows = time.Time{}, open
		}
		if !w.once(ctx, step, due) {
			return
		}
	}
}

// prepare makes the message of a step from the values of the iteration.
func (w *worker) prepare(step int) {
	if r := &w.client.requests[step]; !r.static {
		r.render(&w.messages[step], w.variables)
	}
}

// message is what to send for a step.
func (w *worker) message(step int) *message {
	if r := &w.client.requests[step]; r.static {
		return r.fixed()
	}
	return w.client.requests[step].current(&w.messages[step])
}

// once sends one request and records what came of it. due is when it was to be sent; zero for at once. It says whether the
// answer was right.
func (w *worker) once(ctx context.Context, step int, due time.Time) bool {
	w.record.Sending()
	begin := time.Time{}
	if !w.link.ready() {
		begin = time.Now()
		fail := w.opened(w.link.open(ctx))
		if w.unreachable = fail != nil; w.unreachable {
			w.failed(ctx, step, begin, time.Since(begin), due, fail)
			return false
		}
	}
	r := &w.client.requests[step]
	start, took, fail := w.send(ctx, step, &begin)
	if fail != nil {
		w.unreachable = fail.dead
		w.failed(ctx, step, start, took, due, fail)
		return false
	}
	end := w.ran(start, took)
	resp := w.link.answer()
	kind, detail := r.wrong(resp, w.variables)
	if kind == "" && len(r.captures) > 0 {
		kind, detail = r.capture(resp, w.variables)
	}
	if kind != "" {
		w.record.Failure(step, kind, took, detail)
		w.lag(due, begin, start)
	} else {
		told := timingOf(resp)
		switch {
		case w.follows: // due when it is sent
			w.record.SuccessOpen(step, recorder.Times{Response: took, Service: took, Lag: recorder.NoLag}, told.cold)
		case due.IsZero():
			w.record.Success(step, took, told.cold)
		default:
			w.record.SuccessOpen(step, recorder.Times{Response: end.Sub(due), Service: took, Lag: w.late(due, begin, start)}, told.cold)
		}
		w.record.Told(told.app, told.store, told.init)
	}
	w.free = end
	if think := w.variables.Think(r.step.Think); think > 0 {
		w.rest(ctx, think)
		w.free = time.Now()
	}
	return kind == ""
}

// send sends the message of a step, and once more if the server has not looked at it. begin is when opening began, if anything was opened.
func (w *worker) send(ctx context.Context, step int, begin *time.Time) (start time.Time, took time.Duration, fail *failure) {
	start, took, fail = w.link.send(w.message(step))
	if fail == nil || !fail.unseen {
		return start, took, fail
	}
	if begin.IsZero() {
		*begin = start
	}
	if w.opened(w.link.open(ctx)) != nil {
		return start, took, fail
	}
	return w.link.send(w.message(step))
}

// late is how much later the request was sent than it could have been: after it was due and the worker was free. Opening a
// connection is not the generator's lateness.
func (w *worker) late(due, begin, start time.Time) time.Duration {
	if !begin.IsZero() {
		start = begin
	}
	if due.Before(w.free) {
		due = w.free
	}
	return max(0, start.Sub(due))
}

// lag records the lateness of a request that failed.
func (w *worker) lag(due, begin, start time.Time) {
	if !due.IsZero() {
		w.record.Lag(w.late(due, begin, start))
	}
}

// ran notes when a request ran, and gives its end.
func (w *worker) ran(start time.Time, took time.Duration) time.Time {
	if w.first.IsZero() {
		w.first = start
	}
	w.last = start.Add(took)
	return w.last
}

// failed records a request without an answer. One that was cut off by us says nothing of the target and is not counted.
func (w *worker) failed(ctx context.Context, step int, start time.Time, took time.Duration, due time.Time, fail *failure) {
	if ctx.Err() != nil {
		return
	}
	end := w.ran(start, took)
	w.record.Failure(step, fail.kind, took, fail.Error)
	w.lag(due, time.Time{}, start)
	w.free = end
}

// connect opens ahead of time what the worker's link keeps.
func (w *worker) connect(ctx context.Context) { _ = w.opened(w.link.prepare(ctx)) }

// opened records how long it took to open a connection, if one was.
func (w *worker) opened(o opened, fail *failure) *failure {
	if fail == nil && o.took > 0 {
		w.record.Connected(o.took, o.handshake)
	}
	return fail
}

// rest pauses, and says whether to go on.
func (w *worker) rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.stop.asked:
		return true // next says that it is over, and what is left
	case <-ctx.Done():
		return false
	}
}
