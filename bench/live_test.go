package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
)

const shortScenario = `name: short
workers: 2
timeout: 1m
steps: [{name: post, method: POST, path: /, content_type: text/plain, body: "123", expect: {body: "3"}}]
phases: [{name: some, iterations: 10}, {name: long, duration: 2100ms}]
`

func TestStream(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	stdout := command(t, "--targets", targetsFile(t, "slow"), "--scenario", write(t, "s.yaml", shortScenario), "--out", out, "--stream", "--json")
	lines := strings.SplitAfter(strings.TrimSuffix(stdout, "\n"), "\n")
	want, err := result.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	last, err := result.Decode([]byte(lines[len(lines)-1]))
	if err != nil {
		t.Fatalf("the last line is not the result: %v", err)
	}
	if last.Targets[0].Overall.Requests != want.Targets[0].Overall.Requests {
		t.Errorf("the last line has %d requests, the file %d", last.Targets[0].Overall.Requests, want.Targets[0].Overall.Requests)
	}
	requests, after := int64(0), 0.0
	for _, line := range lines[:len(lines)-1] {
		var got streamLine
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if got.Type != "interval" || got.Target != "app" || got.Round != 1 || got.TS < after || got.ToS <= got.FromS || got.DroppedLines != 0 {
			t.Errorf("after second %g comes %s", after, line)
		}
		// A closed load has no schedule, and is sent when it is due.
		if got.SendLagP99 != nil || got.Requests > 0 && (*got.P99 != *got.ServiceP99 || *got.P50 < 20_000 || *got.RateRPS <= 0) {
			t.Errorf("figures of %s", line)
		}
		requests, after = requests+got.Requests, got.TS
	}
	if requests != want.Targets[0].Overall.Requests {
		t.Errorf("%d intervals have %d requests, the result %d", len(lines)-1, requests, want.Targets[0].Overall.Requests)
	}
	// How many there are is a matter of the machine's load, but at least one a phase, and as many as the journal has.
	if n := journalled(t, out); n < 2 || n != len(lines)-1 {
		t.Errorf("%d intervals were printed, the journal has %d", len(lines)-1, n)
	}
}

// journalled is how many intervals a run has written so far.
func journalled(t *testing.T, out string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(out, result.JournalName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte(`"type":"interval"`))
}

// TestStreamWithoutReader closes the pipe after the first line. Without a reader the run goes on as with one.
func TestStreamWithoutReader(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	cmd := exec.CommandContext(t.Context(), "bench", "--targets", targetsFile(t, "slow"), "--scenario", scenarioFile(t), "--out", out, "--stream", "--json")
	var stderr buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(pipe).ReadString('\n'); err != nil {
		t.Error(err)
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, "it is said that nobody reads", func() bool { return strings.Contains(stderr.String(), "nobody reads it any more") })
	before := journalled(t, out)
	eventually(t, "the run goes on", func() bool { return journalled(t, out) > before+1 })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("%s\n%s", cmd.ProcessState, stderr.String())
	}
	if n := strings.Count(stderr.String(), "nobody reads it any more"); n != 1 {
		t.Errorf("it is said %d times that nobody reads:\n%s", n, stderr.String())
	}
	got, err := result.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Targets[0].Phases) != 2 || !got.Interrupted {
		t.Errorf("%d phases, interrupted %t; expected the endless one too, until it was interrupted", len(got.Targets[0].Phases), got.Interrupted)
	}
}

// stuck is a reader that reads nothing until it is let go.
type stuck struct {
	free chan struct{}
	buffer
}

// Write implements io.Writer.
func (s *stuck) Write(p []byte) (int, error) {
	<-s.free
	return s.buffer.Write(p)
}

func TestStreamDropsForASlowReader(t *testing.T) {
	t.Parallel()
	var told []string
	out := &stuck{free: make(chan struct{})}
	s := newStream(out, func(text string) { told = append(told, text) })
	s.begin([]string{"one"}, []scenario.Phase{{Name: "p"}})
	all, rec := observers{s}, recorder.New(1, 1)
	const sent = streamQueue + 100
	for range sent { // returns, though nobody reads
		all.Interval(loadgen.Turn{Round: 1}, loadgen.Interval{To: time.Second, Recorded: rec.Interval()})
	}
	close(out.free)
	if err := s.finish(t.Context(), []byte("{\n \"last\": 1\n}")); err != nil {
		t.Fatal(err)
	}
	got := strings.Count(out.String(), `"type":"interval"`)
	// The goroutine that writes holds one line, or had not come to take it yet.
	if dropped := sent - got; dropped != 99 && dropped != 100 || len(told) != 1 || !strings.Contains(told[0], fmt.Sprintf("%d lines dropped", dropped)) {
		t.Errorf("%d of %d lines were written; it says %q", got, sent, told)
	}
	if !strings.HasSuffix(out.String(), "\n{\"last\":1}\n") {
		t.Error("the result is not the last line")
	}
	// A reader that never reads again does not keep an aborted bench.
	out = &stuck{free: make(chan struct{})}
	s = newStream(out, func(string) {})
	s.lines <- []byte("a line\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.finish(ctx, nil); err == nil {
		t.Error("what was not printed is no error")
	}
	close(out.free)
	<-s.written
}

