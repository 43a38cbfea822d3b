package process

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttr asks the kernel to kill the child when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG).
func childAttr(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	if attr == nil {
		attr = &syscall.SysProcAttr{}
	}
	attr.Setpgid, attr.Pgid, attr.Pdeathsig = true, 0, syscall.SIGKILL
	return attr
}

// starter starts every child from one thread that lives as long as the Group. The parent-death signal is bound to the
// thread, not to the process, and Go ends threads that it no longer needs.
type starter struct{ jobs chan job }

type job struct {
	cmd   *exec.Cmd
	hooks Hooks
	err   chan error
}

func newStarter() *starter {
	s := &starter{jobs: make(chan job)}
	go s.serve()
	return s
}

func (s *starter) serve() {
	runtime.LockOSThread() // for good: the thread ends with this function
	for j := range s.jobs {
		sound, err := j.run()
		j.err <- err
		if !sound { // another one takes over, this one stays for those it has started
			s.serveElsewhere()
			return
		}
	}
}

// serveElsewhere returns when the jobs have ended.
func (s *starter) serveElsewhere() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.serve()
	}()
	<-ended
}

// run starts a child. The thread is sound if it can start others.
func (j *job) run() (sound bool, err error) {
	if j.hooks.Before != nil {
		if err := j.hooks.Before(); err != nil {
			return true, err
		}
	}
	if j.hooks.Ready == nil {
		err = j.cmd.Start()
	} else {
		err = j.startStopped()
	}
	if j.hooks.After != nil && j.hooks.After() != nil {
		return false, err
	}
	return true, err
}

// startStopped starts a child, and calls hooks.Ready while it stands before its first instruction (ptrace(2), PTRACE_TRACEME:
// successful calls of execve(2) stop the caller). Where a process may not trace its children it is called a moment later.
func (j *job) startStopped() error {
	again := *j.cmd.SysProcAttr
	j.cmd.SysProcAttr.Ptrace = true
	err := j.cmd.Start()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSYS) {
		c := &exec.Cmd{
			Path: j.cmd.Path, Args: j.cmd.Args, Env: j.cmd.Env, Dir: j.cmd.Dir, Stdin: j.cmd.Stdin, Stdout: j.cmd.Stdout,
			Stderr: j.cmd.Stderr, ExtraFiles: j.cmd.ExtraFiles, WaitDelay: j.cmd.WaitDelay, SysProcAttr: &again,
		}
		if err := c.Start(); err != nil {
			return err
		}
		*j.cmd = *c // a Cmd that has not started holds nothing
		j.hooks.Ready(c.Process.Pid)
		return nil
	}
	if err != nil {
		return err
	}
	pid := j.cmd.Process.Pid
	// It is left waitable: if it has been killed instead, that is for Wait to see.
	var info unix.Siginfo
	for {
		err = unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	j.hooks.Ready(pid)
	_ = syscall.PtraceDetach(pid) // one that is dead needs none
	return nil
}

func (s *starter) start(cmd *exec.Cmd, h Hooks) error {
	j := job{cmd, h, make(chan error, 1)}
	s.jobs <- j
	return <-j.err
}

// stop ends the thread; all children have ended before.
func (s *starter) stop() { close(s.jobs) }
