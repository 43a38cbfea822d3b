package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// markdown writes the tables of what was measured.
func (o *outcome) markdown(w io.Writer) error {
	var b strings.Builder
	o.head(&b)
	if o.Closed != nil {
		o.closedTable(&b)
	}
	if o.Open != nil {
		o.Open.table(&b)
	}
	if o.Stall != nil {
		o.stallTable(&b)
	}
	if m := o.Memory; m != nil {
		fmt.Fprintf(&b, "\n### Memory\n\n%s requests in %.0f s: %.1f MiB at most; %s MiB allocated in sum, %s bytes a request, and collected %d times.\n",
			thousands(float64(m.Requests)), float64(m.Requests)/m.Rate, float64(m.PeakBytes)/(1<<20), thousands(float64(m.AllocatedMB)),
			strconv.FormatFloat(float64(m.AllocatedMB)*(1<<20)/float64(m.Requests), 'f', 1, 64), m.Collections)
	}
	b.WriteString("\n### To reach\n\n| what | to reach | measured | |\n|---|---|---|---|\n")
	for _, c := range o.Checks {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.What, c.Want, c.Got, c.State)
	}
	if len(o.Warnings) > 0 {
		b.WriteString("\n### Warnings\n\n")
		for _, warning := range o.Warnings {
			fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(warning, "\n", " / "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (o *outcome) head(b *strings.Builder) {
	fmt.Fprintf(b, "Measured %s on %s, bench %s built with %s. %s\n", o.At.Format("2006-01-02"), o.CPU, o.Commit, o.Go, o.Pinning)
	if o.LoadAverage != "" {
		fmt.Fprintf(b, "The machine's load average before was %s.\n", o.LoadAverage)
	}
	var found, absent []string
	for _, t := range o.Tools {
		if t.Version != "" {
			found = append(found, t.Name+" "+t.Version)
		} else {
			absent = append(absent, fmt.Sprintf("%s (`%s`)", t.Name, t.Get))
		}
	}
	if len(found) > 0 {
		fmt.Fprintf(b, "Compared with %s.\n", strings.Join(found, ", "))
	}
	if len(absent) > 0 {
		fmt.Fprintf(b, "Skipped, as not installed: %s.\n", strings.Join(absent, ", "))
	}
}

func (o *outcome) closedTable(b *strings.Builder) {
	fmt.Fprintf(b, "\n### Closed loop at full speed\n\n%d connections for %g s in each of %d rounds, target: %s.\n\n", o.Closed.Connections,
		o.Closed.Seconds, len(o.Closed.Rounds), o.Target)
	b.WriteString("| generator | requests/s: median (lowest–highest) | bench / generator, within a round | requests per second of its CPU |" +
		" bench / generator |\n|---|---|---|---|---|\n")
	row := func(name string) {
		rates := o.Closed.values(name, perSecond)
		if len(rates) == 0 {
			fmt.Fprintf(b, "| %s | failed | n/a | n/a | n/a |\n", name)
			return
		}
		s, cpu := spreadOf(rates), spreadOf(o.Closed.values(name, perCPU))
		ratio, cpuRatio := "1", "1"
		if name != ourName {
			ratio, cpuRatio = ratioText(spreadOf(o.Closed.ratios(name, perSecond))), ratioText(spreadOf(o.Closed.ratios(name, perCPU)))
		}
		fmt.Fprintf(b, "| %s | %s (%s–%s) | %s | %s | %s |\n", name, thousands(s.median), thousands(s.lowest), thousands(s.highest), ratio,
			thousands(cpu.median), cpuRatio)
	}
	row(ourName)
	for _, t := range o.Tools {
		if t.Version != "" && t.Name != "wrk2" {
			row(t.Name)
		}
	}
	b.WriteString("\n")
	for _, command := range o.Closed.Commands {
		fmt.Fprintf(b, "- `%s`\n", command)
	}
}

func (o *openOutcome) table(b *strings.Builder) {
	fmt.Fprintf(b, "\n### Open loop at 0.8 of that rate\n\n%s/s are due.\n\n", thousands(float64(o.RatePerSecond)))
	b.WriteString("| round | due | sent | failed | answered/s | send lag p50, µs | p99 | max | schedule |\n|---|---|---|---|---|---|---|---|---|\n")
	for i, r := range o.Rounds {
		word := "kept"
		if !r.kept(o.RatePerSecond) {
			word = "not kept"
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s | %s | %s | %s | %s |\n", i+1, thousands(float64(r.Due)), thousands(float64(r.Sent)),
			thousands(float64(r.Failed)), thousands(r.Answered), thousands(r.LagP50), thousands(r.LagP99), thousands(r.LagMax), word)
	}
}

func (o *outcome) stallTable(b *strings.Builder) {
	s := o.Stall
	fmt.Fprintf(b, "\n### The stall test\n\nAnswers after %s, one stall of %s, %d/s for %s on %d connections. Times in ms.\n\n", s.Answers.Takes,
		s.Answers.Lasts, s.Load.RatePerSecond, s.Load.Lasts, s.Load.Connections)
	b.WriteString("| | requests | p50 | p90 | p95 | p99 | p99 / exact |\n|---|---|---|---|---|---|---|\n")
	row := func(name, requests string, p percentiles) {
		ratio := "n/a"
		if p.P99 >= 0 {
			ratio = strconv.FormatFloat(p.P99/s.Exact.P99, 'g', 3, 64)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", name, requests, milliseconds(p.P50), milliseconds(p.P90), milliseconds(p.P95),
			milliseconds(p.P99), ratio)
	}
	row("exact, by the model", thousands(float64(s.Load.requests())), s.Exact)
	row("**bench, response time**", thousands(float64(s.Response.Requests)), s.Response.Percentiles)
	row("bench, service time", thousands(float64(s.Response.Requests)), s.Service)
	for _, t := range s.Tools {
		requests := thousands(float64(t.Figures.Requests))
		if t.Figures.Failed > 0 {
			requests += fmt.Sprintf(", %d failed", t.Figures.Failed)
		}
		if t.Figures.Note != "" {
			requests += ", " + t.Figures.Note
		}
		row(t.Name, requests, t.Figures.Percentiles)
	}
	b.WriteString("\n")
	for _, t := range s.Tools {
		fmt.Fprintf(b, "- `%s`\n", t.Command)
	}
}

func ratioText(s spread) string {
	if math.IsNaN(s.median) {
		return "n/a"
	}
	return fmt.Sprintf("%.3g (%.3g–%.3g)", s.median, s.lowest, s.highest)
}

// milliseconds in three digits, or n/a.
func milliseconds(ms float64) string {
	switch {
	case ms < 0:
		return "n/a"
	case ms >= 100:
		return thousands(ms)
	}
	return strconv.FormatFloat(ms, 'g', 3, 64)
}

// thousands is a whole number with separators.
func thousands(v float64) string {
	text := strconv.FormatFloat(math.Round(math.Abs(v)), 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	if v <= -0.5 {
		text = "-" + text
	}
	return text
}
