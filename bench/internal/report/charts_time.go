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

const (
	// seriesPoints is how many spans of time a line is thinned to, and timeRows how many its table has for a target.
	seriesPoints = 400
	timeRows     = 24
	// mostBands is how many phases, or rounds, are shaded.
	mostBands = 60
)

const noIntervals = "The intervals of the run are not known: there is no " + result.JournalName + " beside " + result.FileName + " that can be read. So there is nothing to draw over time."

// thinned says how a line was thinned, of so many intervals; empty where it was not.
func thinned(m *analysis.Model) string {
	most := 0
	for _, list := range m.Timeline.Moments {
		most = max(most, len(list))
	}
	if most <= 2*seriesPoints {
		return ""
	}
	return fmt.Sprintf(" Of the up to %s of a target, the lowest and the highest figure of each %dth of the time are drawn.", numeral.Plural(most, "interval"), seriesPoints)
}

// thinLines keeps the lines of a dense chart from hiding each other.
func (f *figure) thinLines(m *analysis.Model) {
	if thinned(m) == "" {
		return
	}
	for i := range f.Series {
		f.Series[i].Bold = false
	}
}

func latencyFigure(m *analysis.Model) figure {
	f := overTimeFigure(m, "latency-over-time", "Response time over time", chart.Axis{Label: "response time", Scale: chart.Log, Unit: chart.Microseconds})
	if f.absent != "" {
		return f
	}
	var parts []string
	for i := range m.Targets {
		highest := 0.
		for _, line := range []struct {
			name string
			dash int
			of   func(*analysis.Moment) analysis.Value
		}{
			{"median", 0, func(at *analysis.Moment) analysis.Value { return at.Median }},
			{"p99", 1, func(at *analysis.Moment) analysis.Value { return at.Tail }},
			{"max", 2, func(at *analysis.Moment) analysis.Value { return at.Worst }},
		} {
			s := chart.Series{Label: inChart(m, i) + ", " + line.name, Color: i, Dash: line.dash, Bold: line.dash == 0}
			s.Parts = overTime(m.Timeline.Moments[i], line.of)
			for _, part := range s.Parts {
				for _, p := range part {
					highest = max(highest, p.Y)
				}
			}
			if len(s.Parts) > 0 {
				f.Series = append(f.Series, s)
			}
		}
		if highest > 0 {
			parts = append(parts, inChart(m, i)+" at most "+formatOne(analysis.Microseconds, analysis.Known(highest)))
		}
	}
	if len(f.Series) == 0 {
		f.absent = noSuccess
		return f
	}
	f.thinLines(m)
	f.Summary = "Lines of median, p99 and max of each interval over the time of the run. " + strings.Join(parts, "; ") + "."
	f.note = "Each step is an interval of a second, or shorter at the end of a phase. The targets take turns, so that each line has gaps while others have theirs. " +
		"A median takes 20 samples and a p99 1,000; intervals with fewer have a max only." + bandsNote(m) + thinned(m)
	f.timeTable(m, []string{"Median", "p99", "Max"}, analysis.Microseconds, func(at *analysis.Moment) []analysis.Value {
		return []analysis.Value{at.Median, at.Tail, at.Worst}
	})
	return f
}

func throughputFigure(m *analysis.Model) figure {
	f := overTimeFigure(m, "throughput-over-time", "Throughput over time", chart.Axis{Label: "right answers a second", Scale: chart.Linear, Unit: chart.PerSecond, Zero: true})
	if f.absent != "" {
		return f
	}
	var parts []string
	for i := range m.Targets {
		failed := int64(0)
		s := chart.Series{Label: inChart(m, i), Color: i, Bold: true}
		s.Parts = overTime(m.Timeline.Moments[i], func(at *analysis.Moment) analysis.Value { return at.Throughput })
		wrong := chart.Series{Label: inChart(m, i) + ", errors", Color: i, Dash: 2}
		wrong.Parts = overTime(m.Timeline.Moments[i], func(at *analysis.Moment) analysis.Value {
			failed += at.Errors
			return analysis.Known(float64(at.Errors)).Over(analysis.Known(at.ToS - at.FromS))
		})
		if len(s.Parts) == 0 {
			continue
		}
		f.Series = append(f.Series, s)
		if failed > 0 {
			f.Series = append(f.Series, wrong)
		}
		parts = append(parts, fmt.Sprintf("%s in %s with %s", inChart(m, i), numeral.Plural(len(m.Timeline.Moments[i]), "interval"), numeral.Plural(failed, "error")))
	}
	f.thinLines(m)
	f.Summary = "Lines of right answers a second in each interval over the time of the run. " + strings.Join(parts, "; ") + "."
	f.note = "Each step is an interval of a second, or shorter at the end of a phase." + bandsNote(m) + thinned(m)
	f.timeTable(m, []string{"Throughput"}, analysis.PerSecond, func(at *analysis.Moment) []analysis.Value { return []analysis.Value{at.Throughput} })
	return f
}

func overTimeFigure(m *analysis.Model, id, title string, y chart.Axis) figure {
	f := figure{Chart: chart.Chart{ID: id, Title: title, X: chart.Axis{Label: "time since the load began", Scale: chart.Linear, Unit: chart.Seconds}, Y: y}}
	if m.Timeline == nil {
		f.absent = noIntervals
		return f
	}
	f.Bands = phaseBands(m)
	return f
}

