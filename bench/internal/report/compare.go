package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// Change is a comparison of two runs and what is too much of one.
type Change struct {
	*analysis.RunComparison
	// Tolerance is the share of the old figure by which a new one may be worse.
	Tolerance float64
}

// Regressed says in sentences what got worse by more than the tolerance; empty where nothing did.
func (c Change) Regressed() []string {
	var lines []string
	for _, i := range c.Broken {
		lines = append(lines, visible(c.Targets[i])+" answered no request rightly.")
	}
	for _, r := range c.Regressions(c.Tolerance) {
		s := scaleOf(r.Metric.Unit, []analysis.Value{r.Base, r.Other})
		lines = append(lines, fmt.Sprintf("%s: %s went from %s to %s, %s (95 %%: %s).", visible(c.Targets[r.Target]), r.Metric.Label, s.format(r.Base), s.format(r.Other), effect(r), interval(r)))
	}
	return lines
}

func (c Change) table() comparisonTable {
	t := comparisonTable{list: c.Comparisons, figures: []string{"Old", "New"}, difference: "New / old"}
	if len(c.Targets) > 1 {
		t.subject, t.name = "Target", func(m analysis.Comparison) string { return short(c.Targets[m.Target]) }
	}
	return t
}

// within is the table for so many terminal columns: what it has no room for is left out, and a note says so.
func (c Change) within(columns int, render func(*grid) string) (*grid, []string) {
	t := c.table()
	g, notes := t.grid()
	if widest(render(g)) <= columns {
		return g, notes
	}
	t.brief = true
	leftOut := "how many more rounds would tell a difference"
	if g, notes = t.grid(); widest(render(g)) > columns {
		t.brief, t.figures = false, nil
		leftOut = "the figures of the two runs"
		if t.name != nil {
			t.name = func(m analysis.Comparison) string { return clip(visible(c.Targets[m.Target]), longestInHead) }
		}
		g, notes = t.grid()
	}
	return g, append(notes, fmt.Sprintf("Left out in %d columns: %s.", columns, leftOut))
}

// of names the target after a title, where it is but one and no column of the table has it.
func (c Change) of(title string) string {
	if len(c.Targets) == 1 {
		return title + ": " + short(c.Targets[0])
	}
	return title
}

// changes between the runs besides the figures.
func (c Change) changes() []string {
	var lines []string
	for _, d := range c.Differences {
		line := fmt.Sprintf("%s: %s, then %s.", upperFirst(visible(d.What)), visible(d.Old), visible(d.New))
		if d.Grave {
			line += " A difference of the figures may be due to this."
		}
		lines = append(lines, line)
	}
	return lines
}

func (c Change) conclusion() []string {
	if lines := c.Regressed(); len(lines) > 0 {
		return lines
	}
	decided := slices.ContainsFunc(c.Comparisons, func(m analysis.Comparison) bool { return m.Interval != nil })
	switch {
	case c.OneRun:
		return []string{"Both are one and the same run, so there is nothing to compare: no figure can differ."}
	case len(c.Comparisons) == 0:
		return []string{"No figure is there in both runs, so nothing can be said."}
	case !decided:
		return []string{fmt.Sprintf("Nothing can be said: that takes %d rounds of both runs.", stats.MinRounds)}
	}
	return []string{fmt.Sprintf("Nothing is worse by more than %s with confidence. That is not to say that nothing changed.", formatOne(analysis.Share, analysis.Known(c.Tolerance)))}
}

// changeNote says how to read the table.
const changeNote = "A ratio is of the geometric means of the rounds, with a 95 % interval by Welch's t: rounds of two runs are no pairs. Better and worse are said where the difference stands " +
	"after Holm's correction for the number of metrics, which p has in it, and the rank test agrees; ~ is where nothing can be said, which is not the same as equal, with the number of rounds " +
	"of both runs that would tell the difference if it is as large as it looks."

// Terminal writes the comparison as tables.
func (c Change) Terminal(w io.Writer, o Options) error {
	t := newTerminal(nil, o)
	t.out.WriteString(wrap(c.subject(), "", "  ", t.options.Width))
	t.paragraphs("What else is different", c.changes())
	t.paragraphs("In short", c.conclusion())
	if len(c.Comparisons) > 0 {
		t.title(c.of("What changed"))
		g, notes := c.within(t.options.Width, t.render)
		t.out.WriteString(t.fitted(g))
		for _, line := range notes {
			t.out.WriteString(wrap(line, " ", "     ", t.options.Width))
		}
		t.out.WriteString(wrap(changeNote, " ", " ", t.options.Width))
	}
	t.paragraphs("What this cannot say", c.Caveats)
	if t.err != nil {
		return t.err
	}
	if _, err := io.WriteString(w, t.out.String()); err != nil {
		return fmt.Errorf("writing the comparison: %w", err)
	}
	return nil
}

