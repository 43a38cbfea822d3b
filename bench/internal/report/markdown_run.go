package report

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// stamp says when the run was and for how long.
func stamp(r *result.Run) string {
	if r.StartedAt.IsZero() {
		return "When it ran is not known."
	}
	text := "Started " + r.StartedAt.UTC().Format("2006-01-02 15:04:05 UTC")
	if took := r.FinishedAt.Sub(r.StartedAt); !r.FinishedAt.IsZero() && took > 0 {
		text += ", took " + numeral.Duration(took)
	}
	return text + "."
}

func (d *document) provenance() {
	m := d.model
	d.heading("Where the figures come from")
	g := &grid{head: []string{"Target", "Figures", "Kind", "URL", "Hosted on"}, left: map[int]bool{0: true, 1: true, 2: true, 3: true, 4: true}}
	for _, t := range m.Targets {
		g.add(plain(visible(t.Name)), plain(figures(t)), plain(visible(t.Kind)), plain(visible(t.URL)), plain(host(t.Spec)))
	}
	d.table(g)
	d.printf("\n")
	for _, t := range m.Targets {
		d.printf("- %s: %s\n", md(t.Name), meaning(t))
		for _, n := range t.Spec.Notes {
			d.printf("  - %s\n", escapeMarkdown(printable(n)))
		}
	}
}

func meaning(t analysis.Target) string {
	switch t.Provenance {
	case result.Emulated:
		return "emulated. The real binary ran on the local Lambda service and was called through real sockets. Left out are AWS's network and front door and the " +
			"start of a microVM, which is part of a cold start on AWS. The CPU is not limited to the share that Lambda gives for the memory, unless a note below says that it was."
	case result.Simulated:
		return "simulated. The figures were calculated; nothing ran."
	case result.Measured:
		if t.Opaque {
			return "measured over loopback. What runs behind the URL is not known to bench: it may be a process, an emulator or the end of a tunnel. What runs on this machine " +
				"shares its CPUs with the load generator."
		}
		if t.Local {
			return "measured. A real process on the machine of the load generator, called over loopback: no network, no load balancer and no cloud instance, and it shares " +
				"the machine's CPUs with the load generator."
		}
		return "measured. A deployed service, called from the machine of the load generator; the network between them is part of each time."
	}
	return "of unknown origin."
}

func host(s result.Spec) string {
	var parts []string
	add := func(format string, value any, known bool) {
		if known {
			parts = append(parts, fmt.Sprintf(format, value))
		}
	}
	add("%v", s.InstanceType, s.InstanceType != "")
	add("CPU credits %v", s.CreditMode, s.CreditMode != "")
	add("%v instances", s.Instances, s.Instances > 1)
	add("%v MB", s.MemoryMB, s.MemoryMB > 0)
	add("%v", s.Arch, s.Arch != "")
	add("%v", s.Region, s.Region != "")
	add("behind %v", s.FrontDoor, s.FrontDoor != "")
	add("auth %v", s.Auth, s.Auth != "")
	if len(parts) == 0 {
		return "not told"
	}
	return visible(strings.Join(parts, ", "))
}

func (d *document) howItWasRun() {
	r := d.model.Run
	d.heading("How it was run")
	g := &grid{head: []string{"What", "Value"}, left: map[int]bool{0: true, 1: true}}
	row := func(what, value string) {
		if value != "" {
			g.add(plain(what), plain(visible(value)))
		}
	}
	row("Program", or(r.Tool.Version, "unknown version")+", commit "+or(r.Tool.Commit, "unknown")+", "+or(r.Tool.Go, "unknown Go"))
	row("Machine", machine(r.Environment))
	row("Redis", redis(r.Environment.Redis))
	row("Load", load(r))
	row("Timeout of a request", r.Scenario.Timeout.String())
	row("Seed", strconv.FormatUint(r.Seed, 10))
	row("Rounds", strconv.Itoa(max(r.Rounds, 1)))
	row("When", strings.TrimPrefix(strings.TrimSuffix(stamp(r), "."), "Started "))
	d.table(g)
	d.steps()
	d.phasePlan()
	d.turns()
	d.details("The effective scenario", func() {
		text, err := json.MarshalIndent(r.Scenario, "", "  ")
		if err != nil && d.err == nil {
			d.err = fmt.Errorf("encoding the scenario: %w", err)
		}
		d.code("json", string(text))
	})
}

func or(s, unknown string) string {
	if s == "" {
		return unknown
	}
	return s
}

func machine(e result.Environment) string {
	text := e.OS + "/" + e.Arch + ", " + numeral.Plural(e.CPUs, "CPU")
	if e.CPUModel != "" {
		text += " (" + e.CPUModel + ")"
	}
	if e.MemoryMB > 0 {
		text += ", " + numeral.Whole(e.MemoryMB) + " MiB"
	}
	return text
}

func redis(r *result.Redis) string {
	if r == nil {
		return "not known to the load generator"
	}
	version := or(r.Version, "unknown")
	if r.Kind == "external" {
		return "the one of REDIS_URL, version " + version + ", at " + r.URL
	}
	return r.Kind + ", version " + version + ", at " + r.URL
}

