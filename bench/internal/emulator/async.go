package emulator

import (
	"bytes"
	"fmt"
	"time"
)

// How events of the invocation type Event are handled (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html):
// "If the function returns an error, by default Lambda attempts to run it two more times, with a one-minute wait between the first
// two attempts, and two minutes between the second and third attempts"; errors of the runtime "such as timeouts" are among them.
// "For throttling errors (429) and system errors (500-series), Lambda returns the event to the queue and attempts to run the function again
// for up to 6 hours by default. The retry interval increases exponentially from 1 second after the first attempt to a maximum of
// 5 minutes". Dead-letter queues and destinations are not imitated, nor that an event may come twice.
const (
	defaultAsyncRetries   = 2
	defaultAsyncRetryWait = time.Minute
	defaultAsyncMaxAge    = 6 * time.Hour
	minThrottleWait       = time.Second
	maxThrottleWait       = 5 * time.Minute

	// Lambda's queue has no limit that is documented. This one is in memory.
	maxQueued      = 10_000
	maxQueuedBytes = 64 << 20
)

// asyncDefaults fills in what is not set and reports faults.
func (c *Config) asyncDefaults() error {
	if c.AsyncRetries == nil {
		n := defaultAsyncRetries
		c.AsyncRetries = &n
	}
	if n := *c.AsyncRetries; n < 0 || n > defaultAsyncRetries {
		return fmt.Errorf("%d tries again of events are not between 0 and %d", n, defaultAsyncRetries)
	}
	if c.AsyncRetryWait < 0 || c.AsyncMaxAge < 0 || c.AsyncMaxAge > defaultAsyncMaxAge {
		return fmt.Errorf("an event is tried again after %v and kept for %v: expected no negative time, and up to %v", c.AsyncRetryWait, c.AsyncMaxAge, defaultAsyncMaxAge)
	}
	setDefault(&c.AsyncRetryWait, defaultAsyncRetryWait)
	setDefault(&c.AsyncMaxAge, defaultAsyncMaxAge)
	return nil
}

// queuedEvent is one that nobody waits for.
type queuedEvent struct {
	id, traceID string
	event       []byte
	since       time.Time
}

// invokeLater takes the event of inv into the queue; false if that is full. Its caller holds a count of f.handlers.
func (f *function) invokeLater(inv *invocation) bool {
	f.mu.Lock()
	if f.meter.AsyncQueued >= maxQueued || f.queuedBytes+len(inv.event) > maxQueuedBytes {
		f.mu.Unlock()
		return false
	}
	f.meter.AsyncEvents++
	f.meter.AsyncQueued++
	f.queuedBytes += len(inv.event)
	f.mu.Unlock()
	e := &queuedEvent{id: inv.id, traceID: inv.traceID, event: bytes.Clone(inv.event), since: f.now()}
	f.handlers.Go(func() {
		done := f.process(e)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.meter.AsyncQueued--
		f.queuedBytes -= len(e.event)
		if !done {
			f.meter.AsyncDropped++
		}
	})
	return true
}

// process invokes until the function has answered; false if the event was given up.
func (f *function) process(e *queuedEvent) (done bool) {
	failed, throttled := 0, minThrottleWait
	for {
		out := f.attempt(e)
		var wait time.Duration
		switch {
		case out.kind == outcomeAnswer:
			return true
		case out.kind == outcomeNotRun:
			wait, throttled = throttled, min(2*throttled, maxThrottleWait)
		case failed == *f.cfg.AsyncRetries:
			f.cfg.Log.Warn("event is given up", "request_id", e.id, "error", out.err)
			return false
		default:
			wait = f.cfg.AsyncRetryWait << failed
			failed++
		}
		if f.now().Add(wait).Sub(e.since) > f.cfg.AsyncMaxAge {
			f.cfg.Log.Warn("event is too old", "request_id", e.id, "error", out.err)
			return false
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-f.closing:
			timer.Stop()
			return false
		}
		f.mu.Lock()
		f.meter.AsyncRetries++
		f.mu.Unlock()
	}
}

// attempt invokes once. All attempts have the same request id.
func (f *function) attempt(e *queuedEvent) outcome {
	inv := f.pools.newInvocation()
	defer f.pools.free(inv)
	inv.id, inv.traceID = e.id, e.traceID
	inv.event = append(inv.event[:0], e.event...)
	out := f.invoke(inv)
	f.pools.freeBuffer(out.answer)
	out.answer = nil
	return out
}
