package emulator

import (
	"slices"
	"time"
)

// maxSamples bounds the lists of a Meter.
const maxSamples = 10_000

// Meter counts what a service has done since its start.
type Meter struct {
	// Invocations are the events given to an environment, Throttles the requests refused for lack of concurrency.
	Invocations int64 `json:"invocations"`
	Throttles   int64 `json:"throttles"`
	// Errors are the invocations that ended with anything but an answer; it is the sum of the four below it.
	Errors         int64 `json:"errors"`
	FunctionErrors int64 `json:"function_errors"` // reported by the function, a panic too
	Exits          int64 `json:"exits"`           // the process ended before it had answered
	Timeouts       int64 `json:"timeouts"`
	TooLarge       int64 `json:"too_large"` // answers over MaxPayload
	// InvalidAnswers were given but cannot be turned into HTTP. Lambda does not count them as errors.
	InvalidAnswers int64 `json:"invalid_answers"`
	// ColdStarts are the inits that succeeded, InitFailures the others.
	ColdStarts   int64 `json:"cold_starts"`
	InitFailures int64 `json:"init_failures"`
	// InitUS is the time from the start of the process to its first request for an event, in µs, for each cold start in
	// order; StartWaitUS the time that the same cold start waited for its turn before (Config.MaxStarting), which Lambda does
	// not have. Both end after 10,000 cold starts.
	InitUS      []int64 `json:"init_us"`
	StartWaitUS []int64 `json:"start_wait_us"`
	// Redelivered are the events that went to another environment because the first one died with the event unread.
	Redelivered int64 `json:"redelivered"`
	// Environments is the number of processes now, Idle those of them that wait for an event, MaxEnvironments the most there were.
	Environments    int `json:"environments"`
	Idle            int `json:"idle"`
	MaxEnvironments int `json:"max_environments"`
}

// coldStart adds one successful init.
func (m *Meter) coldStart(wait, init time.Duration) {
	m.ColdStarts++
	if len(m.InitUS) < maxSamples {
		m.InitUS = append(m.InitUS, init.Microseconds())
		m.StartWaitUS = append(m.StartWaitUS, wait.Microseconds())
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
	m.Environments, m.Idle = len(f.envs), len(f.idle)
	return m
}
