package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// write puts a file into a folder of the test's own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// command runs bench to its end and gives what it printed to standard output.
func command(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bench", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("bench %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

// unknownToJournals are the fields of a result that a rebuilt one cannot have: when the run was done and how, what is said at its end,
// the meter of a local Lambda service, and what bench's memory grew to after the last interval.
var unknownToJournals = cmp.Options{
	cmpopts.IgnoreFields(result.Run{}, "FinishedAt", "Interrupted", "Warnings"),
	cmpopts.IgnoreFields(result.Generator{}, "PeakMemoryBytes"),
	cmpopts.IgnoreFields(result.ColdStarts{}, "Environments", "Init", "MaxConcurrent"),
}

// TestJournalOfAWholeRun rebuilds runs that finished, and wants every figure of their results.
func TestJournalOfAWholeRun(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"closed": `name: s
workers: 4
steps:
  - {name: post, method: POST, path: /, content_type: text/plain, body: "123", expect: {body: "3"}}
  - {name: none, path: /none}
phases: [{name: warm, iterations: 2, warmup: true}, {name: some, iterations: 10}, {name: long, duration: 1200ms}]`,
		"open": `name: s
load: open
connections: 2
grace: 0s
steps: [{name: post, method: POST, path: /, content_type: text/plain, body: "123", expect: {body: "3"}}]
phases: [{name: calm, rate: 20/s, duration: 1200ms}, {name: much, rate: 300/s, duration: 300ms}]
slo: {p99: 100ms, error_rate: 0.1%}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out")
			cmd := exec.CommandContext(t.Context(), "bench", "--targets", targetsFile(t, "slow"), "--scenario", write(t, "s.yaml", text+"\n"),
				"--out", out, "--rounds", "2", "--quiet", "--skip-check")
			if err := cmd.Run(); err != nil {
				if cmd.ProcessState.ExitCode() != 3 { // a missed SLO is no matter here
					t.Fatal(err)
				}
			}
			want, err := result.Load(out)
			if err != nil {
				t.Fatal(err)
			}
			got, err := result.LoadJournal(out)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got, unknownToJournals); d != "" {
				t.Errorf("-result +rebuilt:\n%s", d)
			}
			if n := want.Targets[0].Overall.Requests; n == 0 {
				t.Errorf("%d requests say nothing", n)
			}
			// Linux counts pages on each CPU by itself: what it tells of the peak may be some dozens of them less than a moment ago.
			const inexact = 1 << 20
			if peak := *got.Generator.PeakMemoryBytes; peak < 1<<20 || peak > *want.Generator.PeakMemoryBytes+inexact {
				t.Errorf("bench used %d bytes by the journal, %d in the end", peak, *want.Generator.PeakMemoryBytes)
			}
			for _, w := range want.Warnings {
				if strings.Contains(w, result.JournalName) {
					t.Errorf("the run warns: %s", w)
				}
			}
		})
	}
}

// TestKilled kills bench in the middle, as a machine without memory or power does.
func TestKilled(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	journal := filepath.Join(out, result.JournalName)
	r := start(t, nil, "--targets", targetsFile(t, "slow"), "--scenario", scenarioFile(t), "--out", out)
	const many = 100
	eventually(t, "the journal has many requests of the second phase", func() bool {
		got, err := result.LoadJournal(out)
		return err == nil && len(got.Targets[0].Phases) == 2 && got.Targets[0].Phases[1].Requests >= many
	})
	r.signal(os.Kill)
	for range r.lines { // until it is gone
	}
	_ = r.cmd.Wait()
	if exists(filepath.Join(out, result.FileName)) {
		t.Fatal("there is a result.json of a run that was killed")
	}
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	stdout := command(t, "report", out)
	report, err := os.ReadFile(filepath.Join(out, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"There is no result.json", "of phase endless, round 1, on app"} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) || !strings.Contains(string(report), want) {
			t.Errorf("a report does not say %q:\n%s", want, stdout)
		}
	}
	got, err := result.LoadJournal(out)
	if err != nil {
		t.Fatal(err)
	}
	app := got.Targets[0]
	if len(app.Phases) != 2 || app.Phases[0].Requests != 10 || app.Phases[1].Requests < many || !got.Interrupted {
		t.Errorf("phases %+v, interrupted %t", app.Phases, got.Interrupted)
	}
	// What a power loss leaves is shorter, and longer by noise.
	if err := os.WriteFile(journal, append(text[:len(text)-100], "\x00\x00\x00"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout = command(t, "report", out); !strings.Contains(strings.Join(strings.Fields(stdout), " "), "was cut off and is ignored") {
		t.Errorf("the report does not say that a line was cut:\n%s", stdout)
	}
}
