package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"
)

// ourName is what our own generator is called beside the others.
const ourName = "bench"

// comparison is one run of this program.
type comparison struct {
	options options
	machine *machine
	tools   []*tool
	say     func(format string, args ...any)
	out     outcome
}

// outcome is all that was measured. It is written to figures.json.
type outcome struct {
	At  time.Time `json:"at"`
	CPU string    `json:"cpu"`
	// LoadAverage of the minute before; empty if unknown.
	LoadAverage string         `json:"load_average,omitempty"`
	Go          string         `json:"go"`
	Commit      string         `json:"commit"`
	Target      string         `json:"target,omitempty"`
	Pinning     string         `json:"pinning"`
	Tools       []toolFound    `json:"tools"`
	Closed      *closedOutcome `json:"closed,omitempty"`
	Open        *openOutcome   `json:"open,omitempty"`
	Stall       *stallOutcome  `json:"stall,omitempty"`
	Memory      *memoryOutcome `json:"memory,omitempty"`
	Checks      []check        `json:"checks"`
	Warnings    []string       `json:"warnings,omitempty"`
}

// toolFound is a tool and its version, or how to get it where it is missing.
type toolFound struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Get     string `json:"get,omitempty"`
}

// closedOutcome has the figures of each generator in each round; those that failed in a round are missing from it.
type closedOutcome struct {
	Connections int                  `json:"connections"`
	Seconds     float64              `json:"seconds"`
	Rounds      []map[string]figures `json:"rounds"`
	Commands    []string             `json:"commands"`
}

// openOutcome is how our generator kept its schedule at a share of its own rate at full speed.
type openOutcome struct {
	RatePerSecond int         `json:"rate_rps"`
	Rounds        []openRound `json:"rounds"`
}

type openRound struct {
	Due      int64   `json:"due"`
	Sent     int64   `json:"sent"`
	Failed   int64   `json:"failed"`
	Answered float64 `json:"answered_rps"`
	// LagP50 and LagP99 are how late requests were sent, in µs.
	LagP50 float64 `json:"send_lag_p50_us"`
	LagP99 float64 `json:"send_lag_p99_us"`
	LagMax float64 `json:"send_lag_max_us"`
}

// kept says whether the round kept its schedule: all that was due was sent, and answered at the rate at which it was sent.
func (r openRound) kept(rate int) bool {
	return r.Sent == r.Due && r.Failed == 0 && math.Abs(r.Answered/float64(rate)-1) <= 0.01
}

type stallOutcome struct {
	Load     arrivals    `json:"load"`
	Answers  answers     `json:"answers"`
	Exact    percentiles `json:"exact"`
	Response figures     `json:"bench_response_time"`
	Service  percentiles `json:"bench_service_time"`
	Tools    []stallTool `json:"tools"`
}

type stallTool struct {
	Name    string  `json:"name"`
	Command string  `json:"command"`
	Figures figures `json:"figures"`
}

type memoryOutcome struct {
	Requests    int64   `json:"requests"`
	Rate        float64 `json:"rate_rps"`
	PeakBytes   int64   `json:"peak_memory_bytes"`
	Collections int     `json:"collections"`
	AllocatedMB int64   `json:"allocated_mb"`
}

// warn about something that is missing from the figures.
func (c *comparison) warn(err error) {
	c.say("%v", err)
	c.out.Warnings = append(c.out.Warnings, err.Error())
}

// run does the experiments that were asked for.
func (c *comparison) run(ctx context.Context) error {
	only := c.options.only
	if only["closed"] || only["open"] || only["memory"] {
		target, err := c.machine.static(ctx)
		if err != nil {
			return err
		}
		defer target.stop()
		c.out.Target = target.name
		c.say("Target: %s at %s", target.name, target.url)
		if only["closed"] {
			if err := c.closed(ctx, target.url); err != nil {
				return err
			}
		}
		if only["open"] {
			if err := c.open(ctx, target.url); err != nil {
				return err
			}
		}
		if only["memory"] {
			if err := c.memory(ctx, target.url); err != nil {
				return err
			}
		}
	}
	if only["stall"] {
		return c.stall(ctx)
	}
	return nil
}

