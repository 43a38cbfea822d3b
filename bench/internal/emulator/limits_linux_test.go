package emulator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/process"
)

// procfs tells that the memory of processes is known.
const procfs = true

// startLimited starts a service with limits.
func startLimited(t *testing.T, configure func(*emulator.Config)) *emulator.Service {
	t.Helper()
	return start(t, func(c *emulator.Config) {
		c.Limits, c.MemoryMB = true, 512
		if configure != nil {
			configure(c)
		}
	})
}

// lacking skips a test of a limit that this process may not set.
func lacking(t *testing.T, s *emulator.Service, note string) {
	t.Helper()
	for _, n := range s.Meter().Notes {
		if strings.HasPrefix(n, note) {
			t.Skip("not possible here: " + n)
		}
	}
}

// 1,024 files ("Lambda quotas"), from the first instruction on.
func TestOpenFilesAreLimited(t *testing.T) {
	s := startLimited(t, nil)
	r := get(t, s, "/files")
	n, err := strconv.Atoi(strings.Fields(r.body)[0])
	if err != nil || n < 900 || n > 1024 || !strings.Contains(r.body, "too many open files") {
		t.Errorf("answer is %q", r.body)
	}
	pid := get(t, s, "/pid").body
	b, err := os.ReadFile("/proc/" + pid + "/limits")
	if err != nil || !regexp.MustCompile(`Max open files +1024 +1024 `).Match(b) {
		t.Errorf("limits are %s, %v", b, err)
	}
}

// 1,024 processes and threads ("Lambda quotas").
func TestProcessesAreLimited(t *testing.T) {
	s := startLimited(t, func(c *emulator.Config) { c.MemoryMB = 10240 })
	lacking(t, s, "processes not limited")
	get(t, s, "/pid")
	for _, dir := range s.CageDirs()["pids"] {
		if b, err := os.ReadFile(filepath.Join(dir, "pids.max")); err != nil || strings.TrimSpace(string(b)) != "1024" {
			t.Errorf("%s: %s, %v", dir, b, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "pids.max"), []byte("60"), 0); err != nil { // as many are enough to see it
			t.Fatal(err)
		}
	}
	get(t, s, "/processes?n=100").expect(t, http.StatusOK, "true")
}

// The share of CPU is memory / 1,769 MB: the kernel has made the function wait, and in each period it got no more than that.
func TestCPUIsLimited(t *testing.T) {
	s := startLimited(t, func(c *emulator.Config) { c.MemoryMB = 177 })
	lacking(t, s, "CPU not limited")
	get(t, s, "/pid")
	dirs := s.CageDirs()["cpu"]
	if len(dirs) != 1 {
		t.Fatalf("cgroups are %v", dirs)
	}
	before := stat(t, dirs[0], "cpu.stat")
	get(t, s, "/burn?n=60")
	after := stat(t, dirs[0], "cpu.stat")
	if after["nr_throttled"] == before["nr_throttled"] {
		t.Errorf("it never had to wait: %v", after)
	}
	// 60 ms of CPU at 2 ms in each period of 20 ms.
	if periods := after["nr_periods"] - before["nr_periods"]; periods < 15 {
		t.Errorf("60 ms of CPU took %d periods: %v", periods, after)
	}
}

func stat(t *testing.T, dir, file string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]int{}
	fields := strings.Fields(string(b))
	for i := 0; i+1 < len(fields); i += 2 {
		values[fields[i]], _ = strconv.Atoi(fields[i+1])
	}
	return values
}

