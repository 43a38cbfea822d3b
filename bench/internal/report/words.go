package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// banners are what a reader must know before any figure, in sentences of visible text; the worst is the first.
func banners(m *analysis.Model) []banner {
	var list []banner
	add := func(alert, text string) { list = append(list, banner{alert, text}) }
	why := reasons(m.Run.Generator)
	if why == "" {
		why = "no reason was given"
	}
	if m.Run.Generator.Verdict == result.Invalid {
		add(caution, "INVALID: the load generator could not do what was asked of it, so the figures are not the targets': "+why+".")
	}
	if m.Run.Interrupted {
		add(caution, "INTERRUPTED: the run was stopped before all phases were done. What was measured until then is below.")
	}
	if m.Run.Generator.Verdict == result.Suspect {
		add(warning, "SUSPECT: the load generator may have been at its limits, and the figures not the targets' alone: "+why+".")
	}
	if m.Run.CheckSkipped {
		add(warning, "NOT CHECKED: the answers of the targets were not compared before the load (--skip-check). They may do different work.")
	}
	return list
}

// banner is a sentence and how loud GitHub shows it.
type banner struct{ alert, text string }

const (
	caution = "CAUTION"
	warning = "WARNING"
)

// reasons become part of a sentence that has its own full stop.
func reasons(g result.Generator) string {
	list := make([]string, len(g.Reasons))
	for i, r := range g.Reasons {
		list[i] = strings.TrimRight(visible(r), ". ")
	}
	return strings.Join(list, "; ")
}

// subject says what was run, in one line.
func subject(m *analysis.Model) string {
	s := &m.Run.Scenario
	rounds := max(m.Run.Rounds, 1)
	return fmt.Sprintf("%s (%s), %s, seed %s", visible(s.Name), loop(m.Run), numeral.Plural(rounds, "round"), strconv.FormatUint(m.Run.Seed, 10))
}

// summary is the figures in words, and what was found besides.
func summary(m *analysis.Model) []string {
	return slices.Concat(capacityLines(m), verdicts(m), facts(m), waits(m), coldStarts(m))
}

// facts are the differences; of a single target, its own figures.
func facts(m *analysis.Model) []string {
	if len(m.Targets) == 1 {
		return []string{alone(m)}
	}
	var lines []string
	// What the rounds tell is a mean of ratios, which is not the ratio of two totals.
	rounds := slices.ContainsFunc(m.Comparisons, func(c analysis.Comparison) bool { return c.Interval != nil })
	for _, f := range m.Facts {
		s := scaleOf(f.Metric.Unit, []analysis.Value{f.Base, f.Value})
		line := fmt.Sprintf("%s: %s %s, %s %s", f.Metric.Label, short(m.Targets[0].Name), s.format(f.Base), short(m.Targets[f.Target].Name), s.format(f.Value))
		if text := ratio(f.Cell).text; text != missing {
			if rounds {
				text += ", of the totals"
			}
			line += " (" + text + ")"
		}
		lines = append(lines, line+".")
	}
	for _, f := range m.Flips {
		lines = append(lines, fmt.Sprintf("%s by phase: %s is better than %s in %s; worse in %s.", f.Metric.Label,
			short(m.Targets[f.Target].Name), short(m.Targets[0].Name), join(f.Better), join(f.Worse)))
	}
	switch {
	case m.Capacity != nil:
	case m.Unequal:
		lines = append([]string{"The targets did not run the same phases, so their totals are not compared."}, lines...)
	case len(lines) == 0:
		lines = append(lines, "No figure is there on both sides, so nothing can be compared.")
	}
	return lines
}

// coldStarts says how many requests found a cold environment, and how long they took.
func coldStarts(m *analysis.Model) []string {
	var lines []string
	for i, t := range m.Run.Targets {
		c := t.ColdStarts
		if c == nil || c.Requests == 0 && (c.Environments == nil || *c.Environments == 0) {
			continue
		}
		line := fmt.Sprintf("Cold starts: %s %s of %s", short(t.Name), numeral.Whole(c.Requests),
			numeral.Plural(t.Overall.Requests, "request"))
		p50, _ := analysis.Find(m.ColdStarts, "cold_p50")
		highest, _ := analysis.Find(m.ColdStarts, "cold_max")
		middle, name := p50.Cells[i].Value, "median"
		if !middle.Valid() { // too few for one
			mean, _ := analysis.Find(m.ColdStarts, "cold_mean")
			middle, name = mean.Cells[i].Value, "mean"
		}
		if middle.Valid() {
			s := scaleOf(analysis.Microseconds, []analysis.Value{middle, highest.Cells[i].Value})
			line += fmt.Sprintf(", %s %s, max %s", name, s.format(middle), s.format(highest.Cells[i].Value))
		}
		line += otherEnvironments(m, i)
		lines = append(lines, line+".")
	}
	return lines
}

// otherEnvironments says how many environments were started without being among the cold requests, and by what.
func otherEnvironments(m *analysis.Model, target int) string {
	var parts []string
	if n := m.Run.Targets[target].ColdStarts.WarmedByCheck; n > 0 {
		parts = append(parts, numeral.Whole(n)+" by the check before the load")
	}
	row, _ := analysis.Find(m.ColdStarts, "uncounted")
	if n, _ := row.Cells[target].Value.Get(); n > 0 {
		parts = append(parts, formatOne(analysis.Count, row.Cells[target].Value)+" in warm-up phases or unseen")
	}
	if len(parts) == 0 {
		return ""
	}
	return "; environments started besides: " + strings.Join(parts, ", ")
}

func alone(m *analysis.Model) string {
	var parts []string
	for _, key := range []string{"throughput", "p50", "p99", "errors"} {
		row, _ := analysis.Find(m.Totals, key)
		parts = append(parts, strings.ToLower(row.Metric.Label)+" "+formatOne(row.Metric.Unit, row.Cells[0].Value))
	}
	return short(m.Targets[0].Name) + ": " + strings.Join(parts, ", ") + ". One target: there is nothing to compare it with."
}

func join(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = short(n)
	}
	return strings.Join(list, ", ")
}

// notes are the caveats and the run's own warnings.
func notes(m *analysis.Model) []string {
	var list []string
	for _, n := range m.Caveats {
		list = append(list, printable(n))
	}
	for _, n := range m.Run.Warnings {
		list = append(list, printable(n))
	}
	return list
}

func warmups(m *analysis.Model) bool {
	for _, p := range m.Phases {
		if p.Warmup {
			return true
		}
	}
	return false
}

// example is one failed request in words.
func example(m *analysis.Model, target int, e *result.ErrorSample) string {
	return fmt.Sprintf("%s, %s, phase %s, step %s: %s", short(e.Kind), short(m.Targets[target].Name), short(e.Phase), short(e.Step), visible(e.Detail))
}
