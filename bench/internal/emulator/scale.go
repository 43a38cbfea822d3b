package emulator

import "time"

// Lambda's rates, "Lambda quotas" (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html) and "Lambda scaling
// behavior" (https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html): each function gets 1,000 new environments every
// 10 s, refilled continuously and never more than that; synchronous requests are limited to ten times the concurrency a second.
const (
	defaultScaleRate = 1000
	scaleInterval    = 10 * time.Second
	requestsPerSlot  = 10
)

// bucket is a token bucket: it holds up to size tokens and is full at first.
type bucket struct {
	size   float64
	every  time.Duration // in which size tokens come in
	tokens float64
	last   time.Time // when tokens was right
}

func newBucket(size int, every time.Duration, now time.Time) bucket {
	return bucket{size: float64(size), every: every, tokens: float64(size), last: now}
}

// take takes one token, if there is one.
func (b *bucket) take(now time.Time) bool {
	if d := now.Sub(b.last); d > 0 {
		b.tokens = min(b.size, b.tokens+b.size*float64(d)/float64(b.every))
		b.last = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// throttleReason says which limit a request met.
type throttleReason int

const (
	throttledConcurrency throttleReason = iota // as many environments exist as may, or as have room
	throttledScaling                           // no more may be started just now
	throttledRate                              // too many requests a second
)

// throttleError tells that a request was throttled.
type throttleError struct {
	reason   throttleReason
	reserved bool // the limit is that of the function's reserved concurrency, not the account's
}

func (e *throttleError) Error() string {
	return [...]string{"concurrency limit reached", "scaling rate reached", "request rate reached"}[e.reason]
}

// awsReason is the Reason of TooManyRequestsException. The names are those of the Invoke API
// (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html). Which one the scaling rate has is not documented: here it is that
// of the concurrency, which is what it limits.
func (e *throttleError) awsReason() string {
	switch {
	case e.reason == throttledRate && e.reserved:
		return "ReservedFunctionInvocationRateLimitExceeded"
	case e.reason == throttledRate:
		return "FunctionInvocationRateLimitExceeded"
	case e.reserved:
		return "ReservedFunctionConcurrentInvocationLimitExceeded"
	}
	return "ConcurrentInvocationLimitExceeded"
}

// limit is how many environments may exist at once.
func (c *Config) limit() int {
	if c.ReservedConcurrency != nil {
		return *c.ReservedConcurrency
	}
	return c.MaxConcurrency
}

// throttle counts a request that is refused; f.mu is held.
func (f *function) throttle(reason throttleReason) error {
	f.meter.throttle(reason)
	return &throttleError{reason: reason, reserved: f.cfg.ReservedConcurrency != nil}
}

// admit holds a request against the request-rate quota.
func (f *function) admit() error {
	if !f.cfg.RateQuota || f.cfg.limit() == 0 { // none is allowed: that is not for their rate
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.requests.take(f.now()) {
		return nil
	}
	return f.throttle(throttledRate)
}

// scale holds a new environment against the limits, and takes descriptors for it; f.mu is held.
func (f *function) scale() error {
	if f.used() >= f.cfg.limit() {
		return f.throttle(throttledConcurrency)
	}
	if !files().tryEnvironment() {
		return f.throttle(throttledConcurrency)
	}
	if !f.starts.take(f.now()) {
		files().addEnvironments(-1)
		return f.throttle(throttledScaling)
	}
	return nil
}
