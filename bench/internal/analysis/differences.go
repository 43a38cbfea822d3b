package analysis

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Difference is what is not the same in two runs besides their figures.
type Difference struct {
	What, Old, New string
	// Grave ones make the figures those of different things: then a difference of figures says nothing of what was changed.
	Grave bool
}

// differences are gathered, grave ones first.
func (c *RunComparison) differences() {
	o, n := c.Old, c.New
	add := func(grave bool, what, before, after string) {
		if before != after {
			c.Differences = append(c.Differences, Difference{what, known(before), known(after), grave})
		}
	}
	if scenarioText(o) != scenarioText(n) {
		before, after := o.Scenario.Name, n.Scenario.Name
		if before == after {
			before, after = before+", as it was", after+", changed"
		}
		add(true, "scenario", before, after)
	}
	add(true, "machine", machineText(o.Environment), machineText(n.Environment))
	add(true, "store", storeText(o.Environment.Redis), storeText(n.Environment.Redis))
	add(true, "verdict on the generator", string(o.Generator.Verdict), string(n.Generator.Verdict))
	add(true, "interrupted", strconv.FormatBool(o.Interrupted), strconv.FormatBool(n.Interrupted))
	add(true, "answers checked", strconv.FormatBool(!o.CheckSkipped), strconv.FormatBool(!n.CheckSkipped))
	for _, name := range c.Targets {
		a, b := byName(o, name), byName(n, name)
		add(true, "figures of "+name, string(a.Provenance), string(b.Provenance))
		add(true, "kind of "+name, a.Kind, b.Kind)
		add(true, "hosting of "+name, specText(a.Spec), specText(b.Spec))
	}
	add(false, "bench", toolText(o.Tool), toolText(n.Tool))
	add(false, "Go", o.Tool.Go, n.Tool.Go)
	add(false, "seed", strconv.FormatUint(o.Seed, 10), strconv.FormatUint(n.Seed, 10))
	add(false, "rounds", strconv.Itoa(max(o.Rounds, 1)), strconv.Itoa(max(n.Rounds, 1)))
	if !slices.Equal(c.OldOnly, c.NewOnly) {
		add(false, "other targets", orNone(c.OldOnly), orNone(c.NewOnly))
	}
	slices.SortStableFunc(c.Differences, func(a, b Difference) int {
		switch {
		case a.Grave == b.Grave:
			return 0
		case a.Grave:
			return -1
		}
		return 1
	})
}

func known(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func byName(r *result.Run, name string) *result.Target {
	i := slices.IndexFunc(r.Targets, func(t result.Target) bool { return t.Name == name })
	return &r.Targets[i]
}

// scenarioText has all of a scenario that changes its load: not its thresholds.
func scenarioText(r *result.Run) string {
	s := r.Scenario
	s.SLO = nil
	text, err := json.Marshal(s)
	if err != nil {
		return s.Name
	}
	return string(text)
}

func machineText(e result.Environment) string {
	text := fmt.Sprintf("%s/%s, %d CPUs", e.OS, e.Arch, e.CPUs)
	if e.CPUModel != "" {
		text += ", " + e.CPUModel
	}
	if e.MemoryMB > 0 {
		text += fmt.Sprintf(", %d MiB", e.MemoryMB)
	}
	return text
}

// storeText leaves out the address, which has another port each time.
func storeText(r *result.Redis) string {
	if r == nil {
		return ""
	}
	return r.Kind + " " + r.Version
}

func toolText(t result.Tool) string {
	if t.Commit == "" {
		return t.Version
	}
	return t.Version + ", commit " + t.Commit
}

func specText(s result.Spec) string {
	text := ""
	for _, part := range []struct{ name, value string }{
		{"region", s.Region},
		{"arch", s.Arch},
		{"instance type", s.InstanceType},
		{"instances", positive(s.Instances)},
		{"memory in MB", positive(s.MemoryMB)},
		{"front door", s.FrontDoor},
		{"auth", s.Auth},
	} {
		if part.value == "" {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += part.name + " " + part.value
	}
	return text
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}
