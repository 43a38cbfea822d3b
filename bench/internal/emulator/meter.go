package emulator

import (
	"slices"
	"time"
)

// maxSamples bounds the lists of a Meter.
const maxSamples = 10_000

// Meter counts what a service has done since its start.
type Meter struct {
	// Invocations are the events given to an environment, and the requests whose environment could not be initialised. Throttles
	// are the requests that were refused; it is the sum of the three below it.
	Invocations          int64 `json:"invocations"`
	Throttles            int64 `json:"throttles"`
	ThrottlesConcurrency int64 `json:"throttles_concurrency"`  // as many environments existed as may
	ThrottlesScalingRate int64 `json:"throttles_scaling_rate"` // no more could be started just then
	ThrottlesRequestRate int64 `json:"throttles_request_rate"` // Config.RateQuota
	// Errors are the invocations that ended with anything but an answer; it is the sum of the four below it.
	Errors         int64 `json:"errors"`
	FunctionErrors int64 `json:"function_errors"` // reported by the function, a panic too
	Exits          int64 `json:"exits"`           // the process ended before it had answered
	Timeouts       int64 `json:"timeouts"`
	TooLarge       int64 `json:"too_large"` // answers over MaxPayload
	// OutOfMemory are those of the invocations that ended because the memory limit was met.
	OutOfMemory int64 `json:"out_of_memory"`
	// BilledMS is the sum of the billed durations in ms, BilledGBSeconds what they come to with the memory size; both are 0 with several
	// events at once in an environment, which AWS bills by the instance. InitBilledMS is the part of BilledMS that is due to inits.
	BilledMS        int64   `json:"billed_ms"`
	BilledGBSeconds float64 `json:"billed_gb_seconds"`
	InitBilledMS    int64   `json:"init_billed_ms"`
	// MaxMemoryUsedMB is the most memory that the processes of one environment have had in RAM, in MB; 0 if that is not known. It is
	// read after invocations, once a second at most in each environment.
	MaxMemoryUsedMB int `json:"max_memory_used_mb"`
	// LogLinesDropped are lines that nobody has read for too long.
	LogLinesDropped int64 `json:"log_lines_dropped"`
	// Notes say which limits of Lambda's environments are not there, such as "CPU not limited".
	Notes []string `json:"notes"`
	// InvalidAnswers were given but cannot be turned into HTTP. Lambda does not count them as errors.
	InvalidAnswers int64 `json:"invalid_answers"`
	// ColdStarts are the inits that succeeded and that a request has waited for, ProvisionedStarts those of provisioned
	// environments, InitFailures the inits that failed, each try of them. InitRetries are the second tries, inside an invocation.
	ColdStarts        int64 `json:"cold_starts"`
	ProvisionedStarts int64 `json:"provisioned_starts"`
	InitFailures      int64 `json:"init_failures"`
	InitRetries       int64 `json:"init_retries"`
	// ProvisionedInvocations are the invocations by provisioned environments, Spillovers the others. Both are 0 without any.
	ProvisionedInvocations int64 `json:"provisioned_invocations"`
	Spillovers             int64 `json:"spillovers"`
	// InitUS is the time from the start of the process to its first request for an event, in µs, for each cold start in
	// order; StartWaitUS the time that the same cold start waited for its turn before (Config.MaxStarting), which Lambda does
	// not have. Both end after 10,000 cold starts.
	InitUS      []int64 `json:"init_us"`
	StartWaitUS []int64 `json:"start_wait_us"`
	// Redelivered are the events that went to another environment because the first one died with the event unread.
	Redelivered int64 `json:"redelivered"`
	// AsyncEvents are the events of the invocation type Event that were accepted, AsyncRetries the further tries of those that
	// failed, AsyncDropped those that were given up: out of tries, too old, or left at the end. AsyncQueued is how many wait now.
	AsyncEvents  int64 `json:"async_events"`
	AsyncRetries int64 `json:"async_retries"`
	AsyncDropped int64 `json:"async_dropped"`
	AsyncQueued  int   `json:"async_queued"`
	// Reloads is how often there was a new bootstrap (Config.Watch).
	Reloads int64 `json:"reloads"`
	// Reaped are the environments that were ended for having been idle (Config.IdleTimeout).
	Reaped int64 `json:"reaped"`
	// Freezer is how idle environments are frozen: "cgroup v2", "SIGSTOP", or "" if they are not. Freezes is how often that
	// happened, FrozenMS how long environments were frozen, all added up, and Frozen how many are.
	Freezer  string `json:"freezer"`
	Freezes  int64  `json:"freezes"`
	FrozenMS int64  `json:"frozen_ms"`
	Frozen   int    `json:"frozen"`
	// Concurrency is how many environments were busy, idle and starting, over time: one sample a second at most, and less often the
	// longer the service runs, and those of Service.Sample, up to 600 together.
	Concurrency []ConcurrencySample `json:"concurrency"`
	// Now is the concurrency at the time of asking; its peaks are since the last of the samples above.
	Now ConcurrencySample `json:"now"`
	// Environments is the number of processes now, Idle those of them that wait for an event, MaxEnvironments the most there were.
	Environments    int `json:"environments"`
	Idle            int `json:"idle"`
	MaxEnvironments int `json:"max_environments"`
}

// init adds one init.
func (m *Meter) init(r *initRecord) {
	switch {
	case r.failure != nil:
		m.InitFailures++
	case r.initType == initProvisioned:
		m.ProvisionedStarts++
	default:
		m.ColdStarts++
		if len(m.InitUS) < maxSamples {
			m.InitUS = append(m.InitUS, r.took.Microseconds())
			m.StartWaitUS = append(m.StartWaitUS, r.wait.Microseconds())
		}
	}
}

// throttle adds one request that was refused.
func (m *Meter) throttle(reason throttleReason) {
	m.Throttles++
	switch reason {
	case throttledConcurrency:
		m.ThrottlesConcurrency++
	case throttledScaling:
		m.ThrottlesScalingRate++
	case throttledRate:
		m.ThrottlesRequestRate++
	}
}

// count adds the outcome of one invocation.
func (m *Meter) count(k outcomeKind) {
	switch k {
	case outcomeFunctionError:
		m.FunctionErrors++
	case outcomeExit:
		m.Exits++
	case outcomeTimeout:
		m.Timeouts++
	case outcomeTooLarge:
		m.TooLarge++
	case outcomeUnread:
		m.Redelivered++
		return
	default:
		return
	}
	m.Errors++
}

// readMeter copies the meter.
func (f *function) readMeter() Meter {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.meter
	m.InitUS, m.StartWaitUS = slices.Clone(m.InitUS), slices.Clone(m.StartWaitUS)
	m.Concurrency = append(m.Concurrency, f.samples.list...)
	peaks := f.peaks
	m.Now = f.concurrency(time.Since(f.began))
	f.peaks = peaks // they belong to the next sample
	m.Now.raise(f.samples.most)
	m.Environments = len(f.envs)
	for env := range f.envs {
		if env.resting() {
			m.Idle++
		}
	}
	m.MaxMemoryUsedMB = int(f.maxMemoryMB.Load())
	m.LogLinesDropped = f.sink.lost()
	m.Notes = f.limits.read()
	m.Freezer = f.freezing.how()
	times, total, now := f.freezing.clock.read(time.Now())
	m.Freezes, m.FrozenMS, m.Frozen = times, total.Milliseconds(), now
	return m
}
