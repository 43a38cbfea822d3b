package analysis

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

const microsecondsPerSecond = 1e6

// Compare sets the targets of a run side by side. It fails when the run has no target, or a histogram that cannot be read.
func Compare(run *result.Run) (*Model, error) { return CompareAt(run, cost.Embedded()) }

// CompareAt does the same with other prices than the built-in ones.
func CompareAt(run *result.Run, prices *cost.Table) (*Model, error) {
	if len(run.Targets) == 0 {
		return nil, fmt.Errorf("comparing targets: the result has none")
	}
	m := &Model{Run: run, prices: prices}
	overall := make([]*result.Stats, len(run.Targets))
	for i := range run.Targets {
		t := &run.Targets[i]
		m.Targets = append(m.Targets, Target{
			Name: t.Name, Kind: t.Kind, URL: t.URL, Provenance: t.Provenance, Spec: t.Spec, Local: loopback(t.URL), Opaque: opaque(t),
		})
		overall[i] = &t.Overall
	}
	groups, byRound, err := group(run)
	if err != nil {
		return nil, err
	}
	if m.Shapes, err = shapes(run); err != nil {
		return nil, err
	}
	m.Capacity = capacity(run)
	m.Unequal = m.Capacity != nil || unequal(groups)
	m.Totals = m.overall(m.rows(overall, m.timed()))
	m.Phases = m.phases(groups)
	rounds := m.rounds(byRound)
	m.groups, m.every = groups, rounds
	if len(rounds) > 1 || len(rounds) == 1 && rounds[0].Number > 1 {
		m.Rounds, m.Spread = rounds, spreads(rounds, len(run.Targets))
	}
	m.Comparisons = m.compareRounds(groups, rounds)
	m.judge()
	m.Steps = m.steps()
	m.Errors, m.ErrorTimes, m.Unsent = errorKinds(run), m.errorTimes(overall), m.unsent(overall)
	m.Thresholds, m.Waits = thresholds(run), m.waits()
	m.ColdStarts, m.Lambda, m.Connections = m.coldStarts(), m.lambda(), m.connections(overall)
	m.Instances = m.instances()
	m.Waterfalls = m.waterfalls()
	if m.ColdWarm, err = m.coldWarm(); err != nil {
		return nil, err
	}
	m.Generator = generator(run)
	m.Turns = turns(groups)
	m.Facts, m.Flips = m.facts(), m.flips()
	m.Caveats = m.caveats()
	m.Verdict = m.verdict()
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

// errorKinds are those of the totals and those that only have an example, which is then of a phase that does not count. Requests
// that were never sent are shown apart.
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
			if n > 0 && kind != result.KindUnsent {
				of(kind).Counts[i] = n
			}
		}
		for j := range t.Examples {
			if t.Examples[j].Kind == result.KindUnsent {
				continue
			}
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
	return spanRows("error", "Time to fail", Neither, stats, func(s *result.Stats) *result.Summary { return &s.ErrorTime }, "mean", "p50", "max")
}
