// Package resulttest makes results for tests, from fixed durations: the same call gives the same bytes on every machine.
package resulttest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Service says how a made-up target answers. A response takes Base, plus PerWorker for each worker of the phase, plus up
// to Jitter; one in a hundred takes Tail more.
type Service struct {
	Target                        result.Target
	Base, PerWorker, Jitter, Tail time.Duration
	// FailEvery makes every n-th request fail with the kinds of Errors in turn; 0 fails none.
	FailEvery int
	Errors    []string
	// PerRound is added to each response of a round, in turn.
	PerRound []time.Duration
	// Stall is how long it answers nothing in each phase of an open load.
	Stall time.Duration
}

// EC2 is a local process whose answers get slower with the number of workers.
func EC2() Service {
	return Service{
		Target: result.Target{Name: "ec2", Kind: "process", URL: "http://127.0.0.1:8080", Provenance: result.Measured, Spec: result.Spec{Arch: "amd64"}},
		Base:   900 * time.Microsecond, PerWorker: 150 * time.Microsecond, Jitter: 700 * time.Microsecond, Tail: 9 * time.Millisecond,
	}
}

// Lambda is an emulated function: slower at first, but not slower with more workers.
func Lambda() Service {
	return Service{
		Target: result.Target{
			Name: "lambda", Kind: "bootstrap", URL: "http://127.0.0.1:9000", Provenance: result.Emulated,
			Spec: result.Spec{Arch: "amd64", MemoryMB: 512, FrontDoor: "function_url", Notes: []string{"The CPU was not limited to the share that 512 MB get."}},
		},
		Base: 2100 * time.Microsecond, PerWorker: 15 * time.Microsecond, Jitter: 900 * time.Microsecond, Tail: 30 * time.Millisecond,
	}
}

// FourPhase is the workload of the shipped four-phase scenarios.
func FourPhase(workers int) scenario.Scenario {
	three := "3"
	s := scenario.Scenario{
		Name: fmt.Sprintf("four-phase-%d", workers), Load: scenario.Closed, Workers: workers, Order: scenario.Blocks,
		Protocol: scenario.HTTP1, Timeout: scenario.Duration(10 * time.Second),
		Steps: []scenario.Step{
			{Name: "post", Method: "POST", Path: "/", ContentType: "text/plain", Body: []byte("123"), Expect: scenario.Expect{Status: 200, Body: &three}},
			{Name: "get", Method: "GET", Path: "/", Expect: scenario.Expect{Status: 200}},
		},
	}
	for _, p := range []struct {
		name    string
		percent int
	}{{"warmup", 10}, {"loading", 50}, {"peak", 100}, {"cooldown", 25}} {
		s.Phases = append(s.Phases, scenario.Phase{Name: p.name, Workers: workers * p.percent / 100, Iterations: 100})
	}
	return s
}

// Run puts the load of s on the services, in so many rounds.
func Run(s scenario.Scenario, rounds int, services ...Service) *result.Run {
	started := time.Date(2026, time.July, 31, 9, 30, 0, 0, time.UTC)
	cpu, memory := 0.231, int64(61<<20)
	run := &result.Run{
		SchemaVersion: result.SchemaVersion,
		Tool:          result.Tool{Version: "v0.1.0", Commit: "0123456789ab", Go: "go1.26.0"},
		StartedAt:     started, FinishedAt: started.Add(83400 * time.Millisecond),
		Scenario: s, Seed: 1, Rounds: rounds,
		Environment: result.Environment{
			OS: "linux", Arch: "amd64", CPUs: 2, CPUModel: "Example CPU at 3.0 GHz", MemoryMB: 7950,
			Redis: &result.Redis{Kind: "redis-server", Version: "7.2.4", URL: "redis://127.0.0.1:6390"},
		},
		Generator: result.Generator{Verdict: result.Valid, Reasons: []string{}, CPUFraction: &cpu, PeakMemoryBytes: &memory},
		Warnings:  []string{},
	}
	for i, service := range services {
		if s.Load == scenario.Open {
			run.Targets = append(run.Targets, service.open(&s, rounds, uint64(i), len(services)))
			continue
		}
		run.Targets = append(run.Targets, service.target(&s, rounds, uint64(i), len(services)))
	}
	if len(run.Targets) > 0 {
		run.Generator.SendLag = run.Targets[0].Overall.SendLag
	}
	run.Thresholds = run.Judge()
	return run
}

