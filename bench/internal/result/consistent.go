package result

import (
	"errors"
	"fmt"
	"slices"
)

// MaxRounds is the most rounds that a run can have.
const MaxRounds = 1000

// Limits above all that machines have, and maxShare above all shares: systems count CPU time in steps, so that one of all CPUs may
// come out a little above 1.
const (
	maxCPUs   = 1 << 20
	maxMemory = 1 << 50 // bytes
	maxShare  = 1.1
)

// validateRounds holds the number of rounds against the phases. A run that was stopped may have fewer, and of a search for the capacity
// that was stopped the journal numbers all trials.
func (r *Run) validateRounds() error {
	if r.Rounds < 0 || r.Rounds > MaxRounds {
		return fmt.Errorf("rounds is %d, not in 0 to %d", r.Rounds, MaxRounds)
	}
	highest, some := 0, false
	for i := range r.Targets {
		for j := range r.Targets[i].Phases {
			highest, some = max(highest, r.Targets[i].Phases[j].Round), true
		}
	}
	if some && !r.Interrupted && highest != r.Rounds {
		return fmt.Errorf("rounds is %d, but the phases have rounds up to %d", r.Rounds, highest)
	}
	return nil
}

func (e *Environment) validate() error {
	var errs []error
	if e.CPUs < 0 || e.CPUs > maxCPUs {
		errs = append(errs, fmt.Errorf("environment.cpus is %d, not in 0 to %d", e.CPUs, maxCPUs))
	}
	if e.MemoryMB < 0 || e.MemoryMB > maxMemory>>20 {
		errs = append(errs, fmt.Errorf("environment.memory_mb is %d, not in 0 to %d", e.MemoryMB, maxMemory>>20))
	}
	return errors.Join(errs...)
}

func (g *Generator) validate() error {
	var errs []error
	if known := []Verdict{Valid, Suspect, Invalid}; !slices.Contains(known, g.Verdict) {
		errs = append(errs, fmt.Errorf("generator.verdict %q is not one of %q", g.Verdict, known))
	}
	for _, f := range []struct {
		name  string
		share *float64
	}{{"cpu_fraction", g.CPUFraction}, {"cpu_spun_fraction", g.SpunFraction}, {"machine_cpu_fraction", g.MachineCPUFraction}} {
		if f.share != nil && !(*f.share >= 0 && *f.share <= maxShare) {
			errs = append(errs, fmt.Errorf("generator.%s is %g, not in 0 to 1", f.name, *f.share))
		}
	}
	for _, f := range []struct {
		name    string
		n       *int64
		highest int64
	}{{"open_files", g.OpenFiles, maxCount}, {"open_files_limit", g.OpenFilesLimit, maxCount}, {"peak_memory_bytes", g.PeakMemoryBytes, maxMemory}} {
		if f.n != nil && (*f.n < 0 || *f.n > f.highest) {
			errs = append(errs, fmt.Errorf("generator.%s is %d, not in 0 to %d", f.name, *f.n, f.highest))
		}
	}
	if p := g.GCPauses; p != nil && !(p.Count >= 0 && p.Count <= maxCount && p.MaxUS >= 0 && p.MaxUS <= p.TotalUS*(1+1e-9) && p.TotalUS <= longestTurn*1e6) {
		errs = append(errs, fmt.Errorf("generator.gc_pauses: %d pauses of %g µs, the longest of %g µs, cannot be", p.Count, p.TotalUS, p.MaxUS))
	}
	return errors.Join(errs...)
}

// coldAmongAll holds the cold requests against all that count.
func (t *Target) coldAmongAll() error {
	c := t.ColdStarts
	switch {
	case c == nil:
		return nil
	case c.Requests > t.Overall.Requests:
		return fmt.Errorf("%s.cold_starts: %d requests were cold, of %d that count", t.Name, c.Requests, t.Overall.Requests)
	case c.ResponseTime.Count > c.Requests || c.ResponseTime.Count > t.Overall.Successes:
		return fmt.Errorf("%s.cold_starts: %d response times of %d cold requests and %d successes", t.Name, c.ResponseTime.Count, c.Requests, t.Overall.Successes)
	}
	return nil
}

// metered holds what a local Lambda service counted against the answers: one of status 2xx is the work of an invocation, with those of
// warm-up phases. Others may be the front door's own; and calls of the Invoke API may take an event for later, or run nothing.
func (r *Run) metered(t *Target) error {
	if t.Lambda == nil || t.Spec.FrontDoor == "invoke" {
		return nil
	}
	for i := range r.Scenario.Steps {
		if status := r.Scenario.Steps[i].Expect.Status; status != 0 && (status < 200 || status > 299) {
			return nil
		}
	}
	successes := int64(0)
	for i := range t.Phases {
		successes += t.Phases[i].Successes
	}
	if t.Lambda.Invocations < successes {
		return fmt.Errorf("%s.lambda: invocations is %d, fewer than the %d right answers", t.Name, t.Lambda.Invocations, successes)
	}
	return nil
}
