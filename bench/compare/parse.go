package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// figures are what a generator says of one run.
type figures struct {
	// RatePerSecond of good answers, 0 if none came.
	RatePerSecond float64 `json:"rate_rps"`
	Requests      int64   `json:"requests"`
	// Failed is how many requests it calls failed; they may be among Requests or not, as the generator counts.
	Failed      int64       `json:"failed"`
	Percentiles percentiles `json:"percentiles"`
	// CPUSeconds that the generator's process used from its start to its end.
	CPUSeconds float64 `json:"cpu_s"`
	// Note is what it admits beside.
	Note string `json:"note,omitempty"`
}

var (
	errNoRate     = errors.New("its output tells no rate of requests")
	errImpossible = errors.New("its output has figures that cannot be")
)

var (
	rateLine       = regexp.MustCompile(`(?m)^\s*Requests/sec:\s+([0-9.]+)\s*$`)
	wrkTotal       = regexp.MustCompile(`(?m)^\s*([0-9]+) requests in `)
	wrkPercentile  = regexp.MustCompile(`(?m)^\s+([0-9.]+)%\s+([0-9.]+)(us|ms|s|m|h)\s*$`)
	wrkStatus      = regexp.MustCompile(`(?m)^\s*Non-2xx or 3xx responses: ([0-9]+)\s*$`)
	wrkSockets     = regexp.MustCompile(`(?m)^\s*Socket errors: connect ([0-9]+), read ([0-9]+), write ([0-9]+), timeout ([0-9]+)\s*$`)
	heyPercentile  = regexp.MustCompile(`(?m)^\s+([0-9.]+)%+ in ([0-9.]+) secs\s*$`)
	heyStatus      = regexp.MustCompile(`(?m)^\s+\[([0-9]+)\]\s+([0-9]+) responses\s*$`)
	heyErrors      = regexp.MustCompile(`(?m)^\s+\[([0-9]+)\]\s+\D`)
	heyErrorsTitle = "Error distribution:"
)

// perCPU is how many good answers a second of the generator's CPU was enough for: what a request costs it, whatever share of a CPU
// it got and however fast the target was. 0 if unknown.
func (f figures) perCPU() float64 {
	if f.CPUSeconds <= 0 {
		return 0
	}
	return float64(f.Requests-f.Failed) / f.CPUSeconds
}

// good takes the failed requests out of a rate that counts them.
func (f figures) good() figures {
	if f.Requests > 0 {
		f.RatePerSecond *= float64(max(0, f.Requests-f.Failed)) / float64(f.Requests)
	}
	return f
}

// add counts requests, and how many failed. After one number that cannot be Requests is negative whatever comes, and figures refuses it.
func (f *figures) add(requests, failed int64) {
	if f.Requests < 0 || min(requests, failed) < 0 || max(requests, failed) > maxCount {
		f.Requests = -1
		return
	}
	f.Requests += requests
	f.Failed += failed
}

// status counts answers of one status.
func (f *figures) status(code string, n int64) {
	if strings.HasPrefix(code, "2") {
		f.add(n, 0)
	} else {
		f.add(n, n)
	}
}

// figures reads what the generator printed.
func (t *tool) figures(out string) (figures, error) {
	f, err := t.parse(out)
	if err != nil {
		return figures{}, err
	}
	if f.Requests < 0 || f.Failed < 0 || !(f.RatePerSecond >= 0) || math.IsInf(f.RatePerSecond, 0) {
		return figures{}, errImpossible
	}
	return f, nil
}

// number is the whole or broken number that a pattern found.
func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0 // such as 1.2.3 or one of a thousand digits, which no tool prints
	}
	return v
}

// count is the whole number that a pattern found, or -1 if it is above maxCount.
func count(text string) int64 {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v > maxCount {
		return -1
	}
	return v
}

// whole is count of a number that a tool has as a float.
func whole(v float64) int64 {
	if !(v >= 0 && v <= maxCount) {
		return -1
	}
	return int64(v)
}

// maxCount is more than any tool prints; sums of such numbers do not overflow.
const maxCount = 1e12

// rateOf finds the line that hey and wrk share.
func rateOf(out string) (float64, error) {
	m := rateLine.FindStringSubmatch(out)
	if m == nil {
		return 0, errNoRate
	}
	rate, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, errImpossible
	}
	return rate, nil
}

