package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/chart"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// environmentsFigure is about Lambda: how many invocations were in work at once, and which requests found no environment.
func environmentsFigure(m *analysis.Model) figure {
	f := figure{Chart: chart.Chart{
		ID: "concurrency", Title: "Cold starts and concurrency over time",
		X: chart.Axis{Label: "time since the load began", Scale: chart.Linear, Unit: chart.Seconds},
		Y: chart.Axis{Label: "count", Scale: chart.Linear, Unit: chart.Count, Zero: true},
	}}
	counted := countsEnvironments(m)
	f.table = &grid{head: []string{"Target", "From", "To", "Invocations at once, max", environmentsHead(counted)}, left: map[int]bool{0: true}}
	if m.Timeline != nil {
		f.table.head = append(f.table.head, "Cold requests")
	}
	cold, drawn := int64(0), false
	var parts []string
	for i := range m.Run.Targets {
		t := &m.Run.Targets[i]
		l := t.Lambda
		if l != nil && len(l.Concurrency) > 0 && l.LoadS > 0 {
			drawn = true
			f.Series = append(f.Series, concurrencySeries(m, i)...)
			parts = append(parts, fmt.Sprintf("%s had at most %s in work at once", inChart(m, i), numeral.Plural(l.MostBusy(), "invocation")))
		}
		if t.ColdStarts == nil || m.Timeline == nil {
			continue
		}
		line, n := coldSeries(m, i)
		if cold += n; n > 0 {
			f.Series = append(f.Series, line)
			parts = append(parts, fmt.Sprintf("%s had %s", inChart(m, i), numeral.Plural(n, "cold request")))
		}
	}
	if len(f.Series) == 0 {
		f.absent = "No target counted environments or had a cold start, so there is no concurrency to draw."
		if m.Timeline == nil && len(m.ColdStarts) > 0 {
			f.absent = noIntervals
		}
		return f
	}
	f.environmentsTable(m)
	f.Bands = phaseBands(m)
	var notes []string
	if drawn {
		notes = append(notes, "Counted by the local Lambda service.", concurrencyNote(counted))
	}
	switch {
	case m.Timeline == nil:
		notes = append(notes, "When requests were cold is not known: there is no "+result.JournalName+" beside "+result.FileName+" that can be read.")
	case cold == 0:
		notes = append(notes, "No interval had a cold request.")
	default:
		notes = append(notes, "Cold requests are those of an interval, as their answers say; in the table, of the intervals that ended in that time.")
	}
	f.note = strings.Join(notes, " ") + bandsNote(m)
	f.Summary = "Lines over the time of the load. " + strings.Join(parts, "; ") + "."
	return f
}

func concurrencySeries(m *analysis.Model, target int) []chart.Series {
	l := m.Run.Targets[target].Lambda
	busy := chart.Series{Label: inChart(m, target) + ", invocations at once", Color: target, Bold: true}
	all := chart.Series{Label: inChart(m, target) + ", environments", Color: target + environmentsColor, Dash: 1}
	var one, two []chart.Point
	for _, s := range rows(l, len(l.Concurrency)) {
		one, two = step(one, s.from, s.to, float64(s.busy)), step(two, s.from, s.to, float64(s.environments))
	}
	busy.Parts, all.Parts = [][]chart.Point{one}, [][]chart.Point{two}
	return []chart.Series{busy, all}
}

// coldSeries has the cold requests of each interval, and how many there were.
func coldSeries(m *analysis.Model, target int) (chart.Series, int64) {
	line := chart.Series{Label: inChart(m, target) + ", cold requests", Color: target + coldColor, Dash: 2, Bold: true}
	total := int64(0)
	line.Parts = overTime(m.Timeline.Moments[target], func(at *analysis.Moment) analysis.Value {
		total += at.Cold
		return analysis.Known(float64(at.Cold))
	})
	return line, total
}

// These set the colours of cold starts and of environments apart from those of targets: mostly there are as many environments as
// invocations, and a dashed line of the same colour is not seen on a solid one.
const (
	environmentsColor = 2
	coldColor         = 4
)

func (f *figure) environmentsTable(m *analysis.Model) {
	for i := range m.Run.Targets {
		l := m.Run.Targets[i].Lambda
		if l == nil {
			continue
		}
		for _, s := range rows(l, concurrencyRows) {
			cells := []cell{plain(inChart(m, i)), plain(moment(s.from)), plain(moment(s.to)), plain(strconv.Itoa(s.busy)), plain(strconv.Itoa(s.environments))}
			if m.Timeline != nil {
				cells = append(cells, plain(coldWithin(m, i, s)))
			}
			f.table.add(cells...)
		}
	}
}

// coldWithin counts the cold requests of intervals that ended in a span.
func coldWithin(m *analysis.Model, target int, s span) string {
	n := int64(0)
	for _, at := range m.Timeline.Moments[target] {
		if at.ToS > s.from && at.ToS <= s.to {
			n += at.Cold
		}
	}
	return numeral.Whole(n)
}
