package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/chart"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// figure is a chart with what stands around it in the reports, or the reason why there is none.
type figure struct {
	chart.Chart
	// note says how to read it, and absent why there is nothing to read. Both are visible text.
	note, absent string
	// table has the figures of the chart.
	table *grid
}

// file is the chart's name beside the report.
func (f *figure) file() string { return f.ID + ".svg" }

// figures are all charts in the order of the report.
func figuresOf(m *analysis.Model) []figure {
	list := []figure{percentileFigure(m), cumulativeFigure(m), latencyFigure(m), throughputFigure(m), environmentsFigure(m)}
	list = append(list, costFigure(m), waterfallFigure(m))
	for i := range list {
		if f := &list[i]; f.absent == "" && f.Empty() {
			f.absent = "There is nothing to draw."
		}
	}
	return list
}

// longestInChart bounds a target's name in a chart, in terminal columns.
const longestInChart = 28

func inChart(m *analysis.Model, target int) string {
	return clip(visible(m.Targets[target].Name), longestInChart)
}

const noSuccess = "No request that counts succeeded, so there are no times to draw."

// percentileFigure is the plot that HdrHistogram made common: each step to the right has ten times fewer samples above.
func percentileFigure(m *analysis.Model) figure {
	f := figure{Chart: chart.Chart{
		ID: "percentiles", Title: "Response time by percentile",
		X: chart.Axis{Label: "percentile", Scale: chart.Log, Unit: chart.Percentile},
		Y: chart.Axis{Label: "response time", Scale: chart.Log, Unit: chart.Microseconds},
	}}
	if len(m.Shapes) == 0 {
		f.absent = noSuccess
		return f
	}
	f.note = "Each step to the right has ten times fewer requests above it. A line ends where fewer than ten samples lie above. Both axes are logarithmic."
	f.table = &grid{head: []string{"Percentile"}, left: map[int]bool{}}
	var parts []string
	for i := range m.Shapes {
		s := &m.Shapes[i]
		f.Series = append(f.Series, shapeSeries(m, s, s.Percentiles))
		f.table.head = append(f.table.head, shapeLabel(m, s))
		parts = append(parts, shapeLabel(m, s)+": "+highestPercentile(s))
	}
	f.Summary = "Lines of the response time by percentile. " + strings.Join(parts, "; ") + "."
	for _, p := range []float64{50, 75, 90, 95, 99, 99.9, 99.99, 99.999} {
		cells := []cell{plain("p" + strconv.FormatFloat(p, 'f', -1, 64))}
		some := false
		for i := range m.Shapes {
			v := at(m.Shapes[i].Percentiles, 100/(100-p))
			some = some || v.Valid()
			cells = append(cells, plain(formatOne(analysis.Microseconds, v)))
		}
		if some {
			f.table.add(cells...)
		}
	}
	return f
}

func shapeLabel(m *analysis.Model, s *analysis.Shape) string {
	if s.Service {
		return inChart(m, s.Target) + ", service time"
	}
	return inChart(m, s.Target)
}

func shapeSeries(m *analysis.Model, s *analysis.Shape, points []analysis.Point) chart.Series {
	line := chart.Series{Label: shapeLabel(m, s), Color: s.Target, Bold: !s.Service}
	if s.Service {
		line.Dash = 1
	}
	part := make([]chart.Point, len(points))
	for i, p := range points {
		part[i] = chart.Point(p)
	}
	line.Parts = [][]chart.Point{part}
	return line
}

// highestPercentile says where a line ends.
func highestPercentile(s *analysis.Shape) string {
	last := s.Percentiles[len(s.Percentiles)-1]
	text := "up to " + formatOne(analysis.Microseconds, analysis.Known(last.Y)) + " at " + chart.Percentile.Format(float64(int64(last.X)))
	if v := at(s.Percentiles, 2); v.Valid() {
		text = "median " + formatOne(analysis.Microseconds, v) + ", " + text
	}
	return text
}

// at is the y of the first point that is not left of x; missing beyond the last.
func at(points []analysis.Point, x float64) analysis.Value {
	for _, p := range points {
		if p.X >= x*(1-1e-9) {
			return analysis.Known(p.Y)
		}
	}
	return analysis.Value{}
}

func cumulativeFigure(m *analysis.Model) figure {
	f := figure{Chart: chart.Chart{
		ID: "latency-cdf", Title: "Share of requests by response time",
		X: chart.Axis{Label: "response time", Scale: chart.Log, Unit: chart.Microseconds},
		Y: chart.Axis{Label: "share of successes that were as fast", Unit: chart.Share, Scale: chart.Linear, Zero: true},
	}}
	if len(m.Shapes) == 0 {
		f.absent = noSuccess
		return f
	}
	f.note = "The cumulative distribution: the share of right answers that took no longer. The axis of time is logarithmic."
	f.table = &grid{head: []string{"Within"}, left: map[int]bool{}}
	var names []string
	for i := range m.Shapes {
		s := &m.Shapes[i]
		f.Series = append(f.Series, shapeSeries(m, s, trimmed(s.Cumulative)))
		f.table.head = append(f.table.head, shapeLabel(m, s))
		names = append(names, shapeLabel(m, s)+" from "+formatOne(analysis.Microseconds, percentileOf(s, 0))+", half within "+formatOne(analysis.Microseconds, at(s.Percentiles, 2)))
	}
	f.Summary = "Lines that rise from 0 to 100 % of the requests with the response time. " + strings.Join(names, "; ") + "."
	const rows = 16
	for i := range rows + 1 {
		points := m.Shapes[0].Cumulative
		n := i * (len(points) - 1) / rows
		cells := []cell{plain(formatOne(analysis.Microseconds, analysis.Known(points[n].X)))}
		for j := range m.Shapes {
			cells = append(cells, plain(shareWithin(m.Shapes[j].Cumulative[n].Y)))
		}
		f.table.add(cells...)
	}
	return f
}

