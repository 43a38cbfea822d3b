package emulator

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// defaultSettleFor is how long a request waits for an environment that has answered but not yet asked for its next event.
const defaultSettleFor = 100 * time.Millisecond

// function holds the environments and gives them events. One lock guards all of it, the state of each environment
// included: every transition concerns the environment and the pool at once, and none takes longer than a map access.
type function struct {
	cfg      Config
	arn      string
	pools    pools
	starting chan struct{} // holds an element for each environment in its init
	closing  chan struct{} // closed by close
	handlers sync.WaitGroup
	workers  sync.WaitGroup // goroutines of environments
	sink     *sink          // of Config.Output
	limits   limits

	complaints complaints

	maxMemoryMB atomic.Int64 // of any environment

	freezing  freezing
	reload    *reload          // nil unless Config.Watch
	shared    *unreserved      // nil if there are no other functions
	inFlight  int              // requests in work; guarded by shared.mu
	now       func() time.Time // of the limits; tests have their own
	settleFor time.Duration    // defaultSettleFor, but in tests
	shutdown  shutdownLimits   // Lambda's, but in tests
	began     time.Time

	mu            sync.Mutex
	closed        bool
	envs          map[*environment]struct{}
	idle          idle
	finishing     int           // slots in state finishing
	busy          int           // slots that are occupied now
	peaks         Peaks         // since the last sample
	waiters       []*invocation // those that wait for one of the finishing, in order of arrival
	starts        bucket        // of new environments
	requests      bucket        // of the request-rate quota
	samples       samples
	meter         Meter
	lastInitError *InitError
	generation    int // of environments: those of others get no more events
	queuedBytes   int // of events that nobody waits for
	streams       int // log streams, that is environments, so far
}

func newFunction(cfg Config) *function {
	f := &function{
		cfg:       cfg,
		arn:       "arn:aws:lambda:" + cfg.Region + ":" + account + ":function:" + cfg.FunctionName,
		starting:  make(chan struct{}, cfg.MaxStarting),
		closing:   make(chan struct{}),
		now:       time.Now,
		settleFor: defaultSettleFor,
		shutdown:  defaultShutdownLimits(),
		began:     time.Now(),
		envs:      map[*environment]struct{}{},
		meter:     Meter{InitUS: []int64{}, StartWaitUS: []int64{}, Concurrency: []ConcurrencySample{}},
	}
	f.starts = newBucket(cfg.ScaleRate, scaleInterval, f.now())
	f.requests = newBucket(requestsPerSlot*cfg.limit()*cfg.EnvironmentConcurrency, time.Second, f.now())
	f.freezing.open(&f.cfg)
	f.limits.open(&f.cfg, f.freezing.group)
	f.sink = openLog(&f.cfg, time.Now)
	f.idle.open(f)
	return f
}

// invoke gives the event to an environment, starts one if need be, and returns when there is an outcome. Its caller holds
// a count of f.handlers.
func (f *function) invoke(inv *invocation) outcome {
	if err := f.admit(); err != nil {
		return outcome{kind: outcomeNotRun, err: err}
	}
	if f.shared != nil {
		if err := f.enterShared(); err != nil {
			return outcome{kind: outcomeNotRun, err: err}
		}
		defer f.leaveShared()
	}
	for {
		conn, err := f.assign(inv)
		if err != nil {
			return f.notRun(inv, err)
		}
		if conn == nil {
			continue
		}
		if !inv.sent {
			inv.slot.env.log.start(inv.id, inv.log, time.Now())
			conn.deliver(inv)
		}
		inv.sent = false
		if out := inv.wait(); out.kind != outcomeUnread {
			return out
		}
	}
}

// notRun is the outcome of an invocation that no environment got. One whose init has failed counts, as it does on AWS.
func (f *function) notRun(inv *invocation, err error) outcome {
	failure, ok := errors.AsType[*InitError](err)
	if !ok {
		return outcome{kind: outcomeNotRun, err: err}
	}
	out := failure.outcome()
	f.mu.Lock()
	f.meter.Invocations++
	f.meter.count(out.kind)
	a := f.accountOfInit(inv, out)
	f.meter.bill(a, f.cfg.MemoryMB)
	f.mu.Unlock()
	f.logNotRun(a)
	return out
}

// assign binds the invocation to an environment and returns the connection on which that one waits for it. Without a connection
// and an error, it is to be called again.
func (f *function) assign(inv *invocation) (*apiConn, error) {
	f.mu.Lock()
	for waited := false; ; waited = true {
		if f.closed {
			f.mu.Unlock()
			return nil, ErrClosed
		}
		if s := f.idle.take(); s != nil {
			conn := f.bind(s, inv)
			f.mu.Unlock()
			return conn, nil
		}
		if waited || f.finishing <= len(f.waiters) {
			break
		}
		f.waiters = append(f.waiters, inv)
		settleFor := f.settleFor
		f.mu.Unlock()
		if conn := f.await(inv, settleFor); conn != nil {
			return conn, nil
		}
		f.mu.Lock()
	}
	if env := f.joinable(); env != nil {
		env.waiting = append(env.waiting, inv)
		f.mu.Unlock()
		return f.join(inv)
	}
	if err := f.scale(); err != nil {
		f.mu.Unlock()
		return nil, err
	}
	env := f.newEnvironment(f.cfg.onDemand())
	env.waiting = append(env.waiting, inv)
	f.mu.Unlock()
	return f.coldStart(env, inv)
}

