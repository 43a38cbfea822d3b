package cloudwatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/cloudwatch"
	"github.com/crossover-bench/crossover/bench/internal/cloudwatch/cloudwatchtest"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

func instances() cloudwatch.Target {
	t := function(10)
	t.Name, t.LogGroup, t.AutoScalingGroup, t.Burstable = "ec2", "", "fleet", true
	return t
}

// samples has both instances in the two minutes of the load and in one after it, and credits of five minutes.
func samples() []cloudwatchtest.Sample {
	at := func(metric, instance string, minute int, value float64) cloudwatchtest.Sample {
		return cloudwatchtest.Sample{Metric: metric, Instance: instance, At: began.Truncate(time.Hour).Add(time.Duration(minute) * time.Minute), Value: value}
	}
	return []cloudwatchtest.Sample{
		at("CPUUtilization", "i-1", 0, 40), at("CPUUtilization", "i-2", 0, 60), at("CPUUtilization", "i-1", 1, 10), at("CPUUtilization", "i-2", 1, 90),
		at("CPUUtilization", "i-1", 2, 100), at("CPUUtilization", "i-3", 0, 100), at("CPUUtilization", "i-1", -1, 100),
		at("CPUCreditBalance", "i-1", 0, 3.5), at("CPUCreditBalance", "i-2", 0, 120), at("CPUCreditBalance", "i-1", -5, 0),
		at("CPUSurplusCreditBalance", "i-1", 0, 1.5), at("CPUSurplusCreditBalance", "i-2", 0, 2), at("CPUSurplusCreditsCharged", "i-1", 0, 0.25),
		at("CPUSurplusCreditsCharged", "i-2", 0, 0.5),
	}
}

func TestReadMetrics(t *testing.T) {
	t.Parallel()
	p := func(v float64) *float64 { return &v }
	// The load was from 12:00:20 to 12:01:05, so that its last minute is the second.
	group := &result.InstanceMetrics{
		Minutes: 2, WantedMinutes: 2, CPUMean: p(0.5), CPUMax: p(0.9),
		Credits: &result.CPUCredits{LowestBalance: p(3.5), Surplus: p(3.5), Charged: p(0.75), Until: began.Truncate(time.Hour).Add(5 * time.Minute)},
	}
	tests := []struct {
		name    string
		account func(*cloudwatchtest.Server)
		target  func(*cloudwatch.Target)
		wait    time.Duration
		want    *result.InstanceMetrics
		note    string
	}{
		{name: "a group", wait: long, want: group},
		{name: "one instance", target: func(t *cloudwatch.Target) { t.AutoScalingGroup, t.InstanceID = "", "i-1" }, wait: long, want: &result.InstanceMetrics{
			Minutes: 2, WantedMinutes: 2, CPUMean: p(0.25), CPUMax: p(0.4),
			Credits: &result.CPUCredits{LowestBalance: p(3.5), Surplus: p(1.5), Charged: p(0.25), Until: group.Credits.Until},
		}},
		{name: "no credits", target: func(t *cloudwatch.Target) { t.Burstable = false }, wait: long, want: &result.InstanceMetrics{Minutes: 2, WantedMinutes: 2, CPUMean: p(0.5), CPUMax: p(0.9)}},
		{name: "late", account: func(s *cloudwatchtest.Server) {
			for i := range s.Samples {
				s.Samples[i].Late = map[bool]int{true: 2, false: 3}[strings.Contains(s.Samples[i].Metric, "Credit")]
			}
		}, wait: long, want: group},
		{name: "throttled at first", account: func(s *cloudwatchtest.Server) {
			s.Fail = func(_ string, call int) string {
				if call < 4 {
					return "Throttling"
				}
				return ""
			}
		}, wait: long, want: group},
		{name: "credits not yet", account: func(s *cloudwatchtest.Server) { s.Samples = s.Samples[:7] }, wait: short, want: &result.InstanceMetrics{
			Minutes: 2, WantedMinutes: 2, CPUMean: p(0.5), CPUMax: p(0.9),
		}, note: "ec2: the CPU credits of its instances are not known (not within 1m0s, --cloudwatch-wait); CloudWatch has them every five minutes"},
		{
			name: "one minute", account: func(s *cloudwatchtest.Server) {
				s.Samples = append(append([]cloudwatchtest.Sample{}, s.Samples[:2]...), s.Samples[7:]...)
			}, wait: short, want: &result.InstanceMetrics{Minutes: 1, WantedMinutes: 2, CPUMean: p(0.5), CPUMax: p(0.6), Credits: group.Credits},
			note: "ec2: the CPU of its instances is known of 1 of 2 minutes (not within 1m0s, --cloudwatch-wait)",
		},
		{name: "nothing", account: func(s *cloudwatchtest.Server) { s.Samples = nil }, wait: short, note: "ec2: the CPU of its instances is not known: not within 1m0s, --cloudwatch-wait."},
		{
			name: "no permission", account: func(s *cloudwatchtest.Server) { s.Fail = func(string, int) string { return "AccessDenied" } }, wait: long,
			note: "ec2: the CPU of its instances is not known: the credentials lack the permission cloudwatch:GetMetricData in eu-west-1.",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, target := account(), instances()
			s.Samples = samples()
			if test.account != nil {
				test.account(s)
			}
			if test.target != nil {
				test.target(&target)
			}
			out, _ := read(t.Context(), t, s, test.wait, nil, target)
			notes := strings.Join(out[0].Notes, "\n")
			if diff := cmp.Diff(test.want, out[0].Instances); diff != "" || !strings.Contains(notes, test.note) || (test.note == "") != (notes == "") {
				t.Errorf("(-want +got)\n%s\nnotes: %s", diff, notes)
			}
		})
	}
}

// TestPartsAreApart has one of two that may not be read.
func TestPartsAreApart(t *testing.T) {
	t.Parallel()
	s := account(warm(time.Second, 1))
	s.Samples = samples()
	s.Fail = func(operation string, _ int) string {
		if operation == cloudwatchtest.FilterLogEvents {
			return "AccessDeniedException"
		}
		return ""
	}
	out, _ := read(t.Context(), t, s, long, nil, function(1), instances())
	if out[0].Function != nil || len(out[0].Notes) != 1 || out[1].Instances == nil || len(out[1].Notes) > 0 {
		t.Errorf("%+v\n%+v", out[0], out[1])
	}
	if n := s.Calls[cloudwatchtest.FilterLogEvents]; n != 1 {
		t.Errorf("asked %d times for what is not allowed", n)
	}
}
