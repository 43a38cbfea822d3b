package process_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

func TestKilledParentLeavesNothing(t *testing.T) {
	p := startParent(t, roleFamily)
	signalTo(t, p.cmd.Process.Pid, syscall.SIGKILL)
	p.life.ended(t) // parent, child and grandchild
	eventually(t, "the folder is removed", func() bool { return gone(p.dir) })
}

func TestSignalToOurGroupDoesNotReachChildren(t *testing.T) {
	p := startParent(t, roleSleeper)
	signalTo(t, -p.cmd.Process.Pid, syscall.SIGINT)
	if got := p.line(t); got != "interrupted" {
		t.Fatalf("the parent said %q, want interrupted", got)
	}
	if _, err := io.WriteString(p.in, "stop\n"); err != nil {
		t.Fatal(err)
	}
	// It lived until SIGTERM, which it answers with 7; SIGINT would have killed it.
	if got, want := p.line(t), "child: exit status 7"; got != want {
		t.Errorf("the parent said %q, want %q", got, want)
	}
	p.life.ended(t)
	eventually(t, "the folder is removed", func() bool { return gone(p.dir) })
}

func TestStop(t *testing.T) {
	t.Run("by SIGTERM", func(t *testing.T) {
		g := newGroup(t)
		c := start(t, g, roleSleeper)
		err := c.Stop(patience)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 7 {
			t.Errorf("Stop returned %v, want exit status 7", err)
		}
		if c.State().ExitCode() != 7 || !errors.Is(c.Err(), err) {
			t.Errorf("State is %s, Err is %v", c.State(), c.Err())
		}
		if again := c.Stop(0); !errors.Is(again, err) {
			t.Errorf("a second Stop returned %v", again)
		}
		if again := c.Stop(patience); !errors.Is(again, err) {
			t.Errorf("a third Stop returned %v", again)
		}
	})
	t.Run("by SIGKILL after the grace", func(t *testing.T) {
		l := newLife(t)
		c := start(t, newGroup(t), roleDeaf, l.w)
		if err := c.Stop(1); err == nil {
			t.Error("Stop of a killed process returned no error")
		}
		if s, ok := c.State().Sys().(syscall.WaitStatus); !ok || s.Signal() != syscall.SIGKILL {
			t.Errorf("it ended by %s", c.State())
		}
		l.ended(t)
	})
	t.Run("without grace, the whole process group", func(t *testing.T) {
		l := newLife(t)
		c := start(t, newGroup(t), roleFamily, l.w)
		if err := c.Stop(0); err == nil {
			t.Error("Stop of a killed process returned no error")
		}
		l.ended(t)
	})
}

func TestEndOfLeaderEndsItsGroup(t *testing.T) {
	for name, stdout := range map[string]io.Writer{"no output": nil, "output that the grandchild holds open": new(bytes.Buffer)} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t)
			cmd := self(roleOrphan)
			cmd.Stdout, cmd.ExtraFiles = stdout, []*os.File{l.w}
			c, err := newGroup(t).Start(cmd)
			if err != nil {
				t.Fatal(err)
			}
			<-c.Done()
			if got := c.State().ExitCode(); got != 3 {
				t.Errorf("exit status %d, want the leader's 3", got)
			}
			l.ended(t)
		})
	}
}

func TestClose(t *testing.T) {
	t.Run("asks all children at once", func(t *testing.T) {
		g := newGroup(t)
		// Each twin ends well only when the other one has had its SIGTERM too.
		r1, w1, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r2, w2, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		a, b := start(t, g, roleTwin, w1, r2), start(t, g, roleTwin, w2, r1)
		for _, f := range []*os.File{r1, w1, r2, w2} {
			_ = f.Close()
		}
		if err := g.Close(patience); err != nil {
			t.Error(err)
		}
		for _, c := range []*process.Child{a, b} {
			<-c.Done()
			if !c.State().Success() {
				t.Errorf("a twin ended with %s", c.State())
			}
		}
	})
	t.Run("removes folders, and does nothing more when called again", func(t *testing.T) {
		g := newGroup(t)
		var dirs []string
		for range 3 {
			dir, err := g.TempDir("process-test-")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			dirs = append(dirs, dir)
		}
		c := start(t, g, roleSleeper)
		for range 2 {
			if err := g.Close(patience); err != nil {
				t.Error(err)
			}
		}
		select {
		case <-c.Done():
		default:
			t.Error("Close returned before the child had ended")
		}
		for _, dir := range dirs {
			if !gone(dir) {
				t.Errorf("%s is still there", dir)
			}
		}
		if c, err := g.Start(self(roleSleeper)); !errors.Is(err, process.ErrClosed) {
			t.Errorf("Start after Close returned %v, %v", c, err)
		}
		if dir, err := g.TempDir("process-test-"); !errors.Is(err, process.ErrClosed) {
			t.Errorf("TempDir after Close returned %q, %v", dir, err)
		}
	})
}

func TestStartFails(t *testing.T) {
	g := newGroup(t)
	path := filepath.Join(t.TempDir(), "no-such-program")
	_, err := g.Start(exec.Command(path)) //nolint:noctx // it does not start
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "starting "+path) {
		t.Errorf("got %v", err)
	}
	if _, err := process.NewGroup(); err == nil {
		t.Error("a group without a reaper was made")
	}
	if _, err := process.NewGroup(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a group with a missing reaper: %v", err)
	}
}

// TestReap feeds a reaper a list with good and bad lines.
func TestReap(t *testing.T) {
	g := newGroup(t)
	doomed, spared := newLife(t), newLife(t)
	a, b := start(t, g, roleFamily, doomed.w), start(t, g, roleSleeper, spared.w)
	dir := filepath.Join(t.TempDir(), "a \"b\"\nc")
	if err := os.MkdirAll(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	kept := t.TempDir()
	list := fmt.Sprintf("+pgid %d\n+pgid %d\n-pgid %d\n+dir %q\n+dir %s\n", a.Pid(), b.Pid(), b.Pid(), dir, kept) +
		// None of these may end this test, or all processes of this user.
		"+pgid 0\n+pgid 1\n+pgid -1\n+pgid\n+pgid x\n-pgid\n+dir\n+dir \"\n\nnonsense\n"
	reaper := self(roleReap)
	reaper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	reaper.Stdin = strings.NewReader(list)
	if out, err := reaper.CombinedOutput(); err != nil {
		t.Fatalf("the reaper: %v\n%s", err, out)
	}
	doomed.ended(t)
	if !gone(dir) {
		t.Errorf("%q is still there", dir)
	}
	if gone(kept) {
		t.Errorf("%q was removed, though its line was not well formed", kept)
	}
	if err := b.Stop(patience); err == nil || b.State().ExitCode() != 7 {
		t.Errorf("the process that was taken off the list ended with %s", b.State())
	}
}
