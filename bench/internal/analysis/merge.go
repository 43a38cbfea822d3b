package analysis

import (
	"fmt"
	"maps"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// span is one phase of one round of one target.
type span struct{ stats *result.PhaseStats }

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

// roundStats are the phases that count of one target, added up by round.
type roundStats map[int]*result.Stats

// group collects the rounds of each phase, and the phases of each round, by target. Phases are told apart by name and, should a
// scenario repeat a name, by which occurrence in its round they are.
func group(run *result.Run) ([]*phaseGroup, []roundStats, error) {
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
	rounds := make([]roundStats, len(run.Targets))
	for i := range run.Targets {
		if !several {
			// Of one round the file has all that is needed, and decoding is what costs.
			rounds[i] = onlyRound(run, groups, i)
			continue
		}
		var err error
		if rounds[i], err = merge(groups, i, run.Scenario.Load); err != nil {
			return nil, nil, fmt.Errorf("merging the rounds of %q: %w", run.Targets[i].Name, err)
		}
	}
	return groups, rounds, nil
}

// onlyRound is the one that there is; none where nothing ran.
func onlyRound(run *result.Run, groups []*phaseGroup, target int) roundStats {
	out := roundStats{}
	for _, g := range groups {
		if len(g.spans[target]) > 0 {
			s := g.spans[target][0].stats
			g.merged[target] = &s.Stats
			if !g.warmup {
				out[s.Round] = &run.Targets[target].Overall
			}
		}
	}
	return out
}

func rateOf(p *result.PhaseStats) *scenario.Rate {
	r := &scenario.Rate{From: *p.RateRPS, To: *p.RateRPS}
	if p.RateEndRPS != nil {
		r.To = *p.RateEndRPS
	}
	return r
}

// summing adds up spans. One histogram takes 190 KB, and a run may have thousands of them: each is merged and forgotten.
type summing struct {
	stats             *result.Stats
	response, service *result.Histogram
}

func newSumming() *summing {
	return &summing{&result.Stats{}, result.NewHistogram(), result.NewHistogram()}
}

func (s *summing) add(o *result.Stats, response, service *result.Histogram) {
	addCounts(s.stats, o)
	if response != nil {
		s.response.Merge(response)
	}
	if service != nil {
		s.service.Merge(service)
	}
}

// take is the sum so far, and s is then empty.
func (s *summing) take(load scenario.Load) *result.Stats {
	sum := s.stats
	finish(sum)
	sum.ResponseTime = s.response.Figures()
	sum.ServiceTime = sum.ResponseTime // equal in a closed loop
	if load != scenario.Closed {
		sum.ServiceTime = s.service.Figures()
	}
	s.stats = &result.Stats{}
	s.response.Reset()
	s.service.Reset()
	return sum
}

// merge adds up the spans of a target, by phase and by round.
func merge(groups []*phaseGroup, target int, load scenario.Load) (roundStats, error) {
	var numbers []int
	for _, g := range groups {
		for _, s := range g.spans[target] {
			numbers = append(numbers, s.stats.Round)
		}
	}
	slices.Sort(numbers)
	phases, round, out := make([]*summing, len(groups)), newSumming(), roundStats{}
	for _, number := range slices.Compact(numbers) {
		counts := false
		for i, g := range groups {
			for _, s := range g.spans[target] {
				if s.stats.Round != number {
					continue
				}
				response, service, err := times(s.stats, load)
				if err != nil {
					return nil, fmt.Errorf("phase %q, round %d: %w", g.name, number, err)
				}
				if phases[i] == nil {
					phases[i] = newSumming()
				}
				phases[i].add(&s.stats.Stats, response, service)
				if !g.warmup {
					round.add(&s.stats.Stats, response, service)
					counts = true
				}
			}
		}
		if counts {
			out[number] = round.take(load)
		}
	}
	for i, g := range groups {
		if phases[i] != nil {
			g.merged[target] = phases[i].take(load)
		}
	}
	return out, nil
}

// times decodes what a sum needs.
func times(p *result.PhaseStats, load scenario.Load) (response, service *result.Histogram, err error) {
	if response, err = p.ResponseTime.Decode(); err != nil {
		return nil, nil, fmt.Errorf("response_time_us: %w", err)
	}
	if load != scenario.Closed {
		if service, err = p.ServiceTime.Decode(); err != nil {
			return nil, nil, fmt.Errorf("service_time_us: %w", err)
		}
	}
	return response, service, nil
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
