// Package result is the one place where measuring and analysing meet: a Run, and the versioned file that holds it.
//
// The measuring side fills a Run and writes it; the analysing side reads the file and nothing else. All times in it are
// microseconds, all rates are per second. A statistic that cannot be given is null, never 0.
package result

import (
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// SchemaVersion is what this program writes and the only version it reads. Fields may be added under one version.
const SchemaVersion = 1

// Provenance says where the figures of a target come from.
type Provenance string

// Measured is a real process or a deployed service. Emulated ran on the local Lambda service: real binary, real
// sockets, but neither AWS's network nor its microVMs. Simulated was calculated.
const (
	Measured  Provenance = "measured"
	Emulated  Provenance = "emulated"
	Simulated Provenance = "simulated"
)

// ScenarioSource is where a scenario came from.
type ScenarioSource string

// Shipped scenarios are part of the program and known by name; all others are read from a file.
const (
	Shipped  ScenarioSource = "shipped"
	FromFile ScenarioSource = "file"
)

// Run is one comparison: one load put on one or more targets.
type Run struct {
	SchemaVersion int       `json:"schema_version"`
	Tool          Tool      `json:"tool"`
	StartedAt     time.Time `json:"started_at"`
	FinishedAt    time.Time `json:"finished_at"`
	// Interrupted is true when the run was stopped before all phases were done; what was measured is all here.
	Interrupted bool              `json:"interrupted"`
	Scenario    scenario.Scenario `json:"scenario"`
	// ScenarioSource says where the scenario came from; empty where that is not known.
	ScenarioSource ScenarioSource `json:"scenario_source,omitempty"`
	Seed           uint64         `json:"seed"`
	Rounds         int            `json:"rounds"`
	// CheckSkipped is true when the answers of the targets were not compared before the load (--skip-check).
	CheckSkipped bool        `json:"check_skipped"`
	Environment  Environment `json:"environment"`
	Generator    Generator   `json:"generator"`
	Targets      []Target    `json:"targets"`
	// Thresholds are the scenario's SLO held against the targets; none without an SLO.
	Thresholds []Threshold `json:"thresholds,omitempty"`
	// Warnings are caveats about the whole run, in sentences.
	Warnings []string `json:"warnings"`
}

// Tool is the program that made the file.
type Tool struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Environment is the machine that the generator ran on, and, in a local run, the targets too.
type Environment struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPUs int    `json:"cpus"`
	// CPUModel is empty where the system does not tell.
	CPUModel string `json:"cpu_model,omitempty"`
	// MemoryMB is the machine's memory in MiB; 0 where the system does not tell.
	MemoryMB int64 `json:"memory_mb,omitempty"`
	// Redis is nil when bench started none and knows none.
	Redis *Redis `json:"redis"`
}

// Miniredis is the kind of Redis that bench serves itself where no other is found.
const Miniredis = "miniredis"

// Redis is the store that both targets of a local run share.
type Redis struct {
	// Kind is external, redis-server, valkey-server or Miniredis.
	Kind    string `json:"kind"`
	Version string `json:"version"`
	// URL never has a password in it.
	URL string `json:"url"`
}

// Finish sets the time of the end. Where the clock was set back in between that is the one of the start: what took how long is not told by
// the two, and an end before the start is a file that was edited.
func (r *Run) Finish(at time.Time) {
	r.FinishedAt = at
	if !at.IsZero() && at.Before(r.StartedAt) {
		r.FinishedAt = r.StartedAt
	}
}

// Verdict says whether the generator could do what was asked of it.
type Verdict string

// Valid found nothing against the run; Suspect and Invalid come with reasons.
const (
	Valid   Verdict = "valid"
	Suspect Verdict = "suspect"
	Invalid Verdict = "invalid"
)