// collection is stats in the making.
type collection struct {
	stats                     result.Stats
	wallS                     float64
	response, failed, connect *result.Histogram
	// These are of open loads alone.
	service, lag, unsent *result.Histogram
}

func newCollection() *collection {
	return &collection{
		stats:    result.Stats{Errors: map[string]int64{}},
		response: result.NewHistogram(), failed: result.NewHistogram(), connect: result.NewHistogram(),
		service: result.NewHistogram(), lag: result.NewHistogram(), unsent: result.NewHistogram(),
	}
}

func (c *collection) finish() result.Stats {
	s := c.stats
	if wall := c.wallS; wall > 0 {
		rate := float64(s.Successes) / wall
		s.WallS, s.ThroughputRPS = &wall, &rate
	}
	s.ResponseTime, s.ErrorTime, s.ConnectTime = c.response.Summary(), c.failed.Summary(), c.connect.Summary()
	s.ServiceTime = s.ResponseTime
	if c.service.Count() > 0 {
		lag := c.lag.Summary()
		s.ServiceTime, s.SendLag = c.service.Summary(), &lag
	}
	if c.unsent.Count() > 0 {
		unsent := c.unsent.Summary()
		s.UnsentTime = &unsent
	}
	return s
}

func (v Service) target(s *scenario.Scenario, rounds int, number uint64, targets int) result.Target {
	random := rand.NewPCG(number, 42)
	t := v.Target
	t.Examples = []result.ErrorSample{}
	overall := newCollection()
	steps := make([]*collection, len(s.Steps))
	for i := range steps {
		steps[i] = newCollection()
	}
	sent := 0
	for round := 1; round <= rounds; round++ {
		v := v.inRound(round)
		for i, p := range s.Phases {
			phase := newCollection()
			into := append([]*collection{phase}, overall)
			if p.Warmup {
				into = into[:1]
			}
			longest := time.Duration(0)
			for range p.Workers {
				for _, c := range into {
					c.connect.Record(120*time.Microsecond + time.Duration(random.Uint64()%60)*time.Microsecond)
				}
				busy := time.Duration(0)
				for j := range s.Steps {
					for range p.Iterations {
						sent++
						all := into
						if !p.Warmup {
							all = append(slices.Clip(all), steps[j])
						}
						busy += v.request(random, sent, p, s.Steps[j].Name, &t, all)
					}
				}
				longest = max(longest, busy)
			}
			for _, c := range into {
				c.wallS += longest.Seconds()
			}
			t.Phases = append(t.Phases, result.PhaseStats{
				Name: p.Name, Warmup: p.Warmup, Round: round, Workers: p.Workers,
				Turn: (int(number)+round+i)%targets + 1, Stats: phase.finish(),
			})
		}
	}
	t.Overall = overall.finish()
	for i, c := range steps {
		t.Steps = append(t.Steps, result.StepStats{Name: s.Steps[i].Name, Stats: c.finish()})
	}
	return t
}

// inRound is the service as it is in a round.
func (v Service) inRound(round int) Service {
	if n := len(v.PerRound); n > 0 {
		v.Base += v.PerRound[(round-1)%n]
	}
	return v
}

func (v Service) request(random *rand.PCG, sent int, p scenario.Phase, step string, t *result.Target, into []*collection) time.Duration {
	took := v.Base + time.Duration(p.Workers)*v.PerWorker + time.Duration(random.Uint64()%uint64(v.Jitter/time.Microsecond+1))*time.Microsecond
	if random.Uint64()%100 == 0 {
		took += v.Tail
	}
	kind := ""
	if v.FailEvery > 0 && sent%v.FailEvery == 0 {
		kind = v.Errors[sent/v.FailEvery%len(v.Errors)]
		known := false
		for _, e := range t.Examples {
			known = known || e.Kind == kind
		}
		if !known {
			t.Examples = append(t.Examples, result.ErrorSample{Kind: kind, Phase: p.Name, Step: step, Detail: `expected body "3", got "upstream | gone"`})
		}
	}
	for _, c := range into {
		c.stats.Requests++
		if kind != "" {
			c.stats.Errors[kind]++
			c.failed.Record(took)
			continue
		}
		c.stats.Successes++
		c.response.Record(took)
	}
	return took
}
