package emulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// InitError tells that the bootstrap started but did not get as far as asking for an event, or could not be started.
type InitError struct {
	// Reason is what happened, in one line.
	Reason string
	// Stderr is the end of what the process wrote, up to 4 KiB; empty if it wrote nothing.
	Stderr string
}

func (e *InitError) Error() string {
	if e.Stderr == "" {
		return "bootstrap cannot start: " + e.Reason
	}
	return "bootstrap cannot start: " + e.Reason + "; its last output:\n" + strings.TrimRight(e.Stderr, "\n")
}

// state of an environment.
type state int

const (
	stateStarting  state = iota // in its init
	stateIdle                   // waits for an event
	stateBusy                   // works on an event
	stateFinishing              // has answered, has not asked for the next event
	stateDetached               // gave up waiting for an event, may ask again
	stateDead
)

// environment is one process of the bootstrap and its Runtime API.
type environment struct {
	fn        *function
	logStream string
	started   time.Time
	startWait time.Duration
	listener  net.Listener
	child     *process.Child // nil until the process runs; guarded by fn.mu
	ready     chan error     // one element when the init has ended: nil, or what the function reported
	tail      tail
	drained   chan struct{} // closed when all output has been read

	// The connections to the Runtime API.
	connsMu    sync.Mutex
	conns      map[*apiConn]struct{}
	connsGone  sync.WaitGroup
	connsBreak bool // no more are accepted

	// Guarded by fn.mu.
	state    state
	first    *invocation // the one that caused this environment, until it is bound
	current  *invocation // nil when there is none or it has its outcome
	lastID   string
	parked   *apiConn // waits for an event
	carrier  *apiConn // got the last event
	deadline time.Time
	timer    *time.Timer
}

// newEnvironment counts a new environment for inv; f.mu is held.
func (f *function) newEnvironment(inv *invocation) *environment {
	f.streams++
	env := &environment{
		fn:        f,
		logStream: fmt.Sprintf("%s/[$LATEST]%032x", time.Now().UTC().Format("2006/01/02"), f.streams),
		ready:     make(chan error, 1),
		drained:   make(chan struct{}),
		conns:     map[*apiConn]struct{}{},
		first:     inv,
	}
	f.envs[env] = struct{}{}
	f.meter.MaxEnvironments = max(f.meter.MaxEnvironments, len(f.envs))
	return env
}

// coldStart runs the init of env and returns the connection on which it waits for inv.
func (f *function) coldStart(env *environment, inv *invocation) (*apiConn, error) {
	queued := time.Now()
	select {
	case f.starting <- struct{}{}:
	case <-f.closing:
		f.forget(env)
		return nil, ErrClosed
	}
	defer func() { <-f.starting }()
	env.startWait = time.Since(queued)
	if err := env.start(); err != nil {
		f.forget(env)
		if errors.Is(err, process.ErrClosed) || errors.Is(err, ErrClosed) {
			return nil, ErrClosed
		}
		return nil, f.initFailed(&InitError{Reason: err.Error()})
	}
	timer := time.NewTimer(f.cfg.InitTimeout)
	defer timer.Stop()
	var failure *InitError
	select {
	case err := <-env.ready:
		if err == nil {
			return <-inv.granted, nil
		}
		failure = &InitError{Reason: err.Error()}
	case <-env.child.Done():
		failure = &InitError{Reason: "it ended (" + env.child.State().String() + ") before it asked for an event"}
	case <-timer.C:
		failure = &InitError{Reason: fmt.Sprintf("it did not ask for an event within %v", f.cfg.InitTimeout)}
	}
	if conn := f.giveUp(env, inv); conn != nil {
		return conn, nil
	}
	// One that has reported its fault is about to exit; that code is nothing to wait for.
	_ = env.child.Stop(0)
	<-env.drained
	failure.Stderr = env.tail.String()
	if f.isClosed() {
		return nil, ErrClosed
	}
	return nil, f.initFailed(failure)
}

// giveUp ends the wait of inv for env, unless it got ready in this very moment: then it returns the connection.
func (f *function) giveUp(env *environment, inv *invocation) *apiConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	if env.first == nil {
		return <-inv.granted
	}
	env.first = nil
	return nil
}

func (f *function) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// initFailed counts a failed init.
func (f *function) initFailed(failure *InitError) error {
	f.mu.Lock()
	f.meter.InitFailures++
	f.lastInitError = failure
	f.mu.Unlock()
	f.cfg.Log.Warn("bootstrap cannot start", "reason", failure.Reason, "output", failure.Stderr)
	return failure
}

