package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/resize/resizetest"
	"github.com/crossover-bench/crossover/bench/internal/tune"
)

// deployed is a function and a group on a fake AWS, and the app behind both.
type deployed struct {
	*resizetest.Server
	targets string // file

	mu     sync.Mutex
	counts map[string]int // requests by what served them
}

// deployTuned starts it; mode is the app's, qualifier the alias of the function or empty.
func deployTuned(t *testing.T, mode, qualifier string) *deployed {
	t.Helper()
	v := resizetest.Version{MemoryMB: 512, Code: "abc"}
	d := &deployed{counts: map[string]int{}}
	d.Server = resizetest.Start(
		map[string]*resizetest.Function{"texts": {Latest: v, Versions: []resizetest.Version{v}, Aliases: map[string]string{"live": "1"}}},
		map[string]*resizetest.Group{"web": {Min: 1, Max: 4, Desired: 2}},
	)
	t.Cleanup(d.Close)
	app := testHandler(mode)
	serve := func(what func() string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d.mu.Lock()
			d.counts[what()]++
			d.mu.Unlock()
			w.Header().Set("Server-Timing", "app;dur=2")
			app.ServeHTTP(w, r)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	lambda := serve(func() string { return fmt.Sprint(d.Memory("texts", qualifier), " MB") })
	ec2 := serve(func() string { return fmt.Sprint("x", d.Sizes("web")[2]) })
	d.targets = filepath.Join(t.TempDir(), "targets.json")
	text := fmt.Sprintf(`{"targets": [
  {"name": "fn", "kind": "lambda", "url": %q, "region": "us-east-1", "arch": "arm64", "memory_mb": 512, "front_door": "function_url", "function_name": "texts", "qualifier": %q},
  {"name": "web", "kind": "ec2", "url": %q, "region": "us-east-1", "arch": "arm64", "instance_type": "t4g.small", "instances": 2, "front_door": "alb", "autoscaling_group": "web"}
]}`, lambda, qualifier, ec2)
	if err := os.WriteFile(d.targets, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// wantAsBefore demands that all that is deployed is what it was.
func (d *deployed) wantAsBefore(t *testing.T) {
	t.Helper()
	got := fmt.Sprint(d.Memory("texts", ""), d.Memory("texts", "live"), d.Published("texts"), d.Sizes("web"))
	if want := "512 512 [1] [1 4 2]"; got != want {
		t.Errorf("afterwards it is %s, it was %s; changes: %q", got, want, d.Changes())
	}
}

// served is how many requests came to the app.
func (d *deployed) served() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, count := range d.counts {
		n += count
	}
	return n
}

// deployedScenario writes one with so many requests a round.
func deployedScenario(t *testing.T, phases string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.yaml")
	text := `name: deployed
steps:
  - {name: post, method: POST, path: /, content_type: text/plain, body: "123", expect: {status: 200, body: "3"}}
phases:
` + phases
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTuneDeployed(t *testing.T) {
	t.Parallel()
	for _, qualifier := range []string{"", "live"} {
		t.Run("qualifier "+qualifier, func(t *testing.T) {
			t.Parallel()
			d, out := deployTuned(t, "", qualifier), filepath.Join(t.TempDir(), "out")
			r := start(t, d.Env(), "tune", "--targets", d.targets, "--memory", "256,1024", "--instances", "1,3", "--settle", "0s", "--cloudwatch-wait", "0s", "--rounds", "5", "--seed", "7", "--out", out,
				"--scenario", deployedScenario(t, "  - {name: all, workers: 2, iterations: 120}\n"), "--slo", "max=1m")
			r.wait(exitDone)
			got := tuneResult(t, out)
			var names []string
			for i := range got.Configurations {
				c := &got.Configurations[i]
				names = append(names, c.Name)
				if c.Requests != 1200 || c.Errors != 0 || c.Origin != tune.Measured || c.P99 == nil || c.USDPerMillion == nil || c.Meets == nil || !*c.Meets {
					t.Errorf("%+v", c)
				}
			}
			if diff := cmp.Diff([]string{"fn-256", "fn-1024", "web-x1", "web-x3"}, names); diff != "" {
				t.Errorf("configurations (-want +got):\n%s", diff)
			}
			// Each configuration's load met what it is named after.
			for what, want := range map[string]int{"256 MB": 1200, "1024 MB": 1200, "x1": 1200, "x3": 1200} {
				if got := d.counts[what]; got != want {
					t.Errorf("%s served %d requests, expected %d of %v", what, got, want, d.counts)
				}
			}
			// The app says 2 ms, and durations are rounded up: 2.5 ms in the mean, of four times the memory for four times the price.
			small, large := configurationOf(t, got, "fn-256"), configurationOf(t, got, "fn-1024")
			if small.BilledFrom != tune.BilledByServer || small.BilledMS.Low != 2 || small.BilledMS.Point != 2.5 || small.USDPerMillion.Point >= large.USDPerMillion.Point {
				t.Errorf("billed %+v of 256 MB, %g and %g USD", small.BilledMS, small.USDPerMillion.Point, large.USDPerMillion.Point)
			}
			if one, three := configurationOf(t, got, "web-x1"), configurationOf(t, got, "web-x3"); one.Instances != 1 || three.Instances != 3 || one.USDPerMillion.Point >= three.USDPerMillion.Point {
				t.Errorf("one instance costs %+v, three %+v", one.USDPerMillion, three.USDPerMillion)
			}
			d.wantAsBefore(t)
			for _, text := range []string{"Estimated cost of this run", "Should bench be killed: aws lambda update-", "All is as it was"} {
				if !strings.Contains(r.stderr.String(), text) {
					t.Errorf("standard error does not say %q:\n%s", text, r.stderr.String())
				}
			}
			wantPicture(t, out, "fn-256")
		})
	}
}

// TestTuneSetsBack ends sweeps in all ways but one, in which nobody could.
func TestTuneSetsBack(t *testing.T) {
	t.Parallel()
	endless := "  - {name: short, workers: 2, iterations: 5}\n  - {name: endless, workers: 2, duration: 1h}\n"
	short := "  - {name: all, workers: 1, iterations: 5}\n"
	for name, tt := range map[string]struct {
		mode, phases string
		refuse       func(n int, change string) string
		interrupts   int
		status       int
		want         string
	}{
		"interrupted":                 {"slow", endless, nil, 1, exitFailed, "interrupted: the report holds what was measured"},
		"interrupted twice":           {"stuck", endless, nil, 2, exitFailed, "aborted: no report was written"},
		"a change is refused":         {"", short, func(n int, _ string) string { return map[bool]string{true: "AccessDeniedException"}[n == 6] }, 0, exitFailed, "AccessDeniedException"},
		"the first change is refused": {"", short, func(n int, _ string) string { return map[bool]string{true: "AccessDeniedException"}[n == 1] }, 0, exitFailed, "changing the memory of the function texts to 256 MB"},
		"wrong answers":               {"wrong", short, nil, 0, exitFailed, "the check before the load found differences"},
		"setting back is tried again": {"", short, func(n int, change string) string {
			return map[bool]string{true: "TooManyRequestsException"}[change == "group 1 4 2" && n < 20]
		}, 0, exitDone, "All is as it was"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, out := deployTuned(t, tt.mode, "live"), filepath.Join(t.TempDir(), "out")
			n := 0 // of the changes
			d.Refuse = func(change string) string {
				n++
				if tt.refuse == nil {
					return ""
				}
				return tt.refuse(n, change)
			}
			r := start(t, d.Env(), "tune", "--targets", d.targets, "--memory", "256,1024", "--instances", "1,3",
				"--settle", "0s", "--cloudwatch-wait", "0s", "--rounds", "2", "--seed", "1", "--out", out, "--scenario", deployedScenario(t, tt.phases), "--max-cost", "10")
			if tt.mode == "stuck" {
				eventually(t, "a request is in flight that is not answered", func() bool { return d.served() > 20 })
			}
			if tt.interrupts > 0 {
				r.await("short 1/2")
				r.signal(os.Interrupt)
				r.await("Stopping")
			}
			if tt.interrupts > 1 {
				r.signal(os.Interrupt)
			}
			r.wait(tt.status)
			if !strings.Contains(r.stderr.String(), tt.want) {
				t.Errorf("standard error is\n%s\nexpected it to have %q", r.stderr.String(), tt.want)
			}
			d.wantAsBefore(t)
			r.wantNoTempFiles()
		})
	}
}

// TestTuneThresholds refuses a sweep that costs too much before anything is changed, and one that nothing keeps the SLO of is exit status 3.
func TestTuneThresholds(t *testing.T) {
	t.Parallel()
	scenario := deployedScenario(t, "  - {name: all, workers: 2, iterations: 20}\n")
	for name, tt := range map[string]struct {
		args   []string
		status int
		want   string
		change bool
	}{
		"too dear":   {[]string{"--max-cost", "0"}, exitUsage, "above --max-cost 0", false},
		"none keeps": {[]string{"--slo", "max=1us"}, exitThreshold, "no configuration keeps max=1µs", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, out := deployTuned(t, "", "live"), filepath.Join(t.TempDir(), "out")
			args := append([]string{"tune", "--targets", d.targets, "--memory", "256", "--instances", "1", "--settle", "0s", "--cloudwatch-wait", "0s", "--rounds", "1", "--out", out, "--scenario", scenario}, tt.args...)
			r := start(t, d.Env(), args...)
			r.wait(tt.status)
			if !strings.Contains(r.stderr.String(), tt.want) {
				t.Errorf("standard error is\n%s\nexpected it to have %q", r.stderr.String(), tt.want)
			}
			if changed := len(d.Changes()) > 0; changed != tt.change {
				t.Errorf("changes: %q", d.Changes())
			}
			d.wantAsBefore(t)
			if tt.change {
				if got := tuneResult(t, out); got.Chosen != "" {
					t.Errorf("chosen is %s", got.Chosen)
				}
			} else if exists(out) {
				t.Error("it made its folder")
			}
		})
	}
}

// TestTuneInterruptedBeforeTheLoad is stopped while AWS is still at work on the first change.
func TestTuneInterruptedBeforeTheLoad(t *testing.T) {
	t.Parallel()
	d, out := deployTuned(t, "", "live"), filepath.Join(t.TempDir(), "out")
	d.Looks = 2
	r := start(t, d.Env(), "tune", "--targets", d.targets, "--memory", "256,1024", "--out", out, "--scenario", deployedScenario(t, "  - {name: all, workers: 1, iterations: 5}\n"))
	eventually(t, "the first change is asked for", func() bool { return len(d.Changes()) > 0 })
	r.signal(os.Interrupt)
	r.wait(exitFailed)
	if !strings.Contains(r.stderr.String(), "interrupted before the load began: nothing was measured") || exists(out) {
		t.Errorf("standard error is\n%s", r.stderr.String())
	}
	d.wantAsBefore(t)
}
