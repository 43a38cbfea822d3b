package process

import (
	"os/exec"
	"runtime"
	"syscall"
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
	cmd *exec.Cmd
	err chan error
}

func newStarter() *starter {
	s := &starter{jobs: make(chan job)}
	go func() {
		runtime.LockOSThread()
		for j := range s.jobs {
			j.err <- j.cmd.Start()
		}
	}()
	return s
}

func (s *starter) start(cmd *exec.Cmd) error {
	j := job{cmd, make(chan error, 1)}
	s.jobs <- j
	return <-j.err
}

// stop ends the thread; all children have ended before.
func (s *starter) stop() { close(s.jobs) }