// A function that takes more memory than it has is killed; REPORT says why, its caller sees an end.
func TestMemoryIsLimited(t *testing.T) {
	out := &output{}
	s := startLimited(t, func(c *emulator.Config) { c.Output, c.LogLines = out, true })
	lacking(t, s, "memory not limited")
	get(t, s, "/allocate?n=100").expect(t, http.StatusOK, "allocated")
	eventually(t, "the memory is not seen", func() bool { m := memorySeen(t, s); return m >= 100 && m <= 512 })
	get(t, s, "/allocate?n=1000").expect(t, http.StatusBadGateway, "Internal Server Error")
	want := regexp.MustCompile(`Memory Size: 512 MB\tMax Memory Used: 512 MB\tStatus: error\tError Type: Runtime\.OutOfMemory\n` +
		`RequestId: \S+ Error: Runtime exited with error: signal: killed\nRuntime\.ExitError\n\z`)
	patiently(t, func() bool { return want.MatchString(out.String()) }, func() { t.Errorf("log is\n%s", out) })
	if m := s.Meter(); m.OutOfMemory != 1 || m.Exits != 1 {
		t.Errorf("meter: %+v", m)
	}
	get(t, s, "/pid") // another environment
}

// Max Memory Used is that of the process, not what it was given.
func TestMemoryIsMeasured(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.MemoryMB = 1024 })
	get(t, s, "/pid")
	settled(t, s, 1)
	if m := s.Meter().MaxMemoryUsedMB; m < 1 || m > 60 {
		t.Errorf("a small function used %d MB", m)
	}
	get(t, s, "/allocate?n=200")
	eventually(t, "the memory is not seen", func() bool { m := memorySeen(t, s); return m >= 200 && m < 400 })
}

// memorySeen is the memory after another invocation, after which it may be read again.
func memorySeen(t *testing.T, s *emulator.Service) int {
	t.Helper()
	get(t, s, "/pid")
	return s.Meter().MaxMemoryUsedMB
}

// Each environment has a /tmp that no other sees, and the bootstrap is still where LAMBDA_TASK_ROOT says, though it is below /tmp.
func TestTmpIsPrivate(t *testing.T) {
	s := startLimited(t, nil)
	if !s.PrivateTmp() {
		t.Skip("not possible here:", s.Meter().Notes)
	}
	pids := twoEnvironments(t, s)
	for i, pid := range pids {
		root := "/proc/" + pid + "/root"
		name := "/tmp/crossover-of-" + strconv.Itoa(i)
		if err := os.WriteFile(root+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"", "/proc/" + pids[1-i] + "/root"} {
			if _, err := os.Stat(other + name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is in %q too: %v", name, other, err)
			}
		}
		if a, err := os.Stat(root + programs.fn); err != nil {
			t.Errorf("the bootstrap is out of sight: %v", err)
		} else if b, err := os.Stat(programs.fn); err != nil || !os.SameFile(a, b) {
			t.Errorf("another file is in the place of the bootstrap: %v", err)
		}
	}
	// What is started later is not in the namespace of an environment.
	if _, err := os.Stat("/tmp/crossover-of-0"); err == nil {
		t.Error("the service sees it")
	}
}

// twoEnvironments makes two environments and returns their processes.
func twoEnvironments(t *testing.T, s *emulator.Service) []string {
	t.Helper()
	g := newGate(t, 2)
	replies := g.hold(t, s, 2)
	close(g.open)
	pids := []string{(<-replies).body, (<-replies).body}
	slices.Sort(pids)
	if pids[0] == pids[1] {
		t.Fatal("both requests had the same environment")
	}
	return pids
}

// /tmp has the size it was given, unless memory is limited, for which it would count.
func TestTmpSize(t *testing.T) {
	s := startLimited(t, func(c *emulator.Config) { c.TmpMB = 512 })
	if !s.PrivateTmp() || s.ScratchDir() != "" {
		t.Skip("not possible here:", s.Meter().Notes)
	}
	r := get(t, s, "/write?dir=/tmp&n=600")
	if !strings.Contains(r.body, "no space left on device") {
		t.Errorf("answer is %q", r.body)
	}
}

// A bootstrap that is in /tmp itself is found too.
func TestBootstrapInTmp(t *testing.T) {
	program, err := os.ReadFile(programs.fn)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp("/tmp", "crossover-bootstrap-")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = os.Remove(f.Name()) })
	if _, err := f.Write(program); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Chmod(0o700), f.Close()); err != nil {
		t.Fatal(err)
	}
	s := startLimited(t, func(c *emulator.Config) { c.Bootstrap = f.Name() })
	if r := get(t, s, "/list?dir=/tmp"); r.status != http.StatusOK || s.PrivateTmp() && r.body != filepath.Base(f.Name()) {
		t.Errorf("answer is %d %q", r.status, r.body)
	}
}

