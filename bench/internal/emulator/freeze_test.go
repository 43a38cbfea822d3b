package emulator_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/process"
)

// counted is what a background task of the function has counted up to.
func counted(t *testing.T, file string) uint64 {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if len(b) < 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// freezers are the ways to freeze, and what of a function each can reach.
var freezers = map[string][]string{"cgroup v2": {"goroutine", "process", "session"}, "SIGSTOP": {"goroutine", "process"}}

// startFreezing starts a service that freezes in a certain way, or skips the test where that is not possible.
func startFreezing(tb testing.TB, how string, configure func(*emulator.Config)) *emulator.Service {
	tb.Helper()
	s := start(tb, func(c *emulator.Config) {
		c.Freeze = true
		if configure != nil {
			configure(c)
		}
	})
	if how == "SIGSTOP" {
		s.FreezeBySignals()
	}
	if got := s.Meter().Freezer; got != how {
		tb.Skipf("environments are frozen by %s here, not by %s", got, how)
	}
	return s
}

// frozen waits until an environment is frozen.
func frozen(tb testing.TB, s *emulator.Service) {
	tb.Helper()
	eventually(tb, "no environment is frozen", func() bool { return s.Meter().Frozen == 1 })
}

// "Lambda freezes the execution environment when the runtime and each extension have completed and there are no pending events";
// "background processes or callbacks [...] resume if Lambda reuses the execution environment" (lambda-runtime-environment.html).
func TestFrozenGetsNoCPU(t *testing.T) {
	dir := t.TempDir()
	control := start(t, nil) // whose tasks go on: they tell how much time has passed
	get(t, control, "/spin?how=goroutine&file="+dir+"/control").expect(t, http.StatusOK, "")
	passes := func() {
		t.Helper()
		from := counted(t, dir+"/control")
		eventually(t, "the other function does not count", func() bool { return counted(t, dir+"/control") > from+2000 })
	}
	for how, tasks := range freezers {
		for _, task := range tasks {
			t.Run(how+"/"+task, func(t *testing.T) {
				s := startFreezing(t, how, nil)
				s.SetFreezeAfter(20 * time.Millisecond)
				file := dir + "/" + how + task
				get(t, s, "/spin?how="+task+"&file="+strings.ReplaceAll(file, " ", "%20")).expect(t, http.StatusOK, "")
				for range 3 {
					frozen(t, s)
					// A process stops when it is next scheduled, and a thread of it when another one has taken the signal.
					before := counted(t, file)
					eventually(t, "it counts on while frozen", func() bool {
						passes()
						last := before
						before = counted(t, file)
						return before == last
					})
					passes()
					if after := counted(t, file); after != before {
						t.Errorf("counted from %d to %d while frozen", before, after)
					}
					if r := get(t, s, "/pid"); r.status != http.StatusOK {
						t.Errorf("thawed: %d %q", r.status, r.body)
					}
					eventually(t, "it does not go on", func() bool { return counted(t, file) > before || s.Meter().Frozen == 1 })
				}
				if counted(t, file) == 0 {
					t.Error("it never counted")
				}
				if m := s.Meter(); m.Freezes < 3 || m.FrozenMS <= 0 || m.ColdStarts != 1 {
					t.Errorf("meter: %+v", m)
				}
			})
		}
	}
}

// In a cgroup the function does not notice.
func TestFrozenUnseen(t *testing.T) {
	s := startFreezing(t, "cgroup v2", nil)
	file := t.TempDir() + "/sigcont"
	get(t, s, "/spin?how=sigcont&file="+file).expect(t, http.StatusOK, "")
	for range 10 {
		frozen(t, s)
		get(t, s, "/pid")
	}
	if n := counted(t, file); n != 0 {
		t.Errorf("the function got SIGCONT %d times", n)
	}
}

// The time-out counts from the delivery, and requests that come at the moment of freezing are served.
func TestFreezeRaces(t *testing.T) {
	for how := range freezers {
		t.Run(how, func(t *testing.T) {
			s := startFreezing(t, how, nil)
			s.SetFreezeAfter(0)
			for range 300 {
				if r := get(t, s, "/pid"); r.status != http.StatusOK {
					t.Fatalf("answer is %d %q", r.status, r.body)
				}
			}
			frozen(t, s)
			if m := s.Meter(); m.ColdStarts != 1 || m.Errors != 0 || m.Freezes == 0 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

// Frozen environments end when the service does: with SIGTERM and a grace they can still use, and their children with them.
func TestCloseOfFrozen(t *testing.T) {
	for how := range freezers {
		t.Run(how, func(t *testing.T) {
			mark := t.TempDir() + "/term"
			s := startFreezing(t, how, func(c *emulator.Config) { c.Env = map[string]string{"ON_TERM": mark} })
			pid, forked := get(t, s, "/pid").body, get(t, s, "/fork").body
			frozen(t, s)
			if err := s.Close(30 * time.Second); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(mark); err != nil {
				t.Errorf("the function did not see SIGTERM: %v", err)
			}
			for _, pid := range []string{pid, forked} {
				eventually(t, "process "+pid+" is left", func() bool { return !alive(t, pid) })
			}
			if m := s.Meter(); m.Frozen != 0 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

// serve is a service in a process of its own: it prints the process of its environment when that is frozen, and stays.
func serve(bootstrap string) error {
	g, err := process.NewGroup(os.Args[0], "reap")
	if err != nil {
		return err
	}
	s, err := emulator.Start(context.Background(), emulator.Config{Bootstrap: bootstrap, Group: g, Freeze: true})
	if err != nil {
		return err
	}
	r, err := tryURL(context.Background(), http.MethodGet, s.URL(emulator.DoorFunctionURL)+"/pid", "", nil)
	if err != nil {
		return err
	}
	for s.Meter().Frozen == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := os.Stdout.WriteString(r.body + "\n"); err != nil {
		return err
	}
	select {}
}

// A service that is killed leaves no process, not even a frozen one, and no cgroup for longer than until the next one.
func TestKilledServiceLeavesNothing(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "serve", programs.fn)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimSpace(line)
	if !alive(t, pid) {
		t.Fatalf("process %s does not run", pid)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "process "+pid+" is left", func() bool { return !alive(t, pid) })
}

func TestStaleCgroupIsRemoved(t *testing.T) {
	stale := emulator.StaleCgroup()
	if stale == "" {
		t.Skip("no cgroup v2 can be made here")
	}
	s := startFreezing(t, "cgroup v2", nil)
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there (%v)", stale, err)
	}
	get(t, s, "/pid")
	own := s.CgroupDir()
	if _, err := os.Stat(own + "/1"); err != nil {
		t.Error(err)
	}
	other := startFreezing(t, "cgroup v2", nil) // does not take it for stale
	if _, err := os.Stat(own); err != nil {
		t.Error(err)
	}
	for _, s := range []*emulator.Service{s, other} {
		if err := s.Close(0); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.CgroupDir()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left (%v)", s.CgroupDir(), err)
		}
	}
}
