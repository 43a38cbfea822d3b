package analysis_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// billed is a run on the local Lambda service.
func billed(change func(*result.Run)) *result.Run {
	run := resulttest.Run(resulttest.FourPhase(20), 6, resulttest.EC2(), resulttest.Lambda())
	run.Targets[1].Lambda = resulttest.Meter()
	if change != nil {
		change(run)
	}
	return run
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	missed := func(name string) func(*result.Run) {
		return func(r *result.Run) {
			for i := range r.Targets {
				met := r.Targets[i].Name != name
				r.Thresholds = append(r.Thresholds, result.Threshold{Target: r.Targets[i].Name, Metric: scenario.MetricP99, Limit: 50_000, Met: met})
			}
		}
	}
	tests := []struct {
		name   string
		change func(*result.Run)
		want   []string
		not    []string
	}{
		{"emulated", nil, []string{"Emulated:", "lambda costs less below ", "between them it is undecided", "no SLO", "The rounds do not tell whether their p99s differ.", "With "}, []string{"With care"}},
		{"one target misses", missed("lambda"), []string{"lambda misses the SLO", "ec2 is the only one"}, []string{"no SLO"}},
		{"no target misses", missed(""), []string{"Both keep the SLO"}, nil},
		{"a bad generator", func(r *result.Run) { r.Generator.Verdict = result.Invalid }, []string{`verdict is "invalid": response times and rates are not the targets' alone`}, []string{"with care"}},
		{"a generator at its limits", func(r *result.Run) { r.Generator.Verdict = result.Suspect }, []string{`verdict is "suspect", so take it with care`}, nil},
		{"no bill", func(r *result.Run) { r.Targets[1].Lambda = nil }, []string{"cannot be said: what lambda was billed for is not known"}, []string{"costs less below"}},
		{"no invocation", func(r *result.Run) { r.Targets[1].Lambda.Invocations, r.Targets[1].Lambda.Unsettled = 0, 0 }, []string{"cannot be said"}, nil},
		{
			"few invocations", func(r *result.Run) {
				r.Interrupted = true
				r.Targets[1].Lambda.Invocations, r.Targets[1].Lambda.Unsettled, r.Targets[1].Lambda.BilledMS = 3, 0, 30
			},
			[]string{"cannot be said: what lambda was billed for is known of 3 invocations alone, and a mean takes 100."},
			[]string{"costs less below", "is not known"},
		},
		{"few rounds", func(r *result.Run) {
			*r = *resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda())
		}, []string{"cannot be said of 1 round; that takes 5"}, []string{"times that of"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := compare(t, billed(test.change)).Verdict
			if v == nil {
				t.Fatal("there is none")
			}
			for _, want := range test.want {
				if !strings.Contains(v.Text, want) {
					t.Errorf("no %q in %q", want, v.Text)
				}
			}
			for _, not := range append(test.not, "NaN", "Inf", "%!") {
				if strings.Contains(v.Text, not) {
					t.Errorf("%q in %q", not, v.Text)
				}
			}
			if _, err := json.Marshal(v); err != nil {
				t.Error(err)
			}
			if known := v.LambdaBelow != nil || v.EC2Above != nil; known == (v.Unknown != "") && v.Unknown != "" {
				t.Errorf("the rates are known: %v, and the reason is %q", known, v.Unknown)
			}
		})
	}
}

