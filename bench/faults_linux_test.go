package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// entry is what /proc tells of one.
type entry struct {
	pid, parent int
	name        string
	state       string
}

// processes reads /proc; processes that end meanwhile are left out.
func processes(t *testing.T) []entry {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var list []entry
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// pid (name) state parent …; the name may have spaces and parentheses in it.
		head, rest, ok := strings.Cut(string(data), " (")
		end := strings.LastIndex(rest, ") ")
		if !ok || end < 0 {
			continue
		}
		fields := strings.Fields(rest[end+2:])
		pid, err1 := strconv.Atoi(head)
		parent, err2 := strconv.Atoi(fields[1])
		if err1 == nil && err2 == nil {
			list = append(list, entry{pid, parent, rest[:end], fields[0]})
		}
	}
	return list
}

// descendants are all processes that pid has started, and those that they started.
func descendants(t *testing.T, pid int) []entry {
	t.Helper()
	all, family := processes(t), map[int]bool{pid: true}
	var found []entry
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if family[p.parent] && !family[p.pid] {
				family[p.pid], grown = true, true
				found = append(found, p)
			}
		}
	}
	return found
}

// wantGone demands that processes end. A number may be used again by the system, so the name must be the same.
func wantGone(t *testing.T, list []entry) {
	t.Helper()
	eventually(t, "all processes of bench are gone", func() bool {
		now := map[int]entry{}
		for _, p := range processes(t) {
			now[p.pid] = p
		}
		for _, p := range list {
			if n, ok := now[p.pid]; ok && n.name == p.name && n.state != "Z" {
				return false
			}
		}
		return true
	})
}

func find(t *testing.T, list []entry, name string) entry {
	t.Helper()
	for _, p := range list {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("no process %q among %v", name, list)
	return entry{}
}

// startLocal starts a run of the local targets and waits until its endless phase.
func startLocal(t *testing.T, out string) (*running, []entry) {
	t.Helper()
	r := start(t, nil, "--scenario", scenarioFile(t), "--out", out)
	// Once for each target: what follows is under load.
	r.await("short 1/2")
	r.await("short 1/2")
	family := descendants(t, r.cmd.Process.Pid)
	find(t, family, "bootstrap")
	find(t, family, "ec2")
	return r, family
}

func TestKilledLeavesNothing(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	r, family := startLocal(t, out)
	r.signal(syscall.SIGKILL)
	wantGone(t, family)
	r.wantNoTempFiles()
	// What was measured is there, and nothing that looks like more than that.
	left, err := filepath.Glob(filepath.Join(out, "*"))
	if d := cmp.Diff([]string{filepath.Join(out, result.JournalName)}, left); err != nil || d != "" {
		t.Errorf("files of an unfinished run, %v: -want +got:\n%s", err, d)
	}
}

// wantStopped demands that a run which lost a part of itself has ended with a whole report of what was measured until then.
func wantStopped(t *testing.T, r *running, out, message string) {
	t.Helper()
	r.wait(exitFailed)
	if !strings.Contains(r.stderr.String(), message) {
		t.Errorf("standard error lacks %q:\n%s", message, r.stderr.String())
	}
	got, err := result.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Interrupted {
		t.Error("the result is not marked as interrupted")
	}
	for _, target := range got.Targets {
		if target.Overall.Successes < 10 {
			t.Errorf("target %s: %d successes, expected those of the first phase at least", target.Name, target.Overall.Successes)
		}
	}
	if _, err := os.Stat(filepath.Join(out, "report.md")); err != nil {
		t.Error(err)
	}
	r.wantNoTempFiles()
}

func TestRedisKilledMidRun(t *testing.T) {
	t.Parallel()
	redis := "redis-server"
	if !onPath(redis) {
		redis = "bench" // the embedded one
	}
	out := filepath.Join(t.TempDir(), "out")
	r, family := startLocal(t, out)
	victim := entry{}
	for _, p := range family {
		if p.parent == r.cmd.Process.Pid && p.name == redis && (redis != "bench" || isMiniredis(p.pid)) {
			victim = p
		}
	}
	if victim.pid == 0 {
		t.Fatalf("no %s among %v", redis, family)
	}
	if err := syscall.Kill(victim.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wantStopped(t, r, out, "ended (signal: killed)")
	wantGone(t, family)
}

func TestLambdaServiceKilledMidRun(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	r, family := startLocal(t, out)
	service := find(t, family, "bootstrap").parent
	if err := syscall.Kill(service, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wantStopped(t, r, out, "lambda ended (signal: killed)")
	wantGone(t, family)
}

func isMiniredis(pid int) bool {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	return err == nil && strings.Contains(string(data), "internal-miniredis")
}
