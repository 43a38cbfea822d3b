package result

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Lambda is what the local Lambda service counted while the load was on it, warm-up phases and all trials of a search included. The
// requests of the check before the load are in none of the counts.
type Lambda struct {
	// LoadS is the time in seconds from the start of the load on the first target to its end on the last, which Concurrency is over.
	LoadS float64 `json:"load_s"`
	// Invocations are the events given to an environment, and the requests whose environment could not be initialised.
	Invocations int64 `json:"invocations"`
	// Unsettled are those of them that were still in work at the end; they are not in the billed figures.
	Unsettled int64 `json:"unsettled"`
	// Errors counts the invocations that ended with anything but an answer by kind: function_error, exit, timeout, too_large. Never nil
	// in a file.
	Errors map[string]int64 `json:"errors"`
	// BilledMS is the sum of the billed durations in ms, each rounded up; InitBilledMS the part of it that is due to inits.
	BilledMS     int64 `json:"billed_ms"`
	InitBilledMS int64 `json:"init_billed_ms"`
	// BilledGBSeconds is BilledMS in seconds times the memory size in GB of 1,024 MB.
	BilledGBSeconds float64 `json:"billed_gb_seconds"`
	// ProvisionedInvocations are those of Invocations that went to provisioned environments. Their time is in the figures above, at
	// one rate with all others.
	ProvisionedInvocations int64 `json:"provisioned_invocations"`
	// MemoryMB is the memory size of the function. MaxMemoryUsedMB is the most memory that the processes of one environment have had
	// in RAM since the start of the service, in MB, the check included; null if unknown.
	MemoryMB        int  `json:"memory_mb"`
	MaxMemoryUsedMB *int `json:"max_memory_used_mb"`
	// Throttles are the requests that were refused; they are no invocations.
	Throttles Throttles `json:"throttles"`
	// Environments says how many were started and ended.
	Environments LambdaEnvironments `json:"environments"`
	// Concurrency is what environments were doing over the time of the load, up to 602 samples. While another target has its turn,
	// they are idle.
	Concurrency []ConcurrencySample `json:"concurrency"`
	// Freezer is how idle environments were frozen, "cgroup v2" or "SIGSTOP"; empty if they were not.
	Freezer string `json:"freezer"`
	// Notes say which of Lambda's limits were not there, such as "CPU not limited".
	Notes []string `json:"notes"`
}

// Throttles are by the limit that was met.
type Throttles struct {
	Concurrency int64 `json:"concurrency"`  // as many environments existed as may
	ScalingRate int64 `json:"scaling_rate"` // no more could be started just then
	RequestRate int64 `json:"request_rate"` // ten times the concurrency a second
}

// Total of all limits.
func (t *Throttles) Total() int64 { return t.Concurrency + t.ScalingRate + t.RequestRate }

// LambdaEnvironments are counts of environments.
type LambdaEnvironments struct {
	// Started are those that a request of the load has waited for; InitFailures are the inits that failed, each try of them.
	Started      int64 `json:"started"`
	InitFailures int64 `json:"init_failures"`
	// Provisioned are those that were started before any request, for provisioned concurrency.
	Provisioned int64 `json:"provisioned"`
	// Reaped are those that were ended during the load for having been idle.
	Reaped int64 `json:"reaped"`
	// MaxConcurrent is how many existed at the same time at most, since the start of the service.
	MaxConcurrent int64 `json:"max_concurrent"`
}

// ConcurrencySample is what environments were doing at one time. It holds until the next sample.
type ConcurrencySample struct {
	// TS is the time in seconds since the start of the load.
	TS float64 `json:"t_s"`
	// Busy are the events in work, BusyMax the most since the sample before.
	Busy    int `json:"busy"`
	BusyMax int `json:"busy_max"`
	// Idle are the environments that wait for an event, Starting those in their init or waiting for their turn.
	Idle     int `json:"idle"`
	Starting int `json:"starting"`
	// EnvironmentsMax and StartingMax are the most environments, and the most of those in their init, since the sample before. Both are 0
	// in results of versions that did not count them.
	EnvironmentsMax int `json:"environments_max"`
	StartingMax     int `json:"starting_max"`
}

// CountsEnvironments says whether the most environments between two samples are known.
func (l *Lambda) CountsEnvironments() bool {
	return slices.ContainsFunc(l.Concurrency, func(s ConcurrencySample) bool { return s.EnvironmentsMax > 0 })
}

