package report

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// capacityOnly is what every closed run must be called.
const capacityOnly = "capacity measurement, not user experience"

// loop says what kind of load it was, in a few words.
func loop(r *result.Run) string {
	s := &r.Scenario
	var parts []string
	if s.Load != scenario.Open {
		parts = append(parts, "closed loop, "+numeral.Plural(s.Workers, "worker"))
	} else {
		parts = append(parts, "open loop, "+rates(r)+", "+arrivals(s)+" arrivals", "up to "+numeral.Plural(s.Connections, connectionNoun(s)))
	}
	if s.Protocol == scenario.HTTP2 {
		parts = append(parts, "HTTP/2")
	}
	if s.FreshConnections {
		parts = append(parts, "a fresh connection for each request")
	}
	if s.Load != scenario.Open {
		return strings.Join(parts, ", ") + ": " + capacityOnly
	}
	return strings.Join(append(parts, "grace "+s.Grace.String()), ", ")
}

// connectionNoun is what one request in flight takes.
func connectionNoun(s *scenario.Scenario) string {
	if s.Protocol == scenario.HTTP2 {
		return "stream"
	}
	return "connection"
}

// rates of all phases: the one, or the lowest and the highest. A search has many, other ones for each target.
func rates(r *result.Run) string {
	if slices.ContainsFunc(r.Targets, func(t result.Target) bool { return t.Capacity != nil }) {
		return "rates in search of the capacity"
	}
	lowest, highest := math.Inf(1), 0.0
	for _, p := range r.Scenario.Phases {
		if p.Rate != nil {
			lowest, highest = min(lowest, p.Rate.From, p.Rate.To), max(highest, p.Rate.From, p.Rate.To)
		}
	}
	switch {
	case lowest > highest:
		return "of unknown rate"
	case lowest == highest:
		return perSecond(highest)
	}
	return perSecond(lowest) + " to " + perSecond(highest)
}

func arrivals(s *scenario.Scenario) string {
	kinds := map[scenario.Arrivals]bool{}
	for _, p := range s.Phases {
		kinds[p.Arrivals] = true
	}
	switch {
	case len(kinds) > 1:
		return "constant and Poisson"
	case kinds[scenario.Poisson]:
		return "Poisson"
	}
	return "constant"
}

// rate is a phase's, as scenarios have it.
func rate(r *scenario.Rate) string {
	switch {
	case r == nil:
		return ""
	case r.From == r.To:
		return perSecond(r.From)
	}
	return perSecond(r.From) + ".." + perSecond(r.To)
}

func perSecond(v float64) string {
	if v > 0 && v < 0.001 || v >= 1e9 {
		return numeral.Rate(v)
	}
	text := strconv.FormatFloat(v, 'f', 3, 64)
	return numeral.Grouped(strings.TrimSuffix(strings.TrimRight(text, "0"), ".")) + "/s"
}

// totalsTitle says what the totals of a closed loop are not.
func totalsTitle(m *analysis.Model) string {
	if m.Run.Scenario.Load != scenario.Open {
		return " (" + capacityOnly + ")"
	}
	return ""
}

// waits say where requests waited for a free connection.
func waits(m *analysis.Model) []string {
	var lines []string
	for _, w := range m.Waits {
		where := "in total"
		if w.Phase != "" {
			where = "in phase " + short(w.Phase)
		}
		lines = append(lines, "Waiting: requests to "+short(m.Targets[w.Target].Name)+" waited for a free "+connectionNoun(&m.Run.Scenario)+", of which there were "+
			numeral.Whole(w.Connections)+": "+strings.ToLower(w.Metric.Label)+" response "+formatOne(w.Metric.Unit, w.Response)+
			" beside "+strings.ToLower(w.Metric.Label)+" service "+formatOne(w.Metric.Unit, w.Service)+", "+where+".")
	}
	return lines
}

// unsentLines stand on top of totals that hold requests that were never sent.
func unsentLines(m *analysis.Model) []string {
	var lines []string
	row, ok := analysis.Find(m.Unsent, "unsent")
	share, _ := analysis.Find(m.Unsent, "unsent_share")
	if !ok {
		return nil
	}
	for i, t := range m.Run.Targets {
		if n, _ := row.Cells[i].Value.Get(); n > 0 {
			lines = append(lines, "NEVER SENT: "+formatOne(analysis.Count, row.Cells[i].Value)+" of "+numeral.Plural(t.Overall.Requests, "request")+" to "+short(t.Name)+
				" ("+formatOne(analysis.Share, share.Cells[i].Value)+"). The target, or the cap of "+numeral.Plural(m.Run.Scenario.Connections, connectionNoun(&m.Run.Scenario))+
				", could not take the load. They are errors, and the times below are of the others alone; response times are therefore not called better or worse.")
		}
	}
	return lines
}

// mostNamed bounds how many missed thresholds a sentence names.
const mostNamed = 5

