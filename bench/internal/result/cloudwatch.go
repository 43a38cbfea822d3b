package result

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// CloudWatch is what AWS itself tells of a deployed target for the time of the load, warm-up phases and all trials of a search included.
type CloudWatch struct {
	// From and To are the time that was asked for, by AWS's clock.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Function is what the log of a function says; nil where it could not be read, or had no invocation of that time.
	Function *FunctionLog `json:"function,omitempty"`
	// Instances is what the metrics of instances say; nil where they could not be read, or had nothing of that time.
	Instances *InstanceMetrics `json:"instances,omitempty"`
	// Notes say in sentences what is missing, and what may be in it that is not the run's. Never nil in a file.
	Notes []string `json:"notes"`
}

// FunctionLog is the sum of the REPORT lines that AWS Lambda writes at the end of each invocation.
type FunctionLog struct {
	// Sent are the requests of the load that may have become invocations: all but those that were never sent, found no connection, or
	// were throttled (429).
	Sent int64 `json:"requests_sent"`
	// Invocations are the REPORT lines that were found. More than Sent are other traffic, or retries; fewer came too late to be read.
	Invocations int64 `json:"invocations"`
	// Cold are those of them that had an init.
	Cold int64 `json:"cold"`
	// Errors counts those of them that did not end well by kind: timeout, error, or the type that AWS gives, such as
	// Runtime.OutOfMemory. An error that the function answers with is none of them. Never nil in a file.
	Errors map[string]int64 `json:"errors"`
	// FailedInits are the inits that failed or took too long, each try of them.
	FailedInits int64 `json:"failed_inits"`
	// BilledMS is the sum of the billed durations in ms, InitBilledMS the part of it that is above the durations: the inits'.
	BilledMS     int64 `json:"billed_ms"`
	InitBilledMS int64 `json:"init_billed_ms"`
	// BilledGBSeconds is, summed over the invocations, the billed duration in seconds times the memory size in GB of 1,024 MB.
	BilledGBSeconds float64 `json:"billed_gb_seconds"`
	// MemoryMB is the memory size in the newest line, MaxMemoryUsedMB the most that any invocation used; null if unknown.
	MemoryMB        int  `json:"memory_mb"`
	MaxMemoryUsedMB *int `json:"max_memory_used_mb"`
	// Warm and ColdDuration are the durations of the invocations without an init and of those with one, whose Init is not in them.
	Warm         Summary `json:"warm_duration_us"`
	ColdDuration Summary `json:"cold_duration_us"`
	Init         Summary `json:"init_us"`
	// Rounds are those invocations that belong to phases that count, by the time of their line. Empty where a search was made.
	Rounds []BilledRound `json:"rounds,omitempty"`
}

// BilledRound is what the invocations of a round were billed.
type BilledRound struct {
	// Round counts from 1.
	Round       int   `json:"round"`
	Invocations int64 `json:"invocations"`
	BilledMS    int64 `json:"billed_ms"`
}

// InstanceMetrics are of all instances of a target together. What CloudWatch did not give is null.
type InstanceMetrics struct {
	// Minutes is how many minutes of the target's own turns CPU is known of, and WantedMinutes how many there were.
	Minutes       int `json:"cpu_minutes"`
	WantedMinutes int `json:"cpu_minutes_wanted"`
	// CPUMean is the mean of these minutes, CPUMax the highest minute of any instance, as shares of all vCPUs, 0 to 1.
	CPUMean *float64 `json:"cpu_mean"`
	CPUMax  *float64 `json:"cpu_max"`
	// Credits of burstable types; nil for others, and where CloudWatch had none yet.
	Credits *CPUCredits `json:"credits,omitempty"`
}

// CPUCredits are of burstable instances. A credit is a minute of one vCPU. CloudWatch knows them every five minutes.
type CPUCredits struct {
	// LowestBalance is the lowest of any instance.
	LowestBalance *float64 `json:"lowest_balance"`
	// Surplus is the most that all instances together had spent in advance, of which nothing is charged as long as it is earned back;
	// Charged is what was charged.
	Surplus *float64 `json:"surplus"`
	Charged *float64 `json:"charged"`
	// Until is the end of the last five minutes that are known.
	Until time.Time `json:"until"`
}

// maxCredits is above all that instances can have, and maxErrorKinds above the kinds of errors that AWS has.
const (
	maxCredits    = 1e9
	maxErrorKinds = 100
)

