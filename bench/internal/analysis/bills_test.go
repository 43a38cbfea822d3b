package analysis_test

import (
	"math"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// A bill is a month of the rate of the run, the sum of its items, and the cheaper one is the one that the verdict names for that rate.
func TestBills(t *testing.T) {
	t.Parallel()
	const month = 730 * 3600 // seconds
	for _, rate := range []float64{0.5, 10, 40, 60, 500, 3000} {
		m := compare(t, billed(func(r *result.Run) {
			for i := range r.Targets {
				r.Targets[i].Overall.ThroughputRPS = &rate
			}
		}))
		b := m.Bills
		if b == nil || len(b.List) != 2 || b.RateRPS != rate {
			t.Fatalf("at %g/s the bills are %+v", rate, b)
		}
		var totals []float64
		for _, bill := range b.List {
			sum := 0.0
			for _, l := range bill.Lines {
				sum += float64(*l.USD)
			}
			total := float64(*bill.Total)
			if math.Abs(sum-total) > 1e-9*total || math.Abs(total/(rate*month)*1e6-float64(*bill.PerMillion)) > 1e-9*float64(*bill.PerMillion) {
				t.Errorf("at %g/s: %g USD a month, items of %g, %g a million requests", rate, total, sum, float64(*bill.PerMillion))
			}
			totals = append(totals, total)
		}
		if v := m.Verdict; rate < *v.LambdaBelow && totals[0] >= totals[1] || rate > *v.EC2Above && totals[1] >= totals[0] {
			t.Errorf("at %g/s lambda costs %g and ec2 %g; the verdict has %g and %g/s", rate, totals[0], totals[1], *v.LambdaBelow, *v.EC2Above)
		}
		if len(b.BreakEvens) != 3 || *b.BreakEvens[0].LambdaBelow != *(*cost.RPS)(m.Verdict.LambdaBelow) {
			t.Errorf("break-even by spread of the load: %+v", b.BreakEvens)
		}
	}
}

// TestNoRateNoBills: a run of which no rate is known has a break-even, whose prices have dates, and no bills.
func TestNoRateNoBills(t *testing.T) {
	t.Parallel()
	m := compare(t, billed(func(r *result.Run) {
		for i := range r.Targets {
			r.Targets[i].Overall.ThroughputRPS = nil
		}
	}))
	if m.Bills != nil {
		t.Errorf("bills of no rate: %+v", m.Bills)
	}
	if m.BreakEven == nil || !strings.Contains(m.BreakEven.Basis, "List prices as of 20") || m.Verdict.LambdaBelow == nil {
		t.Errorf("the break-even is %+v", m.BreakEven)
	}
	if text := strings.Join(m.Verdict.Caveats, " "); !strings.Contains(text, "older than 180 days") {
		t.Errorf("no old price is named in %s", text)
	}
}
