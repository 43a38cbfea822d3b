package emulator_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/process"
)

// What an extension has left in a session of its own ends with the environment, be it that this has never had a runtime. Extensions are
// there before the cgroup of their environment is.
func TestStraysOfExtensionsEnd(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nothing finds what has left its process group")
	}
	for name, limits := range map[string]bool{"in cgroups if there can be some": true, "without cgroups": false} {
		for what, does := range map[string]string{"it fails in its init": "crash-init", "it fails": "crash", "the function exits": ""} {
			t.Run(what+" "+name, func(t *testing.T) {
				var notes func() []extensionNote
				s := start(t, func(c *emulator.Config) {
					c.Limits, c.Freeze = limits, limits
					notes = withExtensions(t, c, map[string]string{"EXT": does, "EXT_STRAY": "1"}, "one")
				})
				s.SetShutdown(patience)
				get(t, s, "/exit").expect(t, http.StatusBadGateway, "Internal Server Error")
				settled(t, s, 0)
				list := notes()
				if count(list, func(n extensionNote) bool { return strings.HasSuffix(n.Name, "'s stray") && n.PID != 0 }) == 0 {
					t.Errorf("notes: %+v", list)
				}
				gone(t, list)
			})
		}
	}
}

// keep is a reaper that only keeps what it is told, in the file list of a folder. It reads one byte and makes the file held; the rest
// it reads when there is a file go, so a group cannot tell it much before.
func keep(dir string) int {
	one := make([]byte, 1)
	if _, err := os.Stdin.Read(one); err != nil || os.WriteFile(filepath.Join(dir, "held"), nil, 0o600) != nil {
		return 1
	}
	for !exists(filepath.Join(dir, "go")) {
		if os.Getppid() == 1 { // the test is no more
			return 1
		}
		time.Sleep(time.Millisecond)
	}
	list, err := io.ReadAll(os.Stdin)
	if err != nil || os.WriteFile(filepath.Join(dir, "list"), append(one, list...), 0o600) != nil {
		return 1
	}
	return 0
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// A service that closes while it starts the first process of an environment takes the mark of it back, or the reaper would look for it
// when the address in it may be somebody else's.
func TestMarksAreTakenBack(t *testing.T) {
	for name, extensions := range map[string][]string{"without extensions": nil, "with extensions": {"one", "two"}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			g, err := process.NewGroup(os.Args[0], "keep", dir)
			if err != nil {
				t.Fatal(err)
			}
			s := start(t, func(c *emulator.Config) {
				c.Group = g
				withExtensions(t, c, nil, extensions...)
			})
			go g.Cgroup(strings.Repeat("x", 1<<20)) // more than a pipe holds
			eventually(t, "the reaper reads nothing", func() bool { return exists(filepath.Join(dir, "held")) })
			ended := make(chan error, 2)
			go func() {
				r, err := try(t.Context(), s, http.MethodGet, "/pid", "", nil)
				if err == nil && r.status == http.StatusOK {
					err = fmt.Errorf("answer is %d %q", r.status, r.body)
				}
				ended <- err
			}()
			eventually(t, "no environment is started", func() bool { return s.Starting() == 1 })
			go func() { ended <- s.Close(0) }()
			eventually(t, "the service does not close", s.IsClosed)
			if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			for range cap(ended) {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
			if err := g.Close(0); err != nil {
				t.Fatal(err)
			}
			list, err := os.ReadFile(filepath.Join(dir, "list"))
			if err != nil {
				t.Fatal(err)
			}
			marks := regexp.MustCompile(`(?m)^[+-]mark .*`).FindAllString(string(list), -1)
			if len(marks) != 2 || marks[0] != "+"+strings.TrimPrefix(marks[1], "-") {
				t.Errorf("the reaper has been told %q", marks)
			}
		})
	}
}
