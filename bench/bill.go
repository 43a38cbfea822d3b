package main

import (
	"fmt"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// meters is what the local Lambda service of a target had counted before the load; empty for other targets.
type meters struct {
	before *target.MeterReport
}

// settling is how long invocations may still be in work before the load and after it, until their bill is known.
const settling = time.Second

// openMeters reads all meters before the load. It gives warnings about those whose figures are not the load's alone.
func (c *collector) openMeters() []string {
	var warnings []string
	for i, t := range c.targets {
		if !t.Metered() {
			continue
		}
		m, err := t.Sample(settling)
		if err != nil {
			continue // a service that has ended is told of by those who watch it
		}
		c.meters[i].before = m
		if n := m.Now.Busy; n > 0 {
			warnings = append(warnings, fmt.Sprintf("%s: %s was in work already when the load began, and is in what it would be billed for.",
				t.Name, numeral.Plural(n, "invocation")))
		}
	}
	return warnings
}

// betweenTurns is how long invocations may still be in work after a turn, until its concurrency is told apart from that of the next one.
const betweenTurns = 100 * time.Millisecond

// sample has all local Lambda services sample their concurrency between two turns, whoever had the last one: one whose turn is about to
// come was idle until now.
func (c *collector) sample() {
	for _, t := range c.targets {
		if t.Metered() {
			_, _ = t.Sample(betweenTurns) // a service that has ended is told of by those who watch it
		}
	}
}

// close reads the meter after the load; nil if there is none.
func (m *meters) close(t *target.Target) (*target.MeterReport, error) {
	if !t.Metered() {
		return nil, nil // a target without a meter is no error
	}
	return t.SettledMeter(settling)
}

// lambda is what was counted since before; nil if nothing is known of then.
func (m *meters) lambda(after *target.MeterReport, memoryMB int) *result.Lambda {
	b := m.before
	if b == nil {
		return nil
	}
	l := &result.Lambda{
		LoadS:        inSeconds(after.Now.AtMS - b.Now.AtMS),
		Invocations:  after.Invocations - b.Invocations,
		Unsettled:    min(int64(after.Now.Busy), after.Invocations-b.Invocations),
		Errors:       map[string]int64{},
		BilledMS:     after.BilledMS - b.BilledMS,
		InitBilledMS: after.InitBilledMS - b.InitBilledMS,
		MemoryMB:     memoryMB,
		Throttles: result.Throttles{
			Concurrency: after.ThrottlesConcurrency - b.ThrottlesConcurrency,
			ScalingRate: after.ThrottlesScalingRate - b.ThrottlesScalingRate,
			RequestRate: after.ThrottlesRequestRate - b.ThrottlesRequestRate,
		},
		ProvisionedInvocations: after.ProvisionedInvocations - b.ProvisionedInvocations,
		Environments: result.LambdaEnvironments{
			Started: after.ColdStarts - b.ColdStarts, InitFailures: after.InitFailures - b.InitFailures, Reaped: after.Reaped - b.Reaped,
			Provisioned: after.ProvisionedStarts, MaxConcurrent: int64(after.MaxEnvironments),
		},
		Concurrency: concurrency(b, after),
		Freezer:     after.Freezer, Notes: after.Notes,
	}
	l.BilledGBSeconds = result.GBSeconds(l.BilledMS, memoryMB)
	for kind, n := range map[string]int64{
		"function_error": after.FunctionErrors - b.FunctionErrors, "exit": after.Exits - b.Exits, "timeout": after.Timeouts - b.Timeouts,
		"too_large": after.TooLarge - b.TooLarge,
	} {
		if n > 0 {
			l.Errors[kind] = n
		}
	}
	if after.MaxMemoryUsedMB > 0 {
		l.MaxMemoryUsedMB = &after.MaxMemoryUsedMB
	}
	return l
}

// concurrency is the samples between two readings, with one at each of them.
func concurrency(before, after *target.MeterReport) []result.ConcurrencySample {
	from, to := before.Now.AtMS, after.Now.AtMS
	first := before.Now
	first.Peaks = emulator.Peaks{BusyMax: first.Busy, EnvironmentsMax: before.Environments, StartingMax: first.Starting}
	list := []result.ConcurrencySample{concurrencySample(first, from)}
	for _, s := range after.Concurrency {
		if s.AtMS > from && s.AtMS < to {
			list = append(list, concurrencySample(s, from))
		}
	}
	return append(list, concurrencySample(after.Now, from))
}

func concurrencySample(s emulator.ConcurrencySample, from int64) result.ConcurrencySample {
	return result.ConcurrencySample{
		TS: inSeconds(s.AtMS - from), Busy: s.Busy, BusyMax: max(s.Busy, s.BusyMax), Idle: s.Idle, Starting: s.Starting,
		EnvironmentsMax: max(s.Idle+s.Starting, s.EnvironmentsMax), StartingMax: max(s.Starting, s.StartingMax),
	}
}

func inSeconds(ms int64) float64 { return float64(ms) / 1000 }
