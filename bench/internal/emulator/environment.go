package emulator

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// environment is one process of the bootstrap and its Runtime API.
type environment struct {
	fn         *function
	logStream  string
	generation int    // of function.generation
	initType   string // of AWS_LAMBDA_INITIALIZATION_TYPE
	suppressed bool   // its init is the second try, inside an invocation
	started    time.Time
	startWait  time.Duration
	listener   net.Listener
	child      *process.Child // nil until the process runs; guarded by fn.mu
	ready      chan *report   // one element when the init has ended: nil, or what the function reported
	tail       tail
	log        journal
	memory     memory
	cage       *cage
	mark       string        // of its processes, "" if a cgroup keeps all of them together
	drained    chan struct{} // closed when all output has been read
	frost      frost
	exts       extensions
	initBy     time.Time // when its init must have ended

	// The connections to the Runtime API.
	connsMu    sync.Mutex
	conns      map[*apiConn]struct{}
	connsGone  sync.WaitGroup
	connsBreak bool // no more are accepted

	// Guarded by fn.mu.
	slots    []slot
	inited   bool          // it has asked for an event
	givenUp  bool          // it has not, and need not any more
	waiting  []*invocation // those that wait for its init, the one that caused it first
	settled  bool          // it asks for as many events as it ever will, so nobody waits any more
	init     initRecord    // when it has ended
	used     bool          // it has got an event
	shutdown bool          // it is being ended for having been idle
}

// newEnvironment counts a new environment, which has its descriptors; f.mu is held.
func (f *function) newEnvironment(initType string) *environment {
	f.streams++
	env := f.makeEnvironment(initType, fmt.Sprintf("%s/[$LATEST]%032x", time.Now().UTC().Format("2006/01/02"), f.streams))
	f.envs[env] = struct{}{}
	f.grown()
	return env
}

func (f *function) makeEnvironment(initType, logStream string) *environment {
	env := &environment{
		fn: f, logStream: logStream, initType: initType, generation: f.generation,
		ready: make(chan *report, 1), drained: make(chan struct{}), conns: map[*apiConn]struct{}{}, cage: &cage{},
		slots: make([]slot, f.cfg.EnvironmentConcurrency),
	}
	for i := range env.slots {
		env.slots[i].env = env
	}
	return env
}

// start opens the Runtime API and starts the process.
func (e *environment) start() error {
	e.started = time.Now()
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
	e.log.env, e.log.pipe, e.log.format, e.log.shown = e, output, cfg.LogFormat, cfg.LogLines
	if cfg.LogLines && cfg.LogFormat == LogJSON {
		e.fn.sink.write(e.initStartLine(time.Now()))
	}
	begun := e.started
	var child *process.Child
	if err = e.extend(input); err == nil {
		child, err = e.run(input)
	}
	_ = input.Close()
	if err == nil {
		err = e.launched(child, begun)
	}
	if err != nil {
		e.disband()
		_ = output.Close()
	}
	return err
}

// markProcesses lets the processes of the environment that are started from now on be found by the address of its Runtime API, wherever
// they have gone. That takes a look at all processes, so it is for those that are not started in a cgroup of the environment.
func (e *environment) markProcesses() {
	if e.mark == "" {
		e.mark = "AWS_LAMBDA_RUNTIME_API=" + e.listener.Addr().String()
		e.fn.cfg.Group.Mark(e.mark)
	}
}

// endMarked kills what is left of the marked processes. The Runtime API must still listen: until then nobody else in this network
// namespace can have its address.
func (e *environment) endMarked() {
	if e.mark != "" {
		e.fn.cfg.Group.EndMarked(e.mark)
		e.mark = ""
	}
}

// run starts the process, which writes to output.
func (e *environment) run(output *os.File) (*process.Child, error) {
	cfg := &e.fn.cfg
	path, done := e.fn.program()
	defer done()
	cmd := exec.Command(path, cfg.Args...) //nolint:noctx // it outlives the request that caused it; the group ends it
	cmd.Args[0] = cfg.Bootstrap
	cmd.Dir = filepath.Dir(cfg.Bootstrap)
	cmd.Stdout, cmd.Stderr = output, output
	return e.fn.freezing.start(e, cmd)
}

