package analysis

import (
	"cmp"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// spreadKeys are the metrics that rounds are compared by.
func spreadKeys() []string { return []string{"throughput", "p50", "p99"} }

// rounds adds up the phases that count of each round.
func (m *Model) rounds(groups []*phaseGroup) ([]Round, []Spread) {
	last := 1
	for _, g := range groups {
		for _, spans := range g.spans {
			for _, s := range spans {
				last = max(last, s.stats.Round)
			}
		}
	}
	if last == 1 {
		return nil, nil
	}
	byRound := map[int][]*result.Stats{}
	for i := range m.Run.Targets {
		for number, stats := range m.roundsOf(i, groups) {
			if byRound[number] == nil {
				byRound[number] = make([]*result.Stats, len(m.Run.Targets))
			}
			byRound[number][i] = stats
		}
	}
	rounds := make([]Round, 0, len(byRound))
	for number, stats := range byRound {
		rounds = append(rounds, Round{Number: number, Rows: m.rows(stats, m.timed())})
	}
	slices.SortFunc(rounds, func(a, b Round) int { return cmp.Compare(a.Number, b.Number) })
	return rounds, spreads(rounds, len(m.Run.Targets))
}

func (m *Model) roundsOf(target int, groups []*phaseGroup) map[int]*result.Stats {
	stats := map[int]*result.Stats{}
	times := map[int]*result.Histogram{}
	for _, g := range groups {
		if g.warmup {
			continue
		}
		for _, s := range g.spans[target] {
			n := s.stats.Round
			if stats[n] == nil {
				stats[n], times[n] = &result.Stats{}, result.NewHistogram()
			}
			addCounts(stats[n], &s.stats.Stats)
			if s.response != nil {
				times[n].Merge(s.response)
			}
		}
	}
	for n, sum := range stats {
		finish(sum)
		sum.ResponseTime = times[n].Summary()
	}
	return stats
}

func spreads(rounds []Round, targets int) []Spread {
	var out []Spread
	for _, key := range spreadKeys() {
		s := Spread{Lowest: make([]Value, targets), Middle: make([]Value, targets), Highest: make([]Value, targets)}
		for i := range targets {
			var figures []float64
			few := int64(0)
			for _, r := range rounds {
				row, _ := Find(r.Rows, key)
				s.Metric = row.Metric
				few = max(few, row.Cells[i].Value.few)
				if v, ok := row.Cells[i].Value.Get(); ok {
					figures = append(figures, v)
				}
			}
			if few > 0 {
				// The rounds that have the figure are not all of them.
				s.Lowest[i], s.Middle[i], s.Highest[i] = Value{few: few}, Value{few: few}, Value{few: few}
				continue
			}
			if len(figures) == 0 {
				continue
			}
			slices.Sort(figures)
			s.Lowest[i], s.Highest[i] = Known(figures[0]), Known(figures[len(figures)-1])
			s.Middle[i] = Known((figures[(len(figures)-1)/2] + figures[len(figures)/2]) / 2)
		}
		out = append(out, s)
	}
	return out
}

func turns(groups []*phaseGroup) []Turn {
	type runner struct{ target, turn int }
	type place struct{ round, phase int }
	found := map[place][]runner{}
	for p, g := range groups {
		for i, spans := range g.spans {
			for _, s := range spans {
				at := place{s.stats.Round, p}
				found[at] = append(found[at], runner{i, s.stats.Turn})
			}
		}
	}
	places := make([]place, 0, len(found))
	for at := range found {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.round, b.round), cmp.Compare(a.phase, b.phase)) })
	list := make([]Turn, 0, len(places))
	for _, at := range places {
		order := found[at]
		slices.SortStableFunc(order, func(a, b runner) int { return cmp.Compare(a.turn, b.turn) })
		t := Turn{Round: at.round, Phase: groups[at.phase].name}
		for _, r := range order {
			t.Order = append(t.Order, r.target)
		}
		list = append(list, t)
	}
	return list
}