// verdicts say in a sentence for each target which thresholds it missed.
func verdicts(m *analysis.Model) []string {
	var lines []string
	for i := range m.Targets {
		all, missed := 0, []string{}
		for _, t := range m.Thresholds {
			h := t.Held[i]
			if h == nil {
				continue
			}
			all++
			if h.Met {
				continue
			}
			where := "in total"
			if t.Phase != "" {
				where = "in " + short(t.Phase)
			}
			missed = append(missed, strings.ToLower(t.Metric.Label)+" "+where)
		}
		name := short(m.Targets[i].Name)
		switch {
		case all == 0 && (len(m.Thresholds) == 0 || !m.Run.Interrupted):
		case all == 0:
			lines = append(lines, "Thresholds: "+name+" got no requests that count before the run was interrupted, so it is not known which it meets.")
		case m.Run.Targets[i].Overall.Requests == 0:
			lines = append(lines, "Thresholds: "+name+" got no requests that count, so it met none of "+strconv.Itoa(all)+".")
		case len(missed) == 0:
			lines = append(lines, "Thresholds: "+name+" met all "+strconv.Itoa(all)+".")
		default:
			more := ""
			if len(missed) > mostNamed {
				more = " and " + strconv.Itoa(len(missed)-mostNamed) + " more"
				missed = missed[:mostNamed]
			}
			lines = append(lines, "Thresholds: "+name+" missed "+strings.Join(missed, ", ")+more+", of "+strconv.Itoa(all)+".")
		}
	}
	return lines
}

// thresholds have a row for each limit in each span.
func (v view) thresholds() *grid {
	g := v.columnsOnly("Phase", "Threshold")
	for i := range g.head {
		g.left[i] = true
	}
	last := ""
	for i, t := range v.model.Thresholds {
		phase := "total"
		if t.Phase != "" {
			phase = v.text(t.Phase)
		}
		shown := phase
		if i > 0 && phase == last {
			shown = ""
		}
		last = phase
		list := []analysis.Value{t.Limit}
		for _, h := range t.Held {
			if h != nil {
				list = append(list, h.Value)
			}
		}
		s := scaleOf(t.Metric.Unit, list)
		cells := []cell{plain(shown), plain(visible(t.Metric.Label) + " ≤ " + t.LimitText)}
		for _, target := range v.columns {
			cells = append(cells, held(t.Held[target], s, t.Limit))
		}
		g.add(cells...)
	}
	return g
}

// held is met or missed, and by what.
func held(h *analysis.Held, s scale, limit analysis.Value) cell {
	if h == nil {
		return plain("not run")
	}
	value := ", " + s.against(h.Value, limit)
	samples, few := h.Value.TooFew()
	switch {
	case few:
		value = " (" + numeral.Plural(samples, "sample") + ")"
	case h.Requests == 0:
		value = ", no requests"
	case h.Failed:
		value = ", failed"
	}
	if h.Met {
		return cell{"met" + value, toneGood}
	}
	return cell{"MISSED" + value, toneBad}
}

// thresholdsNote explains what the table does not; it is visible text.
func thresholdsNote(m *analysis.Model) string {
	text := "Percentiles here are over all requests: one that failed, or was never sent, is slower than any limit."
	failed, few := false, false
	for _, t := range m.Thresholds {
		for _, h := range t.Held {
			if h != nil {
				_, tooFew := h.Value.TooFew()
				failed, few = failed || h.Failed, few || tooFew
			}
		}
	}
	if failed {
		text += " Where it says failed, the percentile falls on such a request."
	}
	if few {
		text += " Where there were too few samples to tell a percentile, their number stands in its place; what is met is counted, and known of any number."
	}
	return text
}

// generatorTable is the load generator's own health.
func generatorTable(m *analysis.Model) *grid {
	g := &grid{head: []string{"What", "Value"}, left: map[int]bool{0: true}}
	for _, row := range m.Generator {
		g.add(plain(row.Metric.Label), plain(formatOne(row.Metric.Unit, row.Cells[0].Value)))
	}
	return g
}

// generator is its health in a line.
func generator(m *analysis.Model) string {
	text := verdict(m.Run.Generator.Verdict)
	find := func(key, before, after string) bool {
		row, ok := analysis.Find(m.Generator, key)
		if !ok || !row.Cells[0].Value.Valid() {
			return false
		}
		text += ", " + before + formatOne(row.Metric.Unit, row.Cells[0].Value) + after
		return true
	}
	find("cpu", "used ", " of all CPUs")
	find("memory", "at most ", " of memory")
	if find("lag_p99", "sent late by ", " at p99") {
		find("lag_max", "", " at most")
	} else {
		find("lag_max", "sent late by at most ", "")
	}
	return text
}

func verdict(v result.Verdict) string {
	if v == "" {
		return "of unknown health"
	}
	return visible(string(v))
}
