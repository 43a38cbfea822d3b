package analysis

import (
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// quantile is one of a summary's times.
type quantile struct {
	key, label string
	// perMille is the part of the samples, of a thousand, that are not above it; 0 for what is known of any number of samples.
	perMille int64
	get      func(*result.Summary) *float64
}

// quantiles are all of a summary that is shown, in their order.
func quantiles() []quantile {
	return []quantile{
		{"mean", "Mean", 0, func(s *result.Summary) *float64 { return s.Mean }},
		{"p50", "Median", 500, func(s *result.Summary) *float64 { return s.P50 }},
		{"p90", "p90", 900, func(s *result.Summary) *float64 { return s.P90 }},
		{"p95", "p95", 950, func(s *result.Summary) *float64 { return s.P95 }},
		{"p99", "p99", 990, func(s *result.Summary) *float64 { return s.P99 }},
		{"p99_9", "p99.9", 999, func(s *result.Summary) *float64 { return s.P999 }},
		{"max", "Max", 0, func(s *result.Summary) *float64 { return s.Max }},
	}
}

func quantileOf(key string) quantile {
	list := quantiles()
	return list[slices.IndexFunc(list, func(q quantile) bool { return q.key == key })]
}

// of gives the figure; missing without samples, and where they are too few.
func (q quantile) of(s *result.Summary) Value {
	if s == nil {
		return Value{}
	}
	return enough(optional(q.get(s)), s.Count, q.perMille)
}

// samplesAbove is how many samples must lie above a percentile. With fewer, a percentile is the account of a handful of requests:
// of 500 requests, p99.9 is the slowest one.
const samplesAbove = 10

// enough is v, or a missing value that knows why, where n samples are too few for that percentile. A perMille of 0 or 1,000
// is no percentile: of any number of samples there is a mean and a maximum.
func enough(v Value, n, perMille int64) Value {
	if perMille == 0 || perMille == 1000 || !v.valid || n*(1000-perMille) >= samplesAbove*1000 {
		return v
	}
	return Value{few: n}
}

// tail is the key of the highest percentile, p99 at most, that both of two targets have; p50 where they have none.
func tail(rows []Row, a, b int) string {
	for _, key := range []string{"p99", "p95", "p90"} {
		if row, _ := Find(rows, key); len(row.Cells) > 0 && row.Cells[a].Value.valid && row.Cells[b].Value.valid {
			return key
		}
	}
	return "p50"
}

// fewCaveats say which percentiles are not shown, and how many samples they take.
func (m *Model) fewCaveats() []string {
	var parts []string
	for i, t := range m.Targets {
		var names []string
		for _, q := range quantiles() {
			if row, _ := Find(m.Totals, q.key); row.Cells[i].Value.few > 0 {
				names = append(names, strings.ToLower(q.label))
			}
		}
		if len(names) > 0 {
			parts = append(parts, t.Name+" "+and(names))
		}
	}
	if len(parts) == 0 && !m.fewInParts() {
		return nil
	}
	caveat := "Too few samples: a percentile with fewer than ten samples above it is n/a, with the number of samples there were. It takes 20 for a median, 100 for p90, 200 for p95, " +
		"1,000 for p99 and 10,000 for p99.9."
	if len(parts) > 0 {
		caveat += " Missing in total: " + strings.Join(parts, "; ") + "."
	}
	return []string{caveat}
}

// fewInParts says whether a percentile of a phase or a step is missing for that reason.
func (m *Model) fewInParts() bool {
	return slices.ContainsFunc(slices.Concat(m.Phases, m.Steps), func(s Section) bool {
		return slices.ContainsFunc(s.Rows, func(r Row) bool {
			return slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Value.few > 0 })
		})
	})
}

// Percentile is a percentile of n samples, in thousandths, from a file; missing where it is null or the samples are too few for it.
func Percentile(us *float64, n, perMille int64) Value { return enough(optional(us), n, perMille) }
