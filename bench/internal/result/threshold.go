package result

import (
	"errors"
	"fmt"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Threshold is one limit of the scenario's SLO, held against one target in one span of its load.
type Threshold struct {
	Target string `json:"target"`
	// Phase that the span is, over all rounds; empty for the total, which is all phases that count.
	Phase  string          `json:"phase,omitempty"`
	Metric scenario.Metric `json:"metric"`
	// Limit in µs, or as a share from 0 to 1 for the error rate.
	Limit float64 `json:"limit"`
	// Value is what the limit is held against, in its unit. A percentile is over all requests of the span, of which failed ones,
	// and with them those that were never sent, are slower than any other; it is null where it falls on a failed request, which
	// is above any limit, and of a span without requests.
	Value *float64 `json:"value"`
	// Met says that Value is not above Limit. Percentiles err upwards by less than 0.1 %, so that a limit may be missed by the width of
	// a bucket, but is never met by it.
	Met bool `json:"met"`
	// Requests of the span.
	Requests int64 `json:"requests"`
	// Reason says why there is no value, in a few words; empty where there is one.
	Reason string `json:"reason,omitempty"`
}

// LimitText is the limit as users write it: 50ms, 1%.
func (t *Threshold) LimitText() string {
	return scenario.Threshold{Metric: t.Metric, Limit: t.Limit}.LimitText()
}

// Why a threshold has no value.
const (
	reasonNoRequests = "no requests"
	reasonFailed     = "too many requests failed"
)

// Judge holds each target against the SLO: in each phase that counts, all rounds of it together, and in total. It is empty without
// an SLO, and of a search for the capacity, which goes to where the SLO is missed and holds its trials against it one by one.
//
// A phase without requests is left out: it is neither met nor missed, as an idle phase, or one that an interrupted run never came
// to. So is a total without requests of an interrupted run; of a whole one it is missed, as nothing shows that it would be met.
func (r *Run) Judge() []Threshold {
	var list []Threshold
	searched := slices.ContainsFunc(r.Targets, func(t Target) bool { return t.Capacity != nil })
	if len(r.Scenario.SLO) == 0 || searched {
		return nil
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		for _, s := range t.judged() {
			if s.requests == 0 && r.Interrupted {
				continue
			}
			for _, limit := range r.Scenario.SLO {
				list = append(list, s.hold(t.Name, limit))
			}
		}
	}
	return list
}

// judged is a span of a target's load, to be held against limits.
type judged struct {
	phase            string
	requests, failed int64
	times            *Histogram // of the successes; nil without any
	err              error
}

// judged are the phases that count and have requests, in their order, and then the total.
func (t *Target) judged() []*judged {
	type identity struct {
		name string
		// occurrence tells phases of one name in one round apart.
		occurrence int
	}
	type place struct {
		round int
		name  string
	}
	var spans []*judged
	byID, seen := map[identity]*judged{}, map[place]int{}
	for i := range t.Phases {
		p := &t.Phases[i]
		at := place{p.Round, p.Name}
		id := identity{p.Name, seen[at]}
		seen[at]++
		if p.Warmup || p.Requests == 0 {
			continue
		}
		if byID[id] == nil {
			byID[id] = &judged{phase: p.Name}
			spans = append(spans, byID[id])
		}
		byID[id].add(&p.Stats)
	}
	total := &judged{}
	total.add(&t.Overall)
	return append(spans, total)
}

func (j *judged) add(s *Stats) {
	j.requests += s.Requests
	j.failed += s.Requests - s.Successes
	h, err := s.ResponseTime.Decode()
	switch {
	case err != nil:
		j.err = errors.Join(j.err, err)
	case j.times == nil:
		j.times = h
	case h != nil:
		j.times.Merge(h)
	}
}

func (j *judged) hold(target string, limit scenario.Threshold) Threshold {
	t := Threshold{Target: target, Phase: j.phase, Metric: limit.Metric, Limit: limit.Limit, Requests: j.requests}
	switch {
	case j.err != nil:
		t.Reason = j.err.Error()
	case j.requests == 0:
		t.Reason = reasonNoRequests
	case limit.Metric == scenario.MetricErrorRate:
		rate := float64(j.failed) / float64(j.requests)
		t.Value = &rate
	default:
		t.Value, t.Reason = j.percentile(limit.Metric)
	}
	t.Met = t.Value != nil && *t.Value <= t.Limit
	return t
}

// percentile over all requests. Those that failed have the last ranks.
func (j *judged) percentile(m scenario.Metric) (*float64, string) {
	perMille, known := PerMille(m)
	if !known {
		return nil, fmt.Sprintf("unknown metric %s", m)
	}
	rank := rankOf(j.requests, perMille)
	if j.times == nil || rank > j.times.Count() {
		return nil, reasonFailed
	}
	v := j.times.atRank(rank)
	return &v, ""
}

// PerMille is the part of the requests, of a thousand, that a latency threshold's metric is about: 990 for p99, and 1,000 for the
// maximum. It is false for other metrics.
func PerMille(m scenario.Metric) (int64, bool) {
	parts := map[scenario.Metric]int64{
		scenario.MetricP50: 500, scenario.MetricP90: 900, scenario.MetricP95: 950, scenario.MetricP99: 990, scenario.MetricP999: 999,
		scenario.MetricMax: 1000,
	}
	part, ok := parts[m]
	return part, ok
}

// validate finds thresholds that are about nothing in the run.
func (t *Threshold) validate(r *Run) error {
	i := slices.IndexFunc(r.Targets, func(target Target) bool { return target.Name == t.Target })
	_, latency := PerMille(t.Metric)
	switch {
	case i < 0:
		return fmt.Errorf("target %q is not one of the run's", t.Target)
	case !latency && t.Metric != scenario.MetricErrorRate:
		return fmt.Errorf("metric %q is not known", t.Metric)
	case t.Requests < 0 || t.Limit < 0 || t.Value != nil && *t.Value < 0:
		return fmt.Errorf("the %s of %q is negative", t.Metric, t.Target)
	case t.Met && (t.Value == nil || *t.Value > t.Limit):
		return fmt.Errorf("the %s of %q is called met, and is above its limit", t.Metric, t.Target)
	}
	return nil
}
