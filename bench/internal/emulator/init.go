package emulator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// Values of AWS_LAMBDA_INITIALIZATION_TYPE that occur here
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Defined runtime environment variables").
const (
	initOnDemand    = "on-demand"
	initProvisioned = "provisioned-concurrency"
	initManaged     = "lambda-managed-instances"
)

// minLongInit is the least limit of an init that has no request waiting: "the time limit is 130 seconds or the configured function
// timeout (maximum 900 seconds), whichever is higher"
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Init phase").
const minLongInit = 130 * time.Second

// Types of errors that Lambda itself gives to inits that fail.
const (
	errorTypeExit       = "Runtime.ExitError"
	errorTypeEntrypoint = "Runtime.InvalidEntrypoint"
	errorTypeTimeout    = "Sandbox.Timedout"
)

// InitError tells that the bootstrap started but did not get as far as asking for an event, or could not be started.
type InitError struct {
	// Reason is what happened, in one line.
	Reason string
	// Type is Lambda's type of the error, or what the function has reported; Sandbox.Timedout if it took too long.
	Type string
	// Exit is how the process ended, such as "exit status 3"; empty if it did not by itself.
	Exit string
	// Stderr is the end of what the process wrote, up to 4 KiB; empty if it wrote nothing.
	Stderr string

	report *report // what the function reported; nil if it reported nothing
}

func (e *InitError) Error() string {
	if e.Stderr == "" {
		return "bootstrap cannot start: " + e.Reason
	}
	return "bootstrap cannot start: " + e.Reason + "; its last output:\n" + strings.TrimRight(e.Stderr, "\n")
}

// outcome is what an invocation comes to whose init has failed twice.
func (e *InitError) outcome() outcome {
	kind := outcomeFunctionError
	switch e.Type {
	case errorTypeTimeout:
		kind = outcomeTimeout
	case errorTypeExit, errorTypeEntrypoint:
		kind = outcomeExit
	}
	return outcome{kind: kind, err: e}
}

// initRecord is what is known of an init that has ended.
type initRecord struct {
	initType string // of AWS_LAMBDA_INITIALIZATION_TYPE
	// suppressed tells that it was the second try, inside an invocation: phase "invoke" of an INIT_REPORT line.
	suppressed bool
	// wait is how long it waited for its turn (Config.MaxStarting), took the time from the start of the process to its end.
	wait, took time.Duration
	failure    *InitError // nil if it succeeded
}

// coldStart runs the init of env, which inv has caused, and returns the connection on which it waits for inv.
//
// An init that fails or takes too long is tried once more, with the time-out of the function as its limit, and as part of the
// invocation, whose deadline counts from then: "Lambda retries the Init phase at the time of the first function invocation with
// the configured function timeout" (lambda-runtime-environment.html, "Init phase"; "suppressed init").
func (f *function) coldStart(env *environment, inv *invocation) (*apiConn, error) {
	queued := time.Now()
	select {
	case f.starting <- struct{}{}:
	case <-f.closing:
		f.abandon(env, ErrClosed)
		return nil, ErrClosed
	}
	defer func() { <-f.starting }()
	env.startWait = time.Since(queued)
	err := f.runInit(env, f.cfg.initLimit(env.initType))
	if _, failed := errors.AsType[*InitError](err); failed {
		if env = f.initAgain(env, inv); env == nil {
			return nil, ErrClosed
		}
		err = f.runInit(env, f.cfg.Timeout)
	}
	if err != nil {
		f.abandon(env, err)
		return nil, err
	}
	return <-inv.granted, nil
}

// initLimit is how long an init of that type may take.
func (c *Config) initLimit(initType string) time.Duration {
	switch {
	case c.InitTimeout > 0:
		return c.InitTimeout
	case initType == initOnDemand:
		return defaultInitTimeout
	}
	return max(minLongInit, c.Timeout)
}

// runInit starts the process of env and returns when it has asked for an event, or has failed to: then it has ended.
func (f *function) runInit(env *environment, limit time.Duration) error {
	env.initBy = time.Now().Add(limit)
	if err := f.startProcess(env); err != nil {
		if errors.Is(err, process.ErrClosed) || errors.Is(err, ErrClosed) {
			return ErrClosed
		}
		if failure, ok := errors.AsType[*InitError](err); ok { // of an extension
			failure.Stderr = env.tail.String()
			return f.initFailed(env, failure)
		}
		return f.initFailed(env, &InitError{Reason: err.Error(), Type: errorTypeEntrypoint})
	}
	timer := time.NewTimer(time.Until(env.initBy))
	defer timer.Stop()
	var failure *InitError
	select {
	case failure = <-env.exts.failed:
	case report := <-env.ready:
		if report == nil {
			return nil
		}
		failure = &InitError{Reason: "it reported an init error: " + report.Error(), Type: report.kind, report: report}
	case <-env.child.Done():
		failure = &InitError{Reason: "it ended (" + env.child.State().String() + ") before it asked for an event", Type: errorTypeExit, Exit: env.child.State().String()}
	case <-timer.C:
		failure = &InitError{Reason: fmt.Sprintf("it did not ask for an event within %v", limit), Type: errorTypeTimeout}
	}
	if f.giveUp(env) {
		return nil
	}
	// One that has reported its fault is about to exit; that code is nothing to wait for.
	_ = env.child.Stop(0)
	<-env.drained
	failure.Stderr = env.tail.String()
	if f.isClosed() {
		return ErrClosed
	}
	return f.initFailed(env, failure)
}

