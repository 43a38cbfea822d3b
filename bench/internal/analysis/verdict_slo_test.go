package analysis_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// unloaded takes away all that was measured of a target, as of one that an interrupted run never came to.
func unloaded(r *result.Run, name string) {
	i := slices.IndexFunc(r.Targets, func(t result.Target) bool { return t.Name == name })
	r.Targets[i].Overall, r.Targets[i].Phases = result.Stats{Errors: map[string]int64{}}, []result.PhaseStats{}
}

// TestVerdictOfInterruptedRun calls nothing missed or kept that was not measured, and says what all of it is of.
func TestVerdictOfInterruptedRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit          time.Duration
		without        []string
		misses, untold []string
		want           string
	}{
		"both keep":             {time.Second, nil, nil, nil, "Both keep the SLO in the part of the run that was done."},
		"both miss":             {time.Microsecond, nil, []string{"ec2", "lambda"}, nil, "Both miss the SLO, so neither will do as it is."},
		"one keeps, one never":  {time.Second, []string{"ec2"}, nil, []string{"ec2"}, "lambda keeps the SLO in the part of the run that was done. Whether ec2 keeps it is not known:"},
		"one misses, one never": {time.Microsecond, []string{"lambda"}, []string{"ec2"}, []string{"lambda"}, "ec2 misses the SLO, so it will not do as it is. Whether lambda keeps it is not known:"},
		"neither ran":           {time.Second, []string{"ec2", "lambda"}, nil, []string{"ec2", "lambda"}, "Whether either of the two keeps the SLO is not known:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := billed(func(r *result.Run) {
				r.Interrupted = true
				r.Scenario.SLO = scenario.SLO{{Metric: scenario.MetricP99, Limit: float64(c.limit.Microseconds())}}
				for _, name := range c.without {
					unloaded(r, name)
				}
				r.Thresholds = r.Judge()
			})
			v := compare(t, run).Verdict
			if !slices.Equal(v.Misses, append([]string{}, c.misses...)) || !slices.Equal(v.Untold, c.untold) || !v.SLO || !v.Interrupted {
				t.Errorf("missed by %v, not known of %v; SLO %t, interrupted %t", v.Misses, v.Untold, v.SLO, v.Interrupted)
			}
			if !strings.Contains(v.Text, c.want) || strings.Contains(v.Text, "whatever it costs") {
				t.Errorf("no %q in %q", c.want, v.Text)
			}
			if !strings.Contains(v.Text, "The run was interrupted: all of this is of the part that was done, which is ") {
				t.Errorf("that it was interrupted is not in %q", v.Text)
			}
			for _, name := range c.without {
				if !strings.Contains(v.Text, " 0 requests to "+name) {
					t.Errorf("how much %s got is not in %q", name, v.Text)
				}
			}
		})
	}
	if v := compare(t, billed(nil)).Verdict; v.Interrupted || strings.Contains(v.Text, "interrupted") {
		t.Errorf("a whole run: %q", v.Text)
	}
}

// TestVerdictOfSearchesWithoutEnd: a search that was stopped tells that no rate is kept only if it had found that, and one that the load
// generator has ended never does.
func TestVerdictOfSearchesWithoutEnd(t *testing.T) {
	t.Parallel()
	const (
		nothing = "Whether ec2 keeps it is not known: nothing was measured that tells."
		late    = "Whether ec2 keeps it is not known: the load generator itself was at its limits before any rate was kept."
	)
	for name, c := range map[string]struct {
		found       *result.Capacity
		interrupted bool
		want        string
	}{
		"no trial":                        {&result.Capacity{}, true, nothing},
		"not begun":                       {nil, true, nothing},
		"missed, and stopped on its way":  {&result.Capacity{MissedRPS: new(50.)}, true, nothing},
		"missed by the generator":         {&result.Capacity{MissedRPS: new(2.), Converged: true, LimitedBy: result.LimitGenerator}, false, late},
		"missed by it, and stopped":       {&result.Capacity{MissedRPS: new(2.), LimitedBy: result.LimitGenerator}, true, late},
		"missed down to the lowest":       {&result.Capacity{MissedRPS: new(2.), Converged: true, LimitedBy: result.LimitTarget}, true, "ec2 misses the SLO"},
		"missed as long as there was one": {&result.Capacity{MissedRPS: new(2.), LimitedBy: result.LimitTarget}, false, "ec2 misses the SLO"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := resulttest.Run(resulttest.OpenLoad(10, scenario.Rate{From: 20, To: 20}), 1, resulttest.EC2(), resulttest.Lambda())
			run.Interrupted, run.Targets[1].Lambda = c.interrupted, resulttest.Meter()
			run.Targets[0].Capacity = c.found
			run.Targets[1].Capacity = &result.Capacity{KeptRPS: new(20.), LimitedBy: result.LimitTarget}
			v := compare(t, run).Verdict
			if !strings.Contains(v.Text, c.want) || strings.Contains(v.Text, "neither will do") {
				t.Errorf("no %q in %q", c.want, v.Text)
			}
			if known := !strings.Contains(c.want, "not known"); known != (len(v.Untold) == 0) || known != (len(v.Why) == 0) || !known && !strings.HasSuffix(c.want, v.Why["ec2"]+".") {
				t.Errorf("not known of %v, %q", v.Untold, v.Why)
			}
		})
	}
}

// TestTuneOfSearchesWithoutEnd: a configuration whose search the load generator has ended has not missed the SLO.
func TestTuneOfSearchesWithoutEnd(t *testing.T) {
	t.Parallel()
	run, in := swept(1, nil, []float64{5}, size(128, 5*time.Millisecond))
	run.Scenario.SLO = scenario.SLO{{Metric: scenario.MetricP99, Limit: 1e6}}
	run.Targets[0].Capacity = &result.Capacity{MissedRPS: new(2.), LimitedBy: result.LimitGenerator}
	r := sweep(t, run, in)
	if c := r.Configurations[0]; !r.Untold() || c.Meets != nil || !slices.Contains(c.Notes, "Whether it keeps the SLO is not known: the load generator itself was at its limits before any rate was kept.") {
		t.Errorf("keeps the SLO %v, notes %q", c.Meets, c.Notes)
	}
}
