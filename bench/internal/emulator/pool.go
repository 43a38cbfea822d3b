package emulator

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// settle is how long a request waits for an environment that has answered but not yet asked for its next event.
const settle = 100 * time.Millisecond

// errThrottled tells that as many environments exist as may.
var errThrottled = errors.New("concurrency limit reached")

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
	output   sync.Mutex

	mu            sync.Mutex
	closed        bool
	envs          map[*environment]struct{}
	idle          []*environment // the one used last is the last
	finishing     int            // environments in state finishing
	waiters       []*invocation  // those that wait for one of them, in order of arrival
	meter         Meter
	lastInitError *InitError
	streams       int // log streams, that is environments, so far
}

func newFunction(cfg Config) *function {
	return &function{
		cfg:      cfg,
		arn:      "arn:aws:lambda:" + cfg.Region + ":" + account + ":function:" + cfg.FunctionName,
		starting: make(chan struct{}, cfg.MaxStarting),
		closing:  make(chan struct{}),
		envs:     map[*environment]struct{}{},
		meter:    Meter{InitUS: []int64{}, StartWaitUS: []int64{}},
	}
}

// invoke gives the event to an environment, starts one if need be, and returns when there is an outcome. Its caller holds
// a count of f.handlers.
func (f *function) invoke(inv *invocation) outcome {
	for {
		conn, err := f.assign(inv)
		if err != nil {
			return outcome{kind: outcomeNotRun, err: err}
		}
		conn.deliver(inv)
		if out := inv.wait(); out.kind != outcomeUnread {
			return out
		}
	}
}

// assign binds the invocation to an environment and returns the connection on which that one waits for it.
func (f *function) assign(inv *invocation) (*apiConn, error) {
	f.mu.Lock()
	for waited := false; ; waited = true {
		if f.closed {
			f.mu.Unlock()
			return nil, ErrClosed
		}
		if n := len(f.idle); n > 0 {
			env := f.idle[n-1]
			f.idle[n-1] = nil
			f.idle = f.idle[:n-1]
			conn := f.bind(env, inv)
			f.mu.Unlock()
			return conn, nil
		}
		if waited || f.finishing <= len(f.waiters) {
			break
		}
		f.waiters = append(f.waiters, inv)
		f.mu.Unlock()
		if conn := f.await(inv); conn != nil {
			return conn, nil
		}
		f.mu.Lock()
	}
	if len(f.envs) >= f.cfg.MaxConcurrency {
		f.meter.Throttles++
		f.mu.Unlock()
		return nil, errThrottled
	}
	env := f.newEnvironment(inv)
	f.mu.Unlock()
	return f.coldStart(env, inv)
}

// await waits for an environment to be released to inv, nil if none is in time.
func (f *function) await(inv *invocation) *apiConn {
	inv.timer.Reset(settle)
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

// bind makes env busy with inv; f.mu is held and env waits for an event.
func (f *function) bind(env *environment, inv *invocation) *apiConn {
	conn := env.parked
	env.parked, env.carrier = nil, conn
	conn.begun.Store(false)
	env.state = stateBusy
	env.current = inv
	env.lastID = inv.id
	env.deadline = time.Now().Add(f.cfg.Timeout)
	inv.deadline = env.deadline
	inv.tries++
	if env.timer == nil {
		env.timer = time.AfterFunc(f.cfg.Timeout, env.timedOut)
	} else {
		env.timer.Reset(f.cfg.Timeout)
	}
	f.meter.Invocations++
	return conn
}

// release gives env, which waits for an event, to the first waiter, or makes it idle; f.mu is held.
func (f *function) release(env *environment) {
	if len(f.waiters) > 0 {
		inv := f.waiters[0]
		f.waiters = slices.Delete(f.waiters, 0, 1)
		inv.granted <- f.bind(env, inv)
		return
	}
	env.state = stateIdle
	f.idle = append(f.idle, env)
}

// withdraw takes env out of the idle ones; f.mu is held.
func (f *function) withdraw(env *environment) {
	if i := slices.Index(f.idle, env); i >= 0 {
		f.idle = slices.Delete(f.idle, i, i+1)
	}
}

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

// complete ends the invocation that env works on, if there is one; f.mu is held.
func (f *function) complete(env *environment, out outcome) bool {
	inv := env.current
	if inv == nil {
		return false
	}
	env.current = nil
	f.meter.count(out.kind)
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
		for env := range f.envs {
			f.stop(env, grace)
		}
	}
	f.mu.Unlock()
	f.workers.Wait()
}

// stop ends the process of env in the background, if it has been started; f.mu is held.
func (f *function) stop(env *environment, grace time.Duration) {
	if env.child != nil {
		f.workers.Go(func() { _ = env.child.Stop(grace) })
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
