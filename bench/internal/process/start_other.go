//go:build !linux

package process

import (
	"os/exec"
	"syscall"
)

func childAttr(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	if attr == nil {
		attr = &syscall.SysProcAttr{}
	}
	attr.Setpgid, attr.Pgid = true, 0
	return attr
}

// starter is plain here: there is no parent-death signal, the reaper alone does that work.
type starter struct{}

func newStarter() *starter { return &starter{} }

func (*starter) start(cmd *exec.Cmd, h Hooks) error {
	if h.Before != nil {
		if err := h.Before(); err != nil {
			return err
		}
	}
	err := cmd.Start()
	if err == nil && h.Ready != nil {
		h.Ready(cmd.Process.Pid)
	}
	if h.After != nil {
		_ = h.After()
	}
	return err
}

func (*starter) stop() {}