func noPercentiles() percentiles { return percentiles{unknown, unknown, unknown, unknown} }

// set a percentile if it is one that people compare.
func (p *percentiles) set(percent, ms float64) {
	switch percent {
	case 50:
		p.P50 = ms
	case 90:
		p.P90 = ms
	case 95:
		p.P95 = ms
	case 99:
		p.P99 = ms
	}
}

// parseWrk reads what wrk and wrk2 print with --latency.
func parseWrk(out string) (figures, error) {
	rate, err := rateOf(out)
	if err != nil {
		return figures{}, err
	}
	f := figures{RatePerSecond: rate, Percentiles: noPercentiles()}
	if m := wrkTotal.FindStringSubmatch(out); m != nil {
		f.add(count(m[1]), 0)
	}
	for _, m := range wrkPercentile.FindAllStringSubmatch(out, -1) {
		unit, err := time.ParseDuration("1" + m[3])
		if err != nil {
			return figures{}, err
		}
		f.Percentiles.set(number(m[1]), number(m[2])*unit.Seconds()*1e3)
	}
	if m := wrkStatus.FindStringSubmatch(out); m != nil {
		f.add(0, count(m[1]))
	}
	if m := wrkSockets.FindStringSubmatch(out); m != nil {
		for _, n := range m[1:] {
			f.add(0, count(n))
		}
	}
	return f.good(), nil
}

// parseHey reads hey's summary, which has four decimals of a second.
func parseHey(out string) (figures, error) {
	rate, err := rateOf(out)
	if err != nil {
		return figures{}, err
	}
	f := figures{RatePerSecond: rate, Percentiles: noPercentiles()}
	for _, m := range heyPercentile.FindAllStringSubmatch(out, -1) {
		f.Percentiles.set(number(m[1]), number(m[2])*1e3)
	}
	for _, m := range heyStatus.FindAllStringSubmatch(out, -1) {
		f.status(m[1], count(m[2]))
	}
	if _, errors, ok := strings.Cut(out, heyErrorsTitle); ok {
		for _, m := range heyErrors.FindAllStringSubmatch(errors, -1) {
			f.add(count(m[1]), count(m[1]))
		}
	}
	return f.good(), nil
}

// parseVegeta reads `vegeta report -type json`.
func parseVegeta(out string) (figures, error) {
	var r struct {
		Latencies struct {
			P50 float64 `json:"50th"`
			P90 float64 `json:"90th"`
			P95 float64 `json:"95th"`
			P99 float64 `json:"99th"`
		} `json:"latencies"`
		Requests   int64   `json:"requests"`
		Throughput float64 `json:"throughput"`
		Success    float64 `json:"success"`
	}
	if err := unmarshal(out, &r); err != nil {
		return figures{}, err
	}
	if r.Requests == 0 {
		return figures{}, errNoRate
	}
	const ns = 1e-6 // in ms
	f := figures{
		RatePerSecond: r.Throughput,
		Percentiles:   percentiles{r.Latencies.P50 * ns, r.Latencies.P90 * ns, r.Latencies.P95 * ns, r.Latencies.P99 * ns},
	}
	good := whole(float64(r.Requests)*r.Success + 0.5)
	f.add(good, 0)
	f.add(r.Requests-good, r.Requests-good)
	return f, nil
}

// parseK6 reads the metrics that k6.js prints.
func parseK6(out string) (figures, error) {
	var r map[string]struct {
		Values map[string]float64 `json:"values"`
	}
	if err := unmarshal(out, &r); err != nil {
		return figures{}, err
	}
	requests := r["http_reqs"].Values
	if requests["count"] == 0 {
		return figures{}, errNoRate
	}
	took := r["http_req_duration"].Values
	f := figures{
		RatePerSecond: requests["rate"], Percentiles: percentiles{took["med"], took["p(90)"], took["p(95)"], took["p(99)"]},
	}
	// The metric is a share of "passes", and what passes is that the request failed.
	f.add(whole(requests["count"]), whole(r["http_req_failed"].Values["passes"]))
	if dropped := r["dropped_iterations"].Values["count"]; dropped > 0 {
		f.Note = fmt.Sprintf("%.0f dropped", dropped)
	}
	return f.good(), nil
}