func (c Change) subject() string {
	return fmt.Sprintf("%s, %s, beside %s, %s", visible(c.Old.Scenario.Name), strings.ToLower(strings.TrimSuffix(stamp(c.Old), ".")[:1])+strings.TrimSuffix(stamp(c.Old), ".")[1:],
		visible(c.New.Scenario.Name), strings.ToLower(stamp(c.New)[:1])+stamp(c.New)[1:])
}

// Markdown is the comparison as GitHub Markdown.
func (c Change) Markdown() ([]byte, error) {
	d := &document{}
	d.printf("# What changed: %s\n", escapeMarkdown(short(c.New.Scenario.Name)))
	d.paragraph("%s", escapeMarkdown(c.subject()))
	if lines := c.changes(); len(lines) > 0 {
		d.heading("What else is different")
		d.list(lines)
	}
	d.heading("In short")
	d.list(c.conclusion())
	if len(c.Comparisons) > 0 {
		d.heading(escapeMarkdown(c.of("Figures")))
		g, notes := c.table().grid()
		d.table(g)
		for _, line := range notes {
			d.paragraph("%s", escapeMarkdown(line))
		}
		d.paragraph("%s", escapeMarkdown(changeNote))
	}
	if len(c.Caveats) > 0 {
		d.heading("What this cannot say")
		d.list(c.Caveats)
	}
	return d.out.Bytes(), d.err
}

// comparedMetric is a comparison for programs. Times are in µs, rates per second, shares 0 to 1; null is not known.
type comparedMetric struct {
	Target string   `json:"target"`
	Metric string   `json:"metric"`
	Base   *float64 `json:"base"`
	Other  *float64 `json:"other"`
	// Scale says what effect is: ratio, other over base, or difference, other less base.
	Scale       string   `json:"scale"`
	Effect      *float64 `json:"effect"`
	Low         *float64 `json:"low"`
	High        *float64 `json:"high"`
	P           *float64 `json:"p"`
	AdjustedP   *float64 `json:"adjusted_p"`
	RankP       *float64 `json:"rank_p"`
	Outcome     string   `json:"outcome"`
	BaseRounds  int      `json:"base_rounds"`
	OtherRounds int      `json:"other_rounds"`
	MoreRounds  int      `json:"more_rounds"`
	Warnings    []string `json:"warnings"`
}

func forPrograms(list []analysis.Comparison, name func(int) string) []comparedMetric {
	out := make([]comparedMetric, 0, len(list))
	for _, c := range list {
		m := comparedMetric{
			Target: name(c.Target), Metric: c.Metric.Key, Base: pointer(c.Base), Other: pointer(c.Other), Scale: "ratio", Effect: c.Effect,
			P: c.P, AdjustedP: c.Adjusted, RankP: c.RankP, Outcome: outcome(c), BaseRounds: c.BaseRounds, OtherRounds: c.OtherRounds, MoreRounds: c.More,
			Warnings: []string{},
		}
		if c.Scale == stats.Difference {
			m.Scale = "difference"
		}
		if c.Interval != nil {
			m.Low, m.High = &c.Interval.Low, &c.Interval.High
		}
		for _, w := range c.Warnings {
			m.Warnings = append(m.Warnings, w.Text)
		}
		out = append(out, m)
	}
	return out
}

func outcome(c analysis.Comparison) string {
	switch {
	case c.Interval == nil && min(c.BaseRounds, c.OtherRounds) < stats.MinRounds:
		return "needs_rounds"
	case c.Standing == analysis.Better:
		return "better"
	case c.Standing == analysis.Worse:
		return "worse"
	}
	return "undecided"
}

func pointer(v analysis.Value) *float64 {
	if n, ok := v.Get(); ok {
		return &n
	}
	return nil
}

// JSON is the comparison for programs.
func (c Change) JSON() ([]byte, error) {
	type difference struct {
		What  string `json:"what"`
		Old   string `json:"old"`
		New   string `json:"new"`
		Grave bool   `json:"grave"`
	}
	out := struct {
		SchemaVersion int              `json:"schema_version"`
		OneRun        bool             `json:"one_run,omitempty"`
		Tolerance     float64          `json:"tolerance"`
		Regressed     bool             `json:"regressed"`
		Regressions   []string         `json:"regressions"`
		Differences   []difference     `json:"differences"`
		Comparisons   []comparedMetric `json:"comparisons"`
		Caveats       []string         `json:"caveats"`
	}{
		SchemaVersion: 1, OneRun: c.OneRun, Tolerance: c.Tolerance, Regressions: append([]string{}, c.Regressed()...), Differences: []difference{},
		Comparisons: forPrograms(c.Comparisons, func(i int) string { return c.Targets[i] }), Caveats: append([]string{}, c.Caveats...),
	}
	out.Regressed = len(out.Regressions) > 0
	for _, d := range c.Differences {
		out.Differences = append(out.Differences, difference(d))
	}
	return indented(out)
}
