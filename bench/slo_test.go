package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

func TestHold(t *testing.T) {
	missed := []result.Threshold{
		{Target: "blue", Phase: "peak", Metric: scenario.MetricP99, Limit: 50e3, Value: new(61500.0)},
		{Target: "blue", Metric: scenario.MetricP99, Limit: 50e3, Value: new(50e3), Met: true},
		{Target: "green", Metric: scenario.MetricErrorRate, Limit: 0.01, Value: new(0.0125)},
		{Target: "green", Metric: scenario.MetricMax, Limit: 1e6, Reason: "too many requests failed"},
	}
	invalid := result.Generator{Verdict: result.Invalid, Reasons: []string{"It was late.", "It was tired."}}
	failed := errors.New("interrupted")
	near := []result.Threshold{
		{Target: "blue", Metric: scenario.MetricP99, Limit: 50e3, Value: new(50_020.)},
		{Target: "blue", Metric: scenario.MetricErrorRate, Limit: 0.01, Value: new(0.010004)},
		{Target: "blue", Metric: scenario.MetricP50, Limit: 12_345, Value: new(12_346.)},
		{Target: "blue", Metric: scenario.MetricMax, Limit: 1.001, Value: new(2.)},
	}
	tests := []struct {
		name   string
		run    result.Run
		strict bool
		before error
		want   string
		status int
	}{
		{"all met", result.Run{Thresholds: missed[1:2]}, true, nil, "", exitDone},
		{"none", result.Run{}, true, nil, "", exitDone},
		{
			"missed",
			result.Run{Thresholds: missed},
			false, nil,
			"3 thresholds missed: blue peak p99 61.5 ms (limit 50ms); green error_rate 1.25 % (limit 1%); green max too many requests failed (limit 1s)",
			exitThreshold,
		},
		{
			"by a hair",
			result.Run{Thresholds: near},
			false, nil,
			"4 thresholds missed: blue p99 50.02 ms (limit 50ms); blue error_rate 1.0004 % (limit 1%); blue p50 12.35 ms (limit 12.345ms); blue max 2 µs (limit 1.001µs)",
			exitThreshold,
		},
		{"failed too", result.Run{Thresholds: missed[:1]}, false, failed, "interrupted\n1 threshold missed: blue peak p99 61.5 ms (limit 50ms)", exitFailed},
		{"wrong input too", result.Run{Thresholds: missed[:1]}, false, usageError{failed}, "interrupted\n1 threshold missed: blue peak p99 61.5 ms (limit 50ms)", exitUsage},
		{"failed, all met", result.Run{Thresholds: missed[1:2]}, true, failed, "interrupted", exitFailed},
		{"no rate", result.Run{Targets: []result.Target{{Name: "blue", Capacity: &result.Capacity{MissedRPS: new(20.0), LimitedBy: result.LimitTarget}}}}, false, nil, "blue kept the SLO at no rate down to 20.0/s", exitThreshold},
		{
			"no rate that tells",
			result.Run{Targets: []result.Target{{Name: "blue", Capacity: &result.Capacity{MissedRPS: new(20.0), LimitedBy: result.LimitGenerator}}}},
			false, nil,
			"blue: whether it keeps the SLO is not known: the load generator itself was at its limits down to 20.0/s",
			exitThreshold,
		},
		{"invalid", result.Run{Generator: invalid}, false, nil, "", exitDone},
		{"invalid, strict", result.Run{Generator: invalid}, true, nil, "the run is invalid (--strict): It was late. It was tired.", exitThreshold},
		{"suspect, strict", result.Run{Generator: result.Generator{Verdict: result.Suspect}}, true, nil, "", exitDone},
		{"invalid, strict, interrupted", result.Run{Generator: invalid}, true, failed, "interrupted\nthe run is invalid (--strict): It was late. It was tired.", exitFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := limits{strict: tt.strict}
			err := l.hold(&tt.run, tt.before)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tt.want {
				t.Errorf("error %q, expected %q", text, tt.want)
			}
			if got := exitStatus(err); got != tt.status {
				t.Errorf("exit status %d, expected %d", got, tt.status)
			}
		})
	}
	var many result.Run
	for range mostMissed + 3 {
		many.Thresholds = append(many.Thresholds, missed[0])
	}
	if err := (&limits{}).hold(&many, nil); err == nil || !strings.HasSuffix(err.Error(), "(limit 50ms); and 3 more") || !strings.HasPrefix(err.Error(), "9 ") {
		t.Errorf("nine missed thresholds are told as %v", err)
	}
}
