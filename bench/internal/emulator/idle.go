package emulator

import (
	"slices"
	"time"
)

// defaultFreezeAfter is how long an environment has been idle when it is frozen. Lambda freezes it at once. Here that would cost
// each request of a client next door a thaw, which on AWS the network between them hides.
const defaultFreezeAfter = 5 * time.Millisecond

// idle holds the slots that wait for an event, those of provisioned environments apart, since they get events first ("Lambda
// first uses provisioned concurrency", https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html). In both the one that
// became idle last is the last, and is used first. So the frozen ones are in front, and so are those to be ended.
//
// It is guarded by function.mu.
type idle struct {
	f           *function
	provisioned []*slot
	onDemand    []*slot
	freezer     alarm
	reaper      alarm
}

// alarm calls a function some time after it was set, once.
type alarm struct {
	timer *time.Timer
	set   bool
}

// in sets the alarm if it is not set yet.
func (a *alarm) in(d time.Duration) {
	if a.timer != nil && !a.set {
		a.set = true
		a.timer.Reset(d)
	}
}

func newAlarm(call func()) alarm {
	timer := time.AfterFunc(time.Hour, call)
	timer.Stop()
	return alarm{timer: timer}
}

func (i *idle) open(f *function) {
	i.f = f
	if f.freezing.on {
		i.freezer = newAlarm(f.freezeIdle)
	}
	if f.cfg.IdleTimeout > 0 {
		i.reaper = newAlarm(f.reapIdle)
	}
}

// close stops what may happen to idle slots.
func (i *idle) close() {
	for _, a := range []*alarm{&i.freezer, &i.reaper} {
		if a.timer != nil {
			a.timer.Stop()
			a.timer = nil
		}
	}
}

// take returns the slot that is to be used next, nil if there is none.
func (i *idle) take() *slot {
	for _, list := range []*[]*slot{&i.provisioned, &i.onDemand} {
		if n := len(*list); n > 0 {
			s := (*list)[n-1]
			(*list)[n-1] = nil
			*list = (*list)[:n-1]
			return s
		}
	}
	return nil
}

// put adds a slot that has become idle.
func (i *idle) put(s *slot) {
	list := i.list(s)
	*list = append(*list, s)
	if i.freezer.timer == nil && i.reaper.timer == nil {
		return
	}
	s.idleSince = time.Now()
	i.freezer.in(i.f.freezing.after)
	if s.env.initType != initProvisioned {
		i.reaper.in(i.f.cfg.IdleTimeout)
	}
}

func (i *idle) remove(s *slot) {
	list := i.list(s)
	if at := slices.Index(*list, s); at >= 0 {
		*list = slices.Delete(*list, at, at+1)
	}
}

func (i *idle) list(s *slot) *[]*slot {
	if s.env.initType == initProvisioned {
		return &i.provisioned
	}
	return &i.onDemand
}

// freezeIdle freezes the environments that have been idle for long enough, and comes again if others are on their way to it. The
// work is done off the lock: a request that takes such an environment meanwhile finds it marked, and thaws it.
func (f *function) freezeIdle() {
	f.mu.Lock()
	f.idle.freezer.set = false
	if f.closed { // they are to end, and must be able to
		f.mu.Unlock()
		return
	}
	now := time.Now()
	var due []*environment
	next := time.Duration(-1)
	for _, list := range [][]*slot{f.idle.provisioned, f.idle.onDemand} {
		for _, s := range slices.Backward(list) {
			if s.env.frost.wanted.Load() {
				break
			}
			if left := f.freezing.after - now.Sub(s.idleSince); left > 0 {
				next = left
				continue
			}
			s.env.frost.wanted.Store(true)
			due = append(due, s.env)
		}
	}
	if next >= 0 {
		f.idle.freezer.in(max(next, time.Millisecond))
	}
	f.mu.Unlock()
	for _, env := range due {
		env.frost.freeze(f)
	}
}

// reapIdle ends the environments that nobody has needed for Config.IdleTimeout, with SIGKILL and without a word before: a function
// without registered extensions has a shutdown phase of "0 ms"
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Shutdown phase"), and gets SIGTERM only if it has some
// (https://github.com/aws-samples/graceful-shutdown-with-aws-lambda). When Lambda ends idle environments is not documented.
func (f *function) reapIdle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle.reaper.set = false
	if f.closed {
		return
	}
	now := time.Now()
	var due []*environment
	for _, s := range f.idle.onDemand {
		left := f.cfg.IdleTimeout - now.Sub(s.idleSince)
		if left > 0 {
			f.idle.reaper.in(left)
			break
		}
		if s.env.rested(now.Add(-f.cfg.IdleTimeout)) && !slices.Contains(due, s.env) {
			due = append(due, s.env)
		}
	}
	for _, env := range due {
		for at := range env.slots {
			f.idle.remove(&env.slots[at])
			env.slots[at].become(stateDead)
		}
		env.shutdown = true
		f.meter.Reaped++
		f.shutDown(env, shutdownSpindown)
	}
}

// rested tells whether nothing has happened in the environment since then.
func (e *environment) rested(since time.Time) bool {
	for i := range e.slots {
		s := &e.slots[i]
		if s.state.occupied() || s.state == stateIdle && s.idleSince.After(since) {
			return false
		}
	}
	return true
}
