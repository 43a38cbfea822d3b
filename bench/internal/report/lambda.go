package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

const (
	instancesTitle = "Instances: CPU and CPU credits, by CloudWatch"
	// sparkColumns is how wide the line of the concurrency is, and concurrencyRows how many lines its table has.
	sparkColumns    = 40
	concurrencyRows = 20
)

// lambdaTitle says whether anything was billed.
func lambdaTitle(m *analysis.Model) string {
	metered, billed := billing(m)
	switch {
	case metered && billed:
		return "Lambda: what it was billed for, or would be"
	case billed:
		return "Lambda: what it was billed for"
	}
	return "Lambda: what it would be billed for"
}

// billing says whether there are targets that the local Lambda service metered, and some whose bill AWS's log has.
func billing(m *analysis.Model) (metered, billed bool) {
	for i := range m.Run.Targets {
		t := &m.Run.Targets[i]
		switch {
		case t.Lambda != nil:
			metered = true
		case t.CloudWatch != nil && t.CloudWatch.Function != nil:
			billed = true
		}
	}
	return metered, billed
}

// shortLambda is what a terminal shows.
func shortLambda(rows []analysis.Row) []analysis.Row {
	keys := []string{
		"requests_sent", "invocations", "cold_invocations", "billed_gb_seconds", "billed_mean", "init_p50", "memory_used", "memory_size",
		"throttles_concurrency", "throttles_scaling_rate", "throttles_request_rate",
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r analysis.Row) bool { return !slices.Contains(keys, r.Metric.Key) })
}

// span is what environments were doing at most between two times of a load, in seconds.
type span struct {
	from, to             float64
	busy, idle, starting int
}

// spans divides the load into so many parts of the same length, and no shorter than a sample is precise. None without samples.
func spans(l *result.Lambda, parts int) []span {
	if len(l.Concurrency) == 0 || l.LoadS <= 0 {
		return nil
	}
	const shortest = 0.001
	parts = max(1, min(parts, int(l.LoadS/shortest)))
	list := make([]span, parts)
	next := 0
	var now result.ConcurrencySample
	for i := range list {
		p := &list[i]
		p.from, p.to = l.LoadS*float64(i)/float64(parts), l.LoadS*float64(i+1)/float64(parts)
		p.busy, p.idle, p.starting = now.Busy, now.Idle, now.Starting
		// The last part has what is at its end.
		for next < len(l.Concurrency) && (l.Concurrency[next].TS < p.to || i == parts-1) {
			now = l.Concurrency[next]
			p.busy, p.idle, p.starting = max(p.busy, now.Busy, now.BusyMax), max(p.idle, now.Idle), max(p.starting, now.Starting)
			next++
		}
	}
	return list
}

// sparkline draws how many were busy, from 0 to most.
func sparkline(list []span, most int64) string {
	marks := []rune("▁▂▃▄▅▆▇█")
	var text strings.Builder
	for _, p := range list {
		at := 0
		if most > 0 {
			at = min(len(marks)-1, int(float64(p.busy)/float64(most)*float64(len(marks))))
		}
		text.WriteRune(marks[at])
	}
	return text.String()
}

// concurrencyLine is the concurrency over time in a line; empty if it is not known.
func concurrencyLine(l *result.Lambda) (text, line string) {
	list := spans(l, sparkColumns)
	if list == nil {
		return "", ""
	}
	return fmt.Sprintf("invocations at once over %s, 0 to %s", spanText(l.LoadS), group(strconv.FormatInt(l.MostBusy(), 10))),
		sparkline(list, l.MostBusy())
}

func spanText(s float64) string { return formatOne(analysis.Microseconds, analysis.Known(s*1e6)) }

// lambda draws the concurrency of each target below the table.
func (t *terminal) lambda() {
	for i := range t.model.Run.Targets {
		l := t.model.Run.Targets[i].Lambda
		if l == nil {
			continue
		}
		if text, line := concurrencyLine(l); line != "" {
			t.out.WriteString(wrap(short(t.model.Targets[i].Name)+", "+text+":", " ", "   ", t.options.Width))
			t.out.WriteString("   " + clip(line, t.options.Width-3) + "\n")
		}
	}
}

// sampledNote says what the figures of environments can miss.
const sampledNote = "Invocations at once are the most within a span. Environments are samples of about one a second: an init between two of them is not seen."

// concurrencyTable is the same in figures.
func concurrencyTable(l *result.Lambda) *grid {
	g := &grid{head: []string{"From", "To", "Invocations at once, max", "Environments idle, sampled", "In their init, sampled"}, left: map[int]bool{}}
	at := func(s float64) string { return strconv.FormatFloat(math.Round(s*1000)/1000, 'f', -1, 64) + " s" }
	number := func(n int) cell { return plain(group(strconv.Itoa(n))) }
	for _, p := range spans(l, concurrencyRows) {
		g.add(plain(at(p.from)), plain(at(p.to)), number(p.busy), number(p.idle), number(p.starting))
	}
	return g
}

// lambda is the section of the Markdown report.
func (d *document) lambda() {
	m := d.model
	if len(m.Lambda) == 0 {
		return
	}
	d.heading(lambdaTitle(m))
	d.table(d.view.figures(m.Lambda))
	metered, billed := billing(m)
	if billed {
		d.paragraph("%s", "By the REPORT lines of AWS's own log for the time of the load, warm-up phases included and the check before the load not. *Billed* is what AWS has charged for each invocation, "+
			"in whole milliseconds, with the init where AWS charges for it. *Duration* is without the init. Other callers of the function in that time are in it too.")
	}
	if !metered {
		return
	}
	text := "Counted by the local Lambda service, warm-up phases included and the check before the load not, but for the memory. *Billed* is the init, where the invocation caused it, and " +
		"the time until the environment asked for its next event, rounded up to whole milliseconds for each invocation. The times are this machine's: on AWS the same code takes as long as its share of CPU lets it."
	if m.Capacity != nil {
		text += " All trials of the search are in it, those at other rates too."
	}
	d.paragraph("%s", text)
	for i := range m.Run.Targets {
		l := m.Run.Targets[i].Lambda
		if l == nil {
			continue
		}
		text, line := concurrencyLine(l)
		if line == "" {
			continue
		}
		d.paragraph("%s, %s:", md(m.Targets[i].Name), text)
		d.code("", line)
		d.details("The concurrency of "+md(m.Targets[i].Name)+" in figures", func() {
			d.table(concurrencyTable(l))
			d.paragraph("%s", sampledNote)
		})
	}
}

// instances is the section of the Markdown report.
func (d *document) instances() {
	if len(d.model.Instances) == 0 {
		return
	}
	d.heading(instancesTitle)
	d.table(d.view.figures(d.model.Instances))
	d.paragraph("%s", "Of all instances of a target together, over the minutes in which it had its turns; such a minute may have time without load in it. A CPU credit is a minute of one vCPU. "+
		"CloudWatch has CPU each minute, or every five without detailed monitoring, and credits every five.")
}
