package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// footnotes are numbered in the order in which they are first used.
type footnotes struct{ texts []string }

// mark is the text behind a figure: the numbers of its notes, from the lowest on.
func (f *footnotes) mark(notes []string) string {
	numbers := make([]int, 0, len(notes))
	for _, text := range notes {
		n := slices.Index(f.texts, text)
		if n < 0 {
			n = len(f.texts)
			f.texts = append(f.texts, text)
		}
		numbers = append(numbers, n+1)
	}
	slices.Sort(numbers)
	var marks strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&marks, " [%d]", n)
	}
	return marks.String()
}

// lines are the notes with their numbers, as sentences.
func (f *footnotes) lines() []string {
	lines := make([]string, len(f.texts))
	for i, text := range f.texts {
		lines[i] = fmt.Sprintf("[%d] %s.", i+1, text)
	}
	return lines
}

// comparisonTable is what the rounds tell of each metric.
type comparisonTable struct {
	list []analysis.Comparison
	// subject heads a column that name fills; without it all comparisons are of the same.
	subject string
	name    func(analysis.Comparison) string
	// figures head the columns of the figures themselves; without them there are none.
	figures []string
	// difference heads the column of ratios. Brief leaves out there how many more rounds would tell one.
	difference string
	brief      bool
}

// grid comes with its footnotes.
func (t comparisonTable) grid() (*grid, []string) {
	list, name := t.list, t.name
	g := &grid{head: []string{"Metric"}, left: map[int]bool{0: true}}
	if name != nil {
		g.left[1] = true
		g.head = []string{t.subject, "Metric"}
	}
	g.head = append(g.head, t.figures...)
	g.left[len(g.head)] = true
	g.head = append(g.head, t.difference, "95 % interval", "p")
	notes := &footnotes{}
	last := ""
	for _, c := range list {
		var cells []cell
		if name != nil {
			text := name(c)
			if text == last {
				cells = append(cells, plain(""))
			} else {
				cells = append(cells, plain(text))
				last = text
			}
		}
		cells = append(cells, plain(c.Metric.Label))
		if len(t.figures) > 0 {
			s := scaleOf(c.Metric.Unit, []analysis.Value{c.Base, c.Other})
			cells = append(cells, plain(s.format(c.Base)), plain(s.format(c.Other)))
		}
		verdict := difference(c)
		if undecided := "~" + more(c); t.brief && verdict.text == undecided {
			verdict.text = "~"
		}
		verdict.text += notes.mark(remarks(c))
		g.add(append(cells, verdict, plain(interval(c)), plain(chance(c)))...)
	}
	return g, notes.lines()
}

// difference is a ratio with its margin and a word, or ~ where nothing can be said.
func difference(c analysis.Comparison) cell {
	switch {
	case c.Effect == nil:
		return plain(missing)
	case c.Interval == nil && min(c.BaseRounds, c.OtherRounds) < stats.MinRounds:
		return plain(fmt.Sprintf("~ (needs %d rounds)", stats.MinRounds))
	case c.Interval == nil, c.Standing == analysis.Undecided:
		return plain("~" + more(c))
	case c.Standing == analysis.Better:
		return cell{effect(c) + " better", toneGood}
	}
	return cell{effect(c) + " worse", toneBad}
}

// more is how many more rounds would tell the difference, if it is as large as it looks.
func more(c analysis.Comparison) string {
	const most = 200
	switch {
	case c.Interval == nil || c.More == 0:
		return ""
	case c.More > most:
		return fmt.Sprintf(" (over %d more rounds)", most)
	}
	return " (about " + numeral.Plural(c.More, "more round") + ")"
}

// effect has the margin of its interval: as the interval of a ratio is even on a logarithmic scale, that is half of its width there.
func effect(c analysis.Comparison) string {
	if c.Scale == stats.Difference {
		return points(*c.Effect) + " ±" + twoDigits(100*(c.Interval.High-c.Interval.Low)/2) + " pp"
	}
	margin := math.Sqrt(c.Interval.High/c.Interval.Low) - 1
	text := numeral.Digits(*c.Effect) + "x"
	if margin > 1 {
		return text
	}
	return text + " ±" + twoDigits(100*margin) + " %"
}

// points are percentage points, with a sign.
func points(share float64) string {
	text := numeral.Digits(100*share) + " pp"
	if share > 0 {
		return "+" + text
	}
	return text
}

func twoDigits(v float64) string {
	switch {
	case v >= 9.95:
		return fmt.Sprintf("%.0f", v)
	case v >= 0.995:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2g", v)
}

func interval(c analysis.Comparison) string {
	switch {
	case c.Interval == nil:
		return missing
	case c.Scale == stats.Difference:
		return points(c.Interval.Low) + " to " + points(c.Interval.High)
	}
	return numeral.Digits(c.Interval.Low) + " to " + numeral.Digits(c.Interval.High)
}

// chance is the p-value after the correction.
func chance(c analysis.Comparison) string {
	switch {
	case c.Adjusted == nil:
		return missing
	case *c.Adjusted < 0.001:
		return "<0.001"
	}
	return fmt.Sprintf("%.2g", *c.Adjusted)
}

// remarks are the footnotes of a comparison, as sentences without their full stop.
func remarks(c analysis.Comparison) []string {
	var list []string
	for _, w := range c.Warnings {
		list = append(list, upperFirst(w.Text))
	}
	return list
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// rounds compared, of the targets.
func (v view) comparisons(withFigures bool) (*grid, []string) {
	m := v.model
	t := comparisonTable{difference: "difference"}
	for _, c := range m.Comparisons {
		if slices.Contains(v.columns, c.Target) {
			t.list = append(t.list, c)
		}
	}
	if len(v.columns) > 2 {
		t.subject, t.name, t.figures = "Target", func(c analysis.Comparison) string { return v.name(c.Target) + " / " + v.name(0) }, []string{"first", "other"}
	} else {
		t.difference, t.figures = v.name(v.columns[1])+" / "+v.name(0), []string{v.head(0), v.head(v.columns[1])}
	}
	if !withFigures {
		t.figures = nil
	}
	return t.grid()
}

// comparisonNote says how to read the table.
func comparisonNote() string {
	return "A ratio is the geometric mean of the rounds' ratios, with a 95 % interval by Student's t. Better and worse are said where the difference stands after " +
		"Holm's correction for the number of metrics, which p has in it, and the rank test agrees; ~ is where nothing can be said, which is not the same as equal, with the number of rounds that would tell the difference if it is as large as it looks."
}
