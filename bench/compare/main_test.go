package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMain lets the test binary be this program's hidden commands.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "internal-") {
		os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
	}
	os.Exit(m.Run())
}

// newMachine starts processes that are gone after the test.
func newMachine(t *testing.T) *machine {
	t.Helper()
	group, err := process.NewGroup(os.Args[0], reapName)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := group.Close(5 * time.Second); err != nil {
			t.Error(err)
		}
	})
	return &machine{group: group, serverCPU: -1, clientCPU: -1}
}

func TestStaticServers(t *testing.T) {
	m := newMachine(t)
	ours, err := m.serve(t.Context(), staticName)
	if err != nil {
		t.Fatal(err)
	}
	best, err := m.static(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*server{ours, best} {
		if err := answers200(t.Context(), s.url); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		s.stop()
		if err := answers200(t.Context(), s.url); err == nil {
			t.Errorf("%s still answers", s.name)
		}
	}
}

// No answer may come before its time, and those of a stall come after its end. How much later is not a matter of tests.
func TestStallServer(t *testing.T) {
	a := answers{Takes: 20 * time.Millisecond, From: 50 * time.Millisecond, Lasts: 200 * time.Millisecond}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newMachine(t).serve(t.Context(), stallName, string(text))
	if err != nil {
		t.Fatal(err)
	}
	get := func() {
		t.Helper()
		if err := answers200(t.Context(), s.url); err != nil {
			t.Error(err)
		}
	}
	begun := time.Now()
	get()
	took := time.Since(begun)
	if took < a.Takes {
		t.Errorf("the first answer took %s, want %s at least", took, a.Takes)
	}
	late := max(0, took-a.Takes)
	for {
		sent := time.Since(begun)
		get()
		// The server's clock starts after ours, by up to late: what we send in a stall may come before it there.
		least := min(a.answered(sent), late+a.answered(sent-late))
		if answered := time.Since(begun); answered < least {
			t.Errorf("a request of %s was answered at %s, want %s at least", sent, answered, least)
		}
		if sent-late > a.From+a.Lasts {
			return
		}
	}
}

func TestServeFails(t *testing.T) {
	if s, err := newMachine(t).serve(t.Context(), stallName, "{"); err == nil {
		t.Errorf("%s serves what it cannot read", s.url)
	}
}

func TestRunEndsLateGenerators(t *testing.T) {
	m := newMachine(t)
	s, err := m.serve(t.Context(), staticName)
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	_, err = m.run(t.Context(), 10*time.Millisecond, []string{os.Args[0], reapName + "-not"})
	if err == nil {
		t.Error("a generator that failed is no error")
	}
	if _, err = m.run(t.Context(), 10*time.Millisecond, []string{"sleep", "60"}); err == nil || !strings.Contains(err.Error(), "did not end") {
		t.Errorf("a generator that hangs: %v", err)
	}
}

func TestOptions(t *testing.T) {
	tests := []struct {
		args, want string
	}{
		{"", "--bench"},
		{"--bench b --only all", "--only all: expected some of closed,open,memory,stall"},
		{"--bench b --only closed,", "--only : expected some of"},
		{"--bench b --tools ab", "--tools ab: expected none, or some of wrk"},
		{"--bench b --rounds 0", "--rounds 0"},
		{"--bench b -d 1500ms", "whole seconds"},
		{"--bench b -d 0s", "whole seconds"},
		{"--bench b --connections 1001", "--connections 1001"},
		{"--bench b more", `unexpected argument "more"`},
		{"--bench b --out .", "--out . is not empty"},
		{"--nonsense", "nonsense"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(strings.Fields(tt.args), streams{strings.NewReader(""), &stdout, &stderr})
			if code != exitUsage || !strings.Contains(stderr.String(), tt.want) || stdout.Len() > 0 {
				t.Errorf("exit status %d, stdout %q, stderr %q; want %d and %q", code, &stdout, &stderr, exitUsage, tt.want)
			}
		})
	}
}

