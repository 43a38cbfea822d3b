package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/chart"
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/tune"
)

// place is how a configuration lies to the front: on it by the figures, and a ~ where it cannot be told.
func (t Tune) place(c *tune.Configuration) cell {
	text, on := "", slices.Contains(t.Front, c.Name)
	if on {
		text = "front"
	}
	switch c.Standing {
	case tune.Unplaced:
		return plain(missing)
	case tune.NearFront:
		text = strings.TrimSpace(text + " ~")
	case tune.OnFront, tune.Beaten:
	}
	if c.Name == t.Chosen {
		text = strings.TrimPrefix(text+", chosen", ", ")
	}
	if on {
		return cell{text, toneGood}
	}
	return plain(text)
}

// undecided explains the ~, where there is one.
func (t Tune) undecided() string {
	if slices.ContainsFunc(t.Configurations, func(c tune.Configuration) bool { return c.Standing == tune.NearFront }) {
		return "~ within the ranges of the figures over the rounds it cannot be told whether it is on the front. More --rounds narrow them."
	}
	return ""
}

// table has ranges and counts where there is room for them, and the CPU where there is some.
func (t Tune) table(wide, cpu bool) *grid {
	g := &grid{head: []string{"Configuration", "Origin"}, left: map[int]bool{0: true, 1: true}}
	if cpu {
		g.head = append(g.head, "vCPU")
	}
	g.head = append(g.head, "p50", t.percentile())
	if wide {
		g.head = append(g.head, "95 %", "USD a million", "Range", "Billed ms", "Cold", "Failed")
	} else {
		g.head = append(g.head, "USD a\nmillion")
	}
	if len(t.SLO) > 0 {
		g.left[len(g.head)] = true
		g.head = append(g.head, "SLO")
	}
	g.left[len(g.head)] = true
	g.head = append(g.head, "Front")
	var times []analysis.Value
	for i := range t.Configurations {
		times = append(times, known(t.Configurations[i].P50), point(t.Configurations[i].Tail))
	}
	s := scaleOf(analysis.Microseconds, times)
	for i := range t.Configurations {
		g.add(t.row(&t.Configurations[i], s, wide, cpu)...)
	}
	return g
}

func (t Tune) row(c *tune.Configuration, s scale, wide, cpu bool) []cell {
	name := short(c.Name)
	if c.Origin == tune.Estimated && c.Instances > 0 {
		name += fmt.Sprintf(" x%d", c.Instances) // those of deployed ones are in their names
	}
	row := []cell{plain(name), plain(string(c.Origin))}
	if cpu && c.VCPU > 0 {
		row = append(row, plain(numeral.Digits(c.VCPU)))
	} else if cpu {
		row = append(row, plain(missing))
	}
	usd := missing
	if c.USDPerMillion != nil {
		usd = numeral.Digits(c.USDPerMillion.Point)
	}
	row = append(row, plain(s.format(known(c.P50))), plain(s.format(point(c.Tail))))
	if wide {
		row = append(row, plain(rangeText(c.Tail, func(v float64) string { return s.format(analysis.Known(v)) })), plain(usd), plain(rangeText(c.USDPerMillion, numeral.Digits)))
		row = append(row, ofFunction(c)...)
		row = append(row, plain(failed(c)))
	} else {
		row = append(row, plain(usd))
	}
	if len(t.SLO) > 0 {
		row = append(row, meets(c))
	}
	return append(row, t.place(c))
}

// ofFunction are the billed time and the number of cold requests, empty for what has neither.
func ofFunction(c *tune.Configuration) []cell {
	if !c.Function {
		return []cell{plain(""), plain("")}
	}
	billed, cold := missing, missing
	if c.BilledMS != nil {
		billed = numeral.Digits(c.BilledMS.Point)
	}
	if c.Cold != nil {
		cold = numeral.Whole(*c.Cold)
	}
	return []cell{plain(billed), plain(cold)}
}

// failed is how many requests did, where there were any.
func failed(c *tune.Configuration) string {
	if c.Requests == 0 {
		return missing
	}
	return numeral.Whole(c.Errors)
}

func meets(c *tune.Configuration) cell {
	switch {
	case c.Meets == nil:
		return plain(missing)
	case *c.Meets:
		return cell{"kept", toneGood}
	}
	return cell{"missed", toneBad}
}

func known(v *float64) analysis.Value {
	if v == nil {
		return analysis.Value{}
	}
	return analysis.Known(*v)
}

func point(i *cost.Interval) analysis.Value {
	if i == nil {
		return analysis.Value{}
	}
	return analysis.Known(i.Point)
}

// rangeText is a range; empty where there is none.
func rangeText(i *cost.Interval, format func(float64) string) string {
	if i == nil || i.Low == i.High {
		return ""
	}
	return format(i.Low) + " to " + format(i.High)
}

// notes name each sentence once, with all configurations that it is about.
func (t Tune) notes() []string {
	var order []string
	about := map[string][]string{}
	for i := range t.Configurations {
		c := &t.Configurations[i]
		for _, note := range c.Notes {
			if about[note] == nil {
				order = append(order, note)
			}
			about[note] = append(about[note], short(c.Name))
		}
	}
	for i, note := range order {
		order[i] = strings.Join(about[note], ", ") + ": " + visible(note)
	}
	return order
}

func (t Tune) chart() *chart.Chart {
	c := &chart.Chart{
		ID: "tune", Title: "Cost against " + t.percentile(),
		X: chart.Axis{Label: "US dollars a million requests", Scale: chart.Log, Unit: chart.Dollars},
		Y: chart.Axis{Label: t.percentile() + " of the response time", Scale: chart.Log, Unit: chart.Microseconds},
	}
	groups := []chart.Series{{Label: "on the front", Color: 2}, {Label: "may be on it", Color: 0}, {Label: "beaten", Color: 7}, {Label: "not placed", Color: 7}}
	place := map[tune.Standing]int{tune.OnFront: 0, tune.NearFront: 1, tune.Beaten: 2, tune.Unplaced: 3}
	line := make([]chart.Point, len(t.Front))
	for i := range t.Configurations {
		one := &t.Configurations[i]
		if one.USDPerMillion == nil || one.Tail == nil {
			continue
		}
		at := chart.Point{X: one.USDPerMillion.Point, Y: one.Tail.Point}
		g := &groups[place[one.Standing]]
		if g.Parts == nil {
			g.Parts = [][]chart.Point{nil}
		}
		g.Parts[0], g.Names = append(g.Parts[0], at), append(g.Names, clip(visible(one.Name), longestInChart))
		if n := slices.Index(t.Front, one.Name); n >= 0 {
			line[n] = at
		}
	}
	if len(line) > 1 {
		c.Series = append(c.Series, chart.Series{Label: "Pareto front", Color: 2, Dash: 1, Parts: [][]chart.Point{line}})
	}
	for _, g := range groups {
		if g.Parts != nil {
			c.Series = append(c.Series, g)
		}
	}
	c.Summary = "A dot for each configuration. No front: the configurations cannot be told apart."
	if len(t.Front) > 0 {
		c.Summary = "A dot for each configuration. On the front: " + strings.Join(visibles(t.Front), ", ") + "."
	}
	return c
}