func load(r *result.Run) string {
	s := &r.Scenario
	order := ""
	switch {
	case s.Chained():
		order = "; an iteration is all steps in order"
	case s.Weighted() && len(s.Steps) == 1:
	case s.Weighted():
		order = "; an iteration is one step, drawn by weight"
	case s.Order == scenario.Interleaved:
		order = "; one iteration of each step in turn"
	default:
		order = "; every iteration of a step before the next step"
	}
	return loop(r) + order
}

func (d *document) steps() {
	g := &grid{head: []string{"Step", "Request", "Sends", "Right answer"}, left: map[int]bool{0: true, 1: true, 2: true, 3: true}}
	for _, s := range d.model.Run.Scenario.Steps {
		sends := "no body"
		switch {
		case s.BodyFile != "":
			sends = "file " + s.BodyFile
		case s.Body != nil:
			sends = string(s.Body)
		}
		if s.ContentType != "" {
			sends += " (" + s.ContentType + ")"
		}
		right := "status 2xx"
		if s.Expect.Status != 0 {
			right = "status " + strconv.Itoa(s.Expect.Status)
		}
		if s.Expect.Body != nil {
			right += ", body " + visible(*s.Expect.Body)
		}
		if s.Expect.ContentType != "" {
			right += ", " + s.Expect.ContentType
		}
		g.add(plain(visible(s.Name)), plain(visible(s.Method+" "+s.Path)), plain(visible(sends)), plain(visible(right)))
	}
	d.table(g)
}

func (d *document) phasePlan() {
	s := &d.model.Run.Scenario
	g := &grid{head: []string{"Phase", "Workers", "Length", "Requests a target"}, left: map[int]bool{0: true, 2: true}}
	if s.Load == scenario.Open {
		g = &grid{head: []string{"Phase", "Rate", "Arrivals", "Length", "Requests a target"}, left: map[int]bool{0: true, 2: true, 3: true}}
	}
	for _, p := range s.Phases {
		length := "for " + p.Duration.String()
		requests := "as many as fit"
		if p.Iterations > 0 {
			length = numeral.Plural(p.Iterations, "iteration") + " of each step and worker"
		}
		if n := s.Requests(p); n >= 0 {
			requests = numeral.Whole(n)
		}
		name := visible(p.Name)
		if p.Warmup {
			name += " (warm-up)"
		}
		if s.Load == scenario.Open {
			g.add(plain(name), plain(or(rate(p.Rate), missing)), plain(visible(string(p.Arrivals))), plain(length), plain(requests))
			continue
		}
		g.add(plain(name), plain(numeral.Whole(p.Workers)), plain(length), plain(requests))
	}
	d.table(g)
}

func (d *document) turns() {
	m := d.model
	if len(m.Targets) < 2 || len(m.Turns) == 0 {
		return
	}
	d.details("The order in which the targets took their turns", func() {
		g := &grid{head: []string{"Round", "Phase", "Order"}, left: map[int]bool{1: true, 2: true}}
		for _, t := range m.Turns {
			names := make([]string, len(t.Order))
			for i, target := range t.Order {
				names[i] = short(m.Targets[target].Name)
			}
			g.add(plain(strconv.Itoa(t.Round)), plain(visible(t.Phase)), plain(strings.Join(names, ", then ")))
		}
		d.table(g)
	})
}

func (d *document) definitions() {
	d.heading("Definitions")
	lines := []string{
		"**Response time** counts from when a request was due to the last byte of its answer, **service time** from when it was sent. In a closed loop they are the same.",
		"**Percentiles** are nearest-rank, over all successes together: histograms (HDR, 1 µs to 1 h, three digits) are merged, percentiles never averaged. A percentile with fewer than ten samples above it is not shown. Min, mean and max are exact to the microsecond.",
		"**Failed requests** are in no time but their own, and are counted by kind.",
		"**Throughput** is successes divided by wall time. **Wall time** is from the first send to the last answer; of several phases, the sum of the target's own.",
	}
	if len(d.model.Thresholds) > 0 || d.model.Capacity != nil {
		lines = append(lines, "**Thresholds** of a latency are met where at least that share of all requests succeeded within the limit. A failed request is slower than any limit.")
	}
	if d.model.Run.Scenario.Load == scenario.Open {
		lines = append(lines, "**Open loop** means that requests are due on a schedule, whatever becomes of those before. With all connections busy a due request waits, and its response time "+
			"counts from when it was due. **Never sent** are those that still waited when the grace after their phase was over: they are errors.")
	} else {
		lines = append(lines, "**Connections** are opened outside of the times.", "**Closed loop** means that each worker waits for an answer before it sends again. This measures capacity at a number of workers. "+
			"It does not show the waiting of users who would have come meanwhile (coordinated omission), so its percentiles are no promise to users.")
	}
	d.printf("\n")
	for _, l := range lines {
		d.printf("- %s\n", l)
	}
	d.paragraph("Figures are rounded to three digits; *%s* is a figure that cannot be given.", missing)
}
