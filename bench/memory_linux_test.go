package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// TestReportFitsInMemory renders a run of 100 rounds, 5 phases and 2 targets, with its journal and its cost, by the real command, whose
// largest resident size is to be below 200 MiB.
func TestReportFitsInMemory(t *testing.T) {
	t.Parallel()
	if testing.Short() || raceEnabled { // the detector has memory of its own
		t.Skip("short, or with the race detector: a thousand turns")
	}
	const most = 200 << 20
	dir := t.TempDir()
	writeLongRun(t, dir)
	cmd := exec.Command("weighed", "bench", "report", dir) //nolint:noctx // it ends by itself
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &stdout, &stderr, append(os.Environ(), "GITHUB_STEP_SUMMARY=")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	for _, want := range []string{"Verdict", "What 100 rounds tell", "What it would cost"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in\n%.2000s", want, stdout.String())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "latency-over-time.svg")); err != nil {
		t.Errorf("the journal is not in the report: %v", err)
	}
	_, text, _ := strings.Cut(stderr.String(), weighedPrefix)
	peak, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || peak < 10<<20 {
		t.Fatalf("its size is not known: %v, from %q", err, stderr.String())
	}
	if peak > most {
		t.Errorf("it took %d MiB, more than %d", peak>>20, most>>20)
	}
	t.Logf("it took %d MiB", peak>>20)
}

func writeLongRun(t *testing.T, dir string) {
	t.Helper()
	rate := func(from, to float64) scenario.Rate { return scenario.Rate{From: from, To: to} }
	run := resulttest.Run(resulttest.OpenLoad(20, rate(50, 50), rate(50, 100), rate(100, 100), rate(100, 50), rate(20, 20)), 100, resulttest.EC2(), resulttest.Lambda())
	meter := resulttest.Meter()
	meter.Invocations = run.Targets[1].Overall.Requests // or there were answers without one
	run.Targets[1].Lambda = meter
	var journal bytes.Buffer
	add := func(line []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		journal.Write(line)
	}
	head := *run
	head.Targets = nil
	add(result.JournalHead{Run: &head}.Line())
	times := map[string]result.Summary{} // a line of a real journal has a histogram too
	for i := range run.Targets {
		times[run.Targets[i].Name] = run.Targets[i].Phases[0].ResponseTime
	}
	for _, i := range resulttest.Intervals(run, time.Second) {
		i.Times.Histogram = times[i.Target].Histogram
		add(result.JournalInterval{
			Target: i.Target, At: i.To, ToS: i.To.Sub(i.From).Seconds(),
			Phase: result.PhaseStats{Name: i.Phase, Round: i.Round, Warmup: i.Warmup, Stats: result.Stats{Requests: i.Requests, Successes: i.Successes, ResponseTime: i.Times}},
		}.Line())
	}
	text, err := run.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{result.FileName: text, result.JournalName: journal.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
