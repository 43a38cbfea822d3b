package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// facts leaves out what is missing on either side or has no better direction, and errors where nobody had any.
func (m *Model) facts() []Fact {
	if m.Unequal {
		return nil
	}
	var facts []Fact
	for target := 1; target < len(m.Targets); target++ {
		keys := []string{"throughput", "p50", tail(m.Totals, 0, target), "errors"}
		for _, key := range slices.Compact(keys) {
			row, _ := Find(m.Totals, key)
			base, cell := row.Cells[0].Value, row.Cells[target]
			if !base.valid || !cell.Value.valid || row.Metric.Better == Neither || key == "errors" && base.number == 0 && cell.Value.number == 0 {
				continue
			}
			facts = append(facts, Fact{Metric: row.Metric, Target: target, Base: base, Cell: cell})
		}
	}
	return facts
}

// flips finds metrics whose winner depends on the phase, which totals hide.
func (m *Model) flips() []Flip {
	var flips []Flip
	for target := 1; target < len(m.Targets); target++ {
		for _, key := range []string{"throughput", "p50", "p99"} {
			f := Flip{Target: target}
			for _, p := range m.Phases {
				row, _ := Find(p.Rows, key)
				f.Metric = row.Metric
				switch row.Cells[target].Standing {
				case Better:
					f.Better = append(f.Better, p.Name)
				case Worse:
					f.Worse = append(f.Worse, p.Name)
				case Same, Unrated, Undecided:
				}
			}
			if len(f.Better) > 0 && len(f.Worse) > 0 {
				flips = append(flips, f)
			}
		}
	}
	return flips
}

func (m *Model) caveats() []string {
	caveats := m.chanceCaveats()
	switch {
	case m.Capacity != nil:
		caveats = append(caveats, "Each target was measured at the rate that it kept, so that totals, phases and steps are not of the same load and have no ratios.")
	case m.Unequal:
		caveats = append(caveats, "The targets did not run the same phases, so that totals and steps are not of the same load and have no ratios.")
	}
	if m.Run.Scenario.Load != scenario.Open {
		caveats = append(caveats, "Closed loop: this is a capacity measurement, not user experience. A worker waits for each answer before it sends again, so a slow target gets fewer requests and the "+
			"waiting that users would feel is not in these times. The throughput is what these workers reached, not what a target can take.")
	}
	caveats = append(caveats, m.pathCaveats()...)
	caveats = append(caveats, m.provenanceCaveats()...)
	if r := m.Run.Environment.Redis; r != nil && r.Kind == result.Miniredis {
		caveats = append(caveats, "The store was miniredis, which bench serves itself where it finds no redis-server: times of requests that use the store are of it, and not of Redis.")
	}
	caveats = append(caveats, m.awsCaveats()...)
	caveats = append(caveats, m.fewCaveats()...)
	for _, t := range m.Run.Targets {
		if c := t.Overall.ResponseTime.Clipped; c > 0 {
			caveats = append(caveats, fmt.Sprintf("%s: %s %s outside 1 µs to 1 h and %s as the end of that range.", t.Name, numeral.Plural(c, "response time"), choose(c, "was", "were"), choose(c, "counts", "count")))
		}
	}
	return caveats
}

func (m *Model) chanceCaveats() []string {
	switch {
	case m.Capacity != nil:
		return []string{"One search for the capacity, by short trials: nothing here says how far it varies from run to run, so no difference is called significant. The rounds are the trials at the rate that was kept."}
	case len(m.Rounds) == 0 && len(m.Targets) > 1:
		return []string{"One round: these are the differences of this run. Nothing here says how far the figures vary from run to run, so no difference is " +
			"called significant: ~ (needs 5 rounds). Run with --rounds 5 or more."}
	case len(m.Rounds) == 0:
		return []string{"One round: nothing here says how far the figures vary from run to run. Run with --rounds 5 to see the spread."}
	case len(m.Targets) == 1:
		return []string{fmt.Sprintf("%d rounds: the spread shows how far they lie apart. It is no confidence interval.", len(m.Rounds))}
	case len(m.Rounds) < stats.MinRounds:
		return []string{fmt.Sprintf("%d rounds: the spread shows how far they lie apart. It is no confidence interval, and no difference is called significant: that takes %d rounds.",
			len(m.Rounds), stats.MinRounds)}
	}
	return []string{fmt.Sprintf("%d rounds of one run, one after the other: they tell how much the figures vary from round to round, in these minutes and on these machines. "+
		"Another day, another instance or another place in the network may differ by more.", len(m.Rounds))}
}

func (m *Model) provenanceCaveats() []string {
	var local, opaque, cold, emulated, simulated []string
	for i, t := range m.Targets {
		switch t.Provenance {
		case result.Emulated:
			emulated = append(emulated, t.Name)
		case result.Simulated:
			simulated = append(simulated, t.Name)
		case result.Measured:
			switch c := m.Run.Targets[i].ColdStarts; {
			case t.Opaque && c != nil && (c.Requests > 0 || c.WarmedByCheck > 0):
				cold = append(cold, t.Name)
				fallthrough
			case t.Opaque:
				opaque = append(opaque, t.Name)
			case t.Local:
				local = append(local, t.Name)
			}
		}
	}
	var caveats []string
	if len(emulated) > 0 {
		caveats = append(caveats, fmt.Sprintf("Emulated: %s ran on the local Lambda service, with the real binary and real sockets, but without AWS's network, front door and microVMs. "+
			"It is no measurement of AWS.", and(emulated)))
	}
	if len(local) > 0 {
		caveats = append(caveats, fmt.Sprintf("Local: %s ran on the machine of the load generator and %s called over loopback. No network and no cloud instance is in %s figures.", and(local), choose(len(local), "was", "were"), choose(len(local), "its", "their")))
	}
	if len(opaque) > 0 {
		caveats = append(caveats, fmt.Sprintf("Loopback URL: %s %s measured over loopback. What runs behind the URL is not known to bench: it may be an emulator. What runs on this machine shared its CPUs with the load generator.", and(opaque), choose(len(opaque), "was", "were")))
	}
	if len(cold) > 0 {
		caveats = append(caveats, fmt.Sprintf("Cold starts were seen behind the loopback URL of %s. That is most likely a local Lambda service, and hence no measurement of AWS.", and(cold)))
	}
	if len(simulated) > 0 {
		caveats = append(caveats, fmt.Sprintf("Simulated: the figures of %s were calculated; nothing ran.", and(simulated)))
	}
	return caveats
}

// and lists names in a sentence.
func and(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// choose is the word for one thing, or that for several.
func choose[N int | int64](n N, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
