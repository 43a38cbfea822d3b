package process_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// What Ready sets is there before the child runs: it finds the limit at its first look, each time.
func TestHooksAreBeforeTheChildRuns(t *testing.T) {
	g := newGroup(t)
	for range 50 {
		var calls []string
		var out bytes.Buffer
		cmd := exec.Command("/bin/sh", "-c", "ulimit -n") //nolint:noctx // it ends by itself
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = w
		pid := 0
		child, err := g.StartWith(cmd, process.Hooks{
			Before: func() error { calls = append(calls, "before"); return nil },
			Ready: func(p int) {
				pid = p
				calls = append(calls, "ready")
				if err := unix.Prlimit(p, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 77, Max: 77}, nil); err != nil {
					t.Error(err)
				}
			},
			After: func() error { calls = append(calls, "after"); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		if _, err := out.ReadFrom(r); err != nil {
			t.Error(err)
		}
		_ = r.Close()
		<-child.Done()
		if child.Err() != nil || out.String() != "77\n" || pid != child.Pid() || !slices.Equal(calls, []string{"before", "ready", "after"}) {
			t.Fatalf("child %d said %q and ended with %v, hooks were %q for %d", child.Pid(), out.String(), child.Err(), calls, pid)
		}
	}
}

func TestHookThatFails(t *testing.T) {
	g := newGroup(t)
	fault := errors.New("no")
	after := false
	_, err := g.StartWith(self(roleSleeper), process.Hooks{Before: func() error { return fault }, After: func() error { after = true; return nil }})
	if !errors.Is(err, fault) || after {
		t.Errorf("got %v, after it %v", err, after)
	}
	// A thread that cannot be left as it was starts no other child, but those that it has started live on.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // only read
	cmd := self(roleSleeper)
	cmd.Stdout = w
	threads := []string{}
	note := func(int) { threads = append(threads, strconv.Itoa(unix.Gettid())) }
	first, err := g.StartWith(cmd, process.Hooks{Ready: note, After: func() error { return fault }})
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	second, err := g.StartWith(self(roleSleeper), process.Hooks{Ready: note})
	if err != nil {
		t.Fatal(err)
	}
	if len(threads) != 2 || threads[0] == threads[1] {
		t.Errorf("threads were %q", threads)
	}
	for _, c := range []*process.Child{first, second} {
		select {
		case <-c.Done():
			t.Errorf("a child has ended: %v", c.Err())
		default:
		}
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(first.Pid()) + "/status")
	if err != nil || !regexp.MustCompile(`TracerPid:\s+0\n`).Match(status) {
		t.Errorf("it is still traced: %v", err)
	}
}
