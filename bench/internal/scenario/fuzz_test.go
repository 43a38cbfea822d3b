package scenario_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// within checks that v is from lowest to highest.
func within(t *testing.T, what string, v, lowest, highest int) {
	t.Helper()
	if v < lowest || v > highest {
		t.Errorf("accepted %s: %d, outside of %d to %d", what, v, lowest, highest)
	}
}

// checkAccepted checks all that the rest of bench relies on.
func checkAccepted(t *testing.T, s *scenario.Scenario) {
	t.Helper()
	within(t, "workers", s.Workers, 1, scenario.MaxWorkers)
	within(t, "steps", len(s.Steps), 1, scenario.MaxSteps)
	within(t, "phases", len(s.Phases), 1, scenario.MaxPhases)
	within(t, "timeout", int(s.Timeout), int(time.Millisecond), int(scenario.MaxTimeout))
	if s.Load != scenario.Closed || s.Order != scenario.Blocks && s.Order != scenario.Interleaved {
		t.Errorf("accepted load %q, order %q", s.Load, s.Order)
	}
	if !slices.ContainsFunc(s.Phases, func(p scenario.Phase) bool { return !p.Warmup }) {
		t.Error("accepted phases of which none counts")
	}
	for _, p := range s.Phases {
		within(t, "workers of a phase", p.Workers, 1, s.Workers)
		if (p.Iterations > 0) == (p.Duration > 0) {
			t.Errorf("accepted a phase with %d iterations and %s", p.Iterations, p.Duration)
		}
		within(t, "iterations", p.Iterations, 0, scenario.MaxRequests)
		within(t, "duration", int(p.Duration), 0, int(scenario.MaxPhaseLasts))
		within(t, "requests", s.Requests(p), -1, scenario.MaxRequests)
	}
	inLine := regexp.MustCompile(`^[^\x00-\x1f\x7f]*$`)
	for _, step := range s.Steps {
		head := []string{step.Method, step.Path, step.ContentType}
		for name, value := range step.Headers {
			head = append(head, name, value)
		}
		for _, text := range head {
			if !inLine.MatchString(text) {
				t.Errorf("accepted %q into a request's head", text)
			}
		}
		if step.Name == "" || step.Path == "" || step.Path[0] != '/' {
			t.Errorf("accepted step %q with path %q", step.Name, step.Path)
		}
		within(t, "body", len(step.Body), 0, scenario.MaxBodyBytes)
	}
}

// placed is a fault that says where it is.
var placed = regexp.MustCompile(`(?s)^fuzz\.yaml:[1-9][0-9]*: .`)

func FuzzParse(f *testing.F) {
	shipped, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil || len(shipped) == 0 {
		f.Fatalf("no shipped scenarios: %v", err)
	}
	for _, name := range shipped {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, seed := range []string{
		minimal, "", "#", "---", "- a", "{", "name: *a", "a: &a [*a, *a]", "? [a]\n: b", "%YAML 1.1\n---\n", "\xef\xbb\xbfname: a", "\xff\xfe",
		"name: a\n---\nname: b", "steps: [{name: a, path: /, headers: {a: 1, A: 2}, body_file: f}]\nphases: [{name: a, workers: 5%, duration: 1h}]",
		"name: a\nworkers: 3\nsteps: [{name: a, path: /, method: head, expect: {status: 200, content_type: a/b}}]\nphases: [{name: a, iterations: 1}]",
		"name: !!null a\ntimeout: 1e3s\nworkers: 0x10",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		usesFile := false
		s, err := scenario.Parse("fuzz.yaml", data, func(string) ([]byte, error) {
			usesFile = true
			return []byte("content"), nil
		})
		if err == nil {
			checkAccepted(t, s)
			if !usesFile { // result files do not carry what was in it
				roundTrip(t, s)
			}
			return
		}
		faults := []error{err}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			faults = joined.Unwrap()
		}
		for _, fault := range faults {
			if !placed.MatchString(fault.Error()) {
				t.Errorf("a fault without file and line: %s", fault)
			}
		}
	})
}
