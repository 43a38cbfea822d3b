package analysis

import (
	"cmp"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// spreadKeys are the metrics that rounds are compared by.
func spreadKeys() []string { return []string{"throughput", "p50", "p99"} }

// rounds are those of all targets beside each other.
func (m *Model) rounds(byTarget []roundStats) []Round {
	byRound := map[int][]*result.Stats{}
	for i, rounds := range byTarget {
		for number, stats := range rounds {
			if byRound[number] == nil {
				byRound[number] = make([]*result.Stats, len(byTarget))
			}
			byRound[number][i] = stats
		}
	}
	rounds := make([]Round, 0, len(byRound))
	for number, stats := range byRound {
		rounds = append(rounds, Round{Number: number, Rows: append(m.rows(stats, m.timed()), errorRate(stats))})
	}
	slices.SortFunc(rounds, func(a, b Round) int { return cmp.Compare(a.Number, b.Number) })
	return rounds
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