// overTime makes the steps of a figure, with gaps where there is none and between turns. Long series are thinned: of each span of time
// the intervals with the lowest and with the highest figure stay, so that no peak is lost.
func overTime(list []analysis.Moment, of func(*analysis.Moment) analysis.Value) [][]chart.Point {
	var parts [][]chart.Point
	var part []chart.Point
	end := 0.
	values := make([]analysis.Value, len(list))
	for i := range list {
		values[i] = of(&list[i])
	}
	for _, i := range thin(list, values) {
		v, ok := values[i].Get()
		// A line break of a few milliseconds is what it takes to go from one interval to the next.
		apart := list[i].FromS-end > 0.05 && len(values) <= 2*seriesPoints
		if (!ok || apart) && len(part) > 0 {
			parts, part = append(parts, part), nil
		}
		if end = list[i].ToS; ok {
			part = step(part, list[i].FromS, list[i].ToS, v)
		}
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}

// step goes on at a height from one x to another. No two points share an x.
func step(part []chart.Point, from, to, y float64) []chart.Point {
	const least = 1e-6
	if n := len(part); n > 0 && from < part[n-1].X+least {
		from = part[n-1].X + least
	}
	return append(part, chart.Point{X: from, Y: y}, chart.Point{X: max(to-2*least, from+least), Y: y})
}

// thin gives the indexes of the intervals that are drawn.
func thin(list []analysis.Moment, values []analysis.Value) []int {
	all := make([]int, len(list))
	for i := range all {
		all[i] = i
	}
	if len(list) <= 2*seriesPoints {
		return all
	}
	width := (list[len(list)-1].ToS - list[0].FromS) / seriesPoints
	var kept []int
	for from := 0; from < len(list); {
		bucket := int((list[from].FromS - list[0].FromS) / width)
		to := from
		lowest, highest := -1, -1
		for ; to < len(list) && int((list[to].FromS-list[0].FromS)/width) == bucket; to++ {
			v, ok := values[to].Get()
			if !ok {
				continue
			}
			if low, has := valueAt(values, lowest); !has || v < low {
				lowest = to
			}
			if high, has := valueAt(values, highest); !has || v > high {
				highest = to
			}
		}
		if lowest >= 0 {
			kept = append(kept, min(lowest, highest))
			if lowest != highest {
				kept = append(kept, max(lowest, highest))
			}
		}
		from = to
	}
	return kept
}

func valueAt(values []analysis.Value, i int) (float64, bool) {
	if i < 0 {
		return 0, false
	}
	return values[i].Get()
}

// phaseBands are the phases, or the rounds where those are too many; nothing where both are.
func phaseBands(m *analysis.Model) []chart.Band {
	if m.Timeline == nil {
		return nil
	}
	bands := make([]chart.Band, len(m.Timeline.Spans))
	for i, s := range m.Timeline.Spans {
		bands[i] = chart.Band{From: s.FromS, To: s.ToS, Label: clip(visible(s.Phase), longestInChart)}
	}
	if len(bands) <= mostBands {
		return bands
	}
	if bands = roundBands(m); len(bands) <= mostBands {
		return bands
	}
	return nil
}

func roundBands(m *analysis.Model) []chart.Band {
	var bands []chart.Band
	round := 0
	for _, s := range m.Timeline.Spans {
		if n := len(bands); n > 0 && s.Round == round {
			bands[n-1].To = max(bands[n-1].To, s.ToS)
			continue
		}
		round = s.Round
		bands = append(bands, chart.Band{From: s.FromS, To: s.ToS, Label: strconv.Itoa(round)})
	}
	return bands
}

// bandsNote says in a sentence, after a space, what is shaded; empty where nothing is.
func bandsNote(m *analysis.Model) string {
	switch n := len(phaseBands(m)); {
	case n == 0:
		return ""
	case n == len(m.Timeline.Spans):
		return " Every second phase is shaded, from the first on; names stand where there is room."
	}
	return " Every second round is shaded, from the first on; numbers stand where there is room."
}

// timeTable has the figures of single intervals, of long series every so many.
func (f *figure) timeTable(m *analysis.Model, heads []string, unit analysis.Unit, of func(*analysis.Moment) []analysis.Value) {
	f.table = &grid{head: append([]string{"Target", "Phase", "Round", "From", "To"}, heads...), left: map[int]bool{0: true, 1: true}}
	left := false
	for i, list := range m.Timeline.Moments {
		each := (len(list) + timeRows - 1) / timeRows
		left = left || each > 1
		for j := 0; j < len(list); j += max(each, 1) {
			at := &list[j]
			cells := []cell{plain(inChart(m, i)), plain(short(at.Phase)), plain(strconv.Itoa(at.Round)), plain(moment(at.FromS)), plain(moment(at.ToS))}
			for _, v := range of(at) {
				cells = append(cells, plain(formatOne(unit, v)))
			}
			f.table.add(cells...)
		}
	}
	if left {
		f.note += " The table has every so many of the intervals; all of them are in " + intervalsName + "."
	}
}

// moment is a place on the axis of time, to the millisecond wherever it is: those of neighbours must not read alike.
func moment(s float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(s, 'f', 3, 64), "0"), ".") + " s"
}
