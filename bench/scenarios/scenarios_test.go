package scenarios_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/scenarios"
)

var update = flag.Bool("update", false, "write the golden files")

func noFiles(string) ([]byte, error) { return nil, errors.New("a shipped scenario names a file") }

func load(t *testing.T, name string) *scenario.Scenario {
	t.Helper()
	data, ok := scenarios.Read(name)
	if !ok {
		t.Fatalf("%s is in Names, but cannot be read", name)
	}
	s, err := scenario.Parse(name+".yaml", data, noFiles)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestShipped checks each scenario's size: how many requests where that is known before, and how long the schedule is.
func TestShipped(t *testing.T) {
	want := map[string]struct {
		load     scenario.Load
		requests int // of the phases that know them
		lasts    time.Duration
		counted  int // phases in the totals
	}{
		"four-phase-20":  {scenario.Closed, 7_400, 0, 4},
		"four-phase-100": {scenario.Closed, 37_000, 0, 4},
		"steady":         {scenario.Open, 3_500, 70 * time.Second, 1},
		"ramp":           {scenario.Open, 0, 95 * time.Second, 6},
		"burst":          {scenario.Open, 30, time.Minute, 3},
		"cold":           {scenario.Open, 70, 20*time.Second + 7*time.Millisecond, 3},
		"cpu":            {scenario.Closed, 0, 53 * time.Second, 5},
		"crud":           {scenario.Open, 0, 35 * time.Second, 1},
		"soak":           {scenario.Open, 0, time.Hour + 30*time.Second, 1},
		"tune":           {scenario.Open, 1_400, 7 * time.Second, 1},
	}
	names := scenarios.Names()
	if len(names) != len(want) || !slices.IsSorted(names) {
		t.Errorf("shipped are %q, expected %d", names, len(want))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			s, want := load(t, name), want[name]
			if s.Name != name {
				t.Errorf("the file %s.yaml calls itself %q", name, s.Name)
			}
			requests, counted, lasts := 0, 0, time.Duration(0)
			for _, p := range s.Phases {
				if !p.Warmup {
					counted++
				}
				requests += max(0, s.Requests(p))
				lasts += time.Duration(p.Duration)
			}
			if s.Load != want.load || requests != want.requests || lasts != want.lasts || counted != want.counted {
				t.Errorf("%s load, %d requests, %s, %d phases counted; want %+v", s.Load, requests, lasts, counted, want)
			}
			for _, step := range s.Steps {
				if step.Expect.Status == 0 {
					t.Errorf("step %s expects nothing", step.Name)
				}
			}
			if got := scenarios.Describe(name); len(got) < 20 || len(got) > 120 || strings.HasPrefix(got, "#") || strings.HasSuffix(got, ".") {
				t.Errorf("described as %q: expected a sentence in the first line", got)
			}
			if err := os.Remove(golden(name) + ".got"); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
			checkGolden(t, name, s)
		})
	}
	if _, ok := scenarios.Read("no-such"); ok {
		t.Error("a scenario that is not shipped was read")
	}
	if got := scenarios.Describe("no-such"); got != "" {
		t.Errorf("a scenario that is not shipped is described as %q", got)
	}
	if _, ok := scenarios.Read(scenarios.Default); !ok {
		t.Errorf("the default %q is not shipped", scenarios.Default)
	}
}

func golden(name string) string { return filepath.Join("testdata", name+".json.golden") }

// checkGolden compares the effective scenario, as result files carry it, with what it was.
func checkGolden(t *testing.T, name string, s *scenario.Scenario) {
	t.Helper()
	got, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(golden(name), got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden(name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		if err := os.WriteFile(golden(name)+".got", got, 0o644); err != nil {
			t.Error(err)
		}
		t.Errorf("-want +got:\n%s", cmp.Diff(string(want), string(got)))
	}
	var back scenario.Scenario
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s, &back); d != "" {
		t.Errorf("after a round trip: -want +got:\n%s", d)
	}
}

// TestCold checks what forces cold starts: bursts that begin at once and grow, and hold what they are given.
func TestCold(t *testing.T) {
	s := load(t, "cold")
	before := 0
	for _, p := range s.Phases {
		n := s.Requests(p)
		if p.Warmup {
			if n != 0 {
				t.Errorf("phase %s is not idle", p.Name)
			}
			continue
		}
		if n < 2*before || n > s.Connections || time.Duration(p.Duration) > 5*time.Millisecond {
			t.Errorf("phase %s has %d requests in %s after %d, with %d connections", p.Name, n, p.Duration, before, s.Connections)
		}
		before = n
	}
}
