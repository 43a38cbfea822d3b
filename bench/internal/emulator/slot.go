package emulator

import (
	"fmt"
	"time"
)

// state of a slot.
type state int

const (
	stateStarting  state = iota // has not asked for an event yet
	stateIdle                   // waits for an event
	stateBusy                   // works on an event
	stateFinishing              // has answered, has not asked for the next event
	stateDetached               // gave up waiting for an event, may ask again
	stateDead
)

// occupied tells whether a slot in that state counts against the concurrency: an event is in it until the next one is asked for.
func (s state) occupied() bool { return s == stateBusy || s == stateFinishing }

// slot is the place of one event in an environment. There is one, or Config.EnvironmentConcurrency of them. All of it is guarded by
// function.mu.
type slot struct {
	env       *environment
	state     state
	current   *invocation // nil when there is none or it has its outcome
	lastID    string
	parked    *apiConn // waits for an event
	carrier   *apiConn // got the last event, which may not have been read yet
	deadline  time.Time
	timer     *time.Timer
	idleSince time.Time // when it became idle
	account   usage     // of the event that it works or worked on
}

// become changes the state and counts how many events are in work.
func (s *slot) become(to state) {
	f := s.env.fn
	switch was := s.state.occupied(); {
	case to.occupied() && !was:
		f.busy++
		f.peaks.raise(Peaks{BusyMax: f.busy})
	case was && !to.occupied():
		f.busy--
	}
	s.state = to
}

// shared tells whether the environment takes several events at once, as those of Lambda Managed Instances do.
func (e *environment) shared() bool { return len(e.slots) > 1 }

// asking is the slot for which a connection asks for an event, nil if none is free. With several slots nothing tells which of them
// it is: one that has answered comes first.
func (e *environment) asking() *slot {
	for _, want := range []state{stateFinishing, stateDetached, stateStarting} {
		for i := range e.slots {
			if s := &e.slots[i]; s.state == want && s.parked == nil { // it may wait for extensions
				return s
			}
		}
	}
	return nil
}

// answered is the slot that works or worked last on the event with that id, nil if there is none.
func (e *environment) answered(id string) *slot {
	for i := range e.slots {
		if e.slots[i].lastID == id && id != "" {
			return &e.slots[i]
		}
	}
	return nil
}

// carriedBy is the slot whose last event went over c, nil if there is none.
func (e *environment) carriedBy(c *apiConn) *slot {
	for i := range e.slots {
		if e.slots[i].carrier == c {
			return &e.slots[i]
		}
	}
	return nil
}

// parkedOn is the slot that waits on c, nil if there is none.
func (e *environment) parkedOn(c *apiConn) *slot {
	for i := range e.slots {
		if e.slots[i].parked == c {
			return &e.slots[i]
		}
	}
	return nil
}

// count is how many slots are in a state.
func (e *environment) count(st state) int {
	n := 0
	for i := range e.slots {
		if e.slots[i].state == st {
			n++
		}
	}
	return n
}

// timedOut ends an environment whose invocation has not ended by its deadline, that is, it has not asked for the next event.
//
// One of several events at once gets its outcome, and nothing else happens: "Lambda returns a timeout error for that invocation",
// "does not enforce the timeout and your code continues to run", the others go on
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html, "Error handling and recovery").
func (s *slot) timedOut() {
	f := s.env.fn
	f.mu.Lock()
	defer f.mu.Unlock()
	// The timer may have fired just before it was stopped or set anew.
	if !s.state.occupied() || time.Now().Before(s.deadline) {
		return
	}
	f.complete(s, outcome{kind: outcomeTimeout, err: fmt.Errorf("task timed out after %.2f seconds", f.cfg.Timeout.Seconds())})
	if !s.env.shared() {
		s.account.kind = outcomeTimeout // also of one that has answered, and works on
		f.shutDown(s.env, shutdownTimeout)
	}
}
