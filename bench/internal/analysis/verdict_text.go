package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// sentences never say more than the figures do.
func (v *Verdict) sentences(m *Model) []string {
	var list []string
	if v.Emulated {
		list = append(list, "Emulated: billed and response times are of this machine, and no AWS network is in them, so this is a verdict on a model of AWS.")
	}
	if v.Interrupted {
		done := make([]string, len(m.Run.Targets))
		for i := range m.Run.Targets {
			t := &m.Run.Targets[i]
			done[i] = numeral.Plural(t.Overall.Requests, "request") + " to " + t.Name
		}
		list = append(list, fmt.Sprintf("The run was interrupted: all of this is of the part that was done, which is %s.", strings.Join(done, ", ")))
	}
	switch m.Run.Generator.Verdict {
	case result.Valid:
	case result.Invalid:
		list = append(list, "The load generator's own verdict is \"invalid\": response times and rates are not the targets' alone, and what is said of them here may be wrong.")
	default:
		list = append(list, fmt.Sprintf("The load generator's own verdict is %q, so take it with care.", m.Run.Generator.Verdict))
	}
	if v.Estimated && v.Unknown == "" {
		list = append(list, fmt.Sprintf("What %s was billed is not known, so the cost is estimated.", v.Lambda))
	}
	list = append(list, v.costSentences()...)
	if v.AtLeast && v.Unknown == "" {
		list = append(list, v.bound)
	}
	return slices.Concat(list, v.sloSentences(), v.tailSentences(m), v.Changes)
}

func (v *Verdict) costSentences() []string {
	below, above := v.LambdaBelow, v.EC2Above
	switch {
	case v.Unknown != "":
		return []string{"Which of the two costs less cannot be said: " + v.Unknown + "."}
	case below != nil && *below >= float64(cost.MaxRate):
		return []string{v.Lambda + " costs less at all rates up to " + numeral.Rate(float64(cost.MaxRate)) + "."}
	case above != nil && *above <= float64(cost.MinRate):
		return []string{v.EC2 + " costs less at all rates from " + numeral.Rate(float64(cost.MinRate)) + "."}
	}
	otherwise := "it is undecided"
	if v.elsewhere() {
		if list := v.stretches(); len(list) <= mostStretches {
			return []string{"Cheaper is " + strings.Join(list, ", ") + "; at other rates it is undecided."}
		}
		otherwise = "it depends on the rate"
	}
	switch {
	case below != nil && above != nil && numeral.Rate(*below) == numeral.Rate(*above): // to the digits that are shown
		return []string{fmt.Sprintf("%s costs less below %s and %s above it.", v.Lambda, numeral.Rate(*below), v.EC2)}
	case below != nil && above != nil:
		return []string{fmt.Sprintf("%s costs less below %s and %s above %s; between them %s.", v.Lambda, numeral.Rate(*below), v.EC2, numeral.Rate(*above), otherwise)}
	case below != nil:
		return []string{fmt.Sprintf("%s costs less below %s; above that %s.", v.Lambda, numeral.Rate(*below), otherwise)}
	case above != nil:
		return []string{fmt.Sprintf("%s costs less above %s; below that %s.", v.EC2, numeral.Rate(*above), otherwise)}
	case otherwise == "it is undecided":
		return []string{"Which of the two costs less is undecided at all rates."}
	}
	return []string{"Which of the two costs less depends on the rate, from step to step of instances."}
}

// mostStretches are listed in a sentence.
const mostStretches = 4

// elsewhere says whether one costs less at other rates than Lambda below all others and EC2 above them.
func (v *Verdict) elsewhere() bool {
	for i, s := range v.spans {
		if s.Cheaper == cost.CheaperLambda && i > 0 || s.Cheaper == cost.CheaperEC2 && i < len(v.spans)-1 {
			return true
		}
	}
	return false
}