func (c *CloudWatch) validate() error {
	var errs []error
	if c.To.Before(c.From) {
		errs = append(errs, fmt.Errorf("to is before from"))
	}
	if c.Function != nil {
		if err := c.Function.validate(); err != nil {
			errs = append(errs, fmt.Errorf("function: %w", err))
		}
	}
	if c.Instances != nil {
		if err := c.Instances.validate(); err != nil {
			errs = append(errs, fmt.Errorf("instances: %w", err))
		}
	}
	return errors.Join(errs...)
}

func (f *FunctionLog) validate() error {
	var errs []error
	in := func(name string, n, highest int64) {
		if n < 0 || n > highest {
			errs = append(errs, fmt.Errorf("%s is %d, not in 0 to %d", name, n, highest))
		}
	}
	in("requests_sent", f.Sent, maxCount)
	in("invocations", f.Invocations, maxCount)
	in("cold", f.Cold, max(0, f.Invocations))
	in("failed_inits", f.FailedInits, maxCount)
	in("billed_ms", f.BilledMS, maxCount)
	in("init_billed_ms", f.InitBilledMS, max(0, f.BilledMS))
	in("memory_mb", int64(f.MemoryMB), maxMemoryMB)
	if f.MaxMemoryUsedMB != nil {
		in("max_memory_used_mb", int64(*f.MaxMemoryUsedMB), maxMemoryMB)
	}
	if len(f.Errors) > maxErrorKinds {
		errs = append(errs, fmt.Errorf("errors has %d kinds, more than %d", len(f.Errors), maxErrorKinds))
	}
	failed := int64(0)
	for _, kind := range slices.Sorted(maps.Keys(f.Errors)) {
		in("errors."+kind, f.Errors[kind], max(0, f.Invocations))
		failed += min(max(0, f.Errors[kind]), maxCount)
	}
	if failed > f.Invocations {
		errs = append(errs, fmt.Errorf("%d errors of %d invocations", failed, f.Invocations))
	}
	if most := GBSeconds(f.BilledMS, maxMemoryMB); !(f.BilledGBSeconds >= 0 && f.BilledGBSeconds <= most) {
		errs = append(errs, fmt.Errorf("billed_gb_seconds is %g, not in 0 to %g", f.BilledGBSeconds, most))
	}
	for _, s := range []struct {
		name  string
		of    *Summary
		count int64
	}{{"warm_duration_us", &f.Warm, f.Invocations - f.Cold}, {"cold_duration_us", &f.ColdDuration, f.Cold}, {"init_us", &f.Init, f.Cold}} {
		if s.of.Count != s.count {
			errs = append(errs, fmt.Errorf("%s has %d samples, and there were %d invocations", s.name, s.of.Count, s.count))
		}
	}
	return errors.Join(append(errs, f.validateRounds())...)
}

func (f *FunctionLog) validateRounds() error {
	last, invocations, billed := 0, int64(0), int64(0)
	for i, r := range f.Rounds {
		if r.Round <= last || r.Invocations < 0 || r.BilledMS < 0 || r.Invocations > f.Invocations || r.BilledMS > f.BilledMS {
			return fmt.Errorf("rounds[%d]: round %d with %d invocations and %d ms cannot be", i, r.Round, r.Invocations, r.BilledMS)
		}
		last, invocations, billed = r.Round, invocations+r.Invocations, billed+r.BilledMS
	}
	if invocations > f.Invocations || billed > f.BilledMS {
		return fmt.Errorf("rounds have %d invocations and %d ms, all together have %d and %d", invocations, billed, f.Invocations, f.BilledMS)
	}
	return nil
}

func (m *InstanceMetrics) validate() error {
	var errs []error
	in := func(name string, v *float64, highest float64) {
		if v != nil && !(*v >= 0 && *v <= highest) {
			errs = append(errs, fmt.Errorf("%s is %g, not in 0 to %g", name, *v, highest))
		}
	}
	in("cpu_mean", m.CPUMean, 1)
	in("cpu_max", m.CPUMax, 1)
	if m.WantedMinutes < 0 || m.Minutes < 0 || m.Minutes > m.WantedMinutes {
		errs = append(errs, fmt.Errorf("cpu_minutes is %d of %d", m.Minutes, m.WantedMinutes))
	}
	if c := m.Credits; c != nil {
		in("credits.lowest_balance", c.LowestBalance, maxCredits)
		in("credits.surplus", c.Surplus, maxCredits)
		in("credits.charged", c.Charged, maxCredits)
	}
	return errors.Join(errs...)
}