// parseFortio reads `fortio load -json -`.
func parseFortio(out string) (figures, error) {
	var r struct {
		ActualQPS float64
		RetCodes  map[string]int64
		Histogram struct {
			Percentiles []struct {
				Percentile float64
				Value      float64 // s
			}
		} `json:"DurationHistogram"`
	}
	if err := unmarshal(out, &r); err != nil {
		return figures{}, err
	}
	if r.ActualQPS == 0 {
		return figures{}, errNoRate
	}
	f := figures{RatePerSecond: r.ActualQPS, Percentiles: noPercentiles()}
	for code, n := range r.RetCodes {
		f.status(code, n)
	}
	for _, p := range r.Histogram.Percentiles {
		f.Percentiles.set(p.Percentile, p.Value*1e3)
	}
	return f.good(), nil
}

// parseBombardier reads `bombardier -l -o json -p r`.
func parseBombardier(out string) (figures, error) {
	var r struct {
		Result struct {
			Seconds float64 `json:"timeTakenSeconds"`
			Req1xx  int64   `json:"req1xx"`
			Req2xx  int64   `json:"req2xx"`
			Req3xx  int64   `json:"req3xx"`
			Req4xx  int64   `json:"req4xx"`
			Req5xx  int64   `json:"req5xx"`
			Others  int64   `json:"others"`
			Latency struct {
				Percentiles map[string]float64 `json:"percentiles"` // µs
			} `json:"latency"`
		} `json:"result"`
	}
	if err := unmarshal(out, &r); err != nil {
		return figures{}, err
	}
	o := r.Result
	if o.Seconds <= 0 {
		return figures{}, errNoRate
	}
	f := figures{RatePerSecond: float64(o.Req2xx) / o.Seconds, Percentiles: noPercentiles()}
	f.add(o.Req2xx, 0)
	for _, failed := range []int64{o.Req1xx, o.Req3xx, o.Req4xx, o.Req5xx, o.Others} {
		f.add(failed, failed)
	}
	for percent, us := range o.Latency.Percentiles {
		f.Percentiles.set(number(percent), us/1e3)
	}
	return f, nil
}

// parseOha reads `oha --output-format json`.
func parseOha(out string) (figures, error) {
	var r struct {
		Summary struct {
			PerSecond float64 `json:"requestsPerSec"`
		} `json:"summary"`
		Percentiles struct {
			P50 float64 `json:"p50"` // s
			P90 float64 `json:"p90"`
			P95 float64 `json:"p95"`
			P99 float64 `json:"p99"`
		} `json:"latencyPercentiles"`
		Status map[string]int64 `json:"statusCodeDistribution"`
		Errors map[string]int64 `json:"errorDistribution"`
	}
	if err := unmarshal(out, &r); err != nil {
		return figures{}, err
	}
	if r.Summary.PerSecond == 0 {
		return figures{}, errNoRate
	}
	p := r.Percentiles
	f := figures{RatePerSecond: r.Summary.PerSecond, Percentiles: percentiles{p.P50 * 1e3, p.P90 * 1e3, p.P95 * 1e3, p.P99 * 1e3}}
	for code, n := range r.Status {
		f.status(code, n)
	}
	for what, n := range r.Errors {
		if what == "aborted due to deadline" { // what was in flight at the end
			f.Note = fmt.Sprintf("%d cut off at the end", n)
			continue
		}
		f.add(n, n)
	}
	return f.good(), nil
}

func unmarshal(out string, v any) error {
	if err := json.Unmarshal([]byte(out), v); err != nil {
		return fmt.Errorf("reading its output: %w", err)
	}
	return nil
}

var gcLine = regexp.MustCompile(`(?m)^gc [0-9]+ @.* ([0-9]+)->([0-9]+)->([0-9]+) MB, `)

// parseGC adds up what a Go program has allocated, in MB (2^20 bytes), by the lines of GODEBUG=gctrace=1: how much the heap has grown
// from the end of one collection to the start of the next. What was allocated after the last one is not in it.
func parseGC(stderr string) (collections int, allocatedMB int64) {
	live := int64(0)
	for _, m := range gcLine.FindAllStringSubmatch(stderr, -1) {
		collections++
		before, after := max(0, count(m[1])), max(0, count(m[2]))
		allocatedMB += max(0, before-live) + max(0, after-before)
		live = max(0, count(m[3]))
	}
	return collections, allocatedMB
}
