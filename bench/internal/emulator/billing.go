package emulator

import (
	"errors"
	"strings"
	"time"
)

// usage is what one invocation is measured and billed by. It is in its slot, guarded by function.mu.
type usage struct {
	id       string
	began    time.Time
	cold     bool          // it is the first of an environment that it, or another request, caused
	init     time.Duration // of that environment
	kind     outcomeKind   // how it ended, if it has its outcome
	failure  string        // Lambda's type of the error, "" if there is none
	died     bool          // the environment ended before it asked for the next event
	exit     string        // how it did, in Lambda's words
	open     bool
	duration time.Duration // when it has been settled
	billed   int64         // ms, likewise
	log      *logTail      // nil if nobody wants it
}

// billedMS is the Billed Duration: the init, if it belongs to the invocation, and the invocation together, rounded up to whole
// milliseconds. Lambda bills the init of each configuration since August 2025
// (https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/); that both are added before they are rounded is
// seen in REPORT lines.
func billedMS(init, duration time.Duration) int64 {
	total := init + duration
	ms := int64(total / time.Millisecond)
	if total%time.Millisecond > 0 {
		ms++
	}
	return ms
}

// billedGBSeconds is what a billed duration costs in GB-seconds: "the amount of memory allocated" times the time, 1 GB = 1,024 MB
// (https://aws.amazon.com/lambda/pricing/).
func billedGBSeconds(billedMS int64, memoryMB int) float64 {
	return float64(billedMS) / 1000 * float64(memoryMB) / 1024
}

// settle closes the account at the time at which the environment has asked for the next event, or has ended: an invocation lasts
// until then, not until its answer (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Invoke phase").
func (a *usage) settle(cfg *Config, at time.Time) {
	a.open = false
	a.duration = max(0, at.Sub(a.began))
	if a.kind == outcomeTimeout && !cfg.managed() {
		a.duration = cfg.Timeout // what it takes to end it is not the function's
	}
	if !cfg.managed() {
		a.billed = billedMS(a.init, a.duration)
	}
}

// managed tells whether the environments are like those of Lambda Managed Instances. Their use has no price of its own: AWS bills
// requests and the instances.
func (c *Config) managed() bool { return c.EnvironmentConcurrency > 1 }

// ended is the type of the error that the invocation comes to because its environment has ended.
func (a *usage) ended(state string, outOfMemory bool) {
	a.died, a.exit = true, exitText(state)
	switch {
	case a.kind == outcomeTimeout, strings.HasPrefix(a.failure, "Extension."):
	case outOfMemory:
		a.failure = errorTypeMemory
	default:
		a.failure = errorTypeExit
	}
}

// exitText is what Lambda says about the end of a process.
func exitText(state string) string {
	if state == "exit status 0" {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + state
}

// errorTypeMemory is in REPORT lines of functions that the kernel has killed for their memory; their callers get Runtime.ExitError.
const errorTypeMemory = "Runtime.OutOfMemory"

// outcome takes down how the invocation ended for its caller.
func (a *usage) outcome(out outcome) {
	a.kind = out.kind
	switch out.kind {
	case outcomeTooLarge:
		a.failure = "Function.ResponseSizeTooLarge"
	case outcomeExit:
		a.failure = errorTypeExit
	case outcomeFunctionError:
		a.failure = "Function.Unknown"
		if r, ok := errors.AsType[*report](out.err); ok && r.kind != "" {
			a.failure = r.kind
		}
	case outcomeUnread: // nothing has come of it
		a.open = false
	default:
	}
}

// openAccount begins the account of inv, which is bound to s; f.mu is held.
func (f *function) openAccount(s *slot, inv *invocation) {
	s.account = usage{id: inv.id, open: true, log: inv.log}
	e := s.env
	if e.used {
		return
	}
	e.used = true
	if e.initType == initOnDemand && !e.suppressed { // a second try is part of the duration
		s.account.cold, s.account.init = true, e.init.took
	}
}

// settle closes the account of s and adds it to the meter; f.mu is held. Without one it returns nil.
func (f *function) settle(s *slot, at time.Time) *usage {
	if !s.account.open {
		return nil
	}
	s.account.settle(&f.cfg, at)
	a := s.account
	f.meter.bill(&a, f.cfg.MemoryMB)
	return &a
}

// accountOfInit is the account of an invocation whose init has failed twice. The second try is its duration. That the first is not
// billed is not documented.
func (f *function) accountOfInit(inv *invocation, out outcome) *usage {
	now := time.Now()
	a := &usage{id: inv.id, began: now, log: inv.log}
	if !inv.limit.IsZero() {
		a.began = inv.limit.Add(-f.cfg.Timeout)
	}
	a.outcome(out)
	if failure, ok := errors.AsType[*InitError](out.err); ok && a.kind == outcomeExit {
		a.failure, a.exit = failure.Type, failure.Reason
		if failure.Exit != "" {
			a.exit = exitText(failure.Exit)
		}
	}
	a.settle(&f.cfg, now)
	return a
}

// bill adds one invocation.
func (m *Meter) bill(a *usage, memoryMB int) {
	m.BilledMS += a.billed
	m.BilledGBSeconds += billedGBSeconds(a.billed, memoryMB)
	if a.cold && a.billed > 0 {
		m.InitBilledMS += a.billed - billedMS(0, a.duration)
	}
	if a.failure == errorTypeMemory {
		m.OutOfMemory++
	}
}
