package loadgen

import (
	"time"
)

// pacer waits for points in time. It is used by one goroutine at a time.
type pacer interface {
	// wait until at, and say so; or until asked is closed. Its last part may be spent spinning if spin says that a CPU can be spared.
	wait(at time.Time, asked <-chan struct{}, spin bool) bool
	// spun is how long it has been spinning so far.
	spun() time.Duration
	close()
}

// A sleeping thread is woken up late, by some 50 µs on common machines. So the pacer sleeps until shortly before the time, and
// spins for the rest. How long before, it learns: after each sleep the margin is moved by a step up if the sleep was longer
// than it allows for, and by a hundredth of that down if not. In the long run it is then too short for one sleep in a
// hundred (stochastic approximation of the 99th percentile, Robbins and Monro 1951).
const (
	firstMargin = 100 * time.Microsecond
	mostMargin  = 250 * time.Microsecond
	marginStep  = 20 * time.Microsecond
)

// hybrid is a pacer that sleeps, and then spins.
type hybrid struct {
	sleep   func(d time.Duration, asked <-chan struct{}) bool
	free    func()
	margin  time.Duration
	spinned time.Duration
}

// wait implements pacer.
func (h *hybrid) wait(at time.Time, asked <-chan struct{}, spin bool) bool {
	margin := time.Duration(0)
	if spin {
		margin = h.margin
	}
	if left := time.Until(at); left > margin {
		if !h.sleep(left-margin, asked) {
			return false
		}
		if spin {
			h.learn(time.Since(at) + margin)
		}
	}
	begun := time.Now()
	now := begun
	for now.Before(at) {
		now = time.Now()
	}
	h.spinned += now.Sub(begun)
	return true
}

// learn from a sleep that was longer than asked for by so much.
func (h *hybrid) learn(overslept time.Duration) {
	if overslept > h.margin {
		h.margin = min(h.margin+marginStep, mostMargin)
	} else {
		h.margin = max(h.margin-marginStep/100, 0)
	}
}

func (h *hybrid) spun() time.Duration { return h.spinned }
func (h *hybrid) close()              { h.free() }

// timerSleep sleeps with Go's own timers. On Linux these wake up to a millisecond late, since the scheduler waits in whole
// milliseconds for the network.
func timerSleep(d time.Duration, asked <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-asked:
		return false
	}
}
