package report

import (
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/chart"
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
