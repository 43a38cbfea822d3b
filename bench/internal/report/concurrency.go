package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// span is the most of what environments were doing between two times of a load, in seconds: events in work, environments, and those of
// them in their init.
type span struct {
	from, to                     float64
	busy, environments, starting int
}

// stretches are the times between two samples, and the one after the last. Of results that do not count environments each has those of the
// sample that it begins with.
func stretches(l *result.Lambda) []span {
	if len(l.Concurrency) == 0 || l.LoadS <= 0 {
		return nil
	}
	counted := l.CountsEnvironments()
	var list []span
	before := l.Concurrency[0]
	state := func(s *result.ConcurrencySample) int {
		if counted {
			return s.Idle + s.Starting // what has events in work is in the most until the next sample
		}
		return s.Busy + s.Idle + s.Starting
	}
	for _, now := range l.Concurrency[1:] {
		list = append(list, span{
			before.TS, now.TS, max(before.Busy, now.BusyMax), max(state(&before), now.EnvironmentsMax), max(before.Starting, now.StartingMax),
		})
		before = now
	}
	return append(list, span{before.TS, l.LoadS, before.Busy, max(before.Busy, state(&before)), before.Starting})
}

// rows are the stretches, with neighbours together where there are more than most: each begins where the one before ends.
func rows(l *result.Lambda, most int) []span {
	var list []span
	for _, s := range stretches(l) {
		if s.to > s.from {
			list = append(list, s)
		}
	}
	n := len(list)
	if n <= most {
		return list
	}
	together := make([]span, most)
	for i := range together {
		part := list[i*n/most : (i+1)*n/most]
		together[i] = part[0]
		for _, s := range part[1:] {
			together[i].join(s)
		}
	}
	return together
}

// join adds what comes after.
func (p *span) join(s span) {
	p.to = s.to
	p.raise(s)
}

// raise takes the higher ones of both.
func (p *span) raise(s span) {
	p.busy, p.environments, p.starting = max(p.busy, s.busy), max(p.environments, s.environments), max(p.starting, s.starting)
}

// spans divides the load into so many parts of the same length, and no shorter than a sample is precise: each has the most of the
// stretches that it touches. None without samples.
func spans(l *result.Lambda, parts int) []span {
	between := stretches(l)
	if between == nil {
		return nil
	}
	const shortest = 0.001
	parts = max(1, min(parts, int(l.LoadS/shortest)))
	list := make([]span, parts)
	for i := range list {
		p := &list[i]
		p.from, p.to = l.LoadS*float64(i)/float64(parts), l.LoadS*float64(i+1)/float64(parts)
		if i == parts-1 {
			p.to = l.LoadS // to the last bit
		}
		for _, s := range between {
			// What is at the very end is of the last part.
			if s.from < p.to && s.to > p.from || s.from == s.to && s.to == p.to && i == parts-1 {
				p.raise(s)
			}
		}
	}
	return list
}

// sparkline draws how many were busy, from 0 to most.
func sparkline(list []span, most int64) string {
	marks := []rune("▁▂▃▄▅▆▇█")
	var text strings.Builder
	for _, p := range list {
		at := 0
		if most > 0 {
			at = min(len(marks)-1, int(float64(p.busy)/float64(most)*float64(len(marks))))
		}
		text.WriteRune(marks[at])
	}
	return text.String()
}

// concurrencyLine is the concurrency over time in a line; empty if it is not known.
func concurrencyLine(l *result.Lambda) (text, line string) {
	list := spans(l, sparkColumns)
	if list == nil {
		return "", ""
	}
	return fmt.Sprintf("invocations at once over %s, 0 to %s", numeral.Time(l.LoadS*1e6), numeral.Whole(l.MostBusy())),
		sparkline(list, l.MostBusy())
}

// lambda draws the concurrency of each target below the table.
func (t *terminal) lambda() {
	for i := range t.model.Run.Targets {
		l := t.model.Run.Targets[i].Lambda
		if l == nil {
			continue
		}
		if text, line := concurrencyLine(l); line != "" {
			t.out.WriteString(wrap(short(t.model.Targets[i].Name)+", "+text+":", " ", "   ", t.options.Width))
			t.out.WriteString("   " + clip(line, t.options.Width-3) + "\n")
		}
	}
}

// countsEnvironments says whether all results of the local Lambda service do.
func countsEnvironments(m *analysis.Model) bool {
	return !slices.ContainsFunc(m.Run.Targets, func(t result.Target) bool {
		return t.Lambda != nil && len(t.Lambda.Concurrency) > 0 && !t.Lambda.CountsEnvironments()
	})
}

// concurrencyNote says what the figures are, and what those of environments can miss where they were not counted.
func concurrencyNote(counted bool) string {
	between := "of the time between two samples, of which there is about one a second and one after each turn"
	if counted {
		return "Invocations at once and environments are the most " + between + ", however briefly."
	}
	return "Invocations at once are the most " + between + ". Environments are what the samples saw: an init between two of them is not seen."
}

func environmentsHead(counted bool) string { return "Environments, " + mostOrSampled(counted) }

func mostOrSampled(counted bool) string {
	if counted {
		return "max"
	}
	return "sampled"
}

// concurrencyTable is the same in figures.
func concurrencyTable(l *result.Lambda) *grid {
	counted := l.CountsEnvironments()
	g := &grid{head: []string{"From", "To", "Invocations at once, max", environmentsHead(counted), "In their init, " + mostOrSampled(counted)}, left: map[int]bool{}}
	number := func(n int) cell { return plain(numeral.Whole(n)) }
	for _, p := range rows(l, concurrencyRows) {
		g.add(plain(moment(p.from)), plain(moment(p.to)), number(p.busy), number(p.environments), number(p.starting))
	}
	return g
}