// MostBusy is how many events were in work at once at most.
func (l *Lambda) MostBusy() int64 {
	most := 0
	for _, s := range l.Concurrency {
		most = max(most, s.Busy, s.BusyMax)
	}
	return int64(most)
}

// GBSeconds is what a billed duration comes to with a memory size.
func GBSeconds(billedMS int64, memoryMB int) float64 {
	return float64(billedMS) / 1000 * float64(memoryMB) / 1024
}

// maxSamples is more than any service keeps, and maxMemoryMB above all sizes of memory.
const (
	maxSamples  = 10_000
	maxMemoryMB = 1 << 20
	maxAtOnce   = 1 << 20 // events and environments
)

func (l *Lambda) validate() error {
	var errs []error
	in := func(name string, n, highest int64) {
		if n < 0 || n > highest {
			errs = append(errs, fmt.Errorf("%s is %d, not in 0 to %d", name, n, highest))
		}
	}
	e := &l.Environments
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"invocations", l.Invocations},
		{"billed_ms", l.BilledMS},
		{"throttles.concurrency", l.Throttles.Concurrency},
		{"throttles.scaling_rate", l.Throttles.ScalingRate},
		{"throttles.request_rate", l.Throttles.RequestRate},
		{"environments.started", e.Started},
		{"environments.init_failures", e.InitFailures},
		{"environments.provisioned", e.Provisioned},
		{"environments.reaped", e.Reaped},
		{"environments.max_concurrent", e.MaxConcurrent},
	} {
		in(f.name, f.value, maxCount)
	}
	in("init_billed_ms", l.InitBilledMS, max(0, l.BilledMS))
	in("unsettled", l.Unsettled, max(0, l.Invocations))
	in("provisioned_invocations", l.ProvisionedInvocations, max(0, l.Invocations))
	in("memory_mb", int64(l.MemoryMB), maxMemoryMB)
	if l.MaxMemoryUsedMB != nil {
		in("max_memory_used_mb", int64(*l.MaxMemoryUsedMB), maxMemoryMB)
	}
	failed := int64(0)
	for _, kind := range slices.Sorted(maps.Keys(l.Errors)) {
		n := l.Errors[kind]
		in("errors."+kind, n, max(0, l.Invocations))
		failed += min(max(0, n), maxCount)
	}
	if failed > l.Invocations {
		errs = append(errs, fmt.Errorf("%d errors of %d invocations", failed, l.Invocations))
	}
	if want := GBSeconds(l.BilledMS, l.MemoryMB); math.Abs(l.BilledGBSeconds-want) > 1e-6*max(1, want) {
		errs = append(errs, fmt.Errorf("billed_gb_seconds is %g, and billed_ms with memory_mb come to %g", l.BilledGBSeconds, want))
	}
	return errors.Join(append(errs, l.validateConcurrency())...)
}

// validateConcurrency holds the samples against each other and the time of the load.
func (l *Lambda) validateConcurrency() error {
	switch {
	case l.LoadS < 0 || l.LoadS > longestTurn:
		return fmt.Errorf("load_s is %g", l.LoadS)
	case len(l.Concurrency) > maxSamples:
		return fmt.Errorf("concurrency has %d samples, more than %d", len(l.Concurrency), maxSamples)
	}
	last, counted := 0.0, l.CountsEnvironments()
	for i, s := range l.Concurrency {
		if s.TS < last || s.TS > l.LoadS {
			return fmt.Errorf("concurrency[%d].t_s is %g, not in %g to %g", i, s.TS, last, l.LoadS)
		}
		last = s.TS
		for _, n := range []int{s.Busy, s.BusyMax, s.Idle, s.Starting, s.EnvironmentsMax, s.StartingMax} {
			if n < 0 || n > maxAtOnce {
				return fmt.Errorf("concurrency[%d]: %d is no number of environments", i, n)
			}
		}
		if s.BusyMax < s.Busy {
			return fmt.Errorf("concurrency[%d]: busy_max %d is below busy %d", i, s.BusyMax, s.Busy)
		}
		if counted && s.StartingMax < s.Starting {
			return fmt.Errorf("concurrency[%d]: starting_max %d is below starting %d", i, s.StartingMax, s.Starting)
		}
		if counted && s.EnvironmentsMax < s.Idle+s.Starting {
			return fmt.Errorf("concurrency[%d]: environments_max %d is below idle and starting, %d", i, s.EnvironmentsMax, s.Idle+s.Starting)
		}
	}
	return nil
}
