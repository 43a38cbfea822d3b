package report

import (
	"bytes"
	"fmt"
	stdhtml "html"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Markdown is the whole report as GitHub Markdown. It fails only when a table cannot be rendered.
func Markdown(m *analysis.Model) ([]byte, error) {
	return markdown(m, figuresOf(m))
}

func markdown(m *analysis.Model, figures []figure) ([]byte, error) {
	d := &document{model: m, view: everything(m), figures: figures}
	d.title()
	d.verdict()
	d.comparison()
	d.bills()
	d.errors()
	if len(m.ColdStarts) > 0 {
		d.heading("Cold starts")
		d.table(d.view.figures(m.ColdStarts))
		d.paragraph("%s", coldNote(m))
	}
	d.coldWarm()
	d.waterfalls()
	d.lambda()
	d.instances()
	d.connections()
	d.rounds()
	d.generator()
	d.published()
	d.heading("What these figures cannot say")
	d.list(notes(m))
	d.provenance()
	d.howItWasRun()
	d.definitions()
	d.reproduce()
	return d.out.Bytes(), d.err
}

// document collects the text and the first error.
type document struct {
	model *analysis.Model
	view  view
	// figures are the charts; none where pictures cannot be shown.
	figures []figure
	out     bytes.Buffer
	err     error
}

func (d *document) title() {
	m := d.model
	names := make([]string, len(m.Targets))
	for i, t := range m.Targets {
		names[i] = escapeMarkdown(short(t.Name))
	}
	title := names[len(names)-1]
	if len(names) > 1 {
		title = strings.Join(names[:len(names)-1], ", ") + " and " + title
	}
	d.printf("# %s: %s\n", title, escapeMarkdown(short(m.Run.Scenario.Name)))
	for _, b := range banners(m) {
		d.alert(b)
	}
	d.paragraph(escapeMarkdown(subject(m)) + ". " + stamp(m.Run))
}

func (d *document) comparison() {
	m := d.model
	d.heading("In short")
	d.list(summary(m))
	d.capacity()
	d.thresholds()
	d.heading("Totals" + totalsTitle(m))
	for _, line := range unsentLines(m) {
		d.alert(banner{caution, line})
	}
	if warmups(m) {
		d.paragraph("Over all phases that count; warm-up phases do not.")
	}
	d.table(d.view.totals())
	if len(m.Targets) > 1 {
		d.paragraph("A ratio is the target's figure over the first target's, %s. %s", escapeMarkdown(short(m.Targets[0].Name)), ratioNote(m))
	}
	d.comparisons()
	d.charts()
	if len(m.Phases) > 0 {
		d.heading("Phases")
		d.table(d.view.sections("Phase", m.Phases, phaseKeys(m)))
		if warmups(m) {
			d.paragraph("\\* warm-up: not in the totals")
		}
		d.details("All figures of each phase", func() { d.table(d.view.sections("Phase", m.Phases, nil)) })
	}
	if len(m.Steps) > 0 {
		d.heading("Steps")
		d.table(d.view.sections("Step", m.Steps, stepKeys(m)))
		d.details("All figures of each step", func() { d.table(d.view.sections("Step", m.Steps, nil)) })
	}
}

// ratioNote says what better and worse mean in the totals.
func ratioNote(m *analysis.Model) string {
	if slices.ContainsFunc(m.Comparisons, func(c analysis.Comparison) bool { return c.Interval != nil }) {
		return "*Better* and *worse* are what the rounds tell, where they are compared below, and \\~ is what they do not; elsewhere they compare two figures of this run."
	}
	return "*Better* and *worse* compare two figures of this run; they do not say that the difference would show again."
}

// comparisons are what the rounds tell. Of one round there is nothing to tell.
func (d *document) comparisons() {
	m := d.model
	if len(m.Rounds) == 0 || len(m.Comparisons) == 0 {
		return
	}
	d.heading("What " + numeral.Plural(len(m.Rounds), "round") + " tell")
	g, notes := d.view.comparisons(true)
	d.table(g)
	for _, line := range notes {
		d.paragraph("%s", escapeMarkdown(line))
	}
	d.paragraph("%s", escapeMarkdown(comparisonNote()))
}

func (d *document) errors() {
	m := d.model
	d.heading("Errors")
	d.unsent()
	switch {
	case len(m.Errors) == 0 && len(m.Unsent) > 0:
		d.paragraph("No other request failed.")
		return
	case len(m.Errors) == 0:
		d.paragraph("No request failed.")
		return
	}
	d.table(d.view.errors())
	d.paragraph("Failed requests are counted here and are in none of the times above. The first of each kind:")
	d.printf("\n")
	for _, k := range m.Errors {
		for target, e := range k.Examples {
			if e != nil {
				d.printf("- %s\n", escapeMarkdown(example(m, target, e)))
			}
		}
	}
}

// coldNote says what the rows about cold starts are, of those that the table has.
func coldNote(m *analysis.Model) string {
	text := "A cold request is the first one of its environment, as its answer says. Cold requests are part of all tables above. "
	if row, ok := analysis.Find(m.ColdStarts, "uncounted"); ok && !unknown(row) {
		text += "*In warm-up phases or unseen* are the environments whose first request is in no figure, or got no answer that could tell. "
	}
	return text + "The cold response is what the client saw; init is the part before the first request is handed to the program."
}

// alert takes visible text.
func (d *document) alert(b banner) { d.printf("\n> [!%s]\n> %s\n", b.alert, escapeMarkdown(b.text)) }

func (d *document) thresholds() {
	if len(d.model.Thresholds) == 0 {
		return
	}
	d.heading("Thresholds")
	d.table(d.view.thresholds())
	d.paragraph("%s", escapeMarkdown(thresholdsNote(d.model)))
}

func (d *document) unsent() {
	if len(d.model.Unsent) == 0 {
		return
	}
	d.table(d.view.figures(d.model.Unsent))
	d.paragraph("These requests were due, and were given up when the grace after their phase had passed: no %s had become free. How long they had waited is in no other time.",
		connectionNoun(&d.model.Run.Scenario))
}

func (d *document) connections() {
	s := &d.model.Run.Scenario
	d.heading("Connections")
	d.table(d.view.figures(d.model.Connections))
	if s.FreshConnections {
		d.paragraph("Each request had a fresh connection.")
	}
	switch {
	case d.model.Capacity != nil:
		d.paragraph("Connections that were opened in other trials and kept are not counted.")
	case warmups(d.model):
		d.paragraph("Connections that were opened in warm-up phases and kept are not counted.")
	}
	if s.Load == scenario.Open {
		d.paragraph("The time to connect is in no other time of this report, but for the response time of requests that were due before: these waited for it.")
		return
	}
	d.paragraph("The time to connect is in no other time of this report.")
}

func (d *document) generator() {
	m := d.model
	d.heading("The load generator")
	text := "Verdict: **" + escapeMarkdown(verdict(m.Run.Generator.Verdict)) + "**"
	if why := reasons(m.Run.Generator); why != "" {
		text += ": " + escapeMarkdown(why)
	}
	d.paragraph("%s.", text)
	d.table(generatorTable(m))
	if m.Run.Generator.SendLag != nil {
		d.paragraph("*Sent late* is how long after a request was due, and a connection was free for it, it was sent. Waiting for a free connection is no lateness: that is the target's, and in the response time.")
	}
}

func (d *document) rounds() {
	m := d.model
	if len(m.Rounds) == 0 {
		return
	}
	d.heading("Rounds")
	d.table(d.view.spread())
	d.details(fmt.Sprintf("Each of the %d rounds", len(m.Rounds)), func() {
		sections := make([]analysis.Section, len(m.Rounds))
		for i, r := range m.Rounds {
			sections[i] = analysis.Section{Name: fmt.Sprint(r.Number), Ran: true, Rows: r.Rows}
		}
		d.table(d.view.sections("Round", sections, []string{"throughput", "p50", "p99"}))
	})
}

func (d *document) printf(format string, args ...any) { fmt.Fprintf(&d.out, format, args...) }

func (d *document) heading(s string) { d.printf("\n## %s\n", s) }

// paragraph takes Markdown; what comes from users must be escaped before.
func (d *document) paragraph(format string, args ...any) { d.printf("\n"+format+"\n", args...) }

// list takes visible text.
func (d *document) list(items []string) {
	d.printf("\n")
	for _, item := range items {
		d.printf("- %s\n", escapeMarkdown(item))
	}
}

func (d *document) table(g *grid) {
	if len(g.rows) == 0 {
		return
	}
	text, err := g.markdown()
	if err != nil && d.err == nil {
		d.err = err
	}
	d.printf("\n%s", text)
}

// details folds a body under a summary, which is visible text: between the tags GitHub reads HTML and no Markdown.
func (d *document) details(summary string, body func()) {
	d.printf("\n<details>\n<summary>%s</summary>\n", stdhtml.EscapeString(summary))
	body()
	d.printf("\n</details>\n")
}

// code fences text so that nothing in it can end the fence.
func (d *document) code(language, text string) {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	d.printf("\n%s%s\n%s\n%s\n", fence, language, escapeCode(strings.TrimSuffix(text, "\n")), fence)
}
