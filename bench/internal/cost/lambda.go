package cost

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// Lambda is a function with its front door.
type Lambda struct {
	Region string `json:"region"`
	// Arch is arm64 or x86_64.
	Arch string `json:"arch"`
	// MemoryMB is 128 to 10,240.
	MemoryMB int `json:"memory_mb"`
	// BilledMS is the mean billed time of a request in ms, inits included: see BilledMS the function, or a meter's billed_ms over its
	// invocations.
	BilledMS Interval `json:"billed_ms"`
	// FrontDoor is function_url, http_api, rest_api or alb; Zones are those of an alb, 0 is 2.
	FrontDoor string `json:"front_door"`
	Zones     int    `json:"zones,omitempty"`
	// EphemeralMB is the size of /tmp; 0 is 512, which is free.
	EphemeralMB int `json:"ephemeral_mb,omitempty"`
	// LogBytes is what a request writes to CloudWatch Logs; START, END and REPORT lines are among it.
	LogBytes Bytes `json:"log_bytes"`
	// Streamed says that responses are streamed, which costs for what is above 6 MB.
	Streamed    bool        `json:"streamed,omitempty"`
	Provisioned Provisioned `json:"provisioned,omitzero"`
}

// Provisioned is concurrency that is kept ready.
type Provisioned struct {
	// Environments is how many; 0 is none.
	Environments int `json:"environments"`
	// Seconds for which they are kept, rounded up to 5 minutes; 0 is all of the time.
	Seconds float64 `json:"seconds,omitempty"`
	// Share of the requests that they serve, 0 to 1. BilledMS of these requests; the others have the function's.
	Share    float64  `json:"share"`
	BilledMS Interval `json:"billed_ms,omitzero"`
}

// provisionedStep is what the time of provisioned concurrency is rounded up to. Source: https://aws.amazon.com/lambda/pricing/.
const provisionedStep = 300

// MaxDuration is the longest that an invocation may run, and an init of a function whose time-out is that.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
const MaxDuration = 15 * time.Minute

// Limits of Lambda's memory in MB and time in ms.
const (
	minMemoryMB = 128
	maxMemoryMB = 10240
	maxBilledMS = float64(2 * MaxDuration / time.Millisecond) // the longest run after the longest init
	defaultTmp  = 512
)

// DefaultConcurrency is how many environments an account may have at the same time unless AWS has raised it.
const DefaultConcurrency = 1000

func (f *Lambda) validate(t *Table) error {
	errs := []error{
		t.CheckRegion(f.Region),
		inRange("memory in MB", float64(f.MemoryMB), minMemoryMB, maxMemoryMB),
		f.BilledMS.check("billed ms", 0, maxBilledMS),
		inRange("bytes of logs", float64(f.LogBytes), 0, 1<<40),
		inRange("zones", float64(f.Zones), 0, 10),
		inRange("provisioned environments", float64(f.Provisioned.Environments), 0, 1e6),
		inRange("seconds of provisioned concurrency", f.Provisioned.Seconds, 0, largest*secondsPerHour),
		inRange("share of requests on provisioned environments", f.Provisioned.Share, 0, 1),
	}
	if f.Arch != ARM64 && f.Arch != X86 {
		errs = append(errs, fmt.Errorf("architecture %q: expected %s or %s", f.Arch, ARM64, X86))
	}
	if f.EphemeralMB != 0 {
		errs = append(errs, inRange("ephemeral storage in MB", float64(f.EphemeralMB), defaultTmp, maxMemoryMB))
	}
	if f.Provisioned.BilledMS != (Interval{}) {
		errs = append(errs, f.Provisioned.BilledMS.check("billed ms on provisioned environments", 0, maxBilledMS))
	}
	return errors.Join(errs...)
}

// pick chooses one end of an interval.
type pick func(Interval) float64

func lowest(i Interval) float64  { return i.Low }
func point(i Interval) float64   { return i.Point }
func highest(i Interval) float64 { return i.High }

