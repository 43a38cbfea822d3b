package tune

import (
	"slices"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

// SchemaVersion of a Result.
const SchemaVersion = 1

// Origin says where a configuration's figures come from.
type Origin string

// Measured ran on AWS or is a real process; Emulated ran on the local Lambda service; Estimated was calculated, nothing ran.
const (
	Measured  Origin = "measured"
	Emulated  Origin = "emulated"
	Estimated Origin = "estimated"
)

// Result is what a sweep over configurations found: the file tune.json. A figure that is not known is null.
type Result struct {
	SchemaVersion int       `json:"schema_version"`
	StartedAt     time.Time `json:"started_at"`
	Scenario      string    `json:"scenario"`
	Seed          uint64    `json:"seed"`
	Rounds        int       `json:"rounds"`
	// Interrupted is true when the sweep was stopped before its end.
	Interrupted bool `json:"interrupted"`
	// RateRPS is the rate in requests/s that all costs are for; null where nothing was answered.
	RateRPS       *float64 `json:"rate_rps"`
	PricesWritten string   `json:"prices_written"`
	// Latency is the percentile that the front is of: p99, or the highest lower one that all configurations have samples enough for; empty
	// where they have none in common.
	Latency string `json:"latency"`
	// SLO are the thresholds in words; empty without any.
	SLO []string `json:"slo"`
	// Apart is false where the sizes cannot be told apart, and Why says so: then there is neither a front nor a choice.
	Apart bool   `json:"told_apart"`
	Why   string `json:"why_not,omitempty"`
	// Configurations are in the order in which they were asked for.
	Configurations []Configuration `json:"configurations"`
	// Front are the configurations that no other one beats by the figures themselves, the cheapest first. How sure that is their standings say.
	Front []string `json:"front"`
	// Chosen is the cheapest configuration that keeps the SLO, or without an SLO the cheapest; empty where there is none. Rivals are those that
	// do too and of which it cannot be told whether they cost more. Fastest is the one with the lowest latency, or a cheaper one that
	// is as fast as far as can be told.
	Chosen  string   `json:"chosen,omitempty"`
	Rivals  []string `json:"rivals,omitempty"`
	Fastest string   `json:"fastest,omitempty"`
	// Warnings say in sentences why the figures may be the load generator's own; empty where it is valid.
	Warnings []string `json:"warnings"`
	// Caveats are what the figures cannot say, in sentences.
	Caveats []string `json:"caveats"`
}

// Configuration is one of them, with what is known of it.
type Configuration struct {
	Name string `json:"name"`
	// Function says that it is a function, otherwise it is instances or a process.
	Function bool   `json:"function"`
	Origin   Origin `json:"origin"`
	// MemoryMB of a function, Instances of a number of instances; 0 where that is not what it has.
	MemoryMB     int    `json:"memory_mb,omitempty"`
	InstanceType string `json:"instance_type,omitempty"`
	Instances    int    `json:"instances,omitempty"`
	// VCPU is the CPU share of one environment, or the vCPUs of one instance; 0 is not known.
	VCPU float64 `json:"vcpu,omitempty"`

	Requests int64 `json:"requests"`
	Errors   int64 `json:"errors"`
	// ThroughputRPS is right answers a second.
	ThroughputRPS *float64 `json:"throughput_rps"`
	// P50 and P99 are over all rounds, of merged histograms, cold requests included; null where the samples are too few.
	P50 *float64 `json:"p50_us"`
	P99 *float64 `json:"p99_us"`
	// Tail is Result.Latency, with its range over the rounds; the range is empty with fewer rounds than it takes.
	Tail *cost.Interval `json:"tail_us"`
	// Cold is how many counted requests waited for an init; Init is the mean duration of an init in µs, those before the load included; null is
	// not known.
	Cold *int64   `json:"cold_requests"`
	Init *float64 `json:"init_mean_us"`
	// BilledMS is the mean billed time of a request, and BilledFrom where it comes from: meter, log, server_timing or client.
	BilledMS   *cost.Interval `json:"billed_ms"`
	BilledFrom string         `json:"billed_from,omitempty"`
	// USDPerMillion is what a million requests cost at Result.RateRPS.
	USDPerMillion *cost.Interval `json:"usd_per_million_requests"`
	// Meets says whether the SLO was kept; null without one, and where it is not known. Missed are the thresholds that were not, in words.
	Meets    *bool    `json:"meets_slo"`
	Missed   []string `json:"missed,omitempty"`
	Standing Standing `json:"standing"`
	// Notes are what is particular about it, in sentences.
	Notes []string `json:"notes,omitempty"`
}

// Where a billed time comes from.
const (
	// BilledByMeter was counted by the local Lambda service, BilledByLog is by the REPORT lines of AWS's log.
	BilledByMeter = "meter"
	BilledByLog   = "log"
	// BilledByServer is estimated from what the app says of itself in Server-Timing.
	BilledByServer = "server_timing"
	// BilledByClient is estimated from the client's times, which have the network in them.
	BilledByClient = "client"
)

// Untold says that of a configuration that ran it is not known whether it keeps the SLO.
func (r *Result) Untold() bool {
	return len(r.SLO) > 0 && slices.ContainsFunc(r.Configurations, func(c Configuration) bool { return c.Origin != Estimated && c.Meets == nil })
}

// Place sets the standings and the choice by the figures, unless the sizes cannot be told apart.
func (r *Result) Place() {
	options := make([]Option, len(r.Configurations))
	for i := range r.Configurations {
		c := &r.Configurations[i]
		c.Standing = Unplaced
		options[i] = Option{Cost: c.USDPerMillion, Latency: c.Tail, Meets: c.Meets}
	}
	r.Chosen, r.Fastest, r.Rivals, r.Front = "", "", nil, []string{}
	if !r.Apart {
		return
	}
	for i, s := range Standings(options) {
		r.Configurations[i].Standing = s
	}
	for _, i := range Front(options) {
		r.Front = append(r.Front, r.Configurations[i].Name)
	}
	if i, ok := Fastest(options); ok {
		r.Fastest = r.Configurations[i].Name
	}
	choice, ok := Choose(options, len(r.SLO) > 0)
	if !ok {
		return
	}
	r.Chosen = r.Configurations[choice.Option].Name
	for _, i := range choice.Rivals {
		r.Rivals = append(r.Rivals, r.Configurations[i].Name)
	}
}
