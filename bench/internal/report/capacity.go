package report

import (
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// capacityLines are the result of a search for the capacity, in sentences.
func capacityLines(m *analysis.Model) []string {
	if m.Capacity == nil {
		return nil
	}
	var lines []string
	for i, c := range m.Capacity.Found {
		if c == nil {
			continue
		}
		line := "Capacity: " + short(m.Targets[i].Name) + " "
		switch {
		case c.KeptRPS != nil && c.MissedRPS != nil:
			line += "kept " + slo(c.SLO) + " at " + numeral.Rate(*c.KeptRPS) + " and missed it at " + numeral.Rate(*c.MissedRPS)
		case c.KeptRPS != nil:
			line += "kept " + slo(c.SLO) + " at " + numeral.Rate(*c.KeptRPS) + ", and missed it at no rate"
		case c.EndedByGenerator() && c.MissedRPS != nil:
			line += "was not seen to keep " + slo(c.SLO) + ", which does not say that it cannot: the load generator itself was at its limits down to " + numeral.Rate(*c.MissedRPS)
		case c.MissedRPS != nil:
			line += "kept " + slo(c.SLO) + " at no rate; the lowest that was tried, and missed it, is " + numeral.Rate(*c.MissedRPS)
		default:
			line += "has no trial that tells"
		}
		lines = append(lines, line+"; "+limitedBy(c)+".")
	}
	for i, r := range m.Capacity.Ratios {
		number, ok := r.Ratio.Get()
		if !ok {
			continue
		}
		line := "Capacity of " + short(m.Targets[i].Name) + " over " + short(m.Targets[0].Name) + ": " + numeral.Digits(number) + "x"
		low, lowOK := r.Low.Get()
		high, highOK := r.High.Get()
		switch {
		case r.TargetAtLeast && r.BaseAtLeast:
			line += ", which says nothing: both may be able to take more"
		case r.TargetAtLeast:
			line += " at least: " + short(m.Targets[i].Name) + " may be able to take more"
		case r.BaseAtLeast:
			line += " at most: " + short(m.Targets[0].Name) + " may be able to take more"
		case lowOK && highOK:
			line += " (" + numeral.Digits(low) + "x to " + numeral.Digits(high) + "x)"
		}
		lines = append(lines, line+".")
	}
	return lines
}

func limitedBy(c *result.Capacity) string {
	var text string
	switch c.LimitedBy {
	case result.LimitTarget:
		text = "limited by the target"
	case result.LimitGenerator:
		text = "limited by the load generator, so that the target may be able to take more"
	case result.LimitMaxRate:
		text = "limited by the highest rate that was allowed, so that the target may be able to take more"
	default:
		text = "the search ended before it knew what limits it"
	}
	if !c.Converged && c.LimitedBy != "" {
		text += "; the search was cut short"
	}
	return text + ", " + numeral.Plural(len(c.Trials), "trial")
}

// slo is all limits in the form of the command line.
func slo(s scenario.SLO) string { return visible(s.String()) }

func (v view) capacity() *grid {
	g := v.sideBySide("Rate")
	for _, row := range v.model.Capacity.Rows {
		if !unknown(row) {
			g.add(append([]cell{plain(row.Metric.Label)}, v.cells(row)...)...)
		}
	}
	cells := []cell{plain("Limited by")}
	for _, target := range v.columns {
		text := missing
		if c := v.model.Capacity.Found[target]; c != nil && c.LimitedBy != "" {
			text = strings.ReplaceAll(visible(string(c.LimitedBy)), "_", " ")
		}
		cells = append(cells, plain(text))
		if target != 0 {
			cells = append(cells, plain(""))
		}
	}
	g.add(cells...)
	return g
}

// trials are those of one target in their order.
func trials(c *result.Capacity) *grid {
	g := &grid{head: []string{"Trial", "Rate", "SLO", "Right answers", "p50", "p99", "Requests", "Errors", "Never sent", "Sent late, p99"}, left: map[int]bool{2: true}}
	optional := func(unit analysis.Unit, v *float64) cell {
		if v == nil {
			return plain(missing)
		}
		return plain(formatOne(unit, analysis.Known(*v)))
	}
	for i, t := range c.Trials {
		verdict := cell{"MISSED", toneBad}
		switch {
		case t.Met:
			verdict = cell{"kept", toneGood}
		case t.Behind:
			verdict.text += ", fell behind"
		}
		if t.GeneratorLimited {
			verdict.text += ", generator at its limits"
		}
		g.add(plain(strconv.Itoa(i+1)), plain(perSecond(t.RateRPS)), verdict, optional(analysis.PerSecond, t.AchievedRPS),
			percentile(t.P50, t, 500), percentile(t.P99, t, 990), plain(numeral.Whole(t.Requests)),
			plain(numeral.Whole(t.Errors)), plain(numeral.Whole(t.Unsent)), percentile(t.SendLagP99, t, 990))
	}
	return g
}

func percentile(us *float64, t result.Trial, perMille int64) cell {
	return plain(formatOne(analysis.Microseconds, analysis.Percentile(us, t.Requests-t.Errors, perMille)))
}

// capacity is the section of the Markdown report.
func (d *document) capacity() {
	m := d.model
	if m.Capacity == nil {
		return
	}
	d.heading("Capacity")
	d.table(d.view.capacity())
	d.paragraph("The rate at which each target still kept the SLO, found by short open loads. *Range* is where its edge is: wider than from the rate that was kept to the one that was missed where repeats disagreed. " +
		"All other figures of this report are of each target at the rate that it kept, which is another load for each.")
	for i, c := range m.Capacity.Found {
		if c != nil && len(c.Trials) > 0 {
			d.details("The trials of "+short(m.Targets[i].Name), func() { d.table(trials(c)) })
		}
	}
}
