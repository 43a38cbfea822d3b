package analysis

import (
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

const (
	bytesPerMB        = 1 << 20
	microsecondsPerMS = 1000
)

// function is what is known of the invocations of a target: counted by the local Lambda service, or by the log that AWS keeps. At most
// one of them is there.
type function struct {
	meter *result.Lambda
	log   *result.FunctionLog
}

func functionOf(t *result.Target) function {
	f := function{meter: t.Lambda}
	if f.meter == nil && t.CloudWatch != nil {
		f.log = t.CloudWatch.Function
	}
	return f
}

func (f function) known() bool { return f.meter != nil || f.log != nil }

func (m *Model) functions() []function {
	list := make([]function, len(m.Run.Targets))
	for i := range m.Run.Targets {
		list[i] = functionOf(&m.Run.Targets[i])
	}
	return list
}

// lambda is what functions were billed, or would be; nil where that is not known of any target.
func (m *Model) lambda() []Row {
	functions := m.functions()
	if !slices.ContainsFunc(functions, function.known) {
		return nil
	}
	var rows []Row
	// add is for figures of either source, or of one, where the other gives none.
	add := func(key, label string, unit Unit, meter func(*result.Lambda) Value, log func(*result.FunctionLog) Value) {
		values := make([]Value, len(functions))
		for i, f := range functions {
			switch {
			case f.meter != nil && meter != nil:
				values[i] = meter(f.meter)
			case f.log != nil && log != nil:
				values[i] = log(f.log)
			}
		}
		if row := newRow(Metric{key, label, unit, Neither}, values); meter != nil && log != nil || !row.Empty() {
			rows = append(rows, row)
		}
	}
	count := func(key, label string, meter func(*result.Lambda) int64, log func(*result.FunctionLog) int64) {
		add(key, label, Count, counted(meter), counted(log))
	}
	// some leaves counts out of which there were none.
	some := func(key, label string, meter func(*result.Lambda) int64, log func(*result.FunctionLog) int64) {
		for _, f := range functions {
			if f.meter != nil && meter != nil && meter(f.meter) > 0 || f.log != nil && log != nil && log(f.log) > 0 {
				count(key, label, meter, log)
				return
			}
		}
	}
	count("requests_sent", "Requests that may have reached it", nil, func(l *result.FunctionLog) int64 { return l.Sent })
	count("invocations", "Invocations", func(l *result.Lambda) int64 { return l.Invocations }, func(l *result.FunctionLog) int64 { return l.Invocations })
	count("cold_invocations", "Of them with an init", nil, func(l *result.FunctionLog) int64 { return l.Cold })
	some("unsettled", "Still in work, not billed yet", func(l *result.Lambda) int64 { return l.Unsettled }, nil)
	some("provisioned_invocations", "On provisioned environments", func(l *result.Lambda) int64 { return l.ProvisionedInvocations }, nil)
	for _, e := range []struct{ kind, label string }{
		{"function_error", "Ended in a function error"}, {"exit", "Ended by an exit"}, {"timeout", "Ended by a time-out"}, {"too_large", "Answered too much"},
	} {
		some(e.kind, e.label, func(l *result.Lambda) int64 { return l.Errors[e.kind] }, func(l *result.FunctionLog) int64 { return l.Errors[e.kind] })
	}
	some("other_errors", "Ended otherwise", nil, func(l *result.FunctionLog) int64 {
		n := -l.Errors["timeout"]
		for _, of := range l.Errors {
			n += of
		}
		return n
	})
	rows = append(rows, billedRows(functions)...)
	count("throttles", "Throttled requests", func(l *result.Lambda) int64 { return l.Throttles.Total() }, nil)
	some("throttles_concurrency", "Throttled at the concurrency", func(l *result.Lambda) int64 { return l.Throttles.Concurrency }, nil)
	some("throttles_scaling_rate", "Throttled at the scaling rate", func(l *result.Lambda) int64 { return l.Throttles.ScalingRate }, nil)
	some("throttles_request_rate", "Throttled at the request rate", func(l *result.Lambda) int64 { return l.Throttles.RequestRate }, nil)
	count("busy_max", "Invocations at once, max", (*result.Lambda).MostBusy, nil)
	count("load_started", "Environments started by the load", func(l *result.Lambda) int64 { return l.Environments.Started }, nil)
	some("init_failures", "Inits that failed", func(l *result.Lambda) int64 { return l.Environments.InitFailures }, func(l *result.FunctionLog) int64 { return l.FailedInits })
	some("provisioned", "Environments provisioned", func(l *result.Lambda) int64 { return l.Environments.Provisioned }, nil)
	some("reaped", "Environments ended as idle", func(l *result.Lambda) int64 { return l.Environments.Reaped }, nil)
	return rows
}

// counted is nil where there is nothing to count.
func counted[S any](of func(S) int64) func(S) Value {
	if of == nil {
		return nil
	}
	return func(s S) Value { return Known(float64(of(s))) }
}

// billedRows are what functions are billed by.
func billedRows(functions []function) []Row {
	row := func(key, label string, unit Unit, meter func(*result.Lambda) Value, log func(*result.FunctionLog) Value) Row {
		return pick(Metric{key, label, unit, Neither}, pointers(functions), func(f *function) Value {
			if f.meter != nil {
				return meter(f.meter)
			}
			return log(f.log)
		})
	}
	ms := func(billed, invocations int64) Value {
		return Known(float64(billed) * microsecondsPerMS).Over(Known(float64(invocations)))
	}
	megabytes := func(n *int) Value {
		if n == nil {
			return Value{}
		}
		return Known(float64(*n) * bytesPerMB)
	}
	rows := []Row{
		row("billed_gb_seconds", "Billed GB-seconds", Count, func(l *result.Lambda) Value { return Known(l.BilledGBSeconds) },
			func(l *result.FunctionLog) Value { return Known(l.BilledGBSeconds) }),
		row("billed_mean", "Billed an invocation, mean", Microseconds, func(l *result.Lambda) Value { return ms(l.BilledMS, l.Invocations-l.Unsettled) },
			func(l *result.FunctionLog) Value { return ms(l.BilledMS, l.Invocations) }),
		row("billed_inits", "Of the billed time, inits", Share, func(l *result.Lambda) Value {
			return Known(float64(l.InitBilledMS)).Over(Known(float64(l.BilledMS)))
		}, func(l *result.FunctionLog) Value {
			return Known(float64(l.InitBilledMS)).Over(Known(float64(l.BilledMS)))
		}),
	}
	logs := make([]*result.FunctionLog, len(functions))
	some := false
	for i, f := range functions {
		logs[i] = f.log
		some = some || f.log != nil
	}
	if some {
		rows = append(rows, spanRows("warm_duration", "Duration, warm", Neither, logs, func(l *result.FunctionLog) *result.Summary { return &l.Warm }, "mean", "p50", "p99", "max")...)
		rows = append(rows, spanRows("cold_duration", "Duration, cold, without init", Neither, logs, func(l *result.FunctionLog) *result.Summary { return &l.ColdDuration }, "mean", "p50", "max")...)
		rows = append(rows, spanRows("init", "Init", Neither, logs, func(l *result.FunctionLog) *result.Summary { return &l.Init }, "mean", "p50", "p99", "max")...)
	}
	return append(rows,
		row("memory_used", "Memory used, most", Bytes, func(l *result.Lambda) Value { return megabytes(l.MaxMemoryUsedMB) },
			func(l *result.FunctionLog) Value { return megabytes(l.MaxMemoryUsedMB) }),
		row("memory_size", "Memory size", Bytes, func(l *result.Lambda) Value { return megabytes(&l.MemoryMB) },
			func(l *result.FunctionLog) Value { return megabytes(&l.MemoryMB) }),
	)
}

// pointers are nil for targets of which nothing is known.
func pointers(functions []function) []*function {
	list := make([]*function, len(functions))
	for i := range functions {
		if functions[i].known() {
			list[i] = &functions[i]
		}
	}
	return list
}
