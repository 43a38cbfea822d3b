package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

func onPath(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// pathWithoutRedis is PATH but for Redis servers: folders that have one are replaced by folders of links to all else in them.
func pathWithoutRedis(t *testing.T) string {
	t.Helper()
	var dirs []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		links := t.TempDir()
		for _, e := range entries {
			if e.Name() == "redis-server" || e.Name() == "valkey-server" {
				continue
			}
			if err := os.Symlink(filepath.Join(dir, e.Name()), filepath.Join(links, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
		dirs = append(dirs, links)
	}
	path := ""
	for _, dir := range dirs {
		path += dir + string(filepath.ListSeparator)
	}
	return path
}

// TestLocalRun is the main job: both local targets, the default scenario, every request answered rightly.
func TestLocalRun(t *testing.T) {
	tests := []struct {
		name     string
		scenario string
		requests int64
		long     bool
		mini     bool
	}{
		{name: "20 workers", scenario: "four-phase-20", requests: 7_400},
		{name: "20 workers on miniredis", scenario: "four-phase-20", requests: 7_400, mini: true},
		{name: "100 workers", scenario: "four-phase-100", requests: 37_000, long: true},
		{name: "100 workers on miniredis", scenario: "four-phase-100", requests: 37_000, long: true, mini: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.long && testing.Short() {
				t.Skip("short: 74,000 requests")
			}
			if tt.long && raceEnabled {
				t.Skip("race: the same code as with 20 workers, and minutes")
			}
			var env []string
			if tt.mini {
				env = append(env, "PATH="+pathWithoutRedis(t))
			}
			out := filepath.Join(t.TempDir(), "out")
			r := start(t, env, "--scenario", tt.scenario, "--out", out, "--json", "--seed", "3")
			r.wait(exitDone)
			got, err := result.Decode([]byte(r.stdout.String()))
			if err != nil {
				t.Fatal(err)
			}
			wantWhole(t, got, tt.requests)
			if kind := got.Environment.Redis.Kind; tt.mini != (kind == "miniredis") && (tt.mini || onPath("redis-server")) {
				t.Errorf("Redis is %s", kind)
			}
			for _, name := range []string{"result.json", "report.md"} {
				if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", name, err)
				}
			}
			if b, err := os.ReadFile(filepath.Join(out, "report.md")); err != nil || !strings.Contains(string(b), "CPU not limited.") || !strings.Contains(string(b), noQuota) {
				t.Errorf("the report does not say what was not as on Lambda (%v)", err)
			}
			r.wantNoTempFiles()
		})
	}
}

// wantWhole demands that each of the two local targets answered all requests, and that the result says what it must.
func wantWhole(t *testing.T, r *result.Run, requests int64) {
	t.Helper()
	if len(r.Targets) != 2 || r.Interrupted || r.Seed != 3 {
		t.Fatalf("%d targets, interrupted %t, seed %d", len(r.Targets), r.Interrupted, r.Seed)
	}
	for _, target := range r.Targets {
		o := target.Overall
		if o.Requests != requests || o.Successes != requests {
			examples, err := json.Marshal(target.Examples)
			t.Errorf("%s: %d requests, %d successes, errors %v %s %v; expected %d without an error",
				target.Name, o.Requests, o.Successes, o.Errors, examples, err, requests)
		}
		if o.ResponseTime.Clipped != 0 || o.ThroughputRPS == nil || *o.ThroughputRPS <= 0 || len(target.Phases) != 4 {
			t.Errorf("%s: %d clipped, throughput %v, %d phases", target.Name, o.ResponseTime.Clipped, o.ThroughputRPS, len(target.Phases))
		}
	}
	ec2, lambda := r.Targets[0], r.Targets[1]
	if ec2.Name != "ec2" || ec2.Provenance != result.Measured || ec2.ColdStarts != nil {
		t.Errorf("first target %s is %s with cold starts %v", ec2.Name, ec2.Provenance, ec2.ColdStarts)
	}
	workers := int64(r.Scenario.Workers)
	c := lambda.ColdStarts
	if lambda.Name != "lambda" || lambda.Provenance != result.Emulated || c == nil {
		t.Fatalf("second target %s is %s with cold starts %v", lambda.Name, lambda.Provenance, c)
	}
	// As many environments as workers, but for those that a worker did not need because another's had just come free.
	if c.Environments == nil || *c.Environments < workers/2 || c.Requests+c.WarmedByCheck != *c.Environments ||
		c.Init.Count != *c.Environments || c.ResponseTime.Count != c.Requests {
		t.Errorf("cold starts do not add up: %+v", c)
	}
	wantBill(t, &lambda, requests)
	// 150 MiB is what bench may use whatever the number of requests; the race detector alone takes more.
	if g := r.Generator; !raceEnabled && (g.PeakMemoryBytes == nil || *g.PeakMemoryBytes > 150<<20) {
		t.Errorf("the generator used %d bytes of memory", *g.PeakMemoryBytes)
	}
}

// noQuota is what reports say of a local Lambda target without the request-rate quota.
const noQuota = "Lambda's limit of ten requests a second for each of the concurrency was not applied."

// wantBill demands that the local Lambda service counted the load, and nothing but the load.
func wantBill(t *testing.T, target *result.Target, requests int64) {
	t.Helper()
	l := target.Lambda
	if l == nil {
		t.Fatal("there is nothing of what the local Lambda service counted")
	}
	if l.Invocations != requests || l.Unsettled != 0 || len(l.Errors) != 0 || l.Throttles.Total() != 0 {
		t.Errorf("%d invocations, %d in work, errors %v, throttles %+v; expected %d without a fault", l.Invocations, l.Unsettled, l.Errors, l.Throttles, requests)
	}
	// Each invocation is billed one millisecond at least. All of them together cannot have been in work for longer than the most at
	// once were all the time, but for what rounding and inits add.
	most := l.MostBusy()
	if longest := float64(most)*l.LoadS*1000 + float64(requests+l.InitBilledMS); l.BilledMS < requests || float64(l.BilledMS) > longest {
		t.Errorf("%d invocations were billed %d ms, expected up to %g", l.Invocations, l.BilledMS, longest)
	}
	if want := float64(l.BilledMS) / 1000 / 2; l.MemoryMB != 512 || l.BilledGBSeconds < want*0.999 || l.BilledGBSeconds > want*1.001 {
		t.Errorf("%d ms of %d MB are billed as %g GB-seconds, expected %g", l.BilledMS, l.MemoryMB, l.BilledGBSeconds, want)
	}
	c := target.ColdStarts
	if e := l.Environments; e.Started != c.Requests || e.Started+c.WarmedByCheck != *c.Environments || e.InitFailures != 0 || e.Reaped != 0 ||
		e.MaxConcurrent != *c.MaxConcurrent || most < e.MaxConcurrent/2 || most > e.MaxConcurrent {
		t.Errorf("environments %+v, %d invocations at once, beside the cold starts %+v", e, most, c)
	}
	if len(l.Concurrency) < 2 || l.Concurrency[0].TS != 0 || l.Concurrency[len(l.Concurrency)-1].TS != l.LoadS {
		t.Errorf("the concurrency is not that of the %g s of load: %+v", l.LoadS, l.Concurrency)
	}
	if used := l.MaxMemoryUsedMB; runtime.GOOS == "linux" && (used == nil || *used < 1 || *used > 512) {
		t.Errorf("memory used is %v", used)
	}
	if l.Freezer != "" || !slices.Contains(l.Notes, "CPU not limited") || !slices.Contains(target.Spec.Notes, "CPU not limited.") {
		t.Errorf("freezer %q, notes %q and %q", l.Freezer, l.Notes, target.Spec.Notes)
	}
	if !slices.Contains(target.Spec.Notes, noQuota) {
		t.Errorf("nothing tells that there was no request-rate quota: %q", target.Spec.Notes)
	}
}
