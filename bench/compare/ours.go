package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// The scenarios of our own generator. Each answer is checked: its status and its whole body.
const (
	ourSteps = `steps:
  - {name: get, path: /, expect: {status: 200, body: "` + answer + `"}}
timeout: 30s
`
	closedScenario = `name: compare-closed
load: closed
workers: %d
` + ourSteps + `phases:
  - {name: load, workers: 100%%, %s}
`
	openScenario = `name: compare-open
load: open
connections: %d
` + ourSteps + `phases:
  - {name: load, rate: %d/s, duration: %s}
`
)

// closedLoad is a scenario that sends for so long, or so many requests if that is not 0.
func closedLoad(connections int, lasts time.Duration, requests int) string {
	bound := "duration: " + lasts.String()
	if requests > 0 {
		bound = fmt.Sprintf("iterations: %d", (requests+connections-1)/connections)
	}
	return fmt.Sprintf(closedScenario, connections, bound)
}

func openLoad(connections, rate int, lasts time.Duration) string {
	return fmt.Sprintf(openScenario, connections, rate, lasts)
}

// ours is a run of our own generator.
type ours struct {
	run    *result.Run
	stats  result.Stats
	stderr string
	cpu    time.Duration
}

// runOurs runs bench, which leaves its result and its reports in the folder base.
func runOurs(ctx context.Context, m *machine, bench, url, base, scenario string, atMost time.Duration, env ...string) (*ours, error) {
	file := base + ".yaml"
	if err := os.WriteFile(file, []byte(scenario), 0o644); err != nil {
		return nil, err
	}
	// The check before the load would be the first request of the stall test. Each answer is checked all the same.
	argv := []string{bench, "run", "--target", "server=" + url, "--scenario", file, "--out", base, "--quiet", "--skip-check", "--seed", "1"}
	c, err := m.run(ctx, atMost, argv, env...)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	r, err := result.Load(base)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if len(r.Targets) != 1 || r.Targets[0].Overall.ThroughputRPS == nil {
		return nil, fmt.Errorf("bench: %s tells no throughput", base)
	}
	return &ours{run: r, stats: r.Targets[0].Overall, stderr: c.stderr, cpu: c.cpu}, nil
}

// figures in the form of those of other generators. These are response times.
func (o *ours) figures() figures {
	f := figures{RatePerSecond: *o.stats.ThroughputRPS, Requests: o.stats.Requests, Percentiles: inMS(o.stats.ResponseTime)}
	f.CPUSeconds = o.cpu.Seconds()
	for _, n := range o.stats.Errors {
		f.Failed += n
	}
	return f
}

func inMS(s result.Summary) percentiles {
	ms := func(us *float64) float64 {
		if us == nil {
			return unknown
		}
		return *us / 1e3
	}
	return percentiles{ms(s.P50), ms(s.P90), ms(s.P95), ms(s.P99)}
}
