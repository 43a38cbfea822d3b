package cost_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

func comparison() cost.Comparison {
	return cost.Comparison{
		Prices: cost.Embedded(),
		Lambda: cost.Lambda{Region: "us-east-1", Arch: cost.ARM64, MemoryMB: 512, BilledMS: cost.Within(12, 0.2), FrontDoor: cost.DoorFunctionURL, LogBytes: 350},
		EC2: cost.EC2{
			Region: "us-east-1", InstanceType: "t4g.small", Capacity: cost.Within(400, 0.25), Headroom: 0.3, MinInstances: 2,
			FrontDoor: cost.DoorALB, VolumeGB: 8, CPUAtCapacity: 0.8,
		},
		Load: cost.Load{RequestBytes: 500, ResponseBytes: 500, RequestsPerConnection: 10, ConnectionSeconds: 60},
	}
}

// difference is Lambda's cost above that of EC2 at a rate, from the bills alone.
func difference(t *testing.T, c cost.Comparison, rate cost.RPS) float64 {
	t.Helper()
	c.Load.Rate = rate
	l, err := c.Lambda.Bill(c.Prices, c.Load)
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.EC2.Bill(c.Prices, c.Load)
	if err != nil {
		t.Fatal(err)
	}
	return float64(*l.Total - *e.Total)
}

// TestBreakEvenByHand has no step, tier or credit in the way: the rate is fixed costs over the difference of a request's.
func TestBreakEvenByHand(t *testing.T) {
	t.Parallel()
	c := cost.Comparison{
		Prices: cost.Embedded(),
		Lambda: cost.Lambda{Region: "us-east-1", Arch: cost.ARM64, MemoryMB: 1024, BilledMS: cost.Exactly(100), FrontDoor: cost.DoorFunctionURL},
		EC2:    cost.EC2{Region: "us-east-1", InstanceType: "m7g.large", Capacity: cost.Exactly(1000), FrontDoor: cost.DoorNone},
	}
	b, err := c.BreakEven()
	if err != nil {
		t.Fatal(err)
	}
	// 0.0816 USD an hour over 0.2e-6 + 0.1 s x 1 GB x 0.0000133334 USD a request.
	want := 0.0816 / 3600 / (0.2e-6 + 0.1*0.0000133334)
	if len(b.Crossings) != 1 || math.Abs(float64(b.Crossings[0].Rate)/want-1) > 1e-9 || b.Crossings[0].Above != cost.CheaperEC2 || b.AtLowest != cost.CheaperLambda {
		t.Fatalf("crossings %+v from %s, expected one at %g", b.Crossings, b.AtLowest, want)
	}
	if *b.LambdaBelow != b.Crossings[0].Rate || *b.EC2Above != b.Crossings[0].Rate {
		t.Errorf("Lambda below %v, EC2 above %v: without ranges both are the crossing", *b.LambdaBelow, *b.EC2Above)
	}
}

