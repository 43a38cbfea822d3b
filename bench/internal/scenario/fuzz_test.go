package scenario_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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
	within(t, "steps", len(s.Steps), 1, scenario.MaxSteps)
	within(t, "phases", len(s.Phases), 1, scenario.MaxPhases)
	within(t, "timeout", int(s.Timeout), int(time.Millisecond), int(scenario.MaxTimeout))
	if s.Protocol != scenario.HTTP1 && s.Protocol != scenario.HTTP2 {
		t.Errorf("accepted protocol %q", s.Protocol)
	}
	if !slices.ContainsFunc(s.Phases, func(p scenario.Phase) bool { return !p.Warmup }) {
		t.Error("accepted phases of which none counts")
	}
	checkDraws(t, s)
	for _, p := range s.Phases {
		within(t, "requests", s.Requests(p), -1, scenario.MaxRequests)
		within(t, "duration", int(p.Duration), 0, int(scenario.MaxPhaseLasts))
	}
	switch s.Load {
	case scenario.Closed:
		checkClosed(t, s)
	case scenario.Open:
		checkOpen(t, s)
	default:
		t.Errorf("accepted load %q", s.Load)
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
		if step.Name == "" || step.Path == "" || step.Path[0] != '/' && !strings.HasPrefix(step.Path, "{{") {
			t.Errorf("accepted step %q with path %q", step.Name, step.Path)
		}
		within(t, "body", len(step.Body), 0, scenario.MaxBodyBytes)
	}
}

// checkDraws checks that an iteration is one thing only.
func checkDraws(t *testing.T, s *scenario.Scenario) {
	t.Helper()
	weights := 0
	for _, step := range s.Steps {
		within(t, "weight", step.Weight, 0, scenario.MaxWeight)
		if step.Weight > 0 {
			weights++
		}
		within(t, "think time", int(step.Think.From), 0, int(step.Think.To))
		within(t, "think time", int(step.Think.To), 0, int(scenario.MaxThink))
		if step.Think.To > 0 && s.Load == scenario.Open && !s.Chained() {
			t.Error("accepted think time where nothing waits for it")
		}
		for _, c := range step.Capture {
			if c.Name == "" || (c.Header == "") == (c.JSON == "") {
				t.Errorf("accepted capture %+v", c)
			}
		}
	}
	switch {
	case s.Chained() && (weights > 0 || s.Weighted()):
		t.Error("accepted weights beside captures")
	case weights != 0 && weights != len(s.Steps):
		t.Errorf("%d of %d steps have a weight", weights, len(s.Steps))
	case s.Weighted() != (weights > 0):
		t.Errorf("weighted is %v with %d weights", s.Weighted(), weights)
	}
}

func checkClosed(t *testing.T, s *scenario.Scenario) {
	t.Helper()
	within(t, "workers", s.Workers, 1, scenario.MaxWorkers)
	within(t, "connections", s.Connections, 0, 0)
	within(t, "grace", int(s.Grace), 0, 0)
	if s.Weighted() != (s.Order == "") || s.Order != "" && s.Order != scenario.Blocks && s.Order != scenario.Interleaved {
		t.Errorf("accepted order %q, weighted %v", s.Order, s.Weighted())
	}
	for _, p := range s.Phases {
		within(t, "workers of a phase", p.Workers, 1, s.Workers)
		if (p.Iterations > 0) == (p.Duration > 0) || p.Rate != nil || p.Arrivals != "" {
			t.Errorf("accepted phase %+v", p)
		}
		within(t, "iterations", p.Iterations, 0, scenario.MaxRequests)
	}
}

func checkOpen(t *testing.T, s *scenario.Scenario) {
	t.Helper()
	within(t, "connections", s.Connections, 1, scenario.MaxWorkers)
	within(t, "workers", s.Workers, 0, 0)
	within(t, "grace", int(s.Grace), 0, int(scenario.MaxGrace))
	if s.Order != "" {
		t.Errorf("accepted order %q in an open load", s.Order)
	}
	rates := 0.0
	for _, p := range s.Phases {
		if p.Rate == nil || p.Duration <= 0 || p.Workers != 0 || p.Iterations != 0 || p.Arrivals != scenario.Constant && p.Arrivals != scenario.Poisson {
			t.Fatalf("accepted phase %+v", p)
		}
		for _, rate := range []float64{p.Rate.From, p.Rate.To} {
			if !(rate >= 0 && rate <= scenario.MaxRate) {
				t.Errorf("accepted rate %v", rate)
			}
		}
		if !p.Warmup {
			rates += p.Rate.From + p.Rate.To
		}
		// The first due times are in the phase and ascend.
		schedule, last := p.Schedule(1), time.Duration(0)
		for range 100 {
			due, ok := schedule.Next()
			if !ok {
				break
			}
			if due < last || due > time.Duration(p.Duration) {
				t.Fatalf("%s after %s in a phase of %s at %v", due, last, p.Duration, *p.Rate)
			}
			last = due
		}
	}
	if rates == 0 {
		t.Error("accepted a load that sends nothing that counts")
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
		open, "load: open\nsteps: [{name: a, path: /, weight: 0, think_time: 1s..0s}]\nphases: [{name: a, rate: 0/s..1e6/s, duration: 1h}]",
		"name: a\nworkers: 1\nsteps: [{name: a, path: /, capture: {x: {header: location, match: '(.)'}}}]\nphases: [{name: a, iterations: 1}]",
		"name: a\nworkers: 1\nslo: {p50: 1us, error_rate: 0%}\nsteps: [{name: a, path: /, weight: 5}]\nphases: [{name: a, iterations: 1}]",
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
