package analysis

import "github.com/crossover-bench/crossover/bench/internal/result"

// spanRows are some of a summary's times as rows of their own; a figure that nobody has is left out.
func spanRows[S any](key, label string, better Direction, stats []*S, of func(*S) *result.Summary, keys ...string) []Row {
	var rows []Row
	for _, k := range keys {
		q := quantileOf(k)
		name := map[string]string{"p50": "median", "mean": "mean", "max": "max"}[k]
		if name == "" {
			name = q.label
		}
		rows = append(rows, pick(Metric{key + "_" + k, label + ", " + name, Microseconds, better}, stats, func(s *S) Value { return q.of(of(s)) }))
	}
	return rows
}

func (m *Model) connections(stats []*result.Stats) []Row {
	rows := []Row{
		pick(Metric{"connections", "Connections opened", Count, Neither}, stats, func(s *result.Stats) Value { return Known(float64(s.ConnectTime.Count)) }),
		pick(Metric{"connections_per_1000", "Opened per 1,000 requests", Count, Neither}, stats, func(s *result.Stats) Value {
			return Known(float64(s.ConnectTime.Count) * 1000).Over(Known(float64(s.Requests)))
		}),
	}
	rows = append(rows, spanRows("connect", "Time to connect", Lower, stats, func(s *result.Stats) *result.Summary { return &s.ConnectTime }, "mean", "p50", "max")...)
	return append(rows, spanRows("tls", "TLS handshake of it", Lower, stats, func(s *result.Stats) *result.Summary { return s.TLSTime }, "mean", "p50", "max")...)
}

// unsent is what is known of requests that were due and never sent; nil where all were.
func (m *Model) unsent(stats []*result.Stats) []Row {
	if !someUnsent(stats) {
		return nil
	}
	rows := []Row{
		pick(Metric{"unsent", "Never sent", Count, Lower}, stats, unsent),
		pick(Metric{"unsent_share", "Share of requests", Share, Lower}, stats, func(s *result.Stats) Value {
			return unsent(s).Over(Known(float64(s.Requests)))
		}),
	}
	return append(rows, spanRows("unsent", "Waited", Neither, stats, func(s *result.Stats) *result.Summary { return s.UnsentTime }, "mean", "p50", "p99", "max")...)
}

// generator is how the load generator itself did, each row with one cell.
func generator(run *result.Run) []Row {
	g := &run.Generator
	var rows []Row
	add := func(key, label string, unit Unit, v Value) {
		if v.valid || v.few > 0 {
			rows = append(rows, newRow(Metric{key, label, unit, Neither}, []Value{v}))
		}
	}
	add("cpu", "CPU used, of all CPUs", Share, optional(g.CPUFraction))
	add("cpu_spun", "CPU spun until requests were due", Share, optional(g.SpunFraction))
	add("machine_cpu", "CPU used by the whole machine", Share, optional(g.MachineCPUFraction))
	for _, k := range []string{"p50", "p99", "max"} {
		add("lag_"+k, "Sent late, "+map[string]string{"p50": "median", "p99": "p99", "max": "max"}[k], Microseconds, quantileOf(k).of(g.SendLag))
	}
	if p := g.GCPauses; p != nil {
		add("gc_pauses", "Garbage collector pauses", Count, Known(float64(p.Count)))
		add("gc_total", "Garbage collector pauses, total", Microseconds, Known(p.TotalUS))
		add("gc_max", "Garbage collector pauses, longest", Microseconds, Known(p.MaxUS))
	}
	opened, requests := int64(0), int64(0)
	for i := range run.Targets {
		opened += run.Targets[i].Overall.ConnectTime.Count
		requests += run.Targets[i].Overall.Requests
	}
	add("connections_per_1000", "Connections opened per 1,000 requests", Count, Known(float64(opened)*1000).Over(Known(float64(requests))))
	add("open_files", "Open files, most", Count, optionalCount(g.OpenFiles))
	add("open_files_limit", "Open files, limit", Count, optionalCount(g.OpenFilesLimit))
	add("memory", "Memory, most", Bytes, optionalCount(g.PeakMemoryBytes))
	return rows
}

func (m *Model) coldStarts() []Row {
	stats := make([]*result.Target, len(m.Run.Targets))
	known := false
	for i := range m.Run.Targets {
		if m.Run.Targets[i].ColdStarts != nil {
			stats[i], known = &m.Run.Targets[i], true
		}
	}
	if !known {
		return nil
	}
	rows := []Row{
		pick(Metric{"cold_requests", "Cold requests", Count, Neither}, stats, func(t *result.Target) Value { return Known(float64(t.ColdStarts.Requests)) }),
		pick(Metric{"cold_share", "Share of requests", Share, Neither}, stats, func(t *result.Target) Value {
			return Known(float64(t.ColdStarts.Requests)).Over(Known(float64(t.Overall.Requests)))
		}),
	}
	rows = append(rows, spanRows("cold", "Cold response", Neither, stats, func(t *result.Target) *result.Summary { return &t.ColdStarts.ResponseTime }, "mean", "p50", "max")...)
	rows = append(rows, spanRows("init", "Init", Neither, stats, func(t *result.Target) *result.Summary { return t.ColdStarts.Init }, "mean", "p50", "max")...)
	return append(rows,
		pick(Metric{"environments", "Environments started, check included", Count, Neither}, stats, func(t *result.Target) Value { return optionalCount(t.ColdStarts.Environments) }),
		pick(Metric{"max_concurrent", "Environments at once, max", Count, Neither}, stats, func(t *result.Target) Value { return optionalCount(t.ColdStarts.MaxConcurrent) }),
		pick(Metric{"warmed_by_check", "Warmed by the check before", Count, Neither}, stats, func(t *result.Target) Value { return Known(float64(t.ColdStarts.WarmedByCheck)) }),
		m.uncounted(stats),
	)
}

// uncounted is how many environments were started by requests that are in no figure: those of warm-up phases, and those
// that got no answer that would tell. It has figures only where some target has such.
func (m *Model) uncounted(stats []*result.Target) Row {
	some := false
	row := pick(Metric{"uncounted", "In warm-up phases or unseen", Count, Neither}, stats, func(t *result.Target) Value {
		c := t.ColdStarts
		if c.Environments == nil || *c.Environments < c.Requests+c.WarmedByCheck {
			return Value{}
		}
		n := *c.Environments - c.Requests - c.WarmedByCheck
		some = some || n > 0
		return Known(float64(n))
	})
	if !some {
		return newRow(row.Metric, make([]Value, len(stats)))
	}
	return row
}
