package report

import "github.com/crossover-bench/crossover/bench/internal/analysis"

// SummaryLimit is how many bytes GitHub takes of a step's summary; of a longer one it shows nothing.
const SummaryLimit = 1 << 20

// Summary is the Markdown report for a place that cannot show files beside it, in at most so many bytes: without charts and, where that is
// too long, only what is in short and the totals; nothing at all where that is too long too.
func Summary(m *analysis.Model, limit int) ([]byte, error) {
	text, err := markdown(m, nil)
	if err != nil || len(text) < limit {
		return append(text, '\n'), err
	}
	d := &document{model: m, view: everything(m)}
	d.title()
	d.heading("In short")
	d.list(summary(m))
	d.heading("Totals" + totalsTitle(m))
	d.table(d.view.totals())
	d.paragraph("The whole report is too long for this page: it is in `%s` and `%s`.", FileName, HTMLName)
	if d.err != nil || d.out.Len() >= limit {
		return nil, d.err
	}
	return append(d.out.Bytes(), '\n'), nil
}
