//go:build !linux

package emulator

import (
	"errors"
	"os/exec"
)

// cgroup is of Linux alone.
type cgroup struct{}

func openCgroup() *cgroup { return nil }

func (*cgroup) usable() bool { return false }
func (*cgroup) fail()        {}
func (*cgroup) close()       {}

func (*cgroup) folder() string { return "" }

func (*cgroup) environment(*exec.Cmd) (freezer, string, error) { return nil, "", errors.ErrUnsupported }