// TestReachedRateIsNoCapacity has an open load of 20/s: what one instance takes was never asked, so that EC2 may be worth it from the rate
// on at which the least instances are.
func TestReachedRateIsNoCapacity(t *testing.T) {
	t.Parallel()
	run := resulttest.Run(resulttest.OpenLoad(10, scenario.Rate{From: 20, To: 20}), 1, resulttest.EC2(), resulttest.Lambda())
	run.Targets[1].Lambda = resulttest.Meter()
	v := compare(t, run).Verdict
	if !v.AtLeast || v.LambdaBelow == nil || *v.LambdaBelow > 1000 || v.EC2Above != nil {
		t.Errorf("%+v", v)
	}
	for _, want := range []string{"above that it is undecided", "The capacity of ec2 was not searched for.", "bench run --find-capacity"} {
		if !strings.Contains(v.Text, want) {
			t.Errorf("no %q in %q", want, v.Text)
		}
	}
	// A search that found it is an answer.
	run.Targets[0].Capacity = &result.Capacity{KeptRPS: new(20.), LimitedBy: result.LimitTarget}
	found := compare(t, run).Verdict
	if found.AtLeast || found.LambdaBelow == nil || *found.LambdaBelow <= *v.LambdaBelow || strings.Contains(found.Text, "searched") {
		t.Errorf("%+v", found)
	}
	// One that something else has ended is not, and says what that was.
	for by, want := range map[result.CapacityLimit][2]string{
		result.LimitGenerator: {"ended where the load generator was at its limits.", "the load generator ended the search"},
		result.LimitMaxRate:   {"was searched for only up to the highest rate that was allowed.", "the highest rate that was allowed ended the search"},
		"":                    {"did not come to its end.", "something else than the target ended the search"},
	} {
		run.Targets[0].Capacity.LimitedBy = by
		ended := compare(t, run).Verdict
		if !ended.AtLeast || *ended.LambdaBelow != *v.LambdaBelow || !strings.Contains(ended.Text, want[0]) || !strings.Contains(strings.Join(ended.Caveats, "\n"), want[1]) {
			t.Errorf("limited by %q: %+v", by, ended)
		}
		if higher := "with a higher --max-rate"; strings.Contains(ended.Text, higher) != (by == result.LimitMaxRate) {
			t.Errorf("limited by %q, %s: %s", by, higher, ended.Text)
		}
	}
}

// TestChangesAreCrossings where there are any: the end of all rates is none.
func TestChangesAreCrossings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		capacity, billedMS float64
		want               string
	}{
		// At 60/s an instance with headroom takes 42 requests/s: EC2 is dearer with each step, unless a request is billed longer.
		"Lambda at all rates": {60, 3, "With a billed time twice as long ec2 would cost less above "},
		"no longer EC2":       {60, 7, "lambda would cost less at all rates up to 100,000/s (now at no rate above "},
		"a plain crossing":    {4000, 3, "the two would cost the same at "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := compare(t, billed(func(r *result.Run) {
				r.Targets[0].Spec.InstanceType = "t4g.small"
				r.Targets[0].Capacity = &result.Capacity{KeptRPS: &c.capacity, LimitedBy: result.LimitTarget}
				l := r.Targets[1].Lambda
				l.Environments.Provisioned = 0
				l.BilledMS = int64(c.billedMS * float64(l.Invocations-l.Unsettled))
			})).Verdict
			if got := strings.Join(v.Changes, "\n"); !strings.Contains(got, c.want) || strings.Contains(got, "the same at 100,000/s") || strings.Contains(got, "the same at 0.0100/s") {
				t.Errorf("%s\nin %s", got, v.Text)
			}
		})
	}
}

// TestOldPricesAreNamed by the day of the run: of the built-in prices that of data out is of 2024-09-25.
func TestOldPricesAreNamed(t *testing.T) {
	t.Parallel()
	m := compare(t, billed(func(r *result.Run) { r.Targets[0].Spec.InstanceType = "t4g.small" }))
	if text := strings.Join(m.Verdict.Caveats, "\n"); !strings.Contains(text, "These prices are older than 180 days: Data out (2024-09-25)") || !strings.Contains(text, "Logs taken in (2024-07-01)") {
		t.Errorf("caveats:\n%s", text)
	}
	if !strings.Contains(m.BreakEven.Basis, "List prices as of 2024-07 to 2026-08 in us-east-1") {
		t.Error(m.BreakEven.Basis)
	}
	m = compare(t, billed(func(r *result.Run) { r.FinishedAt = r.FinishedAt.AddDate(-2, 0, 0) }))
	if text := strings.Join(m.Verdict.Caveats, "\n"); strings.Contains(text, "Logs taken in") {
		t.Errorf("not half a year later:\n%s", text)
	}
}

