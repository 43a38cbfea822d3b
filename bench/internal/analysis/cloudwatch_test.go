package analysis_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
)

func deployed(rounds int) *result.Run {
	return resulttest.Deployed(resulttest.Run(resulttest.FourPhase(20), rounds, resulttest.EC2(), resulttest.Lambda()))
}

func TestBilledByTheLog(t *testing.T) {
	t.Parallel()
	t.Run("rounds give a range", func(t *testing.T) {
		t.Parallel()
		run := deployed(5)
		f := run.Targets[1].CloudWatch.Function
		f.Rounds = nil
		for i, ms := range []int64{40, 41, 42, 43, 44} {
			f.Rounds = append(f.Rounds, result.BilledRound{Round: i + 1, Invocations: 10, BilledMS: ms})
		}
		f.Invocations, f.Sent, f.BilledMS = 100, 100, 420
		in := analysis.CostInputsOf(run)
		// 4.2 with a standard deviation of 0.1581 over 5: 2.776 is t of 4 degrees of freedom, by any table.
		half := 2.7764 * 0.158114 / math.Sqrt(5)
		if in.Estimated || in.BilledMS == nil || in.BilledMS.Point != 4.2 || math.Abs(in.BilledMS.Low-(4.2-half)) > 1e-4 || math.Abs(in.BilledMS.High-(4.2+half)) > 1e-4 {
			t.Errorf("billed %+v, estimated %t", in.BilledMS, in.Estimated)
		}
		if text := strings.Join(in.Caveats, "\n"); !strings.Contains(text, "is measured, by the REPORT lines of AWS's log: a mean of 4.20 ms over 100 invocations (95 % of 5 rounds: ") {
			t.Errorf("caveats:\n%s", text)
		}
	})
	t.Run("of a part", func(t *testing.T) {
		t.Parallel()
		run := deployed(1)
		f := run.Targets[1].CloudWatch.Function
		f.Invocations, f.Sent, f.BilledMS = 160, 180, 640
		in := analysis.CostInputsOf(run)
		if in.Estimated || in.BilledMS.Point != 4 || in.BilledMS.Low != 4 || !strings.Contains(strings.Join(in.Caveats, "\n"), "over 160 invocations of 180,") {
			t.Errorf("billed %+v, caveats %q", in.BilledMS, in.Caveats)
		}
	})
	t.Run("the meter of the local service comes first", func(t *testing.T) {
		t.Parallel()
		run := deployed(1)
		run.Targets[1].Lambda = &result.Lambda{Invocations: 100, BilledMS: 900, MemoryMB: 512}
		if in := analysis.CostInputsOf(run); in.BilledMS.Point != 9 {
			t.Errorf("billed %+v", in.BilledMS)
		}
	})
}

func TestEstimatedBill(t *testing.T) {
	t.Parallel()
	times := func(n int, each time.Duration) *result.Histogram {
		h := result.NewHistogram()
		for range n {
			h.Record(each)
		}
		return h
	}
	tests := []struct {
		name             string
		change           func(*result.Target)
		low, point, high float64 // all 0: none
	}{
		// Of 100 answers of 10 ms, all say 4 ms of the app, and five an init of 40 ms: 6 ms on the mean, and half of one for rounding up.
		{"what answers tell", func(r *result.Target) {
			r.Overall.ServerTiming = result.NewServerTiming(times(100, 4*time.Millisecond), nil, times(5, 40*time.Millisecond))
		}, 6, 6.5, 11},
		{"less than a millisecond", func(r *result.Target) {
			r.Overall.ServerTiming = result.NewServerTiming(times(100, 300*time.Microsecond), nil, nil)
		}, 1, 1, 11},
		{"what the client waited", nil, 1, 11, 11},
		{"too few tell", func(r *result.Target) {
			r.Overall.ServerTiming = result.NewServerTiming(times(50, 4*time.Millisecond), nil, nil)
		}, 1, 11, 11},
		{"nothing was answered", func(r *result.Target) { r.Overall.Successes, r.Overall.ServiceTime = 0, result.Summary{} }, 0, 0, 0},
		{"it did not run on AWS", func(r *result.Target) { r.Kind = "bootstrap" }, 0, 0, 0},
		{"no invocation in the log", func(r *result.Target) {
			r.CloudWatch = &result.CloudWatch{Function: &result.FunctionLog{Errors: map[string]int64{}}}
		}, 1, 11, 11},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run := deployed(1)
			lambda := &run.Targets[1]
			lambda.CloudWatch = nil
			lambda.Overall = result.Stats{Requests: 100, Successes: 100, ResponseTime: times(100, 10*time.Millisecond).Summary(), ServiceTime: times(100, 10*time.Millisecond).Summary()}
			if test.change != nil {
				test.change(lambda)
			}
			in := analysis.CostInputsOf(run)
			if test.point == 0 {
				if in.BilledMS != nil || in.Estimated {
					t.Errorf("%+v", in.BilledMS)
				}
				return
			}
			near := func(a, b float64) bool { return math.Abs(a-b) < 0.002*b } // histograms have three digits
			if b := in.BilledMS; b == nil || !near(b.Low, test.low) || !near(b.Point, test.point) || !near(b.High, test.high) || !in.Estimated {
				t.Errorf("%+v, estimated %t; want %g, %g, %g", b, in.Estimated, test.low, test.point, test.high)
			}
		})
	}
}