func TestHelpNamesAllTools(t *testing.T) {
	var stdout bytes.Buffer
	if code := run([]string{"-h"}, streams{strings.NewReader(""), &stdout, io.Discard}); code != exitDone {
		t.Errorf("exit status %d", code)
	}
	for _, tool := range allTools() {
		if !strings.Contains(stdout.String(), tool.howTo()) {
			t.Errorf("help does not say how to install %s:\n%s", tool.name, &stdout)
		}
	}
}

// TestCompare runs the program as its users do, on bench itself and no other generator.
func TestCompare(t *testing.T) {
	if testing.Short() {
		t.Skip("short: builds bench and runs it for seconds")
	}
	dir := t.TempDir()
	bench := filepath.Join(dir, "bench")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bench, "..").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out := filepath.Join(dir, "out")
	var stdout, stderr bytes.Buffer
	code := run(strings.Fields("--bench "+bench+" --only closed,open --rounds 2 -d 1s --connections 3 --tools none --out "+out),
		streams{strings.NewReader(""), &stdout, &stderr})
	if code != exitDone {
		t.Fatalf("exit status %d: %s", code, &stderr)
	}
	data, err := os.ReadFile(filepath.Join(out, "figures.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got outcome
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if rates := got.Closed.values(ourName, perSecond); len(rates) != 2 || rates[0] <= 0 || rates[1] <= 0 {
		t.Errorf("rates at full speed: %v", rates)
	}
	if len(got.Open.Rounds) != 2 || got.Open.Rounds[0].Due <= 0 || got.Open.Rounds[0].Sent <= 0 {
		t.Errorf("open loop: %+v", got.Open)
	}
	if len(got.Warnings) > 0 {
		t.Errorf("warnings: %q", got.Warnings) // no other generator, no ratio that could vary
	}
	for _, want := range []string{"| bench | ", "closed loop, bench / wrk | at least 0.85 | n/a | not measured |"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the tables lack %q:\n%s", want, &stdout)
		}
	}
	_, at, ok := strings.Cut(stderr.String(), "http://")
	if url, _, _ := strings.Cut(at, "\n"); !ok || answers200(t.Context(), "http://"+url) == nil {
		t.Errorf("the target is still there, or was never named: %q", url)
	}
}

// made is an outcome with one of everything.
func made() *outcome {
	load, answers := stallTest()
	rate := func(v float64) figures { return figures{RatePerSecond: v, Requests: int64(5 * v), CPUSeconds: 4} }
	o := &outcome{
		At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), CPU: "2 CPUs (linux/amd64) Example", LoadAverage: "0.03", Go: "go1.26.0", Commit: "0123456789ab",
		Target: "nginx 1.2.3", Pinning: "The target on CPU 0, the generator on CPU 1.",
		Tools: []toolFound{
			{Name: "wrk", Version: "4.1.0"},
			{Name: "wrk2", Version: "4.0.0"},
			{Name: "hey", Version: "v0.1.5"},
			{Name: "k6", Version: "v1.8.1"},
			{Name: "oha", Get: "cargo install oha"},
		},
		Closed: &closedOutcome{
			Connections: 64, Seconds: 5, Commands: []string{"wrk -t1 -c64 -d5s --latency URL"},
			Rounds: []map[string]figures{
				{ourName: rate(90_000), "wrk": rate(100_000), "hey": rate(30_000)},
				{ourName: rate(45_000), "wrk": rate(60_000)},
				{ourName: rate(1_234_567), "wrk": rate(1_234_567), "hey": rate(600_000)},
			},
		},
		Open: &openOutcome{RatePerSecond: 1000, Rounds: []openRound{
			{Due: 5000, Sent: 5000, Answered: 1000, LagP50: 1, LagP99: 20, LagMax: 1200},
			{Due: 5000, Sent: 4990, Failed: 10, Answered: 998},
		}},
		Stall: &stallOutcome{
			Load: load, Answers: answers, Exact: exact(model(load, answers), event.response),
			Response: figures{RatePerSecond: 200, Requests: 2000, Percentiles: percentiles{2.1, 1050, 1530, 2010}},
			Service:  percentiles{2.1, 2.2, 2.3, 2.4},
			Tools: []stallTool{
				{"k6", "k6 run FILE.js", figures{Requests: 1610, Percentiles: percentiles{2, 2.2, 2.5, 3.2}, Note: "390 dropped"}},
				{"wrk2", "wrk2 URL", figures{Requests: 4000, Failed: 3, Percentiles: percentiles{2, 1050, unknown, 1910}}},
			},
		},
		Memory:   &memoryOutcome{Requests: 10_000_000, Rate: 98_765.4, PeakBytes: 31 << 20, Collections: 12, AllocatedMB: 40},
		Warnings: []string{"closed loop, round 2: hey: it did not end within 1m15s"},
	}
	o.judge()
	return o
}

