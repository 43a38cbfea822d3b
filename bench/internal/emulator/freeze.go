package emulator

import (
	"errors"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// freezer stops all processes of an environment and lets them go on.
type freezer interface {
	freeze() error
	thaw() error
	adopt(c *process.Child) freezer // is one that stops and thaws c too
	close()                         // after the end of the environment
}

// freezing is how a service freezes its environments: "Lambda freezes the execution environment when the runtime and each extension
// have completed and there are no pending events" (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
//
// Where this process may make a cgroup v2, the kernel freezes all that is in it, unseen by the function. Else the process group gets
// SIGSTOP and SIGCONT, which a process that has left its group does not get, and a handler for SIGCONT sees. The freezer of cgroup
// v1 is not used: to thaw with it took five times as long as with either, and processes in it cannot be killed.
type freezing struct {
	on    bool
	after time.Duration // how long an environment has been idle before
	group *cgroup       // nil: by signals
	clock frozenClock
}

// open gets ready to freeze, if that is asked for. Environments of Managed Instances are "continuously running", "without freezing
// between invocations" (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html).
func (z *freezing) open(cfg *Config) {
	if cfg.Freeze && cfg.EnvironmentConcurrency == 1 {
		z.on, z.after = true, defaultFreezeAfter
	}
	if z.on || cfg.Limits {
		z.group = openCgroup()
	}
	if z.group != nil {
		cfg.Group.Cgroup(z.group.folder())
	}
}

func (z *freezing) close() {
	if z.group != nil {
		z.group.close()
	}
}

// how names the way of freezing, "" if none.
func (z *freezing) how() string {
	switch {
	case !z.on:
		return ""
	case z.group != nil && z.group.usable():
		return "cgroup v2"
	}
	return "SIGSTOP"
}

// start starts the process of e in a way that it can be frozen.
func (z *freezing) start(e *environment, cmd *exec.Cmd) (*process.Child, error) {
	if z.group != nil && z.group.usable() {
		plain := &exec.Cmd{Path: cmd.Path, Args: cmd.Args, Dir: cmd.Dir, Env: cmd.Env, Stdout: cmd.Stdout, Stderr: cmd.Stderr}
		if by, dir, err := z.group.environment(cmd); err == nil {
			child, err := e.spawn(cmd, dir)
			if err == nil {
				e.frost.use(by)
				return child, nil
			}
			by.close()
			if errors.Is(err, process.ErrClosed) {
				return nil, err
			}
		}
		cmd = plain
	}
	child, err := e.spawn(cmd, "")
	if err != nil {
		return nil, err
	}
	if z.group != nil {
		z.group.fail() // it has started without
	}
	if z.on {
		e.frost.use(signalFreezer{child})
	}
	return child, nil
}

// frost is the frozen or running state of an environment.
type frost struct {
	wanted atomic.Bool // it is frozen, or about to be; set under function.mu
	mu     sync.Mutex
	by     freezer   // nil if it cannot be frozen, yet or any more
	since  time.Time // zero if it runs
}

func (t *frost) use(by freezer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.by = by
}

// adopt makes c one of the processes of the environment.
func (t *frost) adopt(c *process.Child) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by != nil {
		t.by = t.by.adopt(c)
	}
}

// freeze freezes the environment unless it was taken meanwhile.
func (t *frost) freeze(f *function) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.wanted.Load() || t.by == nil || t.by.freeze() != nil {
		return
	}
	t.since = time.Now()
	f.freezing.clock.freeze(t.since)
}

// thaw lets the environment run, or keeps it from being frozen.
func (t *frost) thaw(f *function) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wanted.Store(false)
	if t.since.IsZero() {
		return
	}
	if t.by != nil {
		_ = t.by.thaw() // one that is no more needs none
	}
	f.freezing.clock.thaw(t.since, time.Now())
	t.since = time.Time{}
}

// awake thaws an environment that has been bound to inv. The time of inv begins with that.
func (t *frost) awake(inv *invocation) {
	if !t.wanted.Load() {
		return
	}
	s := inv.slot
	f := s.env.fn
	t.thaw(f)
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.current == inv {
		f.setDeadline(s, inv, time.Now())
	}
}

// end clears up after the end of the environment.
func (t *frost) end(f *function) {
	t.mu.Lock()
	by := t.by
	t.by = nil
	t.mu.Unlock()
	if by != nil {
		t.thaw(f)
		by.close()
	}
}

// frozenClock adds up how long environments have been frozen.
type frozenClock struct {
	mu     sync.Mutex
	times  int64         // how often one was frozen
	done   time.Duration // of those that run again
	now    int           // how many are frozen
	origin time.Time     // when the first one was
	begun  time.Duration // sum of when those that are frozen were, since origin
}

func (c *frozenClock) freeze(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.origin.IsZero() {
		c.origin = at
	}
	c.times++
	c.now++
	c.begun += at.Sub(c.origin)
}

func (c *frozenClock) thaw(from, to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
	c.begun -= from.Sub(c.origin)
	c.done += to.Sub(from)
}

// read returns how often and how long environments have been frozen, those that are included, and how many are.
func (c *frozenClock) read(at time.Time) (times int64, total time.Duration, now int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times, c.done + time.Duration(c.now)*at.Sub(c.origin) - c.begun, c.now
}

// signalFreezer freezes a process group by signals.
type signalFreezer struct{ child *process.Child }

func (s signalFreezer) freeze() error { return s.signal(syscall.SIGSTOP) }
func (s signalFreezer) thaw() error   { return s.signal(syscall.SIGCONT) }
func (signalFreezer) close()          {}

func (s signalFreezer) adopt(c *process.Child) freezer { return freezers{s, signalFreezer{c}} }

func (s signalFreezer) signal(sig syscall.Signal) error {
	select {
	case <-s.child.Done(): // reaped: the number may belong to another process by now
		return syscall.ESRCH
	default:
		return syscall.Kill(-s.child.Pid(), sig)
	}
}

// freezers are several that act as one.
type freezers []freezer

func (z freezers) freeze() error {
	for i, by := range z {
		if err := by.freeze(); err != nil {
			for _, done := range z[:i] {
				_ = done.thaw()
			}
			return err
		}
	}
	return nil
}

func (z freezers) thaw() error {
	var errs []error
	for _, by := range z {
		errs = append(errs, by.thaw())
	}
	return errors.Join(errs...)
}

func (z freezers) close() {
	for _, by := range z {
		by.close()
	}
}

func (z freezers) adopt(c *process.Child) freezer { return append(z, signalFreezer{c}) }
