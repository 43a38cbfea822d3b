// Package cost says what a load costs on Lambda and on EC2, from dated prices, and at which rates the two cost the same.
//
// It is pure: prices and the date are handed in, nothing is read and nothing is sent. A price that is not known makes the figures that
// need it missing (nil), never 0. Each formula is in docs/methodology.md with its source.
package cost

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// USD is money in US dollars, without tax.
type USD float64

// RPS is a rate in requests a second.
type RPS float64

// GBSeconds is memory in GB of 1,024 MB, times seconds.
type GBSeconds float64

// Bytes is a size in bytes.
type Bytes float64

const (
	// HoursPerMonth is AWS's convention, 365 days of 24 hours over 12 months.
	HoursPerMonth  = 730
	secondsPerHour = 3600
	// bytesPerGB is what data transfer, logs and volumes are billed by; gigabyte is what an LCU is counted in. AWS's own examples differ so.
	bytesPerGB  = 1 << 30
	gigabyte    = 1e9
	megabyte    = 1 << 20
	mbPerGB     = 1024
	perMillion  = 1e6
	msPerSecond = 1000
)

// Interval is a figure with the range that it may be in, Low ≤ Point ≤ High.
type Interval struct {
	Low   float64 `json:"low"`
	Point float64 `json:"point"`
	High  float64 `json:"high"`
}

// Exactly is a figure without a range.
func Exactly(v float64) Interval { return Interval{v, v, v} }

// Within is v give or take a share of it, 0 to 1.
func Within(v, share float64) Interval {
	return Interval{v * (1 - share), v, v * (1 + share)}
}

// OrMore is the range without an upper end: High is the most that is allowed.
func (i Interval) OrMore() Interval {
	i.High = largest
	return i
}

// check demands lowest ≤ Low ≤ Point ≤ High ≤ highest.
func (i Interval) check(name string, lowest, highest float64) error {
	for _, v := range []float64{i.Low, i.Point, i.High} {
		if err := inRange(name, v, lowest, highest); err != nil {
			return err
		}
	}
	if i.Low > i.Point || i.Point > i.High {
		return fmt.Errorf("%s: the range %g to %g does not hold %g", name, i.Low, i.High, i.Point)
	}
	return nil
}

// inRange refuses NaN too.
func inRange(name string, v, lowest, highest float64) error {
	if !(v >= lowest && v <= highest) {
		return fmt.Errorf("%s %g: expected %s to %s", name, v, numeral.Exact(lowest), numeral.Exact(highest))
	}
	return nil
}

// BilledMS is the mean time in ms that Lambda bills for a request: durations are rounded up to whole ms, and the init is billed with the
// request that caused it. coldFraction is the share of requests that do, 0 to 1.
func BilledMS(duration, init time.Duration, coldFraction float64) float64 {
	warm, cold := ceilMS(duration), ceilMS(init+duration)
	return warm + coldFraction*(cold-warm)
}

func ceilMS(d time.Duration) float64 {
	return math.Ceil(float64(d) / float64(time.Millisecond))
}

// MemoryGBSeconds is what ms of billed time are at a memory size in MB.
func MemoryGBSeconds(ms float64, memoryMB int) GBSeconds {
	return GBSeconds(ms / msPerSecond * float64(memoryMB) / mbPerGB)
}

// Load is what arrives, and how it is spread over time.
type Load struct {
	// Rate is the mean over all of the time, above 0 and up to MaxRate.
	Rate RPS `json:"rate_rps"`
	// Hours that it lasts; 0 is a month of 730.
	Hours float64 `json:"hours"`
	// Duty says how it is spread; empty is evenly.
	Duty Duty `json:"duty,omitzero"`
	// RequestBytes and ResponseBytes are the mean sizes of a request and its answer, headers included; 0 costs nothing.
	RequestBytes  Bytes `json:"request_bytes"`
	ResponseBytes Bytes `json:"response_bytes"`
	// RequestsPerConnection is how many requests a client sends on one connection, 0 is 1. ConnectionSeconds is how long a connection
	// lasts. Both only matter to load balancers.
	RequestsPerConnection float64 `json:"requests_per_connection"`
	ConnectionSeconds     float64 `json:"connection_s"`
	// Rules of a load balancer's listeners that each request is held against; the first 10 are free.
	Rules int `json:"rules"`
	// FreeTier takes off what AWS gives each account for free without end. Free tiers that end after some months are in no figure.
	FreeTier bool `json:"free_tier"`
}

// MinRate and MaxRate are what break-even is looked for in, in requests a second.
const (
	MinRate RPS = 0.01
	MaxRate RPS = 100_000
)

// largest is above all that is reasonable and far below what floating point loses track of.
const largest = 1e9

func (l Load) hours() float64 {
	if l.Hours == 0 {
		return HoursPerMonth
	}
	return l.Hours
}

// requests in all of the time.
func (l Load) requests(rate float64) float64 { return rate * secondsPerHour * l.hours() }

func (l Load) validate() error {
	return errors.Join(
		inRange("rate", float64(l.Rate), 0, largest),
		inRange("hours", l.Hours, 0, largest),
		inRange("request bytes", float64(l.RequestBytes), 0, 1<<40),
		inRange("response bytes", float64(l.ResponseBytes), 0, 1<<40),
		inRange("requests per connection", l.RequestsPerConnection, 0, largest),
		inRange("seconds of a connection", l.ConnectionSeconds, 0, largest),
		inRange("rules", float64(l.Rules), 0, largest),
		l.Duty.validate(),
	)
}
