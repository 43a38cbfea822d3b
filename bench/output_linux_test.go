package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// fullDevice is always full. Its name is of the test's own: what is written to it may be removed, too.
func fullDevice(t *testing.T) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "full")
	info, err := os.Stat("/dev/full")
	if err == nil && info.Mode()&os.ModeCharDevice != 0 {
		err = os.Symlink("/dev/full", name)
	} else {
		err = syscall.Mknod(name, syscall.S_IFCHR|0o600, 1<<8|7) // as /dev/full is
	}
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(name, os.O_WRONLY, 0)
	}
	if err != nil {
		t.Skipf("there is no /dev/full here, and none can be made: %v", err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestJournalOnAFullDisk(t *testing.T) {
	t.Parallel()
	s, err := scenario.Parse("s.yaml", []byte("name: s\nsteps: [{name: get, path: /}]\nphases: [{name: p, workers: 1, iterations: 1}]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := newCollector(s, []*target.Target{{Name: "one"}})
	turn, rec := loadgen.Turn{Round: 1, Place: 1}, recorder.New(1, 1)
	full := fullDevice(t)
	for _, f := range []*os.File{full, nil} {
		told := make(chan string, 10)
		var openErr error
		if f == nil {
			openErr = os.ErrPermission
		}
		j := newJournal(f, openErr, c, func(text string) { told <- text })
		all := observers{j}
		j.put(result.JournalHead{Run: &result.Run{}})
		// Whoever is at the terminal hears it while there is time to make room.
		if text := <-told; !strings.Contains(text, "intervals.ndjson ends here (") || !strings.Contains(text, "The run goes on") {
			t.Errorf("told %q", text)
		}
		all.Interval(turn, loadgen.Interval{To: time.Second, Recorded: rec.Interval()})
		all.Ended(turn, rec.Take(time.Second), 0)
		warnings := j.close()
		if len(warnings) != 1 || !strings.Contains(warnings[0], "intervals.ndjson ends before the run does") || len(told) > 0 {
			t.Errorf("warnings %q, and %d more were told", warnings, len(told))
		}
	}
	if exists(full.Name()) {
		t.Error("a journal without any figure was left behind")
	}
}

// A product that could not be printed is a failure, with each command that has one.
func TestStandardOutputIsFull(t *testing.T) {
	t.Parallel()
	full := fullDevice(t)
	data, err := os.ReadFile(filepath.Join("..", "docs", "sample", result.FileName))
	if err != nil {
		t.Fatal(err)
	}
	sample := filepath.Dir(write(t, result.FileName, string(data)))
	load := []string{"--targets", targetsFile(t, ""), "--scenario", write(t, "s.yaml", shortScenario)}
	for _, args := range [][]string{
		{"report", sample},
		{"report", sample, "--json"},
		{"compare", sample, sample},
		{"compare", sample, sample, "--json"},
		{"cost", sample},
		{"cost", sample, "--json"},
		{"cost", sample, "--csv"},
		{"completion", "bash"},
		{"--version"},
		{"--help"},
		append([]string{"--json", "--out", filepath.Join(t.TempDir(), "json")}, load...),
		append([]string{"--stream", "--json", "--out", filepath.Join(t.TempDir(), "stream")}, load...),
	} {
		cmd := exec.CommandContext(t.Context(), "bench", args...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("bench %s: exit status %d, standard error:\n%s", strings.Join(args, " "), code, stderr.String())
		}
	}
}

// Whoever stops bench while it builds the local targets finds nothing of the Go toolchain left behind.
func TestStoppedWhileBuilding(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGKILL} {
		r := start(t, []string{"GOTMPDIR="}, "local")
		eventually(t, "the build has a folder of its own", func() bool {
			for _, pattern := range []string{"go-build*", "*/go-build*", "*/*/go-build*"} {
				if found, err := filepath.Glob(filepath.Join(r.tmp, pattern)); err == nil && len(found) > 0 {
					return true
				}
			}
			return false
		})
		r.signal(signal)
		for range r.lines { // until it is gone
		}
		_ = r.cmd.Wait()
		eventually(t, "no temporary files are left", func() bool {
			left, err := os.ReadDir(r.tmp)
			return err == nil && len(left) == 0
		})
	}
}

// limited runs bench where files can have so many blocks of 512 bytes, to its end, and demands that it fails.
func limited(t *testing.T, blocks string, args ...string) (stderr string) {
	t.Helper()
	r := startProgram(t, nil, "sh", append([]string{"-c", "ulimit -f " + blocks + `; exec bench "$@"`, "sh"}, args...)...)
	r.wait(exitFailed)
	return r.stderr.String()
}

// A folder that takes empty files only is noticed before the load, and before targets are started.
func TestFullDiskBeforeTheLoad(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	stderr := limited(t, "64", "--targets", targetsFile(t, ""), "--scenario", scenarioFile(t), "--out", out)
	if !strings.Contains(stderr, "the output folder cannot be written to") || strings.Contains(stderr, "Target app") {
		t.Errorf("standard error:\n%s", stderr)
	}
	if exists(out) {
		t.Error("the folder was left behind")
	}
}

// Of a run whose result cannot be written the journal is left, and the error says what it is good for.
func TestResultThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	r := start(t, nil, "--targets", targetsFile(t, "slow"), "--scenario", scenarioFile(t), "--out", out)
	r.await("short 1/2")
	// A folder cannot be replaced by a file.
	if err := os.MkdirAll(filepath.Join(out, result.FileName, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.signal(os.Interrupt)
	r.wait(exitFailed)
	if want := "('bench report " + out + "' renders what is in its journal)"; !strings.Contains(r.stderr.String(), want) {
		t.Errorf("standard error lacks %q:\n%s", want, r.stderr.String())
	}
	if err := os.RemoveAll(filepath.Join(out, result.FileName)); err != nil {
		t.Fatal(err)
	}
	if printed := command(t, "report", out); !strings.Contains(printed, "app") {
		t.Errorf("the report says:\n%s", printed)
	}
}

// TestOutputIsOfOneRun begins a second run while the first has the folder.
func TestOutputIsOfOneRun(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "new", "out")
	args := []string{"--targets", targetsFile(t, "slow"), "--scenario", scenarioFile(t), "--out", out}
	first := start(t, nil, args...)
	first.await("Target app")
	second := start(t, nil, args...)
	second.wait(exitUsage)
	if text := second.stderr.String(); !strings.Contains(text, "another run writes to it") && !strings.Contains(text, "holds "+result.JournalName) ||
		strings.Contains(text, "Target app") {
		t.Errorf("standard error of the second:\n%s", text)
	}
	first.await("short 1/2")
	first.signal(os.Interrupt)
	first.wait(exitFailed)
	if _, err := result.Load(out); err != nil {
		t.Error(err)
	}
}

func TestTakeOutput(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "out")
	first, err := openOutput(dir, "s")
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v are in the folder: it may be locked, and nothing more", err, left)
	}
	var usage usageError
	if _, err := openOutput(dir, "s"); !errors.Is(err, errTaken) || !errors.As(err, &usage) {
		t.Errorf("a second run: %v", err)
	}
	if !exists(dir) {
		t.Fatal("the second run has removed the folder of the first")
	}
	first.discard()
	if exists(filepath.Dir(dir)) {
		t.Error("the first run has left the folders that it made")
	}
	again, err := openOutput(dir, "s")
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	defer again.discard()
	// Without locks there is the journal.
	if err := os.WriteFile(filepath.Join(dir, result.JournalName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := startJournal(dir, nil, nil, nil, nil); !errors.Is(err, errTaken) || !errors.As(err, &usage) {
		t.Errorf("a journal that is there: %v", err)
	}
}
