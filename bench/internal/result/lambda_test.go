package result_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
)

// metered is a run with what a local Lambda service counted.
func metered() *result.Run {
	lambda := resulttest.Lambda()
	lambda.FailEvery, lambda.Errors = 60, []string{"status_503", "timeout"}
	run := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), lambda)
	run.Targets[1].Lambda = resulttest.Meter()
	return run
}

// TestGBSeconds has the examples of "AWS Lambda pricing", https://aws.amazon.com/lambda/pricing/ (3 million requests of 120 ms at 1,536 MB
// are 540,000 GB-seconds), and the identity.
func TestGBSeconds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		billedMS int64
		memoryMB int
		want     float64
	}{
		{3_000_000 * 120, 1536, 540_000},
		{1000, 1024, 1},
		{1, 128, 0.000125},
		{0, 512, 0},
	}
	for _, test := range tests {
		if got := result.GBSeconds(test.billedMS, test.memoryMB); math.Abs(got-test.want) > 1e-12*test.want {
			t.Errorf("%d ms of %d MB are %g GB-seconds, want %g", test.billedMS, test.memoryMB, got, test.want)
		}
	}
}

func TestLambdaRoundTrip(t *testing.T) {
	t.Parallel()
	want := metered()
	got, err := result.Decode([]byte(encoded(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
	if strings.Contains(encoded(t, sample()), `"lambda": {`) {
		t.Error("a run without a meter has one in its file")
	}
}

func TestDecodeFindsMetersThatContradict(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func(*result.Lambda)
		want   string
	}{
		{"negative", func(l *result.Lambda) { l.Invocations = -1 }, "invocations is -1"},
		{"huge", func(l *result.Lambda) { l.Throttles.Concurrency = math.MaxInt64 }, "throttles.concurrency is 9223372036854775807"},
		{"more of inits than of all", func(l *result.Lambda) { l.InitBilledMS = l.BilledMS + 1 }, "init_billed_ms is 22701, not in 0 to 22700"},
		{"more provisioned than all", func(l *result.Lambda) { l.ProvisionedInvocations = l.Invocations + 1 }, "provisioned_invocations"},
		{"more in work than all", func(l *result.Lambda) { l.Unsettled = l.Invocations + 1 }, "unsettled"},
		{"more errors than invocations", func(l *result.Lambda) { l.Errors["exit"] = l.Invocations }, "7364 errors of 7320 invocations"},
		{"negative errors", func(l *result.Lambda) { l.Errors["exit"] = -1 }, "errors.exit is -1"},
		{"another bill", func(l *result.Lambda) { l.BilledGBSeconds = 12 }, "billed_gb_seconds is 12, and billed_ms with memory_mb come to 11.35"},
		{"memory", func(l *result.Lambda) { *l.MaxMemoryUsedMB = -1 }, "max_memory_used_mb is -1"},
		{"backwards", func(l *result.Lambda) { l.Concurrency[2].TS = 1 }, "concurrency[2].t_s is 1, not in 1.5 to 60"},
		{"after the end", func(l *result.Lambda) { l.Concurrency[6].TS = 61 }, "concurrency[6].t_s is 61"},
		{"negative time", func(l *result.Lambda) { l.LoadS = -1 }, "load_s is -1"},
		{"fewer than none", func(l *result.Lambda) { l.Concurrency[0].Idle = -1 }, "concurrency[0]: -1 is no number of environments"},
		{"most below what is", func(l *result.Lambda) { l.Concurrency[1].BusyMax = 1 }, "concurrency[1]: busy_max 1 is below busy 2"},
		{"too many samples", func(l *result.Lambda) { l.Concurrency = make([]result.ConcurrencySample, 10_001) }, "10001 samples"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run := metered()
			test.damage(run.Targets[1].Lambda)
			_, err := result.Decode([]byte(encoded(t, run)))
			if err == nil || !strings.Contains(err.Error(), "lambda.lambda: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}
