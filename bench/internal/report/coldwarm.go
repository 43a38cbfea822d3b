package report

import (
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// coldWarmGrid has the times of cold requests beside those of warm ones.
func coldWarmGrid(c analysis.ColdWarm) *grid {
	g := &grid{head: []string{"Response time", "all", "warm", "cold"}, left: map[int]bool{0: true}}
	for _, r := range c.Rows {
		list := []analysis.Value{r.All, r.Warm, r.Cold}
		s := scaleOf(r.Metric.Unit, list)
		g.add(plain(r.Metric.Label), plain(s.format(r.All)), plain(s.format(r.Warm)), plain(s.format(r.Cold)))
	}
	return g
}

// tailGrid is what a model expects at other rates; a figure has two values where the idle time makes a difference.
func tailGrid(c analysis.ColdWarm) *grid {
	g := &grid{head: []string{"Requests", "cold, of all", "median", "p99"}, left: map[int]bool{0: true}}
	for _, t := range c.Tails {
		g.add(plain(tailRate(t.RateRPS)), plain(shares(t.Share)), plain(times(t.P50)), plain(times(t.P99)))
	}
	return g
}

// tailRate is a rate as people say it.
func tailRate(rps float64) string {
	switch {
	case rps < 1./600:
		return numeral.Digits(rps*3600) + " an hour"
	case rps < 0.1:
		return numeral.Digits(rps*60) + " a minute"
	}
	return numeral.Rate(rps)
}

// shares are the ends of a range of percentages, from low to high, or one where they read the same.
func shares(v [2]analysis.Value) string {
	text := func(v analysis.Value) string {
		n, ok := v.Get()
		switch {
		case !ok:
			return missing
		case n < 1e-5:
			return "<0.001"
		}
		return twoDigits(100 * n)
	}
	low, high := text(v[1]), text(v[0])
	if low == high {
		return low + " %"
	}
	return low + " to " + high + " %"
}

// times are the same of times; those that are only known to be no shorter have a sign.
func times(v [2]analysis.Bound) string {
	s := scaleOf(analysis.Microseconds, []analysis.Value{v[0].Value, v[1].Value})
	text := func(b analysis.Bound) string {
		if b.AtLeast {
			return "≥" + s.format(b.Value)
		}
		return s.format(b.Value)
	}
	low, high := text(v[1]), text(v[0])
	if low == high {
		return low
	}
	return low + " to " + high
}

const (
	coldWarmNote = "Warm is what is left when the cold requests are taken out of all of them."
	tailNote     = "A model, not a measurement: requests at random moments (Poisson) at a steady rate, each environment taken away after 60 to 5 minutes without a " +
		"request (AWS does not document it), times as they were seen here. With ≥, fewer than ten of them are above. It says how the cold share and the tail change with the rate; bursts have more cold starts."
	waterfallNote = "Means, which add up as percentiles do not, of the requests that succeeded. Handler, store and init are what the app says of itself (Server-Timing), so the init is the part of a cold start that is in the app's own code. What lies between the client and " +
		"the app (network, TLS records, front door, the adapter, the Runtime API) cannot be told apart from outside and is shown joined."
)

// split are the targets whose cold requests were seen.
func split(m *analysis.Model) []analysis.ColdWarm {
	return slices.DeleteFunc(slices.Clone(m.ColdWarm), func(c analysis.ColdWarm) bool {
		share, _ := c.Share.Get()
		return share == 0
	})
}

func (d *document) coldWarm() {
	for _, c := range split(d.model) {
		name := escapeMarkdown(short(d.model.Targets[c.Target].Name))
		d.printf("\n### Cold and warm: %s\n", name)
		d.table(coldWarmGrid(c))
		d.paragraph("%s", coldWarmNote)
		if len(c.Tails) > 0 {
			d.printf("\n### Expected at other rates: %s\n", name)
			d.table(tailGrid(c))
			d.paragraph("%s An environment is busy with a request for %s.", tailNote, formatOne(analysis.Microseconds, c.BusyUS))
		}
	}
}

func (t *terminal) coldWarm() {
	for _, c := range split(t.model) {
		name := clip(visible(t.model.Targets[c.Target].Name), longestInHead)
		t.title("Cold and warm: " + name)
		t.out.WriteString(t.fitted(coldWarmGrid(c)))
		if len(c.Tails) > 0 {
			t.title("Expected at other rates: " + name)
			t.out.WriteString(t.fitted(tailGrid(c)))
			t.out.WriteString(wrap(tailNote, " ", " ", t.options.Width))
		}
	}
}

// waterfallGrid has a column a target; it is empty where nothing can be told apart.
func waterfallGrid(m *analysis.Model, longest int) *grid {
	g := &grid{head: []string{"Part"}, left: map[int]bool{0: true}}
	var labels []string
	for _, w := range m.Waterfalls {
		g.head = append(g.head, clip(visible(m.Targets[w.Target].Name), longest))
		for _, p := range w.Parts {
			if !slices.Contains(labels, p.Label) {
				labels = append(labels, p.Label)
			}
		}
	}
	for _, label := range labels {
		row := make([]analysis.Value, len(m.Waterfalls))
		for i, w := range m.Waterfalls {
			for _, p := range w.Parts {
				if p.Label == label {
					row[i] = p.Mean
				}
			}
		}
		s := scaleOf(analysis.Microseconds, row)
		cells := []cell{plain(label)}
		for _, v := range row {
			cells = append(cells, plain(s.format(v)))
		}
		g.add(cells...)
	}
	return g
}

func (d *document) waterfalls() {
	g := waterfallGrid(d.model, longestName)
	if len(g.rows) == 0 {
		return
	}
	d.heading("Where the mean time goes")
	d.table(g)
	d.paragraph("%s", waterfallNote)
}