// TestManyCrossings has an instance that is added again and again while Lambda costs as much as EC2 does on the mean.
func TestManyCrossings(t *testing.T) {
	t.Parallel()
	c := comparison()
	c.Load = cost.Load{}
	c.EC2 = cost.EC2{Region: "us-east-1", InstanceType: "m7g.large", Capacity: cost.Exactly(10), FrontDoor: cost.DoorNone}
	// Half an instance too little in the first steps: costs of a request at 9.5/s of an instance's 10/s.
	perRequest := 0.0816 / 3600 / 9.5
	c.Lambda.LogBytes = 0
	c.Lambda.MemoryMB = 1024
	c.Lambda.BilledMS = cost.Exactly((perRequest - 0.2e-6) / 0.0000133334 * 1000)
	b, err := c.Between(1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	// Lambda is dearer where rate/9.5 > n, n = ceil(rate/10): in step n from 9.5 n to 10 n, until 9.5 n is below 10 (n-1), which is n = 20.
	var want []float64
	for n := 1.0; n < 20; n++ {
		want = append(want, 9.5*n, 10*n)
	}
	want[len(want)-1] = 0 // at 190 the next instance starts where both are equal
	for i, w := range want[:len(want)-1] {
		if i >= len(b.Crossings) || math.Abs(float64(b.Crossings[i].Rate)/w-1) > 1e-6 || b.Crossings[i].AtStep != (i%2 == 1) {
			t.Fatalf("crossing %d: %+v, expected %g", i, b.Crossings, w)
		}
	}
}

// TestCrossingsAreWhereTheSignChanges holds a search over random comparisons against the bills at many rates.
func TestCrossingsAreWhereTheSignChanges(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	types := []string{"t4g.nano", "t4g.small", "t3.large", "m7g.large", "c8g.medium"}
	const rates = 500
	doors := []string{cost.DoorFunctionURL, cost.DoorHTTPAPI, cost.DoorALB, cost.DoorRESTAPI}
	duties := []cost.Duty{{}, cost.Even(), cost.BusinessHours(), cost.Bursty()}
	for i := range 60 {
		c := comparison()
		c.EC2.InstanceType = types[r.IntN(len(types))]
		c.EC2.Capacity = cost.Exactly(math.Pow(10, 0.5+3*r.Float64()))
		c.EC2.Autoscaled = r.IntN(2) == 0
		c.EC2.Discount = 0.6 * r.Float64()
		c.EC2.MinInstances = r.IntN(4)
		c.Lambda.FrontDoor = doors[r.IntN(len(doors))]
		c.Lambda.BilledMS = cost.Exactly(1 + 300*r.Float64())
		c.Lambda.MemoryMB = 128 << r.IntN(4)
		c.Load.Duty = duties[r.IntN(len(duties))]
		c.Load.FreeTier = r.IntN(2) == 0
		b, err := c.BreakEven()
		if err != nil {
			t.Fatal(err)
		}
		if b.Incomplete {
			continue
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			for j := range rates {
				rate := cost.RPS(0.01 * math.Pow(1e7, (float64(j)+0.5)/rates))
				want := b.AtLowest
				near := false
				for _, x := range b.Crossings {
					near = near || math.Abs(float64(x.Rate/rate)-1) < 1e-6
					if x.Rate < rate {
						want = x.Above
					}
				}
				d := difference(t, c, rate)
				if !near && (d < 0) != (want == cost.CheaperLambda) && math.Abs(d) > 1e-9 {
					t.Fatalf("at %g/s Lambda costs %g more, but %s is said to be cheaper: %+v", rate, d, want, b.Crossings)
				}
			}
			for _, x := range b.Crossings {
				if d := difference(t, c, x.Rate); !x.AtStep && math.Abs(d) > 1e-6*(1+math.Abs(difference(t, c, x.Rate*2))) {
					t.Errorf("at the crossing %g/s the costs differ by %g", x.Rate, d)
				}
			}
		})
	}
}

func TestBandHoldsTheCurve(t *testing.T) {
	t.Parallel()
	c := comparison()
	b, err := c.BreakEven()
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Curve) != 141 || math.Abs(float64(b.Curve[0].Rate)-0.01) > 1e-12 || math.Abs(float64(b.Curve[140].Rate)/1e5-1) > 1e-12 {
		t.Fatalf("%d points from %g to %g", len(b.Curve), b.Curve[0].Rate, b.Curve[len(b.Curve)-1].Rate)
	}
	var last cost.CurvePoint
	for _, p := range b.Curve {
		if p.LambdaLow > p.Lambda || p.Lambda > p.LambdaHigh || p.EC2Low > p.EC2 || p.EC2 > p.EC2High {
			t.Errorf("at %g/s the band does not hold the curve: %+v", p.Rate, p)
		}
		if p.Lambda < last.Lambda || p.EC2 < last.EC2-1e-9 {
			t.Errorf("at %g/s more requests cost less: %+v after %+v", p.Rate, p, last)
		}
		last = p
	}
	from := b.From
	for _, s := range b.Spans {
		if s.From != from || s.To <= s.From {
			t.Errorf("spans do not follow each other: %+v", b.Spans)
		}
		from = s.To
	}
	if from != b.To {
		t.Errorf("spans end at %g", from)
	}
	if b.LambdaBelow == nil || b.EC2Above == nil || *b.LambdaBelow >= *b.EC2Above {
		t.Errorf("Lambda below %v, EC2 above %v", b.LambdaBelow, b.EC2Above)
	}
	for _, x := range b.Crossings {
		if x.Rate < *b.LambdaBelow*(1-1e-9) || x.Rate > *b.EC2Above*(1+1e-9) {
			t.Errorf("crossing %g outside of what is undecided, %g to %g", x.Rate, *b.LambdaBelow, *b.EC2Above)
		}
	}
}