// forget uncounts an environment that has no process.
func (f *function) forget(env *environment) {
	f.mu.Lock()
	env.state = stateDead
	delete(f.envs, env)
	f.mu.Unlock()
}

// start opens the Runtime API and starts the process.
func (e *environment) start() error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("opening a runtime API: %w", err)
	}
	// A pipe of our own: with a writer that is no file, the end of the process would only be noticed when every process
	// that inherited the pipe has gone too.
	output, input, err := os.Pipe()
	if err != nil {
		_ = listener.Close()
		return fmt.Errorf("opening a pipe: %w", err)
	}
	e.listener = listener
	cfg := &e.fn.cfg
	cmd := exec.Command(cfg.Bootstrap, cfg.Args...) //nolint:noctx // it outlives the request that caused it; the group ends it
	cmd.Dir = filepath.Dir(cfg.Bootstrap)
	cmd.Env = environ(cfg, listener.Addr().String(), e.logStream)
	cmd.Stdout, cmd.Stderr = input, input
	e.started = time.Now()
	child, err := cfg.Group.Start(cmd)
	_ = input.Close()
	if err != nil {
		_ = listener.Close()
		_ = output.Close()
		return err
	}
	e.fn.mu.Lock()
	defer e.fn.mu.Unlock()
	if e.fn.closed { // after the sweep of close
		_ = child.Stop(0)
		_ = listener.Close()
		_ = output.Close()
		return ErrClosed
	}
	e.child = child
	e.fn.workers.Go(e.accept)
	e.fn.workers.Go(func() { e.readOutput(output) })
	e.fn.workers.Go(func() { e.watch(output) })
	return nil
}

// readOutput copies what the process writes.
func (e *environment) readOutput(output *os.File) {
	defer close(e.drained)
	defer output.Close() //nolint:errcheck // only read
	buf := make([]byte, 4096)
	for {
		n, err := output.Read(buf)
		if n > 0 {
			e.tail.write(buf[:n])
			if w := e.fn.cfg.Output; w != nil {
				e.fn.output.Lock()
				_, _ = w.Write(buf[:n]) // a reader of logs that went away must not stop the function
				e.fn.output.Unlock()
			}
		}
		if err != nil {
			return
		}
	}
}

// watch waits for the end of the process and clears up after it.
func (e *environment) watch(output *os.File) {
	<-e.child.Done()
	f := e.fn
	f.mu.Lock()
	was := e.state
	e.state = stateDead
	e.parked = nil
	if e.timer != nil {
		e.timer.Stop()
	}
	f.withdraw(e)
	delete(f.envs, e)
	if was == stateFinishing {
		f.notFinishing()
	}
	f.mu.Unlock()

	// The kernel has closed the process's sockets; wait until that is seen, for an event that was not read has another
	// environment as its outcome, not the end of this one.
	_ = e.listener.Close()
	guard := time.AfterFunc(time.Second, e.breakConns)
	e.connsGone.Wait()
	guard.Stop()
	// A process that left the group may hold the pipe; what it writes is of no interest any more.
	_ = output.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	<-e.drained

	f.mu.Lock()
	inFlight := f.complete(e, outcome{kind: outcomeExit, err: fmt.Errorf("environment ended: %s", e.child.State())})
	closed := f.closed
	f.mu.Unlock()
	if was != stateStarting && !closed {
		f.cfg.Log.Warn("environment ended", "log_stream", e.logStream, "state", e.child.State().String(), "in_flight", inFlight, "output", e.tail.String())
	}
}

// timedOut ends an environment whose invocation has not ended by its deadline, that is, it has not asked for the next event.
func (e *environment) timedOut() {
	f := e.fn
	f.mu.Lock()
	defer f.mu.Unlock()
	// The timer may have fired just before it was stopped or set anew.
	if e.state != stateBusy && e.state != stateFinishing || time.Now().Before(e.deadline) {
		return
	}
	f.complete(e, outcome{kind: outcomeTimeout, err: fmt.Errorf("task timed out after %.2f seconds", f.cfg.Timeout.Seconds())})
	f.stop(e, 0)
}

// tail keeps the last 4 KiB that were written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 4096

func (t *tail) write(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(p) > tailSize {
		p = p[len(p)-tailSize:]
	}
	if over := len(t.buf) + len(p) - tailSize; over > 0 {
		t.buf = t.buf[:copy(t.buf, t.buf[over:])]
	}
	t.buf = append(t.buf, p...)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
