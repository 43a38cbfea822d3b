package process_test

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// patience bounds every wait for what should come soon; only a failing test uses it up.
const patience = time.Minute

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "role-") {
		os.Exit(play(os.Args[1], os.Args[2:]))
	}
	// The race detector would make each of the other processes rest for a second before it exits.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// eventually polls until done says so.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("after %s still not: %s", patience, what)
		}
	}
}

func gone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// life is a pipe whose writing end processes inherit: its reading end ends when the last of them has.
type life struct{ r, w *os.File }

func newLife(t *testing.T) *life {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return &life{r, w}
}

// ended waits until nobody holds the writing end.
func (l *life) ended(t *testing.T) {
	t.Helper()
	_ = l.w.Close()
	if err := l.r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("some process is still alive: %v", err)
	}
}

// newGroup makes a group whose Close leaves no goroutine.
func newGroup(t *testing.T) *process.Group {
	t.Helper()
	before := runtime.NumGoroutine()
	g, err := process.NewGroup(os.Args[0], roleReap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(0); err != nil {
			t.Errorf("closing the group: %v", err)
		}
		eventually(t, "all goroutines of the group have ended", func() bool { return runtime.NumGoroutine() <= before })
	})
	return g
}

// start starts this binary in a role, and waits for its line.
func start(t *testing.T, g *process.Group, role string, files ...*os.File) *process.Child {
	t.Helper()
	cmd := self(role)
	cmd.ExtraFiles = files
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	cmd.Stdout = w
	c, err := g.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatalf("%s said %q: %v", role, line, err)
	}
	return c
}

// parent is a process in the role of a parent, in a process group of its own.
type parent struct {
	cmd        *exec.Cmd
	in         io.WriteCloser
	out        *bufio.Reader
	life       *life
	dir        string
	reaperFile string
}

func startParent(t *testing.T, childRole string) *parent {
	t.Helper()
	p := &parent{life: newLife(t), reaperFile: filepath.Join(t.TempDir(), "reaper.pid")}
	p.cmd = self(roleParent, p.reaperFile, childRole)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.ExtraFiles = []*os.File{p.life.w}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.life.ended(t)
	})
	p.dir = strings.TrimPrefix(p.line(t), "ready ")
	if gone(p.dir) {
		t.Fatalf("no temporary folder %q", p.dir)
	}
	return p
}

func (p *parent) line(t *testing.T) string {
	t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("reading from the parent: %q, %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// reaper is the process id of the parent's reaper.
func (p *parent) reaper(t *testing.T) int {
	t.Helper()
	eventually(t, "the reaper has written its id", func() bool { return !gone(p.reaperFile) })
	text, err := os.ReadFile(p.reaperFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func signalTo(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatalf("sending %s to %d: %v", s, pid, err)
	}
}