// await waits for an environment to be released to inv, nil if none is in time.
func (f *function) await(inv *invocation, in time.Duration) *apiConn {
	inv.timer.Reset(in)
	defer inv.timer.Stop()
	select {
	case conn := <-inv.granted:
		return conn
	case <-inv.timer.C:
	}
	f.mu.Lock()
	if i := slices.Index(f.waiters, inv); i >= 0 {
		f.waiters = slices.Delete(f.waiters, i, i+1)
		f.mu.Unlock()
		return nil
	}
	f.mu.Unlock()
	return <-inv.granted // granted while the timer fired
}

// bind makes s busy with inv; f.mu is held and s waits for an event.
func (f *function) bind(s *slot, inv *invocation) *apiConn {
	conn := s.parked
	s.parked, s.carrier = nil, conn
	conn.begun.Store(false)
	s.become(stateBusy)
	s.current = inv
	s.lastID = inv.id
	inv.slot = s
	inv.tries++
	now := time.Now()
	f.openAccount(s, inv)
	f.setDeadline(s, inv, now)
	f.meter.Invocations++
	if f.cfg.Provisioned > 0 {
		if s.env.initType == initProvisioned {
			f.meter.ProvisionedInvocations++
		} else {
			f.meter.Spillovers++
		}
	}
	return conn
}

// setDeadline lets the time of inv begin at now; f.mu is held.
func (f *function) setDeadline(s *slot, inv *invocation, now time.Time) {
	s.deadline = now.Add(f.cfg.Timeout)
	if !inv.limit.IsZero() {
		s.deadline = inv.limit
	}
	inv.deadline = s.deadline
	s.account.began = s.deadline.Add(-f.cfg.Timeout)
	left := max(0, s.deadline.Sub(now))
	if s.timer == nil {
		s.timer = time.AfterFunc(left, s.timedOut)
	} else {
		s.timer.Reset(left)
	}
}

// place gives s, which waits for an event, to the first waiter, which is to be told by granted, or makes it idle and returns nil; f.mu
// is held.
func (f *function) place(s *slot) *invocation {
	inv := s.env.nextWaiting()
	switch {
	case inv != nil:
	case s.env.generation != f.generation:
		f.retire(s)
		return nil
	case len(f.waiters) > 0:
		inv = f.waiters[0]
		f.waiters = slices.Delete(f.waiters, 0, 1)
	default:
		s.become(stateIdle)
		f.idle.put(s)
		return nil
	}
	f.bind(s, inv)
	return inv
}

// withdraw takes s out of the idle ones; f.mu is held.
func (f *function) withdraw(s *slot) { f.idle.remove(s) }

// notFinishing counts one environment less that is about to ask for an event, and turns away the waiter for whom none is
// left; f.mu is held.
func (f *function) notFinishing() {
	f.finishing--
	if n := len(f.waiters); n > f.finishing && n > 0 {
		inv := f.waiters[n-1]
		f.waiters = f.waiters[:n-1]
		inv.granted <- nil
	}
}

// complete ends the invocation that s works on, if there is one; f.mu is held.
func (f *function) complete(s *slot, out outcome) bool {
	inv := s.current
	if inv == nil {
		return false
	}
	s.current = nil
	f.meter.count(out.kind)
	s.account.outcome(out)
	inv.done <- out
	return true
}

// close ends all environments, and returns when they have ended and all invocations have their outcome.
func (f *function) close(grace time.Duration) {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.closing)
		for _, inv := range f.waiters {
			inv.granted <- nil
		}
		f.waiters = nil
		f.idle.close()
		for env := range f.envs {
			f.endWith(env, grace)
		}
	}
	f.mu.Unlock()
	f.workers.Wait()
	if f.reload != nil {
		f.reload.close()
	}
	f.limits.close()
	f.freezing.close()
	f.sink.close()
}

// stop ends the process of env in the background, if it has been started; f.mu is held. With a grace it must be able to run.
func (f *function) stop(env *environment, grace time.Duration) {
	if env.child != nil {
		f.workers.Go(func() {
			if grace > 0 {
				env.frost.thaw(f)
			}
			env.memory.sample(env.child.Pid(), time.Now(), true, &f.maxMemoryMB)
			_ = env.child.Stop(grace)
		})
	}
}

// enter counts a request that is being handled, so that the service can wait for it; false after close.
func (f *function) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.handlers.Add(1)
	return true
}
