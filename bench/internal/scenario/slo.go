package scenario

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// sloNames are the thresholds as users write them, in the order in which they are kept.
var sloNames = []struct {
	name   string
	metric Metric
}{
	{"p50", MetricP50},
	{"p90", MetricP90},
	{"p95", MetricP95},
	{"p99", MetricP99},
	{"p99_9", MetricP999},
	{"max", MetricMax},
	{"error_rate", MetricErrorRate},
}

// SLONames are the names of thresholds as users write them, in the order in which they are kept.
func SLONames() []string {
	names := make([]string, len(sloNames))
	for i, s := range sloNames {
		names[i] = s.name
	}
	return names
}

// slo reads a mapping of thresholds.
func (p *parser) slo(n *yaml.Node, at string) SLO {
	f := p.fields(n, at, SLONames()...)
	if f != nil && len(n.Content) == 0 {
		p.fault(n, at, "expected thresholds such as {p99: 250ms, error_rate: 0.1%%}, got an empty mapping")
	}
	var slo SLO
	for _, s := range sloNames {
		v := f[s.name]
		if v == nil {
			continue
		}
		limit, ok := parseLimit(s.metric, v.Value)
		if v.Kind != yaml.ScalarNode || !ok {
			p.fault(v, join(at, s.name), "%s, got %s", limitWanted(s.metric), describe(v))
			continue
		}
		slo = append(slo, Threshold{s.metric, limit})
	}
	return slo
}

// String is a threshold as it is written on a command line: p99=50ms.
func (t Threshold) String() string { return t.Metric.Name() + "=" + t.LimitText() }

// LimitText is the limit as it is written there: 50ms, 1%. It is exact, as all that a user has set.
func (t Threshold) LimitText() string {
	if t.Metric == MetricErrorRate {
		return strconv.FormatFloat(t.Limit*100, 'g', 6, 64) + "%"
	}
	return time.Duration(math.Round(t.Limit * float64(time.Microsecond))).String()
}

// String is all thresholds as ParseSLO reads them.
func (s SLO) String() string {
	parts := make([]string, len(s))
	for i, t := range s {
		parts[i] = t.String()
	}
	return strings.Join(parts, ",")
}

// Name is how users write a metric.
func (m Metric) Name() string { return strings.TrimSuffix(string(m), "_us") }

// ParseSLO reads thresholds as they are written on a command line: p99=50ms,error_rate=1%. The names are those of the scenario
// key slo. Its error joins all faults.
func ParseSLO(text string) (SLO, error) {
	var errs []error
	limits := map[Metric]float64{}
	for item := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(item), "=")
		if !ok {
			errs = append(errs, fmt.Errorf("expected thresholds such as p99=50ms,error_rate=1%%, got %q", item))
			continue
		}
		i := slices.Index(SLONames(), name)
		if i < 0 {
			errs = append(errs, fmt.Errorf("%q: unknown threshold, expected one of %s", name, strings.Join(SLONames(), ", ")))
			continue
		}
		metric := sloNames[i].metric
		limit, ok := parseLimit(metric, value)
		if _, twice := limits[metric]; twice {
			errs = append(errs, fmt.Errorf("%s: given twice", name))
		} else if !ok {
			errs = append(errs, fmt.Errorf("%s: %s, got %q", name, limitWanted(metric), value))
		}
		limits[metric] = limit
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var slo SLO
	for _, s := range sloNames {
		if limit, ok := limits[s.metric]; ok {
			slo = append(slo, Threshold{s.metric, limit})
		}
	}
	return slo, nil
}

func limitWanted(m Metric) string {
	if m == MetricErrorRate {
		return "expected a share from 0% to 100% such as 0.1%"
	}
	return fmt.Sprintf("expected a duration from 1µs to %s such as 250ms", MaxTimeout)
}

// parseLimit reads a threshold in the metric's unit.
func parseLimit(m Metric, text string) (float64, bool) {
	if m != MetricErrorRate {
		d, err := time.ParseDuration(text)
		return float64(d.Nanoseconds()) / 1e3, err == nil && d >= time.Microsecond && d <= MaxTimeout
	}
	match := share.FindStringSubmatch(text)
	if match == nil {
		return 0, false
	}
	percent, err := strconv.ParseFloat(match[1], 64)
	return milli(percent) / 100_000, err == nil && percent <= 100
}
