package process_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"syscall"
	"testing"
)

func TestKilledParentAndReaper(t *testing.T) {
	p := startParent(t, roleSleeper)
	t.Cleanup(func() { _ = os.RemoveAll(p.dir) }) // nobody is left who could
	signalTo(t, p.reaper(t), syscall.SIGKILL)
	signalTo(t, p.cmd.Process.Pid, syscall.SIGKILL)
	p.life.ended(t)
}

func TestReaperSurvivesSignals(t *testing.T) {
	p := startParent(t, roleFamily)
	pid := p.reaper(t)
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
	eventually(t, "the reaper ignores signals", func() bool {
		for _, s := range signals {
			if !ignores(t, pid, s) {
				return false
			}
		}
		return true
	})
	for _, s := range signals {
		signalTo(t, pid, s)
	}
	signalTo(t, p.cmd.Process.Pid, syscall.SIGKILL)
	p.life.ended(t)
	eventually(t, "the folder is removed", func() bool { return gone(p.dir) })
}

var ignoredMask = regexp.MustCompile(`(?m)^SigIgn:\s*([0-9a-f]+)$`)

// ignores asks the kernel whether a process ignores a signal.
func ignores(t *testing.T, pid int, s syscall.Signal) bool {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := ignoredMask.FindSubmatch(status)
	if m == nil {
		t.Fatalf("no SigIgn in\n%s", status)
	}
	mask, err := strconv.ParseUint(string(m[1]), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return mask&(1<<(s-1)) != 0
}
