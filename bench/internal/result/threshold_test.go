package result_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

const ms = float64(time.Millisecond / time.Microsecond)

// spanOf has so many failures and the given times of successes.
func spanOf(failed int64, times ...time.Duration) result.Stats {
	h := result.NewHistogram()
	for _, d := range times {
		h.Record(d)
	}
	s := result.Stats{
		Requests: int64(len(times)) + failed, Successes: int64(len(times)), Errors: map[string]int64{},
		ResponseTime: h.Summary(), ServiceTime: h.Summary(),
	}
	if failed > 0 {
		s.Errors["timeout"] = failed
	}
	return s
}

func repeat(n int, d time.Duration) []time.Duration { return slices.Repeat([]time.Duration{d}, n) }

func judge(s result.Stats, m scenario.Metric, limit float64) result.Threshold {
	run := &result.Run{Scenario: scenario.Scenario{SLO: scenario.SLO{{Metric: m, Limit: limit}}}, Targets: []result.Target{{Name: "a", Overall: s}}}
	list := run.Judge()
	return list[len(list)-1]
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	fast := repeat(99, time.Millisecond)
	tests := []struct {
		name   string
		stats  result.Stats
		metric scenario.Metric
		limit  float64
		value  float64 // -1: none
		met    bool
		reason string
	}{
		{"at the limit", spanOf(0, repeat(10, time.Millisecond)...), scenario.MetricP99, ms, ms, true, ""},
		{"a microsecond above", spanOf(0, repeat(10, time.Millisecond)...), scenario.MetricP99, ms - 1, ms, false, ""},
		{"the slowest of 100 is not in p99", spanOf(0, append(fast, time.Second)...), scenario.MetricP99, ms, ms, true, ""},
		{"but is the maximum", spanOf(0, append(fast, time.Second)...), scenario.MetricMax, ms, 1000 * ms, false, ""},
		{"and p99.9", spanOf(0, append(fast, time.Second)...), scenario.MetricP999, ms, 1000 * ms, false, ""},
		{"1 of 100 failed", spanOf(1, fast...), scenario.MetricP99, ms, ms, true, ""},
		{"1 of 100 failed, which is slower than any", spanOf(1, fast...), scenario.MetricMax, 1e9, -1, false, "too many requests failed"},
		{"2 of 101 failed", spanOf(2, fast...), scenario.MetricP99, 1e9, -1, false, "too many requests failed"},
		{"half failed: the median is the slowest success", spanOf(50, append(repeat(49, time.Millisecond), time.Second)...), scenario.MetricP50, 500 * ms, 1000 * ms, false, ""},
		{"all failed", spanOf(5), scenario.MetricP50, 1e9, -1, false, "too many requests failed"},
		{"no requests", spanOf(0), scenario.MetricP50, 1e9, -1, false, "no requests"},
		{"no requests, and no error among them", spanOf(0), scenario.MetricErrorRate, 1, -1, false, "no requests"},
		{"error rate at the limit", spanOf(1, fast...), scenario.MetricErrorRate, 0.01, 0.01, true, ""},
		{"error rate above", spanOf(2, repeat(98, time.Millisecond)...), scenario.MetricErrorRate, 0.01, 0.02, false, ""},
		{"no error", spanOf(0, fast...), scenario.MetricErrorRate, 0, 0, true, ""},
		{"a metric of a later version", spanOf(0, fast...), "p42_us", 1e9, -1, false, "unknown metric p42_us"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := judge(test.stats, test.metric, test.limit)
			want := result.Threshold{
				Target: "a", Metric: test.metric, Limit: test.limit, Met: test.met, Requests: test.stats.Requests, Reason: test.reason,
			}
			if test.value >= 0 {
				want.Value = &test.value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestThresholdIsAShareOfAllRequests counts by hand: a percentile is met if, and only if, so many of all requests succeeded
// within the limit.
func TestThresholdIsAShareOfAllRequests(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	const limit = 1000 // µs; up to 2,048 each value has a bucket of its own
	for range 2000 {
		failed, within := random.Int64N(4), int64(0)
		times := make([]time.Duration, 1+random.IntN(400))
		for i := range times {
			us := 1 + random.Int64N(limit)
			if random.IntN(60) == 0 {
				us += limit
			}
			if us <= limit {
				within++
			}
			times[i] = time.Duration(us) * time.Microsecond
		}
		for metric, perMille := range map[scenario.Metric]int64{
			scenario.MetricP50: 500, scenario.MetricP90: 900, scenario.MetricP95: 950, scenario.MetricP99: 990, scenario.MetricP999: 999, scenario.MetricMax: 1000,
		} {
			n := int64(len(times)) + failed
			got, want := judge(spanOf(failed, times...), metric, limit), within*1000 >= n*perMille
			if got.Met != want {
				t.Fatalf("%s: %d of %d within the limit, %d failed: met is %v", metric, within, n, failed, got.Met)
			}
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	phase := func(name string, round int, warmup bool, s result.Stats) result.PhaseStats {
		return result.PhaseStats{Name: name, Round: round, Warmup: warmup, Stats: s}
	}
	run := &result.Run{
		Scenario: scenario.Scenario{SLO: scenario.SLO{{Metric: scenario.MetricP50, Limit: 5 * ms}, {Metric: scenario.MetricErrorRate, Limit: 0.5}}},
		Targets: []result.Target{
			{Name: "a", Phases: []result.PhaseStats{
				phase("warm", 1, true, spanOf(0, time.Second)),
				phase("idle", 1, false, spanOf(0)),
				// Over both rounds most are fast; of round 2 alone most are slow.
				phase("peak", 1, false, spanOf(0, repeat(10, time.Millisecond)...)),
				phase("peak", 2, false, spanOf(0, repeat(5, time.Second)...)),
				// The same name twice in one round are two phases.
				phase("peak", 1, false, spanOf(3)),
			}, Overall: spanOf(3, append(repeat(10, time.Millisecond), repeat(5, time.Second)...)...)},
			{Name: "b"},
		},
	}
	type line struct {
		Target, Phase string
		Metric        scenario.Metric
		Met           bool
		Requests      int64
	}
	want := []line{
		{"a", "peak", scenario.MetricP50, true, 15},
		{"a", "peak", scenario.MetricErrorRate, true, 15},
		{"a", "peak", scenario.MetricP50, false, 3},
		{"a", "peak", scenario.MetricErrorRate, false, 3},
		{"a", "", scenario.MetricP50, true, 18},
		{"a", "", scenario.MetricErrorRate, true, 18},
		{"b", "", scenario.MetricP50, false, 0},
		{"b", "", scenario.MetricErrorRate, false, 0},
	}
	var got []line
	for _, r := range run.Judge() {
		got = append(got, line{r.Target, r.Phase, r.Metric, r.Met, r.Requests})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	run.Scenario.SLO = nil
	if list := run.Judge(); list != nil {
		t.Errorf("without an SLO: %v", list)
	}
}

func TestJudgeBrokenHistogram(t *testing.T) {
	t.Parallel()
	s := spanOf(0, time.Millisecond)
	s.ResponseTime.Histogram = "broken"
	if got := judge(s, scenario.MetricP50, 1e9); got.Met || got.Value != nil || !strings.Contains(got.Reason, "histogram is broken") {
		t.Errorf("%+v", got)
	}
}

func TestThresholdsInFiles(t *testing.T) {
	t.Parallel()
	one := 1.
	good := result.Threshold{Target: "ec2", Metric: scenario.MetricP99, Limit: 2, Value: &one, Met: true, Requests: 5}
	tests := []struct {
		name string
		edit func(*result.Threshold)
		want string
	}{
		{"as it is", func(*result.Threshold) {}, ""},
		{"another target", func(h *result.Threshold) { h.Target = "x" }, `target "x" is not one of the run's`},
		{"another metric", func(h *result.Threshold) { h.Metric = "x" }, `metric "x" is not known`},
		{"negative", func(h *result.Threshold) { h.Limit = -1 }, "is negative"},
		{"met above the limit", func(h *result.Threshold) { h.Limit = 0.5 }, "is called met, and is above its limit"},
		{"met by nothing", func(h *result.Threshold) { h.Value = nil }, "is called met"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run, h := sample(), good
			test.edit(&h)
			run.Thresholds = []result.Threshold{h}
			data, err := run.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := result.Decode(data)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(run.Thresholds, got.Thresholds); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "thresholds[0]: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// A search for the capacity holds its trials against the SLO, and not what they add up to.
func TestJudgeOfSearch(t *testing.T) {
	run := &result.Run{
		Scenario: scenario.Scenario{SLO: scenario.SLO{{Metric: scenario.MetricP99, Limit: 1}}},
		Targets:  []result.Target{{Name: "one"}, {Name: "two"}},
	}
	if n := len(run.Judge()); n != 2 {
		t.Fatalf("%d thresholds of two targets", n)
	}
	run.Interrupted = true
	if list := run.Judge(); list != nil {
		t.Errorf("what an interrupted run never came to is judged: %+v", list)
	}
	run.Targets[1].Capacity = &result.Capacity{}
	if list := run.Judge(); list != nil {
		t.Errorf("a search is judged: %+v", list)
	}
}

func TestCapacityOfFile(t *testing.T) {
	for name, tt := range map[string]struct {
		c  result.Capacity
		ok bool
	}{
		"nothing found":       {result.Capacity{}, true},
		"found":               {result.Capacity{KeptRPS: new(1.0), MissedRPS: new(1.1), LimitedBy: result.LimitTarget, Trials: []result.Trial{{Requests: 3, Errors: 2, Unsent: 1}}}, true},
		"upside down":         {result.Capacity{KeptRPS: new(2.0), MissedRPS: new(2.0)}, false},
		"negative":            {result.Capacity{LowRPS: new(-1.0)}, false},
		"unknown limit":       {result.Capacity{LimitedBy: "luck"}, false},
		"more errors than":    {result.Capacity{Trials: []result.Trial{{Requests: 1, Errors: 2}}}, false},
		"more unsent than":    {result.Capacity{Trials: []result.Trial{{Requests: 2, Errors: 1, Unsent: 2}}}, false},
		"a negative figure":   {result.Capacity{Trials: []result.Trial{{P99: new(-1.0)}}}, false},
		"a negative of trial": {result.Capacity{Trials: []result.Trial{{RateRPS: -1}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			run := resulttest.Run(resulttest.FourPhase(10), 1, resulttest.EC2())
			run.Targets[0].Capacity = &tt.c
			data, err := run.Encode()
			if err == nil {
				_, err = result.Decode(data)
			}
			if (err == nil) != tt.ok {
				t.Errorf("read with error %v, expected ok %t", err, tt.ok)
			}
		})
	}
}