// giveUp ends the init of env, unless it got ready in this very moment.
func (f *function) giveUp(env *environment) (ready bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	env.givenUp = !env.inited
	return env.inited
}

func (f *function) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// initDone notes that env has asked for its first event; f.mu is held.
func (f *function) initDone(env *environment) {
	env.inited = true
	f.initEnded(env, nil)
	select {
	case env.ready <- nil:
	default: // it reported an error before; who waits finds that it is ready all the same
	}
	if env.shared() {
		time.AfterFunc(joinGrace, func() { f.turnAway(env) })
	}
}

// initFailed counts a failed init.
func (f *function) initFailed(env *environment, failure *InitError) error {
	f.mu.Lock()
	f.lastInitError = failure
	f.initEnded(env, failure)
	f.mu.Unlock()
	f.logInit(&env.init)
	f.cfg.Log.Warn("bootstrap cannot start", "reason", failure.Reason, "output", failure.Stderr)
	return failure
}

// initEnded counts an init and keeps what is known of it; f.mu is held.
func (f *function) initEnded(env *environment, failure *InitError) {
	env.init = initRecord{initType: env.initType, suppressed: env.suppressed, wait: env.startWait, took: time.Since(env.started), failure: failure}
	f.meter.init(&env.init)
}

// initAgain puts a new process in the place of env, whose init has failed; nil after close.
func (f *function) initAgain(env *environment, inv *invocation) *environment {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		f.drop(env, ErrClosed)
		return nil
	}
	again := f.makeEnvironment(env.initType, env.logStream)
	again.suppressed, again.startWait = true, env.startWait
	again.waiting, env.waiting = env.waiting, nil
	f.drop(env, nil)
	f.envs[again] = struct{}{}
	f.grown()
	files().addEnvironments(1)
	f.meter.InitRetries++
	inv.limit = time.Now().Add(f.cfg.Timeout)
	return again
}

// abandon uncounts an environment that did not come up, and tells those that wait for it why.
func (f *function) abandon(env *environment, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(env, err)
}

// drop is abandon; f.mu is held. The one that caused the environment runs the init and knows.
func (f *function) drop(env *environment, err error) {
	for i := range env.slots {
		env.slots[i].become(stateDead)
	}
	delete(f.envs, env)
	files().addEnvironments(-1)
	for _, inv := range env.waiting[min(1, len(env.waiting)):] {
		inv.refused = err
		inv.granted <- nil
	}
	env.waiting = nil
}

// joinGrace is how long after its init an environment may take to ask for as many events as it may take at once. Requests for
// which there will be room wait for that, rather than cause another environment.
const joinGrace = time.Second

// turnAway sends on those that wait for env, which asks for fewer events than it may take at once, or has ended.
func (f *function) turnAway(env *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	env.settled = true
	for _, inv := range env.waiting {
		inv.granted <- nil
	}
	env.waiting = nil
}

// joinable is an environment in its init, or just after it, that will have room for one more event, nil if there is none; f.mu is
// held. Only environments for several events at once ever have.
func (f *function) joinable() *environment {
	if f.cfg.EnvironmentConcurrency == 1 {
		return nil
	}
	for env := range f.envs {
		// Nobody runs the init of a provisioned one who could tell those that wait of its failure.
		if (env.inited && !env.settled || !env.inited && len(env.waiting) > 0) && len(env.waiting) < env.count(stateStarting) {
			return env
		}
	}
	return nil
}

// join waits for an environment in its init that another request has caused. Without a connection and an error there was no room.
func (f *function) join(inv *invocation) (*apiConn, error) {
	conn := <-inv.granted
	err := inv.refused
	inv.refused = nil
	return conn, err
}

// nextWaiting is who gets the next event of env, nil if nobody waits for it in particular; fn.mu is held.
func (e *environment) nextWaiting() *invocation {
	if len(e.waiting) == 0 {
		return nil
	}
	inv := e.waiting[0]
	e.waiting = slices.Delete(e.waiting, 0, 1)
	return inv
}
