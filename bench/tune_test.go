package main

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/tune"
)

// tuneResult reads tune.json, and demands that the rest is there and that it is not at odds with itself.
func tuneResult(t *testing.T, dir string) *tune.Result {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "tune.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r tune.Result
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if _, err := result.Load(dir); err != nil {
		t.Error(err)
	}
	again := r
	again.Configurations = slices.Clone(r.Configurations)
	again.Place()
	if diff := cmp.Diff(r, again); diff != "" {
		t.Errorf("the front or the choice is not that of the figures (-file +figures):\n%s", diff)
	}
	return &r
}

func configurationOf(t *testing.T, r *tune.Result, name string) *tune.Configuration {
	t.Helper()
	for i := range r.Configurations {
		if r.Configurations[i].Name == name {
			return &r.Configurations[i]
		}
	}
	t.Fatalf("there is no configuration %s", name)
	return nil
}

// wantPicture demands that the chart is one, with text for those who cannot see it.
func wantPicture(t *testing.T, dir string, words ...string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "tune.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(data))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "tune.md"))
	if err != nil || !strings.Contains(string(text), "](tune.svg)") {
		t.Errorf("tune.md does not show the picture (%v)", err)
	}
	for _, word := range words {
		if !strings.Contains(string(data), word) || !strings.Contains(string(text), word) {
			t.Errorf("%q is not both in the picture and in tune.md", word)
		}
	}
}

// tuneScenarioFile has one worker that has so many digests of so many rounds made.
func tuneScenarioFile(t *testing.T, iterations, rounds int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "digest.yaml")
	text := fmt.Sprintf(`name: digest
workers: 1
steps:
  - {name: digest, method: POST, path: "/digest?rounds=%d", content_type: text/plain, body: "123", expect: {status: 200}}
phases:
  - {name: warm, iterations: 1, warmup: true}
  - {name: digests, iterations: %d}
`, rounds, iterations)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// digestRounds take many slices of the CPU of a small size.
const digestRounds = 200_000

// TestTuneLocal sweeps the real function over two sizes on the local Lambda service.
func TestTuneLocal(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	r := start(t, nil, "tune", "--memory", "128,1769", "--instance-type", "t4g.small,c7g.medium", "--instance-rps", "60", "--scenario", tuneScenarioFile(t, 12, digestRounds), "--rounds", "2",
		"--seed", "3", "--out", out, "--json", "--slo", "max=1h")
	for range r.lines {
	}
	got := tuneResult(t, out)
	if printed := r.stdout.String(); !json.Valid([]byte(printed)) || !strings.Contains(printed, `"told_apart"`) {
		t.Errorf("standard output is %q", printed)
	}
	small, large := configurationOf(t, got, "lambda-128"), configurationOf(t, got, "lambda-1769")
	for _, c := range []*tune.Configuration{small, large} {
		if c.Requests != 24 || c.Errors != 0 || c.Origin != tune.Emulated || c.BilledFrom != tune.BilledByMeter || c.BilledMS == nil || c.P50 == nil || c.USDPerMillion == nil {
			t.Errorf("%+v", c)
		}
	}
	// A million requests cost 0.20 USD, the billed GB-seconds at 0.0000166667 (x86_64) or 0.0000133334 USD (arm64), logs and data out:
	// https://aws.amazon.com/lambda/pricing/.
	gbSeconds := large.BilledMS.Point / 1000 * 1769 / 1024
	if least, most := 0.2+gbSeconds*13.3334, 0.2+gbSeconds*16.6667+0.3; large.USDPerMillion.Point < least*0.999 || large.USDPerMillion.Point > most {
		t.Errorf("%g ms of 1769 MB cost %g USD a million, expected %g to %g", large.BilledMS.Point, large.USDPerMillion.Point, least, most)
	}
	ec2, estimated := configurationOf(t, got, "ec2"), configurationOf(t, got, "c7g.medium")
	if ec2.Origin != tune.Measured || ec2.P50 == nil || ec2.USDPerMillion != nil || ec2.Standing != tune.Unplaced {
		t.Errorf("a process on this machine is %+v", ec2)
	}
	if estimated.Origin != tune.Estimated || estimated.P50 != nil || estimated.Tail != nil || estimated.USDPerMillion == nil || estimated.Instances < 2 || estimated.Standing != tune.Unplaced {
		t.Errorf("an estimate is %+v", estimated)
	}
	wantInterleaved(t, out, 3, 2)
	if !got.Apart {
		// Where this test has no rights, nothing is pretended.
		r.wait(exitFailed)
		if got.Chosen != "" || !strings.Contains(r.stderr.String(), "CPU not limited") {
			t.Errorf("chosen is %q, standard error\n%s", got.Chosen, r.stderr.String())
		}
		return
	}
	r.wait(exitDone)
	// Milliseconds of work take many slices of 7 % of a CPU, 14 times as long: a third of that at least, should a CPU be faster at times, but
	// for what the first and the last slice of 20 ms give at once. How long they take of a whole CPU is a matter of what else the machine does.
	work := digestWork(t)
	least := work*1769/128/3 - 2*20*time.Millisecond
	// The race detector makes this program's digests slower, and not the function's.
	if us := float64(least.Microseconds()); !raceEnabled && (*small.P50 < us || small.BilledMS.Point < us/1000) {
		t.Errorf("%s of work on 128 MB: median %g µs, billed %g ms, expected %s at least; 1,769 MB: %g µs, %g ms", work, *small.P50, small.BilledMS.Point, least,
			*large.P50, large.BilledMS.Point)
	}
	if *large.P50 < *small.P50/2 && got.Fastest != "lambda-1769" || got.Chosen == "" || !*small.Meets {
		t.Errorf("fastest %q, chosen %q", got.Fastest, got.Chosen)
	}
	wantPicture(t, out, "lambda-1769")
	r.wantNoTempFiles()
}

