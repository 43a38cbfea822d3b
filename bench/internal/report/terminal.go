// Package report writes the model of a run for people: as tables in a terminal, and as Markdown. How a figure is
// written says package numeral.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// Options say what the terminal is like.
type Options struct {
	// Color adds colour. What it means is always written too.
	Color bool
	// Width is the number of columns of the terminal. Below 40 it is taken as not known: then texts are wrapped at 80, and tables are as wide
	// as they are.
	Width int
}

const (
	defaultWidth  = 80
	narrowest     = 40
	longestInHead = 16
)

// Terminal writes the run's tables. It fails only when w does, or a table cannot be rendered.
func Terminal(w io.Writer, m *analysis.Model, o Options) error {
	t := newTerminal(m, o)
	t.header()
	t.verdict()
	t.paragraphs("In short", summary(m))
	if m.Capacity != nil {
		t.table("Capacity", false, func(v view) *grid { return v.capacity() })
	}
	if len(m.Thresholds) > 0 {
		t.table("Thresholds", true, func(v view) *grid { return v.thresholds() })
		t.out.WriteString(wrap(thresholdsNote(m), " ", " ", t.options.Width))
	}
	t.totals()
	t.comparisons()
	if len(m.Phases) > 1 {
		t.table("Phases", false, func(v view) *grid { return v.sections("Phase", m.Phases, phaseKeys(m)) })
		if warmups(m) {
			t.out.WriteString(" * warm-up: not in the totals\n")
		}
	}
	if len(m.Steps) > 1 {
		t.table("Steps", false, func(v view) *grid { return v.sections("Step", m.Steps, stepKeys(m)) })
	}
	t.bills()
	t.errors()
	if len(m.ColdStarts) > 0 {
		t.table("Cold starts", true, func(v view) *grid { return v.figures(m.ColdStarts) })
	}
	t.coldWarm()
	if g := waterfallGrid(m, longestInHead); len(g.rows) > 0 {
		t.title("Where the mean time goes")
		t.out.WriteString(t.fitted(g))
	}
	if len(m.Lambda) > 0 {
		t.table(lambdaTitle(m), true, func(v view) *grid { return v.figures(shortLambda(m.Lambda)) })
		t.lambda()
	}
	if len(m.Instances) > 0 {
		t.table(instancesTitle, true, func(v view) *grid { return v.figures(m.Instances) })
	}
	if len(m.Unsent) > 0 {
		t.table("Never sent, in none of the times above", true, func(v view) *grid { return v.figures(m.Unsent) })
	}
	t.table("Connections", true, func(v view) *grid { return v.figures(m.Connections) })
	if len(m.Spread) > 0 {
		t.table(fmt.Sprintf("Spread of %d rounds", len(m.Rounds)), true, func(v view) *grid { return v.spread() })
	}
	if g := generatorTable(m); len(g.rows) > 0 {
		t.title("The load generator: " + verdict(m.Run.Generator.Verdict))
		t.out.WriteString(t.fitted(g))
	}
	t.paragraphs("What these figures cannot say", notes(m))
	if m.Published != nil {
		t.out.WriteString(wrap("The report in Markdown has the published EC2 and Lambda runs of this workload beside these.", "\n", "", t.options.Width))
	}
	if t.err != nil {
		return t.err
	}
	if _, err := io.WriteString(w, t.out.String()); err != nil {
		return fmt.Errorf("writing the tables: %w", err)
	}
	return nil
}

// totals have on top what takes from their meaning.
func (t *terminal) totals() {
	t.title("Totals, of all phases that count" + totalsTitle(t.model))
	for _, line := range unsentLines(t.model) {
		t.loud(line)
	}
	t.columns(false, func(v view) *grid { return v.totals() })
}

// comparisons leave out the figures, which are in the totals.
func (t *terminal) comparisons() {
	m := t.model
	if len(m.Rounds) == 0 || len(m.Comparisons) == 0 {
		return
	}
	t.title("What " + numeral.Plural(len(m.Rounds), "round") + " tell")
	for other := 1; other < len(m.Targets); other++ {
		if other > 1 {
			t.out.WriteString("\n")
		}
		g, notes := view{model: m, columns: []int{0, other}, longest: longestInHead}.comparisons(false)
		t.out.WriteString(t.fitted(g))
		for _, line := range notes {
			t.out.WriteString(wrap(line, " ", "     ", t.options.Width))
		}
	}
	t.out.WriteString(wrap(comparisonNote(), " ", " ", t.options.Width))
}

