package analysis

import (
	"fmt"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/stats"
	"github.com/crossover-bench/crossover/bench/internal/tune"
)

// caveats are what the figures cannot say.
func (s *sweep) caveats() {
	say := func(format string, args ...any) { s.out.Caveats = append(s.out.Caveats, fmt.Sprintf(format, args...)) }
	if s.run.Interrupted {
		say("Stopped early: not all configurations had all rounds.")
	}
	if s.run.Rounds < stats.MinRounds {
		say("With fewer than %d rounds no figure has a range, so that chance may put a configuration on the front, or keep it off.", stats.MinRounds)
	}
	switch s.out.Latency {
	case "p99":
	case "":
		say("No percentile is known of all configurations, so there is no front.")
	default:
		say("There are too few requests for a p99 (1,000 a configuration): the front is of %s. More --rounds or longer phases give it.", s.out.Latency)
	}
	if s.run.Scenario.Load != scenario.Open && s.out.RateRPS != nil {
		say("The load is closed: each configuration set its own pace, and costs are for that of the slowest. An open scenario asks all for the same rate.")
	}
	s.aboutFunctions(say)
	shown := func(c tune.Configuration) bool { return c.Origin == tune.Estimated }
	switch {
	case len(s.Types) == 0 || s.out.RateRPS == nil:
	case !slices.ContainsFunc(s.out.Configurations, shown):
		say("Instance types are left out: the local EC2 binary has no phase that counts with %d right answers, which it takes to tell what an instance would do. Give --instance-rps, more --rounds, or longer phases.", enoughAnswers)
	default:
		say("Instance types are estimated, by vCPUs alone: a process on this machine is none of them, and neither their speed nor their response times are known. Deploy one and run bench tune --targets terraform.")
	}
}

func (s *sweep) aboutFunctions(say func(format string, args ...any)) {
	emulated, functions, cold := false, false, int64(0)
	from := map[string]bool{}
	for i := range s.out.Configurations {
		c := &s.out.Configurations[i]
		emulated = emulated || c.Origin == tune.Emulated
		from[c.BilledFrom] = true
		if functions = functions || c.Function; c.Cold != nil {
			cold += *c.Cold
		}
	}
	if emulated {
		say("Emulated: real binaries, held to the share of CPU that each memory size buys, but of this machine's CPUs and without AWS's network. The order of the sizes is what this can tell.")
	}
	if functions && cold == 0 {
		say("No counted request was cold: response times are those of warm environments. On AWS requests that come rarely wait for an init too; the scenario cold is about them.")
	}
	if from[tune.BilledByServer] {
		say("Billed times are estimated from the app's own times (Server-Timing), which leave out the adapter and the runtime; their range goes up to what the client saw, network included.")
	}
	if from[tune.BilledByClient] {
		say("Billed times are estimated from the client's times, as the app says nothing of its own (Server-Timing): they have the network in them, so that costs are too high.")
	}
}

func missedWords(t *result.Threshold) string {
	value := t.Reason
	if t.Value != nil {
		value = ThresholdFigure(t.Metric, *t.Value, t.Limit)
	}
	return t.Metric.Name() + " " + value
}
