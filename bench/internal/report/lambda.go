package report

import (
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
)

const (
	instancesTitle = "Instances: CPU and CPU credits, by CloudWatch"
	// sparkColumns is how wide the line of the concurrency is, and concurrencyRows how many rows its table has at most.
	sparkColumns    = 40
	concurrencyRows = 40
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
		d.details("The concurrency of "+short(m.Targets[i].Name)+" in figures", func() {
			d.table(concurrencyTable(l))
			d.paragraph("%s", concurrencyNote(l.CountsEnvironments()))
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
