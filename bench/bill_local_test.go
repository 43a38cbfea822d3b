package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// TestBillOfATargetsFile runs the project's own bootstrap with what a targets file may say of one: of four workers, two at least are
// throttled at any time, and what is over 20 requests a second.
func TestBillOfATargetsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", filepath.Join(dir, "bootstrap"), "../adapters/lambda")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	targets, load := filepath.Join(dir, "targets.json"), filepath.Join(dir, "mine.yaml")
	for name, text := range map[string]string{
		targets: `{"targets": [{"name": "fn", "kind": "bootstrap", "path": "./bootstrap", "memory_mb": 256, "env": {"REDIS_URL": "redis://127.0.0.1:1"},
			"timeout_s": 7, "reserved_concurrency": 2, "provisioned": 2, "limits": true, "freeze": true, "request_quota": true}]}`,
		load: `name: mine
load: closed
workers: 4
steps:
  - {name: get, method: GET, path: /}
phases:
  - {name: first, warmup: true, workers: 1, iterations: 10}
  - {name: all, workers: 4, iterations: 300}
`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, nil, "run", "--targets", targets, "--scenario", load, "--out", filepath.Join(dir, "out"), "--json", "--quiet")
	r.wait(exitDone)
	run, err := result.Decode([]byte(r.stdout.String()))
	if err != nil {
		t.Fatal(err)
	}
	got := run.Targets[0]
	l := got.Lambda
	if l == nil {
		t.Fatal("there is nothing of what the local Lambda service counted")
	}
	throttled := got.Overall.Errors["status_429"]
	if throttled == 0 || l.Throttles.Total() != throttled || l.Throttles.RequestRate == 0 || l.Throttles.ScalingRate != 0 || l.Invocations != got.Overall.Successes+10 {
		t.Errorf("%d invocations, throttles %+v; the client saw %d successes, the 10 of the warm-up phase and %v", l.Invocations, l.Throttles,
			got.Overall.Successes, got.Overall.Errors)
	}
	if l.ProvisionedInvocations != l.Invocations || l.InitBilledMS != 0 || l.MostBusy() > 2 ||
		l.Environments != (result.LambdaEnvironments{Provisioned: 2, MaxConcurrent: 2}) {
		t.Errorf("of %d invocations, %d on provisioned environments, %d ms of inits billed, %d at once, environments %+v", l.Invocations,
			l.ProvisionedInvocations, l.InitBilledMS, l.MostBusy(), l.Environments)
	}
	if l.MemoryMB != 256 || l.BilledMS < l.Invocations || l.Freezer == "" || slices.Contains(got.Spec.Notes, "CPU not limited.") || slices.Contains(got.Spec.Notes, noQuota) {
		t.Errorf("%d MB, %d ms billed, freezer %q, notes %q", l.MemoryMB, l.BilledMS, l.Freezer, got.Spec.Notes)
	}
	r.wantNoTempFiles()
}
