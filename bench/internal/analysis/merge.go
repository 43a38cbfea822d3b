package analysis

import (
	"fmt"
	"maps"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// span is one phase of one round of one target, with its histogram where it was decoded.
type span struct {
	stats    *result.PhaseStats
	response *result.Histogram
}

// phaseGroup is one phase of the scenario: its spans by target and its stats over all rounds by target.
type phaseGroup struct {
	name    string
	warmup  bool
	workers int
	rate    *scenario.Rate
	// timed says whether a clock ends it: then its wall time says nothing about the target.
	timed  bool
	spans  [][]span
	merged []*result.Stats
}

// group collects the rounds of each phase. Phases are told apart by name and, should a scenario repeat a name, by which
// occurrence in its round they are.
func group(run *result.Run) ([]*phaseGroup, error) {
	type identity struct {
		name       string
		occurrence int
	}
	var groups []*phaseGroup
	byID := map[identity]*phaseGroup{}
	of := func(id identity) *phaseGroup {
		g := byID[id]
		if g == nil {
			g = &phaseGroup{name: id.name, timed: true, spans: make([][]span, len(run.Targets)), merged: make([]*result.Stats, len(run.Targets))}
			byID[id], groups = g, append(groups, g)
		}
		return g
	}
	seen := map[string]int{}
	for _, p := range run.Scenario.Phases {
		g := of(identity{p.Name, seen[p.Name]})
		g.warmup, g.workers, g.rate = p.Warmup, p.Workers, p.Rate
		g.timed = run.Scenario.Load == scenario.Open || p.Duration != 0
		seen[p.Name]++
	}
	for i := range run.Targets {
		type place struct {
			round int
			name  string
		}
		occurrences := map[place]int{}
		for j := range run.Targets[i].Phases {
			p := &run.Targets[i].Phases[j]
			at := place{p.Round, p.Name}
			g := of(identity{p.Name, occurrences[at]})
			occurrences[at]++
			g.warmup, g.workers = p.Warmup, max(g.workers, p.Workers)
			if p.RateRPS != nil && g.rate == nil {
				g.rate = rateOf(p)
			}
			g.spans[i] = append(g.spans[i], span{stats: p})
		}
	}
	several := slices.ContainsFunc(groups, func(g *phaseGroup) bool {
		return slices.ContainsFunc(g.spans, func(s []span) bool { return len(s) > 1 })
	})
	for _, g := range groups {
		for i := range g.spans {
			// Of one round the file has all that is needed, and decoding is what costs.
			if len(g.spans[i]) == 1 && !several {
				g.merged[i] = &g.spans[i][0].stats.Stats
				continue
			}
			if err := g.merge(i, run.Scenario.Load); err != nil {
				return nil, fmt.Errorf("merging the rounds of phase %q of %q: %w", g.name, run.Targets[i].Name, err)
			}
		}
	}
	return groups, nil
}

func rateOf(p *result.PhaseStats) *scenario.Rate {
	r := &scenario.Rate{From: *p.RateRPS, To: *p.RateRPS}
	if p.RateEndRPS != nil {
		r.To = *p.RateEndRPS
	}
	return r
}

func (g *phaseGroup) merge(target int, load scenario.Load) error {
	spans := g.spans[target]
	if len(spans) == 0 {
		return nil
	}
	sum := &result.Stats{}
	g.merged[target] = sum
	response := result.NewHistogram()
	for i := range spans {
		s := &spans[i].stats.Stats
		h, err := s.ResponseTime.Decode()
		if err != nil {
			return fmt.Errorf("round %d: response_time_us: %w", spans[i].stats.Round, err)
		}
		addCounts(sum, s)
		if h != nil {
			spans[i].response = h
			response.Merge(h)
		}
	}
	finish(sum)
	sum.ResponseTime = response.Summary()
	// The two are equal in a closed loop.
	sum.ServiceTime = sum.ResponseTime
	if load != scenario.Closed {
		return mergeInto(&sum.ServiceTime, spans, "service_time_us", func(s *result.Stats) *result.Summary { return &s.ServiceTime })
	}
	return nil
}

func addCounts(sum, s *result.Stats) {
	sum.Requests += s.Requests
	sum.Successes += s.Successes
	if s.WallS != nil {
		wall := *s.WallS
		if sum.WallS != nil {
			wall += *sum.WallS
		}
		sum.WallS = &wall
	}
	for kind, n := range s.Errors {
		if sum.Errors == nil {
			sum.Errors = map[string]int64{}
		}
		sum.Errors[kind] += n
	}
}

// finish calculates what cannot be added up.
func finish(sum *result.Stats) {
	if rate, ok := Known(float64(sum.Successes)).Over(optional(sum.WallS)).Get(); ok {
		sum.ThroughputRPS = &rate
	}
}

func mergeInto(to *result.Summary, spans []span, field string, of func(*result.Stats) *result.Summary) error {
	all := result.NewHistogram()
	for _, s := range spans {
		h, err := of(&s.stats.Stats).Decode()
		if err != nil {
			return fmt.Errorf("round %d: %s: %w", s.stats.Round, field, err)
		}
		if h != nil {
			all.Merge(h)
		}
	}
	*to = all.Summary()
	return nil
}

func (m *Model) phases(groups []*phaseGroup) []Section {
	sections := make([]Section, 0, len(groups))
	for _, g := range groups {
		rows := m.rows(g.merged, g.timed)
		if m.Capacity != nil {
			// Each target had its own rate.
			g.rate, rows = nil, m.overall(append([]Row{g.rates()}, rows...))
		}
		sections = append(sections, Section{Name: g.name, Warmup: g.warmup, Workers: g.workers, Rate: g.rate, Ran: ran(g.merged), Rows: rows})
	}
	return sections
}

// rates is the rate at which the phase began, by target.
func (g *phaseGroup) rates() Row {
	values := make([]Value, len(g.spans))
	for i, spans := range g.spans {
		if len(spans) > 0 {
			values[i] = optional(spans[0].stats.RateRPS)
		}
	}
	return newRow(Metric{"rate", "Rate", PerSecond, Neither}, values)
}

// unequal says whether some target lacks a phase, in some round, that another one ran and that counts.
func unequal(groups []*phaseGroup) bool {
	for _, g := range groups {
		if g.warmup {
			continue
		}
		first := g.roundsRun(0)
		for i := 1; i < len(g.spans); i++ {
			if !maps.Equal(first, g.roundsRun(i)) {
				return true
			}
		}
	}
	return false
}

func (g *phaseGroup) roundsRun(target int) map[int]bool {
	run := map[int]bool{}
	for _, s := range g.spans[target] {
		if s.stats.Requests > 0 {
			run[s.stats.Round] = true
		}
	}
	return run
}

// overall takes the ratios out of sums over phases where the targets did not run the same ones.
func (m *Model) overall(rows []Row) []Row {
	if !m.Unequal {
		return rows
	}
	for _, r := range rows {
		for i := range r.Cells {
			r.Cells[i].Ratio, r.Cells[i].Standing = Value{}, Unrated
		}
	}
	return rows
}
