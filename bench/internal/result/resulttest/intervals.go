package resulttest

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Intervals are what the journal of such a run may have: each phase in intervals of a second, whose figures scatter around the phase's.
// The targets take turns in their order, with the given pause between them.
func Intervals(run *result.Run, pause time.Duration) []result.Interval {
	random := rand.New(rand.NewPCG(7, 11))
	at := run.StartedAt
	var list []result.Interval
	phases := 0
	for i := range run.Targets {
		phases = max(phases, len(run.Targets[i].Phases))
	}
	for p := range phases {
		for i := range run.Targets {
			if p >= len(run.Targets[i].Phases) || run.Targets[i].Phases[p].WallS == nil {
				continue
			}
			phase := &run.Targets[i].Phases[p]
			parts := max(1, int(math.Round(*phase.WallS)))
			long := time.Duration(*phase.WallS * float64(time.Second) / float64(parts))
			cold := int64(0)
			if c := run.Targets[i].ColdStarts; c != nil && p == 0 {
				cold = c.Requests
			}
			for n := range parts {
				share := func(total int64) int64 { return total*int64(n+1)/int64(parts) - total*int64(n)/int64(parts) }
				successes := share(phase.Successes)
				list = append(list, result.Interval{
					Target: run.Targets[i].Name, Phase: phase.Name, Round: phase.Round, Warmup: phase.Warmup, From: at, To: at.Add(long),
					Requests: successes + share(phase.Requests-phase.Successes), Successes: successes,
					Times: scatter(phase.ResponseTime, successes, 0.8+0.4*random.Float64()), Cold: min(cold, successes),
				})
				cold -= min(cold, successes)
				at = at.Add(long)
			}
			at = at.Add(pause)
		}
	}
	return list
}

func scatter(s result.Summary, count int64, by float64) result.Summary {
	s.Count, s.Histogram = count, ""
	if count == 0 {
		return result.Summary{}
	}
	for _, v := range []**float64{&s.Min, &s.Mean, &s.P50, &s.P90, &s.P95, &s.P99, &s.P999, &s.Max} {
		if *v != nil {
			scaled := math.Round(**v * by)
			*v = &scaled
		}
	}
	return s
}
