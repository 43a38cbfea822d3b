package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

const microsecondsPerSecond = 1e6

// Compare sets the targets of a run side by side. It fails when the run has no target, or a histogram that cannot be read.
func Compare(run *result.Run) (*Model, error) {
	if len(run.Targets) == 0 {
		return nil, fmt.Errorf("comparing targets: the result has none")
	}
	m := &Model{Run: run}
	overall := make([]*result.Stats, len(run.Targets))
	for i := range run.Targets {
		t := &run.Targets[i]
		m.Targets = append(m.Targets, Target{
			Name: t.Name, Kind: t.Kind, URL: t.URL, Provenance: t.Provenance, Spec: t.Spec, Local: loopback(t.URL), Opaque: opaque(t),
		})
		overall[i] = &t.Overall
	}
	groups, err := group(run)
	if err != nil {
		return nil, err
	}
	m.Unequal = unequal(groups)
	m.Totals = m.overall(m.rows(overall, m.timed()))
	m.Phases = m.phases(groups)
	m.Rounds, m.Spread = m.rounds(groups)
	m.Steps = m.steps()
	m.Errors, m.ErrorTimes = errorKinds(run), m.errorTimes(overall)
	m.ColdStarts, m.Connections = m.coldStarts(), m.connections(overall)
	m.Turns = turns(groups)
	m.Facts, m.Flips = m.facts(), m.flips()
	m.Caveats = m.caveats()
	if m.Published, err = comparePublished(m); err != nil {
		return nil, err
	}
	return m, nil
}

// timed says whether a clock ends any of the phases that count: then the wall time of them all says nothing about the target.
func (m *Model) timed() bool {
	return m.Run.Scenario.Load == scenario.Open || slices.ContainsFunc(m.Run.Scenario.Phases, func(p scenario.Phase) bool {
		return p.Duration != 0 && !p.Warmup
	})
}

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
		pick(wall, stats, func(s *result.Stats) Value {
			// Steps of one phase overlap, so that not all stats have a time of their own.
			if s.WallS == nil || *s.WallS == 0 {
				return Value{}
			}
			return Known(*s.WallS * microsecondsPerSecond)
		}),
		pick(Metric{"throughput", "Throughput", PerSecond, Higher}, stats, func(s *result.Stats) Value { return optional(s.ThroughputRPS) }),
	}
	rows = append(rows, times("", "", stats, func(s *result.Stats) *result.Summary { return &s.ResponseTime })...)
	if m.Run.Scenario.Load == scenario.Open {
		rows = append(rows, times("service_", "Service ", stats, func(s *result.Stats) *result.Summary { return &s.ServiceTime })...)
	}
	return rows
}

// equal says whether all targets that have a figure have the same one.
func equal(r Row) bool {
	return !slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Value.valid && c.Value != r.Cells[0].Value })
}

