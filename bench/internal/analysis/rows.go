package analysis

import (
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// rows has every metric of stats; nil stats are missing. Where nothing was sent, only the number of requests is known. timed
// says that a clock ended what the stats are of.
func (m *Model) rows(stats []*result.Stats, timed bool) []Row {
	requests := pick(Metric{"requests", "Requests", Count, Neither}, stats, func(s *result.Stats) Value { return Known(float64(s.Requests)) })
	stats = slices.Clone(stats)
	for i, s := range stats {
		if s != nil && s.Requests == 0 {
			stats[i] = nil
		}
	}
	wall, successes := Metric{"wall_time", "Wall time", Microseconds, Lower}, Metric{"successes", "Successes", Count, Higher}
	if timed || !equal(requests) {
		wall.Better, successes.Better = Neither, Neither
	}
	rows := []Row{
		requests,
		pick(successes, stats, func(s *result.Stats) Value { return Known(float64(s.Successes)) }),
		pick(Metric{"errors", "Errors", Count, Lower}, stats, func(s *result.Stats) Value { return Known(float64(failures(s))) }),
	}
	if someUnsent(stats) {
		rows = append(rows, pick(Metric{"unsent", "Never sent", Count, Lower}, stats, unsent))
	}
	rows = append(rows,
		pick(wall, stats, func(s *result.Stats) Value {
			// Steps of one phase overlap, so that not all stats have a time of their own.
			if s.WallS == nil || *s.WallS == 0 {
				return Value{}
			}
			return Known(*s.WallS * microsecondsPerSecond)
		}),
		pick(Metric{"throughput", "Throughput", PerSecond, Higher}, stats, func(s *result.Stats) Value { return optional(s.ThroughputRPS) }),
	)
	return append(rows, m.times(stats)...)
}

// times has response and service time next to each other in an open loop, so that a queue shows. In a closed loop they are equal.
// Where requests were never sent, those that waited longest are not among the response times: the target that lost more of them
// would look the better.
func (m *Model) times(stats []*result.Stats) []Row {
	var rows []Row
	open := m.Run.Scenario.Load == scenario.Open
	for _, q := range quantiles() {
		response := Metric{q.key, q.label, Microseconds, Lower}
		if open {
			response.Label += " response"
		}
		if someUnsent(stats) {
			response.Better = Neither
		}
		rows = append(rows, pick(response, stats, func(s *result.Stats) Value { return q.of(&s.ResponseTime) }))
		if open {
			service := Metric{"service_" + q.key, q.label + " service", Microseconds, Lower}
			rows = append(rows, pick(service, stats, func(s *result.Stats) Value { return q.of(&s.ServiceTime) }))
		}
	}
	return rows
}

// equal says whether all targets that have a figure have the same one.
func equal(r Row) bool {
	return !slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Value.valid && c.Value != r.Cells[0].Value })
}

// pick makes the row of one metric; a nil stats is a missing figure.
func pick[S any](m Metric, stats []*S, get func(*S) Value) Row {
	values := make([]Value, len(stats))
	for i, s := range stats {
		if s != nil {
			values[i] = get(s)
		}
	}
	return newRow(m, values)
}

// errorRate is failed requests of all, with those that were never sent.
func errorRate(stats []*result.Stats) Row {
	return pick(Metric{"error_rate", "Error rate", Share, Lower}, stats, func(s *result.Stats) Value {
		return Known(float64(failures(s))).Over(Known(float64(s.Requests)))
	})
}

func failures(s *result.Stats) int64 {
	n := int64(0)
	for _, count := range s.Errors {
		n += count
	}
	return n
}

func someUnsent(stats []*result.Stats) bool {
	return slices.ContainsFunc(stats, func(s *result.Stats) bool { return s != nil && s.Errors[result.KindUnsent] > 0 })
}

func unsent(s *result.Stats) Value { return Known(float64(s.Errors[result.KindUnsent])) }
