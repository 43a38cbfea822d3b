package result_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
)

func TestCloudWatchRoundTrip(t *testing.T) {
	t.Parallel()
	want := resulttest.Deployed(sample())
	got, err := result.Decode([]byte(encoded(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
	if strings.Contains(encoded(t, sample()), `"cloudwatch"`) {
		t.Error("a run of which AWS was not asked has something of it in its file")
	}
}

func TestDecodeFindsCloudWatchThatContradicts(t *testing.T) {
	t.Parallel()
	of := func(damage func(*result.FunctionLog)) func(*result.Run) {
		return func(r *result.Run) { damage(r.Targets[1].CloudWatch.Function) }
	}
	in := func(damage func(*result.InstanceMetrics)) func(*result.Run) {
		return func(r *result.Run) { damage(r.Targets[0].CloudWatch.Instances) }
	}
	tests := []struct {
		name   string
		damage func(*result.Run)
		want   string
	}{
		{"backwards", func(r *result.Run) { r.Targets[1].CloudWatch.To = time.Time{} }, "lambda.cloudwatch: to is before from"},
		{"negative", of(func(f *result.FunctionLog) { f.Sent = -1 }), "lambda.cloudwatch: function: requests_sent is -1"},
		{"huge", of(func(f *result.FunctionLog) { f.BilledMS = math.MaxInt64 }), "billed_ms is 9223372036854775807"},
		{"more cold than all", of(func(f *result.FunctionLog) { f.Cold = f.Invocations + 1 }), "cold is "},
		{"more of inits than of all", of(func(f *result.FunctionLog) { f.InitBilledMS = f.BilledMS + 1 }), "init_billed_ms is "},
		{"more errors than invocations", of(func(f *result.FunctionLog) { f.Errors["timeout"] = f.Invocations }), " errors of "},
		{"negative errors", of(func(f *result.FunctionLog) { f.Errors["timeout"] = -1 }), "errors.timeout is -1"},
		{"memory", of(func(f *result.FunctionLog) { *f.MaxMemoryUsedMB = -1 }), "max_memory_used_mb is -1"},
		{"a negative bill", of(func(f *result.FunctionLog) { f.BilledGBSeconds = -1 }), "billed_gb_seconds is -1"},
		{"too few durations", of(func(f *result.FunctionLog) { f.Warm = result.Summary{} }), "warm_duration_us has 0 samples"},
		{"a wrong duration", of(func(f *result.FunctionLog) { *f.Init.Max = -1 }), "lambda.cloudwatch.function.init_us: "},
		{"a round twice", of(func(f *result.FunctionLog) { f.Rounds[1].Round = 1 }), "rounds[1]: round 1"},
		{"more in rounds than in all", of(func(f *result.FunctionLog) { f.Rounds[0].BilledMS = f.BilledMS }), "rounds have"},
		{"CPU", in(func(i *result.InstanceMetrics) { *i.CPUMax = 1.5 }), "ec2.cloudwatch: instances: cpu_max is 1.5, not in 0 to 1"},
		{"minutes", in(func(i *result.InstanceMetrics) { i.Minutes = 9 }), "cpu_minutes is 9 of 8"},
		{"credits", in(func(i *result.InstanceMetrics) { *i.Credits.Surplus = -1 }), "credits.surplus is -1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run := resulttest.Deployed(sample())
			test.damage(run)
			_, err := result.Decode([]byte(encoded(t, run)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}
