package report

import (
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// view is which part of the model a table shows.
type view struct {
	model *analysis.Model
	// columns are the targets that the table shows; the first is the baseline, 0.
	columns []int
	// longest is the most terminal columns that a name may take; 0 is longestName.
	longest int
	// bare heads do not say where figures come from.
	bare bool
}

func everything(m *analysis.Model) view {
	v := view{model: m}
	for i := range m.Targets {
		v.columns = append(v.columns, i)
	}
	return v
}

func (v view) text(s string) string {
	if v.longest > 0 {
		return clip(visible(s), v.longest)
	}
	return short(s)
}

func (v view) name(target int) string { return v.text(v.model.Targets[target].Name) }

// head is the target's name with where its figures come from.
func (v view) head(target int) string {
	if v.bare {
		return v.name(target)
	}
	return v.name(target) + "\n" + provenance(v.model.Targets[target])
}

func provenance(t analysis.Target) string {
	return "(" + figures(t) + ")"
}

// figures says in a few words where a target's figures come from.
func figures(t analysis.Target) string {
	switch {
	case t.Opaque:
		return "loopback URL"
	case t.Local && t.Provenance == result.Measured:
		return "measured locally"
	}
	return visible(string(t.Provenance))
}

// sideBySide has a column a target and a ratio column for each but the baseline.
func (v view) sideBySide(lead ...string) *grid {
	g := &grid{head: slices.Clone(lead), left: map[int]bool{}}
	for i := range lead {
		g.left[i] = true
	}
	for _, target := range v.columns {
		g.head = append(g.head, v.head(target))
		if target != 0 {
			g.left[len(g.head)] = true
			g.head = append(g.head, v.name(target)+"\n/ "+v.name(0))
		}
	}
	return g
}

func (v view) cells(row analysis.Row) []cell {
	s := scaleOf(row.Metric.Unit, values(row))
	var cells []cell
	for _, target := range v.columns {
		c := row.Cells[target]
		cells = append(cells, plain(s.format(c.Value)))
		if target != 0 {
			cells = append(cells, ratio(c))
		}
	}
	return cells
}

func values(row analysis.Row) []analysis.Value {
	list := make([]analysis.Value, len(row.Cells))
	for i, c := range row.Cells {
		list[i] = c.Value
	}
	return list
}

func (v view) totals() *grid {
	g := v.sideBySide("Metric")
	for _, row := range v.model.Totals {
		g.add(append([]cell{plain(row.Metric.Label)}, v.cells(row)...)...)
	}
	return g
}

// What a phase and a step show where there is no room for all of it.
func phaseKeys(m *analysis.Model) []string {
	if m.Run.Scenario.Load == scenario.Open {
		return []string{"rate", "throughput", "p50", "service_p50", "p99", "service_p99", "max", "service_max"}
	}
	return []string{"wall_time", "throughput", "p50", "p99", "max"}
}

func stepKeys(m *analysis.Model) []string {
	if m.Run.Scenario.Load == scenario.Open {
		return []string{"p50", "service_p50", "p99", "service_p99", "max", "service_max"}
	}
	return []string{"p50", "p95", "p99", "max"}
}

// lower adds the highest percentile for which there are samples enough, where there are too few for p99.
func lower(rows []analysis.Row, keys []string) []string {
	for _, key := range []string{"p99", "p95", "p90"} {
		row, _ := analysis.Find(rows, key)
		if !slices.ContainsFunc(row.Cells, func(c analysis.Cell) bool { _, few := c.Value.TooFew(); return few }) {
			return append(slices.Clone(keys), key, "service_"+key)
		}
	}
	return keys
}

// sections is one table of several phases or steps; nil keys show every metric.
func (v view) sections(what string, list []analysis.Section, keys []string) *grid {
	g := v.sideBySide(what, "Metric")
	for _, s := range list {
		name := v.text(s.Name)
		if s.Warmup {
			name += " *"
		}
		if !s.Ran {
			cells := []cell{plain(name), plain("not run")}
			for len(cells) < len(g.head) {
				cells = append(cells, plain(""))
			}
			g.add(cells...)
			continue
		}
		keys := keys
		if keys != nil {
			keys = lower(s.Rows, keys)
		}
		// A phase of an open load has its rate below its name.
		names := []string{name, rate(s.Rate)}
		for _, row := range s.Rows {
			if unknown(row) || !shown(row, keys) {
				continue
			}
			names = append(names, "")
			g.add(append([]cell{plain(names[0]), plain(row.Metric.Label)}, v.cells(row)...)...)
			names = names[1:]
		}
	}
	return g
}

// unknown says that there is nothing to show: no figure, and no number of samples that were too few for one.
func unknown(row analysis.Row) bool {
	return !slices.ContainsFunc(row.Cells, func(c analysis.Cell) bool {
		_, few := c.Value.TooFew()
		return few || c.Value.Valid()
	})
}

// shown always shows errors where there were any.
func shown(row analysis.Row, keys []string) bool {
	if (row.Metric.Key == "errors" || row.Metric.Key == "unsent") && keys != nil {
		return slices.ContainsFunc(row.Cells, func(c analysis.Cell) bool {
			n, _ := c.Value.Get()
			return n > 0
		})
	}
	return keys == nil || slices.Contains(keys, row.Metric.Key)
}

// figures is a table without ratios, of rows that are not compared.
func (v view) figures(rows []analysis.Row) *grid {
	g := v.columnsOnly("Metric")
	for _, row := range rows {
		if unknown(row) {
			continue
		}
		s := scaleOf(row.Metric.Unit, values(row))
		cells := []cell{plain(row.Metric.Label)}
		for _, target := range v.columns {
			cells = append(cells, plain(s.format(row.Cells[target].Value)))
		}
		g.add(cells...)
	}
	return g
}

func (v view) columnsOnly(lead ...string) *grid {
	g := &grid{head: slices.Clone(lead), left: map[int]bool{}}
	for i := range lead {
		g.left[i] = true
	}
	for _, target := range v.columns {
		g.head = append(g.head, v.head(target))
	}
	return g
}

func (v view) errors() *grid {
	g := v.columnsOnly("Kind of error")
	for _, k := range v.model.Errors {
		cells := []cell{plain(v.text(k.Kind))}
		for _, target := range v.columns {
			count := formatOne(analysis.Count, analysis.Known(float64(k.Counts[target])))
			if k.Counts[target] > 0 && k.Shares[target].Valid() {
				count += " (" + formatOne(analysis.Share, k.Shares[target]) + ")"
			}
			cells = append(cells, plain(count))
		}
		g.add(cells...)
	}
	for _, row := range v.model.ErrorTimes {
		s := scaleOf(row.Metric.Unit, values(row))
		cells := []cell{plain(row.Metric.Label)}
		for _, target := range v.columns {
			cells = append(cells, plain(s.format(row.Cells[target].Value)))
		}
		g.add(cells...)
	}
	return g
}

// spread writes lowest, middle and highest round.
func (v view) spread() *grid {
	g := v.columnsOnly("Metric", "Round")
	for _, s := range v.model.Spread {
		var all []analysis.Value
		for _, list := range [][]analysis.Value{s.Lowest, s.Middle, s.Highest} {
			all = append(all, list...)
		}
		unit := scaleOf(s.Metric.Unit, all)
		label := s.Metric.Label
		for _, line := range []struct {
			word string
			list []analysis.Value
		}{{"lowest", s.Lowest}, {"middle", s.Middle}, {"highest", s.Highest}} {
			cells := []cell{plain(label), plain(line.word)}
			for _, target := range v.columns {
				cells = append(cells, plain(unit.format(line.list[target])))
			}
			g.add(cells...)
			label = ""
		}
	}
	return g
}