// stretches of rates in which one costs less, from below.
func (v *Verdict) stretches() []string {
	var list []string
	for i, s := range v.spans {
		name, from, to := v.named(s.Cheaper), numeral.Rate(float64(s.From)), numeral.Rate(float64(s.To))
		switch {
		case s.Cheaper == cost.Undecided:
		case i == 0:
			list = append(list, name+" below "+to)
		case i == len(v.spans)-1:
			list = append(list, name+" above "+from)
		default:
			list = append(list, name+" from "+from+" to "+to)
		}
	}
	return list
}

func (v *Verdict) sloSentences() []string {
	if !v.SLO {
		return []string{"The run had no SLO, so which target is fast enough is not judged."}
	}
	list := v.pairSentences()
	for _, name := range v.Untold {
		if name != v.Lambda && name != v.EC2 {
			list = append(list, "Whether "+name+", which is not judged here, keeps the SLO is not known: "+v.Why[name]+".")
		}
	}
	for _, name := range v.Misses {
		if name != v.Lambda && name != v.EC2 {
			list = append(list, name+", which is not judged here, misses the SLO.")
		}
	}
	return list
}

// pairSentences say of the two that are judged which of them will do.
func (v *Verdict) pairSentences() []string {
	missed := func(name string) bool { return slices.Contains(v.Misses, name) }
	untold := func(name string) bool { return slices.Contains(v.Untold, name) }
	where := "at the rates of this run"
	if v.Interrupted {
		where = "in the part of the run that was done"
	}
	notKnown := func(what, name string) string { return "Whether " + what + " is not known: " + v.Why[name] + "." }
	if untold(v.Lambda) && untold(v.EC2) {
		if v.Why[v.Lambda] == v.Why[v.EC2] {
			return []string{notKnown("either of the two keeps the SLO", v.EC2)}
		}
		return []string{notKnown(v.Lambda+" keeps the SLO", v.Lambda), notKnown(v.EC2+" does", v.EC2)}
	}
	for _, pair := range [][2]string{{v.Lambda, v.EC2}, {v.EC2, v.Lambda}} {
		one, other := pair[0], pair[1]
		switch {
		case untold(other) && missed(one):
			return []string{one + " misses the SLO, so it will not do as it is.", notKnown(other+" keeps it", other)}
		case untold(other):
			return []string{one + " keeps the SLO " + where + ".", notKnown(other+" keeps it", other)}
		case missed(one) && !missed(other):
			return []string{fmt.Sprintf("%s misses the SLO, so that %s is the only one of the two that will do, whatever it costs.", one, other)}
		}
	}
	if missed(v.Lambda) {
		return []string{"Both miss the SLO, so neither will do as it is."}
	}
	return []string{"Both keep the SLO " + where + "."}
}

// tailSentences compare the highest percentile up to p99 that was compared.
func (v *Verdict) tailSentences(m *Model) []string {
	if len(m.Targets) != 2 {
		return nil
	}
	var tail *Comparison
	for i := range m.Comparisons {
		if c := &m.Comparisons[i]; slices.Contains([]string{"p50", "p90", "p95", "p99"}, c.Metric.Key) {
			tail = c
		}
	}
	if tail == nil || tail.Effect == nil || tail.Metric.Better == Neither {
		return nil
	}
	name, base, metric := m.Targets[1].Name, m.Targets[0].Name, strings.ToLower(strings.TrimSuffix(tail.Metric.Label, " response"))
	switch {
	case tail.Interval == nil && tail.BaseRounds < stats.MinRounds:
		return []string{fmt.Sprintf("Whether their %s differ cannot be said of %s; that takes %d.", metric+"s", numeral.Plural(tail.BaseRounds, "round"), stats.MinRounds)}
	case tail.Standing == Better || tail.Standing == Worse:
		return []string{fmt.Sprintf("The %s of %s is %s times that of %s (95 %%: %s to %s).", metric, name, numeral.Digits(*tail.Effect), base, numeral.Digits(tail.Interval.Low), numeral.Digits(tail.Interval.High))}
	}
	return []string{fmt.Sprintf("The rounds do not tell whether their %ss differ.", metric)}
}