func (f *Lambda) option(t *Table, l Load, end pick) (*option, error) {
	if err := errors.Join(f.validate(t), l.validate()); err != nil {
		return nil, err
	}
	o := &option{name: "Lambda", load: l, sources: t.Sources}
	requests := part{item: "Requests", unit: "requests", rate: t.Rate(f.Region, keyRequest), perRequest: 1}
	onDemand := part{item: "Duration, " + f.Arch, unit: "GB-seconds", rate: t.Rate(f.Region, keyGBSecond+f.Arch)}
	onDemand.perRequest = float64(MemoryGBSeconds(end(f.BilledMS), f.MemoryMB)) * (1 - f.Provisioned.share())
	if l.FreeTier {
		requests.free, onDemand.free = freeRequests, freeGBSeconds
	}
	o.parts = append(o.parts, requests, onDemand)
	o.parts = append(o.parts, f.provisioned(t, l, end)...)
	if f.EphemeralMB > defaultTmp {
		o.parts = append(o.parts, part{
			item: "Ephemeral storage above 512 MB", unit: "GB-seconds", rate: t.Rate(f.Region, keyEphemeral),
			perRequest: float64(MemoryGBSeconds(f.meanMS(end), f.EphemeralMB-defaultTmp)),
		})
	}
	if f.Streamed && l.ResponseBytes > freeStreamedBytes {
		p := part{
			item: "Response streaming", unit: "GB", rate: t.Rate(f.Region, keyStreamed),
			perRequest: float64(l.ResponseBytes-freeStreamedBytes) / bytesPerGB,
		}
		if l.FreeTier {
			p.free = freeStreamedGB
		}
		o.parts = append(o.parts, p)
	}
	door, err := doorParts(t, f.Region, f.FrontDoor, f.Zones, l, true)
	if err != nil {
		return nil, err
	}
	o.parts = append(o.parts, door...)
	o.parts = append(o.parts, logsPart(t, f.Region, f.LogBytes)...)
	o.parts = append(o.parts, transferPart(t, f.Region, l)...)
	o.caveats = f.caveats(l)
	return o, nil
}

func (p Provisioned) share() float64 {
	if p.Environments == 0 {
		return 0
	}
	return p.Share
}

func (p Provisioned) billed(f *Lambda, end pick) float64 {
	if p.BilledMS == (Interval{}) {
		return end(f.BilledMS)
	}
	return end(p.BilledMS)
}

// meanMS over all requests, wherever they ran.
func (f *Lambda) meanMS(end pick) float64 {
	share := f.Provisioned.share()
	return (1-share)*end(f.BilledMS) + share*f.Provisioned.billed(f, end)
}

func (f *Lambda) provisioned(t *Table, l Load, end pick) []part {
	p := f.Provisioned
	if p.Environments == 0 {
		return nil
	}
	seconds := p.Seconds
	if seconds == 0 {
		seconds = l.hours() * secondsPerHour
	}
	seconds = math.Ceil(seconds/provisionedStep) * provisionedStep
	return []part{
		{
			item: "Provisioned concurrency", unit: "GB-seconds", rate: t.Rate(f.Region, keyProvisioned+f.Arch),
			fixed: float64(MemoryGBSeconds(seconds*msPerSecond, f.MemoryMB)) * float64(p.Environments),
		},
		{
			item: "Duration on provisioned environments", unit: "GB-seconds", rate: t.Rate(f.Region, keyProvisionedDuration+f.Arch),
			perRequest: float64(MemoryGBSeconds(p.billed(f, end), f.MemoryMB)) * p.share(),
		},
	}
}

func (f *Lambda) caveats(l Load) []string {
	perRPS := l.Duty.peak() * f.meanMS(point) / msPerSecond
	busy := float64(l.Rate) * perRPS
	if busy <= DefaultConcurrency {
		return nil
	}
	return []string{fmt.Sprintf("Lambda: the load that is billed keeps %s environments busy where it is highest; an account has %s unless AWS raises it, enough up to %s requests/s on the mean.",
		numeral.Exact(math.Ceil(busy)), numeral.Whole(DefaultConcurrency), numeral.Short(DefaultConcurrency/perRPS))}
}

// outgrown says from which rate on the provisioned environments cannot serve their share of the requests, even if each were busy without a
// pause; empty where they can at all rates up to the highest.
func (f *Lambda) outgrown(l Load, highest RPS) string {
	p := f.Provisioned
	busyPerRPS := l.Duty.peak() * p.share() * p.billed(f, point) / msPerSecond
	if p.Environments == 0 || busyPerRPS*float64(highest) <= float64(p.Environments) {
		return ""
	}
	return fmt.Sprintf("Lambda, load spread %s: provisioned concurrency of %s cannot serve its share of more than %s requests/s on the mean. Above that some run on others, whose duration costs more, so that Lambda's figures are too low there.",
		l.Duty.name(), numeral.Whole(p.Environments), numeral.Short(float64(p.Environments)/busyPerRPS))
}

// Bill is what the function costs under a load.
func (f *Lambda) Bill(t *Table, l Load) (*Bill, error) {
	o, err := f.option(t, l, point)
	if err != nil {
		return nil, err
	}
	return o.bill(float64(l.Rate)), nil
}