// closed lets all generators take turns at full speed. The order is rotated, so that none is always the first after another.
func (c *comparison) closed(ctx context.Context, url string) error {
	o := &closedOutcome{Connections: c.options.connections, Seconds: c.options.lasts.Seconds()}
	c.out.Closed = o
	var tools []*tool
	names := []string{ourName}
	for _, t := range c.tools {
		if t.path != "" && t.closed {
			tools, names = append(tools, t), append(names, t.name)
			o.Commands = append(o.Commands, t.commandLine(job{connections: o.Connections, lasts: c.options.lasts}))
		}
	}
	for round := range c.options.rounds {
		got := map[string]figures{}
		o.Rounds = append(o.Rounds, got)
		for place := range names {
			i := (place + round) % len(names)
			base := filepath.Join(c.options.out, fmt.Sprintf("closed-%d-%s", round+1, names[i]))
			f, err := c.atFullSpeed(ctx, url, base, append([]*tool{nil}, tools...)[i])
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil && i == 0:
				return err
			case err != nil:
				c.warn(fmt.Errorf("closed loop, round %d: %w", round+1, err))
				continue
			case f.Failed > 0:
				c.warn(fmt.Errorf("closed loop, round %d: %s: %d requests failed", round+1, names[i], f.Failed))
			}
			got[names[i]] = f
			c.say("closed loop, round %d of %d: %-10s %8.0f/s", round+1, c.options.rounds, names[i], f.RatePerSecond)
		}
	}
	return nil
}

// atFullSpeed runs a tool once, or our own generator if it is nil.
func (c *comparison) atFullSpeed(ctx context.Context, url, base string, t *tool) (figures, error) {
	if t != nil {
		return t.measure(ctx, c.machine, job{url: url, connections: c.options.connections, lasts: c.options.lasts, base: base})
	}
	b, err := runOurs(ctx, c.machine, c.options.bench, url, base, closedLoad(c.options.connections, c.options.lasts, 0), 3*c.options.lasts+time.Minute)
	if err != nil {
		return figures{}, err
	}
	return b.figures(), nil
}

// perSecond and perCPU are what generators are compared by.
func perSecond(f figures) float64 { return f.RatePerSecond }
func perCPU(f figures) float64    { return f.perCPU() }

// values of a generator in all rounds in which it came through.
func (o *closedOutcome) values(name string, of func(figures) float64) []float64 {
	var values []float64
	for _, round := range o.Rounds {
		if f, ok := round[name]; ok {
			values = append(values, of(f))
		}
	}
	return values
}

// ratios of ours to another's, each of two runs of one round.
func (o *closedOutcome) ratios(name string, of func(figures) float64) []float64 {
	var ratios []float64
	for _, round := range o.Rounds {
		if f, ok := round[name]; ok && of(f) > 0 {
			ratios = append(ratios, of(round[ourName])/of(f))
		}
	}
	return ratios
}

// spread of values: their median, and how far they lie apart.
type spread struct{ median, lowest, highest float64 }

func spreadOf(values []float64) spread {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	if n == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	return spread{(values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1]}
}

// share of our own rate at full speed that the open loop is to keep.
const share = 0.8

