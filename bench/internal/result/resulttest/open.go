package resulttest

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// OpenLoad is one step at the given rates, a phase of ten seconds each.
func OpenLoad(connections int, rates ...scenario.Rate) scenario.Scenario {
	s := scenario.Scenario{
		Name: "open", Load: scenario.Open, Connections: connections, Grace: scenario.Duration(time.Second), Protocol: scenario.HTTP1,
		Timeout: scenario.Duration(10 * time.Second),
		Steps:   []scenario.Step{{Name: "get", Method: "GET", Path: "/", Expect: scenario.Expect{Status: 200}, Weight: 1}},
	}
	for i := range rates {
		s.Phases = append(s.Phases, scenario.Phase{
			Name: []string{"first", "second", "third", "fourth"}[i%4], Rate: &rates[i], Arrivals: scenario.Constant, Duration: scenario.Duration(10 * time.Second),
		})
	}
	return s
}

// stallFrom is when in each phase a stalling service begins to answer nothing.
const stallFrom = 4 * time.Second

// open puts the open load of s on a service: each request goes to the connection that is free first, or waits for it.
func (v Service) open(s *scenario.Scenario, rounds int, number uint64, targets int) result.Target {
	random := rand.NewPCG(number, 42)
	t := v.Target
	t.Examples = []result.ErrorSample{}
	overall, step := newCollection(), newCollection()
	for round := 1; round <= rounds; round++ {
		v := v.inRound(round)
		for i, p := range s.Phases {
			phase := newCollection()
			into := []*collection{phase, overall, step}
			if p.Warmup {
				into = into[:1]
			}
			v.openPhase(random, s, p, into)
			for _, c := range into {
				c.wallS += time.Duration(p.Duration).Seconds()
			}
			stats := result.PhaseStats{
				Name: p.Name, Warmup: p.Warmup, Round: round, Turn: (int(number)+round+i)%targets + 1, RateRPS: &p.Rate.From, Stats: phase.finish(),
			}
			if p.Rate.To != p.Rate.From {
				stats.RateEndRPS = &p.Rate.To
			}
			t.Phases = append(t.Phases, stats)
		}
	}
	t.Overall = overall.finish()
	steps := step.finish()
	steps.WallS, steps.ThroughputRPS, steps.ConnectTime, steps.SendLag = nil, nil, result.Summary{}, nil
	t.Steps = []result.StepStats{{Name: s.Steps[0].Name, Stats: steps}}
	return t
}

func (v Service) openPhase(random *rand.PCG, s *scenario.Scenario, p scenario.Phase, into []*collection) {
	free := make([]time.Duration, s.Connections)
	end := time.Duration(p.Duration)
	for _, c := range into {
		for range free {
			c.connect.Record(120*time.Microsecond + time.Duration(random.Uint64()%60)*time.Microsecond)
		}
	}
	// Steps of a millisecond are fine enough for the integral of a ramp.
	expected := 1.
	if p.Rate.From == 0 && p.Rate.To == 0 {
		return
	}
	for at := time.Duration(0); at < end; at += time.Millisecond {
		share := float64(at) / float64(end)
		for expected += (p.Rate.From + (p.Rate.To-p.Rate.From)*share) / 1000; expected >= 1; expected-- {
			due := at
			k := slices.Index(free, slices.Min(free))
			start := max(due, free[k])
			took := v.Base + time.Duration(random.Uint64()%uint64(v.Jitter/time.Microsecond+1))*time.Microsecond
			if v.Stall > 0 && start < stallFrom+v.Stall && start+took > stallFrom {
				took = stallFrom + v.Stall - start
			}
			lag := time.Duration(10+random.Uint64()%30) * time.Microsecond
			if start > end+time.Duration(s.Grace) {
				for _, c := range into {
					c.stats.Requests++
					c.stats.Errors[result.KindUnsent]++
					c.unsent.Record(end + time.Duration(s.Grace) - due)
				}
				continue
			}
			free[k] = start + lag + took
			for _, c := range into {
				c.stats.Requests++
				c.stats.Successes++
				c.response.Record(start - due + lag + took)
				c.service.Record(took)
				c.lag.Record(lag)
			}
		}
	}
}
