package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
)

// resultOf writes a run of so many rounds into a folder of its own. slower is added to all of lambda's answers.
func resultOf(t *testing.T, rounds int, slower time.Duration, change func(*result.Run)) string {
	t.Helper()
	ec2, lambda := resulttest.EC2(), resulttest.Lambda()
	var more []time.Duration
	for _, us := range []int{0, 110, 40, 160, 20, 90} {
		more = append(more, time.Duration(us)*time.Microsecond)
	}
	ec2.PerRound, lambda.PerRound = more, more
	lambda.Base += slower
	run := resulttest.Run(resulttest.FourPhase(20), rounds, ec2, lambda)
	if change != nil {
		change(run)
	}
	text, err := run.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, result.FileName), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func compareRuns(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(append([]string{"compare"}, args...), streams{strings.NewReader(""), &out, &errs})
	for _, nonsense := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(out.String(), nonsense) {
			t.Errorf("%s in\n%s", nonsense, out.String())
		}
	}
	return status, out.String(), errs.String()
}

func TestCompareRuns(t *testing.T) {
	old := resultOf(t, 6, 0, nil)
	slower := resultOf(t, 6, 700*time.Microsecond, func(r *result.Run) {
		r.Tool.Version, r.Environment.CPUs, r.Seed = "v0.2.0", 4, 9
		r.Environment.Redis.Kind, r.Generator.Verdict = "miniredis", result.Suspect
	})
	noSuccess := func(r *result.Run) {
		bad := resulttest.Lambda()
		bad.FailEvery, bad.Errors = 1, []string{"connect"}
		r.Targets[1] = resulttest.Run(resulttest.FourPhase(20), r.Rounds, resulttest.EC2(), bad).Targets[1]
	}
	tests := []struct {
		name   string
		args   []string
		status int
		stdout []string
		stderr string
	}{
		{"worse", []string{old, slower}, 3, []string{"then linux/amd64, 4 CPUs", "miniredis", "suspect", "v0.2.0", "Seed: 1, then 9.", "lambda: Median went from", "worse"}, "it got worse"},
		{"worse, but not too much", []string{old, slower, "--tolerance", "60%"}, 0, []string{"Nothing is worse by more than 60.0 %", "worse"}, ""},
		{"better", []string{slower, old}, 0, []string{"better"}, ""},
		{"one folder twice", []string{old, old}, 0, []string{"Both are one and the same run"}, ""},
		{"one folder twice, for programs", []string{old, old, "--json"}, 0, []string{`"one_run": true`}, ""},
		{"the same", []string{old, resultOf(t, 6, 0, func(r *result.Run) { r.StartedAt = r.StartedAt.Add(-time.Minute) })}, 0, []string{"In short - Nothing is worse", "~"}, ""},
		{"one round", []string{old, resultOf(t, 1, time.Second, nil)}, 0, []string{"~ (needs 5 rounds)", "that takes 5 rounds of both runs"}, ""},
		{"one target", []string{old, resultOf(t, 6, 0, func(r *result.Run) { r.Targets = r.Targets[:1] })}, 0, []string{"Other targets: lambda, then none."}, ""},
		{"no success any more", []string{old, resultOf(t, 1, 0, noSuccess)}, 3, []string{"lambda answered no request rightly"}, "no request rightly"},
		{"no success in either", []string{resultOf(t, 6, 0, noSuccess), resultOf(t, 6, 0, noSuccess)}, 0, []string{"Error rate"}, ""},
		{"another scenario", []string{old, resultOf(t, 6, 0, func(r *result.Run) { r.Scenario.Timeout++ })}, 0, []string{"Scenario: four-phase-20, as it was, then four-phase-20, changed."}, ""},
		{"a search", []string{old, resultOf(t, 6, 0, func(r *result.Run) { r.Targets[0].Capacity = &result.Capacity{LimitedBy: result.LimitTarget} })}, 0, []string{"searched for the capacity"}, ""},
		{"no target in common", []string{old, resultOf(t, 6, 0, func(r *result.Run) { r.Targets[0].Name, r.Targets[1].Name = "a", "b" })}, 2, nil, "no target in common: the old one has ec2, lambda, the new one a, b"},
		{"another schema", []string{old, resultOf(t, 1, 0, func(r *result.Run) { r.SchemaVersion = 2 })}, 2, nil, "unknown schema version 2"},
		{"edited", []string{old, resultOf(t, 1, 0, func(r *result.Run) { r.Targets[0].Overall.Requests++ })}, 2, nil, "ec2.overall"},
		{"missing", []string{old, t.TempDir()}, 2, nil, "expected the output folder of a run"},
		{"one folder", []string{old}, 2, nil, "the old one first, got 1"},
		{"a tolerance below 0", []string{old, old, "--tolerance", "-5%"}, 2, nil, "--tolerance"},
		{"two formats", []string{old, old, "--json", "--markdown"}, 2, nil, "--json and --markdown"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, stdout, stderr := compareRuns(t, test.args...)
			if status != test.status || !strings.Contains(stderr, test.stderr) {
				t.Errorf("status %d, want %d; stderr %q", status, test.status, stderr)
			}
			for _, want := range test.stdout {
				if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
					t.Errorf("no %q in\n%s", want, stdout)
				}
			}
		})
	}
	// What else is different comes first.
	_, stdout, _ := compareRuns(t, old, slower)
	if strings.Index(stdout, "miniredis") > strings.Index(stdout, "What changed") {
		t.Errorf("the environment is not named first:\n%s", stdout)
	}
}

func TestCompareFormats(t *testing.T) {
	old, slower := resultOf(t, 6, 0, nil), resultOf(t, 6, 700*time.Microsecond, nil)
	file := filepath.Join(t.TempDir(), "changes.md")
	status, stdout, _ := compareRuns(t, old, slower, "--json", "--out", file)
	var got struct {
		Regressed   bool
		Regressions []string
		Comparisons []struct {
			Target, Metric, Outcome, Scale string
			Base, Other, Effect, Low, High *float64
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 3 || !got.Regressed || len(got.Regressions) == 0 {
		t.Fatalf("status %d, %v: %s", status, err, stdout)
	}
	found := false
	for _, c := range got.Comparisons {
		if c.Target == "lambda" && c.Metric == "p50" {
			found = c.Outcome == "worse" && *c.Low <= *c.Effect && *c.Effect <= *c.High && *c.Base < *c.Other && c.Scale == "ratio"
		}
	}
	if !found {
		t.Errorf("the median of lambda is not worse: %s", stdout)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, markdown, _ := compareRuns(t, old, slower, "--markdown")
	if string(written) != markdown || !strings.HasPrefix(markdown, "# What changed: four-phase-20\n") || !strings.Contains(markdown, "| lambda |") {
		t.Errorf("Markdown:\n%s", markdown)
	}
}
