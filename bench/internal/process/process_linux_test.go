package process_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestKilledParentAndReaper(t *testing.T) {
	p := startParent(t, roleSleeper)
	t.Cleanup(func() { _ = os.RemoveAll(p.dir) }) // nobody is left who could
	signalTo(t, p.reaper(t), syscall.SIGKILL)
	signalTo(t, p.cmd.Process.Pid, syscall.SIGKILL)
	p.life.ended(t)
}

// What has left the process group of a child, and outlives it, is known by its mark to the reaper.
func TestKilledParentOfStray(t *testing.T) {
	p := startParent(t, roleStray)
	signalTo(t, p.cmd.Process.Pid, syscall.SIGKILL)
	p.life.ended(t)
	eventually(t, "the folder is removed", func() bool { return gone(p.dir) })
}

// So it is to those who end it.
func TestEndMarked(t *testing.T) {
	g := newGroup(t)
	mine, other := newLife(t), newLife(t)
	for mark, l := range map[string]*life{"A_MARK=1": mine, "A_MARK=12": other} {
		g.Mark(mark)
		t.Setenv("A_MARK", strings.TrimPrefix(mark, "A_MARK="))
		<-start(t, g, roleStray, l.w).Done()
	}
	g.EndMarked("A_MARK=1")
	mine.ended(t)
	if err := other.r.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	_ = other.w.Close()
	if _, err := other.r.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the other one has ended: %v", err)
	}
	var wg sync.WaitGroup
	for range 10 { // they share a look, and each returns after it
		wg.Go(func() { g.EndMarked("A_MARK=12") })
	}
	wg.Wait()
	other.ended(t)
}

// What runs in another network namespace, as in a container, is none of theirs: the same address is another one there.
func TestEndMarkedSparesOtherNetworks(t *testing.T) {
	g := newGroup(t)
	t.Setenv("A_MARK", "1")
	container := self(roleSleeper)
	container.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := container.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := container.Start(); err != nil {
		t.Skip("no right to make a network namespace:", err)
	}
	t.Cleanup(func() { _ = container.Process.Kill() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	mine := newLife(t)
	g.Mark("A_MARK=1")
	<-start(t, g, roleStray, mine.w).Done()
	g.EndMarked("A_MARK=1")
	mine.ended(t)
	signalTo(t, container.Process.Pid, syscall.SIGTERM)
	_ = container.Wait()
	if got := container.ProcessState; got.ExitCode() != 7 {
		t.Errorf("that of the other network namespace has ended before: %s", got)
	}
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
