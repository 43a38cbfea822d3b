package analysis

import "github.com/crossover-bench/crossover/bench/internal/result"

const (
	bytesPerMB        = 1 << 20
	microsecondsPerMS = 1000
)

// lambda is what the local Lambda service counted, by target; nil where no target ran on it.
func (m *Model) lambda() []Row {
	stats := make([]*result.Lambda, len(m.Run.Targets))
	known := false
	for i := range m.Run.Targets {
		stats[i] = m.Run.Targets[i].Lambda
		known = known || stats[i] != nil
	}
	if !known {
		return nil
	}
	var rows []Row
	add := func(key, label string, unit Unit, of func(*result.Lambda) Value) {
		rows = append(rows, pick(Metric{key, label, unit, Neither}, stats, of))
	}
	// some adds counts of what is only shown where there was any.
	some := func(key, label string, of func(*result.Lambda) int64) {
		for _, l := range stats {
			if l != nil && of(l) > 0 {
				add(key, label, Count, func(l *result.Lambda) Value { return Known(float64(of(l))) })
				return
			}
		}
	}
	count := func(key, label string, of func(*result.Lambda) int64) {
		add(key, label, Count, func(l *result.Lambda) Value { return Known(float64(of(l))) })
	}
	count("invocations", "Invocations", func(l *result.Lambda) int64 { return l.Invocations })
	some("unsettled", "Still in work, not billed yet", func(l *result.Lambda) int64 { return l.Unsettled })
	some("provisioned_invocations", "On provisioned environments", func(l *result.Lambda) int64 { return l.ProvisionedInvocations })
	for _, e := range []struct{ kind, label string }{
		{"function_error", "Ended in a function error"}, {"exit", "Ended by an exit"}, {"timeout", "Ended by a time-out"}, {"too_large", "Answered too much"},
	} {
		some(e.kind, e.label, func(l *result.Lambda) int64 { return l.Errors[e.kind] })
	}
	add("billed_gb_seconds", "Billed GB-seconds", Count, func(l *result.Lambda) Value { return Known(l.BilledGBSeconds) })
	add("billed_mean", "Billed an invocation, mean", Microseconds, func(l *result.Lambda) Value {
		return Known(float64(l.BilledMS) * microsecondsPerMS).Over(Known(float64(l.Invocations - l.Unsettled)))
	})
	add("billed_inits", "Of the billed time, inits", Share, func(l *result.Lambda) Value {
		return Known(float64(l.InitBilledMS)).Over(Known(float64(l.BilledMS)))
	})
	add("memory_used", "Memory used, most", Bytes, func(l *result.Lambda) Value {
		if l.MaxMemoryUsedMB == nil {
			return Value{}
		}
		return Known(float64(*l.MaxMemoryUsedMB) * bytesPerMB)
	})
	add("memory_size", "Memory size", Bytes, func(l *result.Lambda) Value { return Known(float64(l.MemoryMB) * bytesPerMB) })
	count("throttles", "Throttled requests", func(l *result.Lambda) int64 { return l.Throttles.Total() })
	some("throttles_concurrency", "Throttled at the concurrency", func(l *result.Lambda) int64 { return l.Throttles.Concurrency })
	some("throttles_scaling_rate", "Throttled at the scaling rate", func(l *result.Lambda) int64 { return l.Throttles.ScalingRate })
	some("throttles_request_rate", "Throttled at the request rate", func(l *result.Lambda) int64 { return l.Throttles.RequestRate })
	count("busy_max", "Invocations at once, max", (*result.Lambda).MostBusy)
	count("load_started", "Environments started", func(l *result.Lambda) int64 { return l.Environments.Started })
	some("init_failures", "Inits that failed", func(l *result.Lambda) int64 { return l.Environments.InitFailures })
	some("provisioned", "Environments provisioned", func(l *result.Lambda) int64 { return l.Environments.Provisioned })
	some("reaped", "Environments ended as idle", func(l *result.Lambda) int64 { return l.Environments.Reaped })
	return rows
}