// Without a namespace TMPDIR names a folder, which goes with its environment; a function may have its own.
func TestTmpWithoutNamespaces(t *testing.T) {
	s := startLimited(t, nil)
	s.WithoutNamespaces()
	base := s.ScratchDir()
	variables := get(t, s, "/env").body
	dir := regexp.MustCompile(`TMPDIR=([^"]+)`).FindStringSubmatch(variables)
	if dir == nil || filepath.Dir(dir[1]) != base {
		t.Fatalf("variables are %s, folders in %q", variables, base)
	}
	if !slices.ContainsFunc(s.Meter().Notes, func(n string) bool { return strings.HasPrefix(n, "/tmp is shared") }) {
		t.Errorf("notes are %q", s.Meter().Notes)
	}
	get(t, s, "/exit")
	eventually(t, "the folder of the environment stays", func() bool {
		_, err := os.Stat(dir[1])
		return errors.Is(err, fs.ErrNotExist)
	})
}

// Nothing stays of environments that have ended: no cgroup, no folder.
func TestLimitsLeaveNothing(t *testing.T) {
	s := startLimited(t, func(c *emulator.Config) { c.Freeze = true })
	twoEnvironments(t, s)
	var dirs []string
	for _, list := range s.CageDirs() {
		dirs = append(dirs, list...)
	}
	if base := s.ScratchDir(); base != "" {
		dirs = append(dirs, base)
	}
	if err := s.Close(0); err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		for _, d := range []string{dir, filepath.Dir(dir)} {
			if _, err := os.Stat(d); err == nil && strings.Contains(d, "crossover-") {
				t.Errorf("%s is left", d)
			}
		}
	}
}

// caged is what a service with limits tells of itself.
type caged struct {
	Pid  string
	Dirs []string
}

// serveLimited is a service in a process of its own, with one environment.
func serveLimited(bootstrap string) int {
	g, err := process.NewGroup(os.Args[0], "reap")
	if err != nil {
		return 1
	}
	s, err := emulator.Start(context.Background(), emulator.Config{Bootstrap: bootstrap, Group: g, Limits: true, Freeze: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	r, err := tryURL(context.Background(), http.MethodGet, s.URL(emulator.DoorFunctionURL)+"/pid", "", nil)
	if err != nil {
		return 1
	}
	c := caged{Pid: r.body}
	for _, list := range s.CageDirs() {
		c.Dirs = append(c.Dirs, list...)
	}
	if dir := s.ScratchDir(); dir != "" {
		c.Dirs = append(c.Dirs, dir)
	}
	if err := json.NewEncoder(os.Stdout).Encode(c); err != nil {
		return 1
	}
	select {}
}

// A service that is killed leaves no process, cgroup, namespace or folder: the reaper removes them.
func TestKilledServiceLeavesNoLimits(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "cage", programs.fn)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		t.Fatal(err)
	}
	var c caged
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&c); err != nil {
		t.Fatal(err)
	}
	if !alive(t, c.Pid) {
		t.Fatalf("process %s does not run", c.Pid)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "process "+c.Pid+" is left", func() bool { return !alive(t, c.Pid) }) // and with it its namespace
	for _, dir := range c.Dirs {
		eventually(t, dir+" is left", func() bool {
			_, err := os.Stat(dir)
			return errors.Is(err, fs.ErrNotExist)
		})
	}
}

// Without limits nothing is limited, and it is told.
func TestNotesWithoutLimits(t *testing.T) {
	s := start(t, nil)
	if notes := s.Meter().Notes; !slices.Equal(notes, []string{"CPU not limited", "memory not limited"}) {
		t.Errorf("notes are %q", notes)
	}
}