// Generator is the health of the load generator itself.
type Generator struct {
	Verdict Verdict  `json:"verdict"`
	Reasons []string `json:"reasons"`
	// SendLag is how late requests were sent, against when they were due. Null in a closed loop, which has no schedule.
	SendLag *Summary `json:"send_lag_us"`
	// CPUFraction is the share of all CPUs that the generator's process used while it sent, 0 to 1; null if unknown. Of several
	// targets it is that of the one for which it was highest, as are the two that follow. Spinning until a request is due is not in it.
	CPUFraction *float64 `json:"cpu_fraction"`
	// SpunFraction is the share of all CPUs that it spun for, to send on time; null where it never did.
	SpunFraction *float64 `json:"cpu_spun_fraction,omitempty"`
	// MachineCPUFraction is the share of all CPUs of the machine that were busy while it sent, with anything but that spinning, 0
	// to 1; null if unknown.
	MachineCPUFraction *float64 `json:"machine_cpu_fraction"`
	// GCPauses are the times at which its garbage collector stopped all of it while it sent; null if unknown.
	GCPauses *Pauses `json:"gc_pauses"`
	// OpenFiles is the highest number of open files that was seen, at the ends of phases, and OpenFilesLimit how many the system
	// allows; null if unknown.
	OpenFiles      *int64 `json:"open_files"`
	OpenFilesLimit *int64 `json:"open_files_limit"`
	// PeakMemoryBytes is the largest resident size of the generator's process; null if unknown.
	PeakMemoryBytes *int64 `json:"peak_memory_bytes"`
}

// Pauses are stops of a whole process.
type Pauses struct {
	Count int64 `json:"count"`
	// TotalUS and MaxUS err upwards, by up to a tenth: Go counts pauses in buckets.
	TotalUS float64 `json:"total_us"`
	MaxUS   float64 `json:"max_us"`
}

// Target is one of the things compared, and all that was measured on it.
type Target struct {
	Name       string        `json:"name"`
	Kind       string        `json:"kind"`
	URL        string        `json:"url"`
	Provenance Provenance    `json:"provenance"`
	Spec       Spec          `json:"spec"`
	Phases     []PhaseStats  `json:"phases"`
	Overall    Stats         `json:"overall"`
	Steps      []StepStats   `json:"steps"`
	ColdStarts *ColdStarts   `json:"cold_starts"`
	Examples   []ErrorSample `json:"error_examples"`
	// Lambda is what the local Lambda service counted; nil for all other targets.
	Lambda *Lambda `json:"lambda,omitempty"`
	// CloudWatch is what AWS tells of a deployed target; nil for all others, and where it was not asked.
	CloudWatch *CloudWatch `json:"cloudwatch,omitempty"`
	// Capacity is what a search for it found; nil in runs that did not search. The phases are then the trials at the rate that was
	// kept, so that the totals show the target at its capacity; other trials are in no figure but their own.
	Capacity *Capacity `json:"capacity,omitempty"`
}

// Spec is what is known of how a target is hosted. Empty fields are unknown or do not apply.
type Spec struct {
	Region       string `json:"region,omitempty"`
	Arch         string `json:"arch,omitempty"`
	InstanceType string `json:"instance_type,omitempty"`
	// CreditMode of a burstable instance: "standard", which slows it down when its CPU credits are spent, or "unlimited", which
	// charges for more.
	CreditMode string `json:"credit_mode,omitempty"`
	// TLS says whether requests were encrypted on their way; where it is null, the scheme of the URL does.
	TLS       *bool `json:"tls,omitempty"`
	Instances int   `json:"instances,omitempty"`
	MemoryMB  int   `json:"memory_mb,omitempty"`
	// ProvisionedConcurrency is how many environments of a deployed function are kept.
	ProvisionedConcurrency int    `json:"provisioned_concurrency,omitempty"`
	FrontDoor              string `json:"front_door,omitempty"`
	Auth                   string `json:"auth,omitempty"`
	// Notes say in sentences what the target is not, such as a CPU that is not limited to the memory's share.
	Notes []string `json:"notes,omitempty"`
}

// PhaseStats is one phase of one round.
type PhaseStats struct {
	Name   string `json:"name"`
	Warmup bool   `json:"warmup"`
	// Round counts from 1.
	Round int `json:"round"`
	// Turn is the place of this target in the order in which the targets ran this phase, from 1.
	Turn int `json:"turn"`
	// Workers of a closed phase.
	Workers int `json:"workers,omitempty"`
	// RateRPS of an open phase in iterations a second, at its start; RateEndRPS at its end, where it ramps. Null otherwise.
	RateRPS    *float64 `json:"rate_rps,omitempty"`
	RateEndRPS *float64 `json:"rate_end_rps,omitempty"`
	Stats
}