func TestMarkdown(t *testing.T) {
	var got bytes.Buffer
	if err := made().markdown(&got); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/compare.md.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

// TestChecks holds the checks of figures against what is to be reached, on both sides of each limit.
func TestChecks(t *testing.T) {
	tests := []struct {
		name   string
		change func(*outcome)
		check  int
		want   state
	}{
		{"wrk: median of ratios 0.9, 0.75, 1", func(*outcome) {}, 0, met},
		{"wrk: two of three below", func(o *outcome) { o.Closed.Rounds[0]["wrk"] = figures{RatePerSecond: 110_000} }, 0, missed},
		{"hey: median of two", func(*outcome) {}, 1, met},
		{"vegeta never ran", func(*outcome) {}, 2, notMeasured},
		{"open: one of two kept", func(*outcome) {}, 4, missed},
		{"open: two of three kept", func(o *outcome) { o.Open.Rounds = append(o.Open.Rounds, o.Open.Rounds[0]) }, 4, met},
		{"open: answered too slowly", func(o *outcome) { o.Open.Rounds = []openRound{{Due: 5000, Sent: 5000, Answered: 989}} }, 4, missed},
		{"stall: p99 is 5.4 % off", func(*outcome) {}, 5, missed},
		{"stall: within 5 %", func(o *outcome) { o.Stall.Response.Percentiles.P99 = 1990 }, 5, met},
		{"stall: hidden", func(o *outcome) { o.Stall.Response.Percentiles.P90 = 3 }, 5, missed},
		{"service time", func(*outcome) {}, 6, met},
		{"service time at the limit", func(o *outcome) { o.Stall.Service.P99 = 10 }, 6, missed},
		{"service time unknown", func(o *outcome) { o.Stall.Service.P99 = unknown }, 6, missed},
		{"memory", func(*outcome) {}, 7, met},
		{"memory at the limit", func(o *outcome) { o.Memory.PeakBytes = 100 << 20 }, 7, missed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := made()
			tt.change(o)
			if got := o.checks()[tt.check]; got.State != tt.want {
				t.Errorf("%+v, want %s", got, tt.want)
			}
		})
	}
}

func TestMissed(t *testing.T) {
	err := made().missed()
	for _, want := range []string{"open loop at 0.8", "within 5.5 %"} {
		if !errors.Is(err, errMissed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	if err := (&outcome{Checks: []check{{State: met}, {State: notMeasured}}}).missed(); err != nil {
		t.Errorf("nothing was missed: %v", err)
	}
}

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{4, 1}, spread{2.5, 1, 4}},
		{[]float64{9, 1, 2}, spread{2, 1, 9}},
	} {
		if got := spreadOf(tt.values); got != tt.want {
			t.Errorf("spread of %v is %+v, want %+v", tt.values, got, tt.want)
		}
	}
	if s := spreadOf(nil); !math.IsNaN(s.median) {
		t.Errorf("spread of nothing is %+v", s)
	}
}