func TestOneIsAlwaysCheaper(t *testing.T) {
	t.Parallel()
	c := comparison()
	c.Lambda.Provisioned = cost.Provisioned{Environments: 1000}
	b, err := c.BreakEven()
	if err != nil {
		t.Fatal(err)
	}
	if b.LambdaBelow != nil || b.EC2Above == nil || *b.EC2Above != cost.MinRate || len(b.Crossings) != 0 {
		t.Errorf("1,000 provisioned environments: Lambda below %v, EC2 above %v", b.LambdaBelow, b.EC2Above)
	}
	c = comparison()
	c.EC2.MinInstances = 1_000_000
	if b, err = c.BreakEven(); err != nil || b.EC2Above != nil || b.LambdaBelow == nil || *b.LambdaBelow != cost.MaxRate {
		t.Errorf("a million instances: %v, Lambda below %v, EC2 above %v", err, b.LambdaBelow, b.EC2Above)
	}
}

// TestProvisionedEnvironmentsAreOutgrown: each has one request at a time, so that above some rate others have to be paid too.
func TestProvisionedEnvironmentsAreOutgrown(t *testing.T) {
	t.Parallel()
	for _, p := range []struct {
		environments int
		share        float64
		duty         cost.Duty
		want         string
	}{
		{10, 1, cost.Even(), "Lambda, load spread even: provisioned concurrency of 10 cannot serve its share of more than 833 requests/s"}, // 10 / 12 ms
		{10, 0.5, cost.Even(), "more than 1,670 requests/s"},
		{10, 1, cost.Bursty(), "load spread bursty: provisioned concurrency of 10 cannot serve its share of more than 83.3 requests/s"}, // at ten times the mean rate
		{1300, 1, cost.Even(), ""},
		{0, 0, cost.Even(), ""},
	} {
		c := comparison()
		c.Lambda.Provisioned, c.Load.Duty = cost.Provisioned{Environments: p.environments, Share: p.share}, p.duty
		b, err := c.BreakEven()
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(b.Caveats, " "); !strings.Contains(text, p.want) || p.want == "" && strings.Contains(text, "provisioned concurrency") {
			t.Errorf("%+v: no %q in %q", p, p.want, text)
		}
	}
}

// TestAnAccountIsOutgrown: the load that is billed is named, as the break-even is about others, and so is the rate that is enough.
func TestAnAccountIsOutgrown(t *testing.T) {
	t.Parallel()
	f := function(512, 899_000)
	for rate, want := range map[cost.RPS]string{
		1:  "",
		10: "the load that is billed keeps 8,990 environments busy where it is highest; an account has 1,000 unless AWS raises it, enough up to 1.11 requests/s on the mean.",
	} {
		b, err := f.Bill(cost.Embedded(), cost.Load{Rate: rate})
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(b.Caveats, " "); !strings.Contains(text, want) || want == "" && text != "" {
			t.Errorf("%g/s: no %q in %q", float64(rate), want, text)
		}
	}
}

// TestUnknownPriceGivesNoAnswer has arm64 provisioned concurrency in a region where it is not known.
func TestUnknownPriceGivesNoAnswer(t *testing.T) {
	t.Parallel()
	c := comparison()
	c.Lambda.Region, c.EC2.Region = "eu-west-1", "eu-west-1"
	c.Lambda.Provisioned = cost.Provisioned{Environments: 5, Share: 0.5}
	b, err := c.BreakEven()
	if err != nil {
		t.Fatal(err)
	}
	if want := `no price is known for Provisioned concurrency, Duration on provisioned environments of Lambda`; b.Unknown != want {
		t.Errorf("%q, expected %q", b.Unknown, want)
	}
	if len(b.Curve) != 0 || len(b.Crossings) != 0 || b.LambdaBelow != nil || b.EC2Above != nil {
		t.Errorf("an answer without a price: %+v", b)
	}
	c.Load.Rate = 10
	bill, err := c.Lambda.Bill(c.Prices, c.Load)
	if err != nil {
		t.Fatal(err)
	}
	if bill.Total != nil || bill.PerMillion != nil || len(bill.Unknown()) != 2 || len(bill.Caveats) == 0 || bill.Known() <= 0 {
		t.Errorf("a total without a price: %+v", bill)
	}
}

func TestWrongInputIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*cost.Comparison){
		"region":          func(c *cost.Comparison) { c.Lambda.Region = "mars-1" },
		"no region":       func(c *cost.Comparison) { c.EC2.Region = "" },
		"global":          func(c *cost.Comparison) { c.EC2.Region = cost.Global },
		"memory":          func(c *cost.Comparison) { c.Lambda.MemoryMB = 64 },
		"arch":            func(c *cost.Comparison) { c.Lambda.Arch = "amd64" },
		"NaN":             func(c *cost.Comparison) { c.Lambda.BilledMS = cost.Exactly(math.NaN()) },
		"infinite":        func(c *cost.Comparison) { c.EC2.Capacity = cost.Exactly(math.Inf(1)) },
		"no capacity":     func(c *cost.Comparison) { c.EC2.Capacity = cost.Exactly(0) },
		"range":           func(c *cost.Comparison) { c.EC2.Capacity = cost.Interval{Low: 5, Point: 4, High: 6} },
		"all headroom":    func(c *cost.Comparison) { c.EC2.Headroom = 1 },
		"discount":        func(c *cost.Comparison) { c.EC2.Discount = 1 },
		"type":            func(c *cost.Comparison) { c.EC2.InstanceType = "t4g.huge" },
		"function's door": func(c *cost.Comparison) { c.EC2.FrontDoor = cost.DoorFunctionURL },
		"instance's door": func(c *cost.Comparison) { c.Lambda.FrontDoor = cost.DoorNone },
		"duty":            func(c *cost.Comparison) { c.Load.Duty.Segments = []cost.Segment{{Share: 0.5, Factor: 1}} },
		"bytes":           func(c *cost.Comparison) { c.Load.ResponseBytes = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := comparison()
			change(&c)
			if b, err := c.BreakEven(); err == nil {
				t.Errorf("accepted: %+v", b.Spans)
			}
		})
	}
}

// FuzzNoNaN takes any figures: an error, or figures that are finite.
func FuzzNoNaN(f *testing.F) {
	f.Add(12.0, 400.0, 0.3, 0.2, 1000.0, 10.0, 0.05, 10.0)
	f.Add(0.0, 0.001, 0.95, 0.99, 1e12, 1e9, 1.0, 1.0)
	f.Add(1e6, 1e9, 0.0, 0.0, 0.0, 1e-9, 0.1, 10.0)
	f.Fuzz(func(t *testing.T, ms, capacity, headroom, discount, bytes, rate, share, factor float64) {
		c := comparison()
		c.Lambda.BilledMS, c.EC2.Capacity = cost.Exactly(ms), cost.Exactly(capacity)
		c.EC2.Headroom, c.EC2.Discount = headroom, discount
		c.Load.ResponseBytes, c.Load.Rate = cost.Bytes(bytes), cost.RPS(rate)
		if d, err := cost.Peak("fuzz", share, factor); err == nil {
			c.Load.Duty = d
		}
		finite := func(v float64) {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				t.Fatalf("%g in a result", v)
			}
		}
		if b, err := c.Lambda.Bill(c.Prices, c.Load); err == nil {
			finite(float64(*b.Total))
		}
		if b, err := c.EC2.Bill(c.Prices, c.Load); err == nil {
			finite(float64(*b.Total))
		}
		b, err := c.BreakEven()
		if err != nil {
			return
		}
		for _, p := range b.Curve {
			finite(float64(p.LambdaHigh))
			finite(float64(p.EC2High))
		}
		last := cost.RPS(0)
		for _, x := range b.Crossings {
			finite(float64(x.Rate))
			if x.Rate < last {
				t.Fatalf("crossings are not sorted: %+v", b.Crossings)
			}
			last = x.Rate
		}
	})
}

func BenchmarkBreakEven(b *testing.B) {
	c := comparison()
	for b.Loop() {
		if _, err := c.BreakEven(); err != nil {
			b.Fatal(err)
		}
	}
}