func TestSpark(t *testing.T) {
	t.Parallel()
	var s spark
	if got := s.line(3); got != "   " {
		t.Errorf("nothing is drawn as %q", got)
	}
	for _, v := range []float64{0, 1, 2, 4, 8} {
		s.add(&v)
	}
	s.add(nil)
	if got := s.line(8); got != "  ▁▂▃▅█ " {
		t.Errorf("drawn as %q", got)
	}
	if got := s.line(2); got != "█ " {
		t.Errorf("the last two are drawn as %q", got)
	}
	zero := 0.0
	for range 2 * sparkKept {
		s.add(&zero)
	}
	if got := s.line(sparkKept); got != strings.Repeat("▁", sparkKept) {
		t.Errorf("zeros are drawn as %q", got)
	}
}

// TestStatusFits holds the text of a line against the room that narrow terminals give.
func TestStatusFits(t *testing.T) {
	t.Parallel()
	v := 3_214.0
	l := &line{running: true, all: 4, failed: 3, now: turnProgress{
		label: "cooldown 4/4 round 2/9", progress: func() recorder.Progress {
			return recorder.Progress{Requests: 12, Failed: 4, InFlight: 100, Queued: 250}
		},
		began: time.Now(), requests: 100, open: true,
	}}
	for range 30 {
		l.rates.add(&v)
		l.p99s.add(&v)
	}
	for room, want := range map[int]string{
		130: "████████████████████", 80: "250 queued 7 failed", 56: "p99 3.21 ms 7 failed", 46: "round 2/9", 30: "cooldown 4/4 round 2/9 7 failed",
	} {
		l.room = room
		got := l.status()
		if len([]rune(got)) > max(room, 31) || !strings.Contains(got, want) {
			t.Errorf("in %d columns: %q, %d long, want %q in it", room, got, len([]rune(got)), want)
		}
	}
}

// TestPlainLines has a phase of half a minute without a terminal.
func TestPlainLines(t *testing.T) {
	t.Parallel()
	var out buffer
	d := &display{w: &out, names: []string{"one"}, began: time.Now(), rounds: 1, scenario: &scenario.Scenario{
		Phases: []scenario.Phase{{Name: "long", Rate: &scenario.Rate{From: 1, To: 1}}},
	}}
	rec := recorder.New(1, 1)
	all := observers{d}
	all.Started(loadgen.Turn{Round: 1}, nil)
	for n := range 35 {
		rec.Worker(0).SuccessOpen(0, recorder.Times{Response: 2 * time.Millisecond}, false)
		all.Interval(loadgen.Turn{Round: 1}, loadgen.Interval{
			From: time.Duration(n) * time.Second, To: time.Duration(n+1) * time.Second, Progress: recorder.Progress{Queued: 7, Failed: 2}, Recorded: rec.Interval(),
		})
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], "long 1/1") || !strings.HasSuffix(lines[1], "second 20: 1.00/s, p99 2.00 ms, 0 in flight, 7 queued, 2 failed so far") {
		t.Errorf("half a minute gives:\n%s", out.String())
	}
}

// TestStreamErrors tells of a disk that is full as of a reader that is gone. A reader may go when it has enough; a file that was cut has
// not what was asked for.
func TestStreamErrors(t *testing.T) {
	t.Parallel()
	for cause, want := range map[error]string{syscall.EPIPE: "nobody reads it any more", syscall.ENOSPC: "no space left"} {
		var told []string
		s := newStream(broken{cause}, func(text string) { told = append(told, text) })
		s.lines <- []byte("1\n")
		s.lines <- []byte("2\n")
		if err := s.finish(t.Context(), []byte("{}")); (err != nil) != errors.Is(cause, syscall.ENOSPC) || len(told) != 1 || !strings.Contains(told[0], want) {
			t.Errorf("%v: %v, told %q", cause, err, told)
		}
	}
}

type broken struct{ err error }

// Write implements io.Writer.
func (b broken) Write([]byte) (int, error) { return 0, b.err }