// TestTuneEstimates has an instance type estimated by what the EC2 binary answers here, and left out where that says too little.
func TestTuneEstimates(t *testing.T) {
	for iterations, found := range map[int]bool{50: true, 5: false} {
		out := filepath.Join(t.TempDir(), "out")
		r := start(t, nil, "tune", "--memory", "1769", "--instance-type", "t4g.small", "--scenario", tuneScenarioFile(t, iterations, 1), "--rounds", "2", "--out", out)
		for range r.lines {
		}
		r.wait(exitDone)
		got := tuneResult(t, out)
		i := slices.IndexFunc(got.Configurations, func(c tune.Configuration) bool { return c.Name == "t4g.small" })
		if left := strings.Contains(strings.Join(got.Caveats, " "), "Instance types are left out"); (i >= 0) != found || left == found {
			t.Errorf("%d iterations: configuration %d, caveats %q", iterations, i, got.Caveats)
		}
		if i < 0 {
			continue
		}
		if c := got.Configurations[i]; c.Origin != tune.Estimated || c.USDPerMillion == nil || c.Instances < 2 || !strings.Contains(strings.Join(c.Notes, " "), "what ec2 answered on the") {
			t.Errorf("an estimate is %+v", c)
		}
	}
}

// digestWork is the CPU time of the digest of tuneScenarioFile.
func digestWork(t *testing.T) time.Duration {
	t.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	const times = 10
	before, sum := used(), sha256.Sum256([]byte("123"))
	for range times * digestRounds {
		sum = sha256.Sum256(sum[:])
	}
	return (used() - before) / times
}

// wantInterleaved demands that each round has all phases of each configuration in a row, in the order that the seed gives.
func wantInterleaved(t *testing.T, dir string, seed uint64, rounds int) {
	t.Helper()
	r, err := result.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for round := 1; round <= rounds; round++ {
		order := rand.New(rand.NewPCG(seed, uint64(round))).Perm(len(r.Targets))
		for i := range r.Targets {
			for _, p := range r.Targets[i].Phases {
				if p.Round == round && p.Turn != slices.Index(order, i)+1 {
					t.Errorf("round %d, %s: place %d, expected the order %v", round, r.Targets[i].Name, p.Turn, order)
				}
			}
		}
	}
}