func TestVerdictMarksEstimates(t *testing.T) {
	t.Parallel()
	run := deployed(6)
	if v := compare(t, run).Verdict; v.Estimated || v.Emulated || strings.Contains(v.Text, "estimated") || v.Unknown != "" {
		t.Errorf("%+v", v)
	}
	run.Targets[1].CloudWatch.Function = nil
	run.Targets[1].CloudWatch.Notes = []string{"lambda: no right to read it."}
	m := compare(t, run)
	if v := m.Verdict; !v.Estimated || !strings.HasPrefix(v.Text, "What lambda was billed is not known, so the cost is estimated.") || v.Unknown != "" {
		t.Errorf("%+v", v)
	}
	if !strings.HasSuffix(m.BreakEven.Basis, "The billed time is estimated.") || !strings.Contains(strings.Join(m.Caveats, "\n"), "lambda: no right to read it.") || len(m.Lambda) > 0 {
		t.Errorf("basis %q, caveats %q, rows %v", m.BreakEven.Basis, m.Caveats, m.Lambda)
	}
}

func TestCredits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*result.Target)
		want   []string // all of them, in order
	}{
		{"unlimited", nil, []string{
			"ec2: an instance had no CPU credits left. A new one has none in the mode unlimited; what it uses above its baseline is then surplus, which is charged for if it is not earned back.",
			"ec2: 3 surplus CPU credits were charged during the run: 0.002 USD, by the list price of ",
			// 12.6 credits are 0.21 hours of a vCPU at 0.04 USD.
			"ec2: its instances had spent 12.6 CPU credits in advance, which are charged for if they are not earned back in 24 hours, or if the instance ends before: 0.0084 USD, by the list price of ",
		}},
		{"standard", func(r *result.Target) {
			r.Spec.CreditMode = "standard"
			*r.CloudWatch.Instances.Credits.Charged, *r.CloudWatch.Instances.Credits.Surplus = 0, 0
		}, []string{"ec2: an instance had no CPU credits left. Without them it is held to its baseline, so that these figures may be of an instance that was slowed down."}},
		{"of an unknown mode and type", func(r *result.Target) {
			r.Spec.CreditMode, r.Spec.InstanceType, r.CloudWatch.Instances.Credits.Surplus = "", "", nil
		}, []string{"ec2: an instance had no CPU credits left. In the mode standard it", "ec2: 3 surplus CPU credits were charged during the run."}},
		{"enough", func(r *result.Target) {
			c := r.CloudWatch.Instances.Credits
			*c.LowestBalance, *c.Charged, *c.Surplus = 100, 0, 0
		}, nil},
		{"not burstable", func(r *result.Target) { r.CloudWatch.Instances.Credits = nil }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run := deployed(1)
			ec2 := &run.Targets[0]
			ec2.CloudWatch.Notes = nil
			if test.change != nil {
				test.change(ec2)
			}
			m := compare(t, run)
			var got []string
			for _, c := range m.Caveats {
				if strings.Contains(c, "CPU credits") {
					got = append(got, c)
				}
			}
			if len(got) != len(test.want) {
				t.Fatalf("%q", got)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("%q, want %q", got[i], want)
				}
			}
			if row, ok := analysis.Find(m.Instances, "instance_cpu_max"); !ok || row.Cells[1].Value.Valid() {
				t.Errorf("CPU: %+v", row)
			} else if v, _ := row.Cells[0].Value.Get(); v != 0.874 {
				t.Errorf("CPU: %g", v)
			}
		})
	}
}

// TestFunctionsOfBothKinds has one function that was metered here and one that AWS has billed, side by side.
func TestFunctionsOfBothKinds(t *testing.T) {
	t.Parallel()
	run := deployed(1)
	run.Targets[0].Lambda = resulttest.Meter()
	m := compare(t, run)
	for key, want := range map[string][2]float64{
		"invocations": {7320, 7400}, "billed_gb_seconds": {11.35, run.Targets[1].CloudWatch.Function.BilledGBSeconds}, "timeout": {3, 1}, "init_failures": {1, 1},
		"memory_used": {61 << 20, 58 << 20}, "throttles": {80, math.NaN()}, "requests_sent": {math.NaN(), 7400}, "cold_invocations": {math.NaN(), 74}, "other_errors": {math.NaN(), 2},
	} {
		row, ok := analysis.Find(m.Lambda, key)
		if !ok {
			t.Errorf("no %s", key)
			continue
		}
		for i, cell := range row.Cells {
			if v, known := cell.Value.Get(); known != !math.IsNaN(want[i]) || known && v != want[i] {
				t.Errorf("%s of %d: %g (%t), want %g", key, i, v, known, want[i])
			}
		}
	}
}