type terminal struct {
	model   *analysis.Model
	options Options
	// room is how many columns tables have; 0 is any number.
	room int
	out  strings.Builder
	err  error
}

func newTerminal(m *analysis.Model, o Options) *terminal {
	t := &terminal{model: m, options: o, room: o.Width}
	if o.Width < narrowest {
		t.options.Width, t.room = defaultWidth, 0
	}
	return t
}

func (t *terminal) header() {
	for _, b := range banners(t.model) {
		t.loud(b.text)
	}
	t.out.WriteString(wrap(subject(t.model), "", "  ", t.options.Width))
	for _, target := range t.model.Targets {
		line := fmt.Sprintf("%s %s, %s, %s", visible(target.Name), provenance(target), visible(target.Kind), visible(target.URL))
		t.out.WriteString(wrap(line, "  ", "    ", t.options.Width))
	}
	t.out.WriteString(wrap("load generator: "+generator(t.model), "  ", "    ", t.options.Width))
}

// loud is a paragraph that must be seen.
func (t *terminal) loud(text string) {
	for line := range strings.Lines(wrap(text, "!! ", "!! ", t.options.Width)) {
		t.out.WriteString(t.paint(toneLoud, strings.TrimSuffix(line, "\n")) + "\n")
	}
}

func (t *terminal) paint(tone tone, s string) string {
	if !t.options.Color {
		return s
	}
	return tone.paint(s)
}

func (t *terminal) title(s string) {
	t.out.WriteString("\n")
	if t.room > 0 {
		s = folded(s, t.room)
	}
	for line := range strings.SplitSeq(s, "\n") {
		if t.options.Color {
			line = "\x1b[1m" + line + "\x1b[0m"
		}
		t.out.WriteString(line + "\n")
	}
}

func (t *terminal) paragraphs(title string, list []string) {
	if len(list) == 0 {
		return
	}
	t.title(title)
	for _, p := range list {
		t.out.WriteString(wrap(p, " - ", "   ", t.options.Width))
	}
}

// table shows all targets beside each other. Where that is too wide it leaves out where figures come from, which the header has;
// and where that is not enough, it shows the baseline with one other at a time.
func (t *terminal) table(title string, plainColumns bool, build func(view) *grid) {
	t.title(title)
	t.columns(plainColumns, build)
}

func (t *terminal) columns(plainColumns bool, build func(view) *grid) {
	v := everything(t.model)
	v.longest = longestInHead
	g := build(v)
	wide := widest(t.render(g)) > t.options.Width
	if wide && len(v.columns) < 3 {
		v.bare = true
		g = build(v)
	}
	if len(v.columns) < 3 || !wide {
		t.out.WriteString(t.fitted(g))
		return
	}
	for other := 1; other < len(t.model.Targets); other++ {
		if other > 1 {
			t.out.WriteString("\n")
		}
		pair := v
		pair.columns = []int{0, other}
		if plainColumns && other > 1 {
			pair.columns = []int{other}
		}
		g := build(pair)
		if t.room > 0 && widest(t.render(g)) > t.room {
			pair.bare = true
			g = build(pair)
		}
		t.out.WriteString(t.fitted(g))
	}
}

func (t *terminal) render(g *grid) string {
	text, err := g.terminal(t.options.Color)
	if err != nil && t.err == nil {
		t.err = err
	}
	return text
}

func widest(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		n = max(n, width(strings.TrimSuffix(line, "\n")))
	}
	return n
}

func (t *terminal) errors() {
	if len(t.model.Errors) == 0 {
		return
	}
	t.table("Errors, in none of the times above", true, func(v view) *grid { return v.errors() })
	t.out.WriteString("\n First of each kind\n")
	for _, k := range t.model.Errors {
		for target, e := range k.Examples {
			if e != nil {
				t.out.WriteString(wrap(example(t.model, target, e), " - ", "   ", t.options.Width))
			}
		}
	}
}
