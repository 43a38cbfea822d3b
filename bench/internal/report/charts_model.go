package report

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/chart"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// costFigure is the break-even: where the curves cross, the targets cost the same.
func costFigure(m *analysis.Model) figure {
	f := figure{Chart: chart.Chart{
		ID: "break-even", Title: "Cost by rate of requests",
		X: chart.Axis{Label: "requests a second", Scale: chart.Log, Unit: chart.PerSecond},
		Y: chart.Axis{Label: "US dollars a month", Scale: chart.Log, Unit: chart.Dollars},
	}}
	b := m.BreakEven
	if b == nil || len(b.Curves) == 0 {
		f.absent = "The cost of these targets is not known, so there is no break-even to draw."
		return f
	}
	f.table = &grid{head: []string{"Requests a second"}, left: map[int]bool{}}
	for _, c := range b.Curves {
		s := chart.Series{Label: inChart(m, c.Target), Color: c.Target, Dash: c.Target % 2, Bold: true, Parts: [][]chart.Point{nil}}
		for _, p := range c.Points {
			s.Parts[0] = append(s.Parts[0], chart.Point{X: p.RateRPS, Y: p.USD})
			s.Low, s.High = append(s.Low, p.Low), append(s.High, p.High)
		}
		f.Series = append(f.Series, s)
		f.table.head = append(f.table.head, inChart(m, c.Target), "range")
	}
	var parts []string
	for _, c := range b.Crossings {
		rate, ok := c.RateRPS.Get()
		if !ok {
			continue
		}
		f.Marks = append(f.Marks, chart.Mark{X: rate, Label: numeral.Rate(rate)})
		text := inChart(m, c.Below) + " is cheaper below " + numeral.Rate(rate) + " and " + inChart(m, c.Above) + " above"
		low, lowOK := c.Low.Get()
		high, highOK := c.High.Get()
		if lowOK && highOK {
			text += " (undecided from " + numeral.Rate(low) + " to " + numeral.Rate(high) + ")"
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		parts = append(parts, "The lines do not cross in this range")
	}
	f.Summary = "Lines of the monthly cost over the rate of requests. " + strings.Join(parts, "; ") + "."
	f.note = visible(b.Basis) + " " + visible(b.Bands) + " Both axes are logarithmic."
	f.costRows(b)
	return f
}

// costRows has one row for each power of ten that a curve has a point near to.
func (f *figure) costRows(b *analysis.BreakEven) {
	first := b.Curves[0].Points
	if len(first) == 0 {
		return
	}
	const rows = 15
	for i := range rows {
		n := i * (len(first) - 1) / (rows - 1)
		if i > 0 && n == (i-1)*(len(first)-1)/(rows-1) {
			continue
		}
		rate := first[n].RateRPS
		cells := []cell{plain(numeral.Rate(rate))}
		for _, c := range b.Curves {
			// Curves may have points of their own.
			j, _ := slices.BinarySearchFunc(c.Points, rate*(1-1e-9), func(p analysis.CostPoint, rate float64) int { return cmp.Compare(p.RateRPS, rate) })
			if j == len(c.Points) {
				cells = append(cells, plain(missing), plain(missing))
				continue
			}
			p := c.Points[j]
			cells = append(cells, plain(dollars(p.USD)), plain(dollars(p.Low)+" to "+dollars(p.High)))
		}
		f.table.add(cells...)
	}
}

// dollars has cents where they count.
func dollars(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return missing
	case v != 0 && math.Abs(v) < 0.01:
		return "$" + numeral.Digits(v)
	case math.Abs(v) < 1000:
		return "$" + trimCents(v)
	}
	return "$" + numeral.Digits(v)
}

func waterfallFigure(m *analysis.Model) figure {
	f := figure{Chart: chart.Chart{
		ID: "waterfall", Title: "What the time of a request is made of",
		Y: chart.Axis{Label: "mean time", Scale: chart.Linear, Unit: chart.Microseconds, Zero: true},
	}}
	var labels []string
	for _, w := range m.Waterfalls {
		for _, p := range w.Parts {
			if p.Mean.Valid() && !slices.Contains(labels, p.Label) {
				labels = append(labels, p.Label)
			}
		}
	}
	if len(labels) == 0 {
		f.absent = "The answers did not tell where their time went, so there is no waterfall to draw."
		return f
	}
	f.table = &grid{head: []string{"Part"}, left: map[int]bool{0: true}}
	var rows [][]analysis.Value
	for i, label := range labels {
		s := chart.Series{Label: clip(visible(label), longestInChart), Color: i, Values: make([]float64, len(m.Waterfalls))}
		row := make([]analysis.Value, len(m.Waterfalls))
		for j, w := range m.Waterfalls {
			for _, p := range w.Parts {
				if us, ok := p.Mean.Get(); ok && p.Label == label {
					s.Values[j], row[j] = max(us, 0), p.Mean
				}
			}
		}
		f.Series, rows = append(f.Series, s), append(rows, row)
	}
	var parts []string
	for j, w := range m.Waterfalls {
		f.Categories = append(f.Categories, inChart(m, w.Target))
		f.table.head = append(f.table.head, inChart(m, w.Target))
		sum := 0.
		for i := range f.Series {
			sum += f.Series[i].Values[j]
		}
		parts = append(parts, inChart(m, w.Target)+" "+formatOne(analysis.Microseconds, analysis.Known(sum)))
	}
	for i, row := range rows {
		cells := []cell{plain(f.Series[i].Label)}
		unit := scaleOf(analysis.Microseconds, row)
		for _, v := range row {
			cells = append(cells, plain(unit.format(v)))
		}
		f.table.add(cells...)
	}
	f.Summary = "Stacked bars of the mean time of a request by where it went. In sum: " + strings.Join(parts, "; ") + "."
	f.note = "Means, which add up, unlike percentiles. What cannot be separated is shown joined."
	return f
}