// TestInstancesAreOfTheArchitectureThatWasMeasured where the run does not say which they were.
func TestInstancesAreOfTheArchitectureThatWasMeasured(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arch, instance, want, not string
	}{
		"x86_64":  {"amd64", "", "An instance is a t3.small", "was measured on"},
		"arm64":   {"arm64", "", "An instance is a t4g.small", "was measured on"},
		"another": {"amd64", "t4g.medium", "The capacity was measured on x86_64, a t4g.medium is arm64.", "An instance is a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := compare(t, billed(func(r *result.Run) {
				r.Targets[0].Spec.Arch, r.Targets[0].Spec.InstanceType = c.arch, c.instance
			})).Verdict
			text := strings.Join(append(v.Assumptions, v.Caveats...), "\n")
			for _, want := range []string{c.want, "350 bytes of logs", "a volume of 8 GB", "10 requests on a connection"} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if strings.Contains(text, c.not) {
				t.Errorf("%q in\n%s", c.not, text)
			}
		})
	}
}

// TestThirdTarget is named: that it is not judged, and that it misses the SLO.
func TestThirdTarget(t *testing.T) {
	t.Parallel()
	third := resulttest.EC2()
	third.Target.Name = "ec2b"
	run := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda(), third)
	run.Targets[1].Lambda = resulttest.Meter()
	for _, target := range run.Targets {
		run.Thresholds = append(run.Thresholds, result.Threshold{Target: target.Name, Metric: scenario.MetricP99, Limit: 50_000, Met: target.Name != "ec2b"})
	}
	v := compare(t, run).Verdict
	if !slices.Equal(v.Misses, []string{"ec2b"}) || !strings.Contains(v.Text, "Both keep the SLO at the rates of this run. ec2b, which is not judged here, misses the SLO.") {
		t.Errorf("%v, %q", v.Misses, v.Text)
	}
	if want := "Judged are lambda and ec2, not ec2b: the first function and the first other target are taken."; !slices.Contains(v.Caveats, want) {
		t.Errorf("no %q in %q", want, v.Caveats)
	}
}

// TestProvisionedConcurrencyIsPaid all the time, so that EC2 is cheaper at the lowest rates where there is much of it.
func TestProvisionedConcurrencyIsPaid(t *testing.T) {
	t.Parallel()
	kept := func(environments, invocations int64) *analysis.Model {
		return compare(t, billed(func(r *result.Run) {
			r.Targets[1].Lambda.Environments.Provisioned, r.Targets[1].Lambda.ProvisionedInvocations = environments, invocations
		}))
	}
	none, some := kept(0, 0), kept(20, 7320/2)
	if text := strings.Join(none.Verdict.Assumptions, "\n"); strings.Contains(text, "provisioned") {
		t.Error(text)
	}
	// 20 x 0.5 GB for 2,628,000 s at the price of x86_64 in us-east-1, 0.0000041667 USD: 109.50 USD a month, whatever the rate.
	if more := some.BreakEven.Curves[0].Points[0].USD - none.BreakEven.Curves[0].Points[0].USD; !near(more, 109.50, 1e-4) {
		t.Errorf("%v USD more a month", more)
	}
	v := some.Verdict
	if v.LambdaBelow != nil || !strings.Contains(v.Text, "ec2 costs less at all rates") {
		t.Errorf("%q", v.Text)
	}
	if want := "lambda: 20 environments of provisioned concurrency are paid for all the time, and 50.0 % of the requests run on them at all rates"; !strings.Contains(strings.Join(v.Assumptions, "\n"), want) {
		t.Errorf("no %q in %q", want, v.Assumptions)
	}
	// With small instances Lambda is the cheaper one at the highest rates, which is said too.
	small := compare(t, billed(func(r *result.Run) {
		r.Targets[0].Capacity = &result.Capacity{KeptRPS: new(40.), LimitedBy: result.LimitTarget}
		r.Targets[1].Lambda.Environments.Provisioned = 20
	})).Verdict
	if ok := regexp.MustCompile(`Cheaper is ec2 below [0-9.]+/s, lambda above [0-9.]+/s; at other rates it is undecided\.`).MatchString(small.Text); !ok {
		t.Errorf("%q", small.Text)
	}
	// A deployed function whose target file says so, and of which nobody counted how many requests they served.
	run := resulttest.Deployed(resulttest.Run(resulttest.FourPhase(20), 6, resulttest.EC2(), resulttest.Lambda()))
	run.Targets[1].Spec.ProvisionedConcurrency = 1
	if in := analysis.CostInputsOf(run); in.Provisioned != (cost.Provisioned{Environments: 1, Share: 1}) || !in.ShareAssumed {
		t.Errorf("%+v", in.Provisioned)
	}
}