func times(key, label string, stats []*result.Stats, of func(*result.Stats) *result.Summary) []Row {
	figures := []struct {
		key, label string
		get        func(*result.Summary) *float64
	}{
		{"mean", "Mean", func(s *result.Summary) *float64 { return s.Mean }},
		{"p50", "Median", func(s *result.Summary) *float64 { return s.P50 }},
		{"p90", "p90", func(s *result.Summary) *float64 { return s.P90 }},
		{"p95", "p95", func(s *result.Summary) *float64 { return s.P95 }},
		{"p99", "p99", func(s *result.Summary) *float64 { return s.P99 }},
		{"p99_9", "p99.9", func(s *result.Summary) *float64 { return s.P999 }},
		{"max", "Max", func(s *result.Summary) *float64 { return s.Max }},
	}
	rows := make([]Row, 0, len(figures))
	for _, f := range figures {
		text := label + f.label
		if label != "" {
			text = label + strings.ToLower(f.label)
		}
		rows = append(rows, pick(Metric{key + f.key, text, Microseconds, Lower}, stats, func(s *result.Stats) Value {
			return optional(f.get(of(s)))
		}))
	}
	return rows
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

func failures(s *result.Stats) int64 {
	n := int64(0)
	for _, count := range s.Errors {
		n += count
	}
	return n
}

func (m *Model) steps() []Section {
	var names []string
	byName := map[string][]*result.Stats{}
	add := func(name string) {
		if byName[name] == nil {
			names = append(names, name)
			byName[name] = make([]*result.Stats, len(m.Run.Targets))
		}
	}
	for _, s := range m.Run.Scenario.Steps {
		add(s.Name)
	}
	for i := range m.Run.Targets {
		for j := range m.Run.Targets[i].Steps {
			step := &m.Run.Targets[i].Steps[j]
			add(step.Name)
			byName[step.Name][i] = &step.Stats
		}
	}
	sections := make([]Section, 0, len(names))
	for _, name := range names {
		sections = append(sections, Section{Name: name, Ran: ran(byName[name]), Rows: m.overall(m.rows(byName[name], m.timed()))})
	}
	return sections
}

func ran(stats []*result.Stats) bool {
	return slices.ContainsFunc(stats, func(s *result.Stats) bool { return s != nil && s.Requests > 0 })
}

// errorKinds are those of the totals and those that only have an example, which is then of a phase that does not count.
func errorKinds(run *result.Run) []ErrorKind {
	byKind := map[string]*ErrorKind{}
	of := func(kind string) *ErrorKind {
		if byKind[kind] == nil {
			n := len(run.Targets)
			byKind[kind] = &ErrorKind{Kind: kind, Counts: make([]int64, n), Shares: make([]Value, n), Examples: make([]*result.ErrorSample, n)}
		}
		return byKind[kind]
	}
	for i := range run.Targets {
		t := &run.Targets[i]
		for kind, n := range t.Overall.Errors {
			if n > 0 {
				of(kind).Counts[i] = n
			}
		}
		for j := range t.Examples {
			if k := of(t.Examples[j].Kind); k.Examples[i] == nil {
				k.Examples[i] = &t.Examples[j]
			}
		}
	}
	kinds := make([]ErrorKind, 0, len(byKind))
	for _, k := range byKind {
		for i, n := range k.Counts {
			k.Shares[i] = Known(float64(n)).Over(Known(float64(run.Targets[i].Overall.Requests)))
		}
		kinds = append(kinds, *k)
	}
	slices.SortFunc(kinds, func(a, b ErrorKind) int {
		return cmp.Or(cmp.Compare(slices.Max(b.Counts), slices.Max(a.Counts)), cmp.Compare(a.Kind, b.Kind))
	})
	return kinds
}

func (m *Model) errorTimes(stats []*result.Stats) []Row {
	if !slices.ContainsFunc(stats, func(s *result.Stats) bool { return s.ErrorTime.Count > 0 }) {
		return nil
	}
	return []Row{
		pick(Metric{"error_p50", "Median time to fail", Microseconds, Neither}, stats, func(s *result.Stats) Value { return optional(s.ErrorTime.P50) }),
		pick(Metric{"error_max", "Longest time to fail", Microseconds, Neither}, stats, func(s *result.Stats) Value { return optional(s.ErrorTime.Max) }),
	}
}

func (m *Model) connections(stats []*result.Stats) []Row {
	return []Row{
		pick(Metric{"connections", "Connections opened", Count, Neither}, stats, func(s *result.Stats) Value { return Known(float64(s.ConnectTime.Count)) }),
		pick(Metric{"connect_p50", "Time to connect, median", Microseconds, Lower}, stats, func(s *result.Stats) Value { return optional(s.ConnectTime.P50) }),
		pick(Metric{"connect_max", "Time to connect, max", Microseconds, Lower}, stats, func(s *result.Stats) Value { return optional(s.ConnectTime.Max) }),
	}
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
	initTime := func(get func(*result.Summary) *float64) func(*result.Target) Value {
		return func(t *result.Target) Value {
			if t.ColdStarts.Init == nil {
				return Value{}
			}
			return optional(get(t.ColdStarts.Init))
		}
	}
	p50, highest := func(s *result.Summary) *float64 { return s.P50 }, func(s *result.Summary) *float64 { return s.Max }
	return []Row{
		pick(Metric{"cold_requests", "Cold requests", Count, Neither}, stats, func(t *result.Target) Value { return Known(float64(t.ColdStarts.Requests)) }),
		pick(Metric{"cold_share", "Share of requests", Share, Neither}, stats, func(t *result.Target) Value {
			return Known(float64(t.ColdStarts.Requests)).Over(Known(float64(t.Overall.Requests)))
		}),
		pick(Metric{"cold_p50", "Cold response, median", Microseconds, Neither}, stats, func(t *result.Target) Value { return optional(t.ColdStarts.ResponseTime.P50) }),
		pick(Metric{"cold_max", "Cold response, max", Microseconds, Neither}, stats, func(t *result.Target) Value { return optional(t.ColdStarts.ResponseTime.Max) }),
		pick(Metric{"init_p50", "Init, median", Microseconds, Neither}, stats, initTime(p50)),
		pick(Metric{"init_max", "Init, max", Microseconds, Neither}, stats, initTime(highest)),
		pick(Metric{"environments", "Environments started", Count, Neither}, stats, func(t *result.Target) Value { return optionalCount(t.ColdStarts.Environments) }),
		pick(Metric{"max_concurrent", "Environments at once, max", Count, Neither}, stats, func(t *result.Target) Value { return optionalCount(t.ColdStarts.MaxConcurrent) }),
		pick(Metric{"warmed_by_check", "Warmed by the check before", Count, Neither}, stats, func(t *result.Target) Value { return Known(float64(t.ColdStarts.WarmedByCheck)) }),
		m.uncounted(stats),
	}
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

// opaque is true for URLs that bench was given: only of what it started itself does it know that it is here.
func opaque(t *result.Target) bool {
	return loopback(t.URL) && t.Provenance == result.Measured && t.Kind != "process" && t.Kind != "bootstrap"
}

// loopback is a look at the text alone: this package resolves no names.
func loopback(url string) bool {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		rest = url
	}
	host, _, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(host, "@"); at >= 0 {
		host = host[at+1:]
	}
	if strings.HasPrefix(host, "[::1]") {
		return true
	}
	host, _, _ = strings.Cut(host, ":")
	return host == "localhost" || strings.HasPrefix(host, "127.") && strings.Trim(host, "0123456789.") == ""
}