// open sends on a schedule.
func (c *comparison) open(ctx context.Context, url string) error {
	var rate float64
	if c.out.Closed != nil {
		rate = spreadOf(c.out.Closed.values(ourName, perSecond)).median
	} else {
		f, err := c.atFullSpeed(ctx, url, filepath.Join(c.options.out, "open-full-speed"), nil)
		if err != nil {
			return err
		}
		rate = f.RatePerSecond
	}
	o := &openOutcome{RatePerSecond: int(share * rate)}
	c.out.Open = o
	due := arrivals{RatePerSecond: o.RatePerSecond, Lasts: c.options.lasts}.requests()
	for round := range c.options.rounds {
		base := filepath.Join(c.options.out, fmt.Sprintf("open-%d", round+1))
		b, err := runOurs(ctx, c.machine, c.options.bench, url, base, openLoad(c.options.connections, o.RatePerSecond, c.options.lasts),
			3*c.options.lasts+time.Minute)
		if err != nil {
			return err
		}
		r := openRound{Due: int64(due), Sent: b.stats.Requests - b.stats.Errors["unsent"], Answered: *b.stats.ThroughputRPS}
		r.Failed = b.figures().Failed
		if lag := b.stats.SendLag; lag != nil && lag.Count > 0 {
			r.LagP50, r.LagP99, r.LagMax = *lag.P50, *lag.P99, *lag.Max
		}
		o.Rounds = append(o.Rounds, r)
		c.say("open loop, round %d of %d: %d of %d sent at %d/s, send lag p50 %.0f µs, p99 %.0f µs", round+1, c.options.rounds,
			r.Sent, r.Due, o.RatePerSecond, r.LagP50, r.LagP99)
	}
	return nil
}

// memory counts what many requests leave behind.
func (c *comparison) memory(ctx context.Context, url string) error {
	requests := 1_000_000
	if c.options.long {
		requests = 10_000_000
	}
	c.say("memory: %d requests", requests)
	b, err := runOurs(ctx, c.machine, c.options.bench, url, filepath.Join(c.options.out, "memory"), closedLoad(c.options.connections, 0, requests),
		30*time.Minute, "GODEBUG=gctrace=1")
	if err != nil {
		return err
	}
	peak := b.run.Generator.PeakMemoryBytes
	if peak == nil {
		return errors.New("bench: the result tells no peak of memory")
	}
	o := &memoryOutcome{Requests: b.stats.Requests, Rate: *b.stats.ThroughputRPS, PeakBytes: *peak}
	o.Collections, o.AllocatedMB = parseGC(b.stderr)
	c.out.Memory = o
	return nil
}

// The stall test: 2 ms answers, one stall of 2 s, 200/s for 10 s on 10 connections.
func stallTest() (arrivals, answers) {
	return arrivals{RatePerSecond: 200, Lasts: 10 * time.Second, Connections: 10},
		answers{Takes: 2 * time.Millisecond, From: 4 * time.Second, Lasts: 2 * time.Second}
}

func (c *comparison) stall(ctx context.Context) error {
	load, answers := stallTest()
	o := &stallOutcome{Load: load, Answers: answers, Exact: exact(model(load, answers), event.response)}
	c.out.Stall = o
	err := c.stalling(ctx, answers, func(url string) error {
		b, err := runOurs(ctx, c.machine, c.options.bench, url, filepath.Join(c.options.out, "stall-"+ourName),
			openLoad(load.Connections, load.RatePerSecond, load.Lasts), time.Minute)
		if err == nil {
			o.Response, o.Service = b.figures(), inMS(b.stats.ServiceTime)
			c.say("stall: %-10s p99 %.1f ms of response, %.1f ms of service", ourName, o.Response.Percentiles.P99, o.Service.P99)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range c.tools {
		if t.path == "" || !t.paced {
			continue
		}
		later := answers
		later.From += t.settle
		j := job{
			connections: load.Connections, rate: load.RatePerSecond, lasts: load.Lasts + t.settle,
			base: filepath.Join(c.options.out, "stall-"+t.name),
		}
		err := c.stalling(ctx, later, func(url string) error {
			j.url = url
			f, err := t.measure(ctx, c.machine, j)
			if err == nil {
				o.Tools = append(o.Tools, stallTool{Name: t.name, Command: t.commandLine(j), Figures: f})
				c.say("stall: %-10s p99 %.1f ms", t.name, f.Percentiles.P99)
			}
			return err
		})
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			c.warn(fmt.Errorf("stall: %w", err))
		}
	}
	return nil
}

// stalling runs do against a server that has not begun to count.
func (c *comparison) stalling(ctx context.Context, a answers, do func(url string) error) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	s, err := c.machine.serve(ctx, stallName, string(text))
	if err != nil {
		return err
	}
	defer s.stop()
	return do(s.url)
}
