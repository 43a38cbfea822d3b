// Package process starts child processes that do not outlive the process that started them, however that one ends.
//
// Three things keep that promise, because none of them covers every death alone:
//
//   - Close and Child.Stop end children in the ordinary way: SIGTERM, a grace, SIGKILL to the whole process group.
//   - A reaper, one small process beside this one, reads the list of living process groups and temporary folders from a
//     pipe. When the pipe ends (SIGKILL, a panic, the OOM killer) it kills the groups and removes the folders.
//     It works wherever there are pipes, macOS included. On Linux it also kills what has left its process group, if that is
//     known by a variable (Mark).
//   - On Linux each child also asks the kernel for SIGKILL at its parent's death, which covers the instant
//     between its start and its entry in the reaper's list, and the death of the reaper itself. It is for the child alone,
//     not for what the child has forked.
//
// Children get a process group of their own, so that a Ctrl-C in the terminal reaches this process only and it decides
// what to do with them.
package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// ErrClosed is returned by Start and TempDir after Close.
var ErrClosed = errors.New("process group is closed")

// Group starts and ends children. Its methods are safe for concurrent use.
type Group struct {
	starter *starter
	reaper  *exec.Cmd
	pipe    io.WriteCloser
	marks   marks

	mu       sync.Mutex
	children map[*Child]struct{}
	dirs     []string
	closed   bool
}

// NewGroup starts the reaper. self is the command that runs Reap on its standard input; it is this program itself
// with a hidden subcommand, so that there is no second binary to find.
func NewGroup(self ...string) (*Group, error) {
	if len(self) == 0 {
		return nil, errors.New("starting the reaper: no command given")
	}
	reaper := exec.Command(self[0], self[1:]...) //nolint:noctx // it must outlive every context: it ends when its pipe does
	reaper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := reaper.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the reaper: %w", err)
	}
	if err := reaper.Start(); err != nil {
		return nil, fmt.Errorf("starting the reaper: %w", err)
	}
	return &Group{starter: newStarter(), reaper: reaper, pipe: pipe, children: map[*Child]struct{}{}}, nil
}

// Start starts cmd as the leader of a process group of its own. The caller sets up cmd's streams and environment, and may ask for
// more in cmd.SysProcAttr, such as a cgroup; cmd must not have been made by exec.CommandContext, since Stop decides how the
// child ends.
func (g *Group) Start(cmd *exec.Cmd) (*Child, error) { return g.StartWith(cmd, Hooks{}) }

// Hooks are called by the thread that starts all children, around one start, so they may change what a child inherits from its
// thread. They must be quick, and must not use the Group. Each may be nil.
type Hooks struct {
	// Before is called first; if it fails, nothing is started, and After is not called.
	Before func() error
	// Ready is called when the child has got its program and has not run any of it, where the system can stop it there (Linux, if
	// it lets a process trace its children); else right after the start.
	Ready func(pid int)
	// After is called last, whether the child has started or not. If it fails, the thread starts no other child.
	After func() error
}

// StartWith is Start with hooks.
func (g *Group) StartWith(cmd *exec.Cmd, h Hooks) (*Child, error) {
	// Held while starting, so that Close cannot miss a child that is being born.
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	cmd.SysProcAttr = childAttr(cmd.SysProcAttr)
	// Without a delay Wait would hang for as long as a grandchild keeps the output pipe open.
	cmd.WaitDelay = time.Second
	if err := g.starter.start(cmd, h); err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	c := &Child{cmd: cmd, done: make(chan struct{})}
	g.children[c] = struct{}{}
	g.tell("+pgid %d", c.Pid())
	go g.wait(c)
	return c, nil
}

// wait reaps c and what its process group left behind.
func (g *Group) wait(c *Child) {
	err := c.cmd.Wait()
	// The leader is gone; whatever it forked goes with it.
	_ = syscall.Kill(-c.Pid(), syscall.SIGKILL)
	g.mu.Lock()
	delete(g.children, c)
	g.tell("-pgid %d", c.Pid())
	g.mu.Unlock()
	c.err = err
	close(c.done)
}

// TempDir makes a temporary folder that is removed by Close, or by the reaper. After Close it returns ErrClosed.
func (g *Group) TempDir(pattern string) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return "", ErrClosed
	}
	dir, err := os.MkdirTemp("", pattern)
	if err != nil {
		return "", fmt.Errorf("making a temporary folder: %w", err)
	}
	g.dirs = append(g.dirs, dir)
	g.tell("+dir %q", dir)
	return dir, nil
}

// Cgroup lets the reaper remove a cgroup, with those in it, if this process does not live to do it: Close leaves it alone.
func (g *Group) Cgroup(dir string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.tell("+cgroup %q", dir)
	}
}

// Close stops all children at once, each with the given grace between SIGTERM and SIGKILL, removes the temporary
// folders, and ends the reaper. Later calls do nothing.
func (g *Group) Close(grace time.Duration) error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	living := make([]*Child, 0, len(g.children))
	for c := range g.children {
		living = append(living, c)
	}
	g.mu.Unlock()

	var wg sync.WaitGroup
	for _, c := range living {
		wg.Go(func() { _ = c.Stop(grace) })
	}
	wg.Wait()
	var errs []error
	for _, dir := range g.dirs { // complete: TempDir adds none once closed is set
		errs = append(errs, os.RemoveAll(dir))
	}
	g.starter.stop()
	errs = append(errs, g.pipe.Close())
	// The reaper has nothing left to do and its own exit code says nothing.
	_ = g.reaper.Wait()
	return errors.Join(errs...)
}

// tell writes one line to the reaper; g.mu is held. A dead reaper is no reason to fail: the other two ways still hold.
func (g *Group) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(g.pipe, format+"\n", args...)
}

// Child is a started process.
type Child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // set before done is closed
}

// Pid is the process id, and the id of the process group too.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Done is closed when the process has ended and been reaped.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err is what exec.Cmd.Wait returned; call it after Done is closed. It is exec.ErrWaitDelay of a process that ended well and
// left another behind that held its output open.
func (c *Child) Err() error { return c.err }

// State is how the process ended; call it after Done is closed.
func (c *Child) State() *os.ProcessState { return c.cmd.ProcessState }

// Stop asks the process to end with SIGTERM, waits up to grace, then kills its whole group, and returns what Err
// returns. A grace of zero kills at once.
func (c *Child) Stop(grace time.Duration) error {
	if grace > 0 {
		select {
		case <-c.done:
			return c.err
		default:
		}
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-c.done:
			return c.err
		case <-t.C:
		}
	}
	select {
	case <-c.done: // reaped: the number may belong to another process by now
	default:
		_ = syscall.Kill(-c.Pid(), syscall.SIGKILL)
	}
	<-c.done
	return c.err
}