// launched takes note of the process, whose init has begun at that time.
func (e *environment) launched(child *process.Child, begun time.Time) error {
	e.fn.mu.Lock()
	defer e.fn.mu.Unlock()
	if e.fn.closed { // after the sweep of close
		_ = child.Stop(0)
		return ErrClosed
	}
	e.child = child
	if e.exts.external {
		e.started = begun
		e.fn.workers.Go(e.adopt)
		close(e.exts.launched)
	} else {
		e.open()
		e.fn.workers.Go(e.copyLog)
	}
	e.fn.workers.Go(e.watch)
	return nil
}

// copyLog reads what the processes write.
func (e *environment) copyLog() {
	defer close(e.drained)
	e.log.copy()
}

// spawn starts the process within its limits; v2 is the cgroup that it is started in, "" if there is none.
func (e *environment) spawn(cmd *exec.Cmd, v2 string) (*process.Child, error) {
	f := e.fn
	cage, hooks := f.limits.confine(v2)
	cmd.Env = environ(&f.cfg, e, cage.env())
	if v2 == "" { // else the cgroup keeps together what the runtime starts
		e.markProcesses()
	}
	e.started = time.Now()
	child, err := f.cfg.Group.StartWith(cmd, hooks)
	if err != nil {
		cage.close()
		return nil, err
	}
	e.cage = cage
	return child, nil
}

// watch waits for the end of the process and clears up after it.
func (e *environment) watch() {
	<-e.child.Done()
	died := time.Now()
	f := e.fn
	inited, answered := e.endSlots()
	if inited { // else it belongs to its init
		defer files().addEnvironments(-1)
	}
	e.endExtensions()
	e.endMarked()

	// The kernel has closed the process's sockets; wait until that is seen, for an event that was not read has another
	// environment as its outcome, not the end of this one.
	_ = e.listener.Close()
	guard := time.AfterFunc(time.Second, e.breakConns)
	e.connsGone.Wait()
	guard.Stop()
	// A process that left the group may hold the pipe; what it writes is of no interest any more.
	e.log.expire(100 * time.Millisecond)
	<-e.drained

	inFlight, quiet := e.closeAccounts(died, answered)
	e.frost.end(f) // and with it what is left in its cgroup, which those of the cage would wait for
	e.cage.close()
	if inited {
		f.turnAway(e)
	}
	if inited && !quiet {
		f.cfg.Log.Warn("environment ended", "log_stream", e.logStream, "state", e.child.State().String(), "in_flight", inFlight, "output", e.tail.String())
	}
}

// endSlots takes the slots of an environment whose process has ended from the function, and tells whether it had been initialised, and
// which slots had answered and not asked for more.
func (e *environment) endSlots() (inited bool, answered []bool) {
	f := e.fn
	f.mu.Lock()
	defer f.mu.Unlock()
	answered = make([]bool, len(e.slots))
	for i := range e.slots {
		s := &e.slots[i]
		answered[i] = s.state == stateFinishing
		s.become(stateDead)
		s.parked = nil
		if s.timer != nil {
			s.timer.Stop()
		}
		f.withdraw(s)
		if answered[i] {
			f.notFinishing()
		}
	}
	if e.inited {
		delete(f.envs, e)
	}
	return e.inited, answered
}

// closeAccounts gives the invocations of an environment whose process died at that time their outcome and their lines in the log. It
// returns how many had none, and whether nobody is to be told of the end, for it was this service that ended it.
func (e *environment) closeAccounts(died time.Time, answered []bool) (inFlight int, quiet bool) {
	f := e.fn
	outOfMemory := e.cage.outOfMemory()
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	f.mu.Lock()
	var ended []*usage
	for i := range e.slots {
		s := &e.slots[i]
		if f.complete(s, outcome{kind: outcomeExit, err: fmt.Errorf("environment ended: %s", e.child.State())}) {
			inFlight++
		}
		if !f.closed || !answered[i] { // else it was ended for nothing that it did
			s.account.ended(e.child.State().String(), outOfMemory)
		}
		if a := f.settle(s, died); a != nil {
			ended = append(ended, a)
		}
	}
	quiet = f.closed || e.shutdown
	f.mu.Unlock()
	for _, a := range ended {
		e.log.collect(a.log)
		e.log.end(a, died)
	}
	return inFlight, quiet
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