// TestBandsSayWhatIsAssumed and what was measured.
func TestBandsSayWhatIsAssumed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*result.Run)
		want   string
	}{
		"six rounds": {nil, "Bands: of the billed time ±20 %, assumed; of an instance's capacity from the lowest that was measured, with no upper end."},
		"one round": {func(r *result.Run) {
			*r = *resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda())
			r.Targets[1].Lambda = resulttest.Meter()
		}, "of an instance's capacity from 20 % less, assumed, with no upper end."},
		"searched": {func(r *result.Run) {
			r.Targets[0].Capacity = &result.Capacity{KeptRPS: new(400.), LowRPS: new(380.), HighRPS: new(410.), LimitedBy: result.LimitTarget}
		}, "of an instance's capacity the range that its search found."},
		"deployed": {func(r *result.Run) { resulttest.Deployed(r).Targets[1].Lambda = nil }, "of the billed time the range that was measured;"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := compare(t, billed(c.change)).BreakEven.Bands; !strings.Contains(got, c.want) {
				t.Errorf("%q, expected %q", got, c.want)
			}
		})
	}
}

func TestVerdictOrders(t *testing.T) {
	t.Parallel()
	m := compare(t, billed(nil))
	v := m.Verdict
	if v.LambdaBelow == nil || v.EC2Above == nil || *v.LambdaBelow > *v.EC2Above || len(v.Changes) != 2 || !v.Emulated {
		t.Fatalf("%+v", v)
	}
	// What draws the curves agrees: below the first rate Lambda's worst is below EC2's best.
	for i, p := range m.BreakEven.Curves[0].Points {
		e := m.BreakEven.Curves[1].Points[i]
		if p.RateRPS < *v.LambdaBelow*0.99 && p.High > e.Low {
			t.Errorf("at %v/s Lambda may cost %v, and EC2 %v", p.RateRPS, p.High, e.Low)
		}
	}
	// A longer billed time never makes Lambda cheaper up to a higher rate.
	slower := compare(t, billed(func(r *result.Run) { r.Targets[1].Lambda.BilledMS *= 4 })).Verdict
	if slower.LambdaBelow == nil || *slower.LambdaBelow >= *v.LambdaBelow {
		t.Errorf("four times the billed time: %v, before %v", slower.LambdaBelow, *v.LambdaBelow)
	}
}

func TestNoVerdict(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]*result.Run{
		"one target":   resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2()),
		"no function":  resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.EC2()),
		"no instances": resulttest.Run(resulttest.FourPhase(20), 1, resulttest.Lambda()),
	} {
		run.Targets[len(run.Targets)-1].Name = "last"
		if v := compare(t, run).Verdict; v != nil {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