// StepStats is one step over all phases that count.
type StepStats struct {
	Name string `json:"name"`
	Stats
}

// KindUnsent is the kind of error of a request that was due in an open loop and was never sent, as no connection became free in time.
const KindUnsent = "unsent"

// Stats is what was counted and timed over some span. Failed requests are never in the times of the successes.
type Stats struct {
	Requests  int64 `json:"requests"`
	Successes int64 `json:"successes"`
	// Errors counts failed requests by kind, such as status_503, timeout, connect or mismatch. Never nil in a file.
	Errors map[string]int64 `json:"errors"`
	// WallS is the time in seconds from the first send to the last answer; of several phases, the sum. Null where nothing
	// was sent, and for steps, which share the time of their phase.
	WallS *float64 `json:"wall_s"`
	// ThroughputRPS is successes a second of wall time; null without wall time.
	ThroughputRPS *float64 `json:"throughput_rps"`
	// ResponseTime counts from when the request was due, ServiceTime from when it was sent. Equal in a closed loop.
	ResponseTime Summary `json:"response_time_us"`
	ServiceTime  Summary `json:"service_time_us"`
	// ErrorTime is how long failed requests took to fail.
	ErrorTime Summary `json:"error_time_us"`
	// ConnectTime is the time to open a connection; its count is the number of connections. It is not part of any
	// other time, but of the response time where the request was due before.
	ConnectTime Summary `json:"connect_time_us"`
	// TLSTime is the part of it that the TLS handshake took; missing without TLS.
	TLSTime *Summary `json:"tls_time_us,omitempty"`
	// SendLag is how much later the generator sent requests than it could have: after they were due and a connection was free.
	// Missing in a closed loop, and for steps.
	SendLag *Summary `json:"send_lag_us,omitempty"`
	// ServerTiming is what the answers said of themselves; missing where they said nothing, and for steps.
	ServerTiming *ServerTiming `json:"server_timing_us,omitempty"`
	// UnsentTime is how long requests waited that were due and never sent, the errors of kind "unsent"; they are in no other time.
	// Missing where there are none.
	UnsentTime *Summary `json:"unsent_time_us,omitempty"`
}

// ServerTiming are durations that right answers carried in Server-Timing, each missing where no answer had it. They are the target's
// own, by its clock: nothing of the network is in them, nor of what runs before the app gets a request.
type ServerTiming struct {
	// App is all of the app's work, Store the part of it that waited for the store.
	App   *Summary `json:"app,omitempty"`
	Store *Summary `json:"store,omitempty"`
	// Init is how long an environment took to start, by its first answer.
	Init *Summary `json:"init,omitempty"`
}

// ColdStarts is what is known of environments that were started. Cold requests are part of Stats too, as they are part
// of what users see.
type ColdStarts struct {
	// Requests is how many counted requests were the first of their environment, by the answer's Server-Timing.
	Requests int64 `json:"requests"`
	// WarmedByCheck is how many environments the check before the load had started.
	WarmedByCheck int64 `json:"warmed_by_check"`
	// ResponseTime of the cold requests that succeeded, as the client saw them.
	ResponseTime Summary `json:"response_time_us"`
	// Environments is how many environments the local Lambda service started, the check's included; null for deployed targets.
	Environments *int64 `json:"environments"`
	// Init is from the start of the process to its first request for work, by the local Lambda service; null for
	// deployed targets.
	Init *Summary `json:"init_us"`
	// MaxConcurrent is how many environments existed at the same time at most; null for deployed targets.
	MaxConcurrent *int64 `json:"max_concurrent"`
}

// ErrorSample is the first failed request of a kind.
type ErrorSample struct {
	Kind  string `json:"kind"`
	Phase string `json:"phase"`
	Step  string `json:"step"`
	// Detail says what happened; of a mismatch, what was expected and what came.
	Detail string `json:"detail"`
}