// shareWithin is never 100 % before all are in it.
func shareWithin(y float64) string {
	text := formatOne(analysis.Share, analysis.Known(y))
	if y < 1 && text == formatOne(analysis.Share, analysis.Known(1)) {
		return "99.9+ %"
	}
	return text
}

func percentileOf(s *analysis.Shape, n int) analysis.Value { return analysis.Known(s.Percentiles[n].Y) }

// trimmed leaves out all but one of the points before the first sample, and after the last.
func trimmed(points []analysis.Point) []analysis.Point {
	from, to := 0, len(points)
	for from+1 < to && points[from+1].Y == 0 {
		from++
	}
	for to-2 > from && points[to-2].Y >= 1 {
		to--
	}
	return points[from:to]
}

// environmentsFigure is about Lambda: how many invocations were in work at once, and which requests found no environment.
func environmentsFigure(m *analysis.Model) figure {
	f := figure{Chart: chart.Chart{
		ID: "concurrency", Title: "Cold starts and concurrency over time",
		X: chart.Axis{Label: "time since the load began", Scale: chart.Linear, Unit: chart.Seconds},
		Y: chart.Axis{Label: "count", Scale: chart.Linear, Unit: chart.Count, Zero: true},
	}}
	f.table = &grid{head: []string{"Target", "From", "To", "Invocations at once, max", "Environments, sampled"}, left: map[int]bool{0: true}}
	if m.Timeline != nil {
		f.table.head = append(f.table.head, "Cold requests")
	}
	cold := int64(0)
	var parts []string
	for i := range m.Run.Targets {
		t := &m.Run.Targets[i]
		l := t.Lambda
		if l != nil && len(l.Concurrency) > 0 && l.LoadS > 0 {
			f.Series = append(f.Series, concurrencySeries(m, i)...)
			parts = append(parts, fmt.Sprintf("%s had at most %s in work at once", inChart(m, i), count(int(l.MostBusy()), "invocation")))
		}
		if t.ColdStarts == nil || m.Timeline == nil {
			continue
		}
		line, n := coldSeries(m, i)
		if cold += n; n > 0 {
			f.Series = append(f.Series, line)
			parts = append(parts, fmt.Sprintf("%s had %s", inChart(m, i), count(int(n), "cold request")))
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
	f.note = "Counted by the local Lambda service. " + sampledNote
	switch {
	case m.Timeline == nil:
		f.note += " When requests were cold is not known: there is no " + result.JournalName + " beside " + result.FileName + " that can be read."
	case cold == 0:
		f.note += " No interval had a cold request."
	default:
		f.note += " Cold requests are those of an interval, as their answers say."
	}
	f.Summary = "Lines over the time of the load. " + strings.Join(parts, "; ") + "."
	return f
}

func concurrencySeries(m *analysis.Model, target int) []chart.Series {
	l := m.Run.Targets[target].Lambda
	busy := chart.Series{Label: inChart(m, target) + ", invocations at once", Color: target, Bold: true}
	all := chart.Series{Label: inChart(m, target) + ", environments", Color: target, Dash: 1}
	var one, two []chart.Point
	from, before := 0., 0
	for i, sample := range l.Concurrency {
		if i > 0 {
			// What holds until this sample is the one before; of events the most since then is known.
			one = step(one, from, sample.TS, float64(max(before, sample.BusyMax)))
			two = step(two, from, sample.TS, float64(environments(&l.Concurrency[i-1])))
		}
		from, before = sample.TS, sample.Busy
	}
	if last := &l.Concurrency[len(l.Concurrency)-1]; last.TS < l.LoadS {
		one, two = step(one, last.TS, l.LoadS, float64(last.Busy)), step(two, last.TS, l.LoadS, float64(environments(last)))
	}
	busy.Parts, all.Parts = [][]chart.Point{one}, [][]chart.Point{two}
	return []chart.Series{busy, all}
}

func environments(s *result.ConcurrencySample) int { return s.Busy + s.Idle + s.Starting }

// mostEnvironments is how many there were at most within a span.
func mostEnvironments(l *result.Lambda, s span) int {
	most := 0
	for i := range l.Concurrency {
		end := l.LoadS
		if i+1 < len(l.Concurrency) {
			end = l.Concurrency[i+1].TS
		}
		if end > s.from && l.Concurrency[i].TS < s.to {
			most = max(most, environments(&l.Concurrency[i]))
		}
	}
	return most
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

// coldColor sets the colour of cold starts apart from those of targets.
const coldColor = 4

func (f *figure) environmentsTable(m *analysis.Model) {
	for i := range m.Run.Targets {
		l := m.Run.Targets[i].Lambda
		if l == nil {
			continue
		}
		for _, s := range spans(l, concurrencyRows) {
			cells := []cell{plain(inChart(m, i)), plain(seconds(s.from)), plain(seconds(s.to)), plain(strconv.Itoa(s.busy)), plain(strconv.Itoa(mostEnvironments(l, s)))}
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
	return group(strconv.FormatInt(n, 10))
}
