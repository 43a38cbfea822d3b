package cost_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

func TestBilledMS(t *testing.T) {
	t.Parallel()
	ms := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
	for _, c := range []struct{ init, duration, cold, want float64 }{
		// REPORT lines of custom runtimes: Init Duration, Duration, Billed Duration.
		{58.47, 46.37, 1, 105},
		{25.86, 38.24, 1, 65},
		{1363.52, 70.67, 1, 1435},
		{0, 38.66, 0, 39},
		{100, 20, 0, 20},
		{100, 20, 0.5, 70},
		{100, 19.5, 0.01, 21},
		{0, 0, 0, 0},
	} {
		if got := cost.BilledMS(ms(c.duration), ms(c.init), c.cold); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%g + %g ms, %g cold: %g billed, expected %g", c.init, c.duration, c.cold, got, c.want)
		}
	}
}

// TestCreditsCostWhatTheGuideSays: at 42.5 % CPU a t3.large of 0.0835 costs what an m5.large of 0.096 does, and at its baseline of 30 % nothing more.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode-concepts.html.
func TestCreditsCostWhatTheGuideSays(t *testing.T) {
	t.Parallel()
	p := withPrices(t, "ec2.t3.large=0.0835")
	for cpu, want := range map[float64]float64{0.425: 0.096, 0.3: 0.0835, 0.1: 0.0835, 1: 0.0835 + 0.7*2*0.05} {
		e := cost.EC2{Region: "us-east-1", InstanceType: "t3.large", Capacity: cost.Exactly(100), CPUAtCapacity: cpu}
		b, err := e.Bill(p, cost.Load{Rate: 100, Hours: 1})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(*b.Total)-want) > 1e-12 {
			t.Errorf("an hour at %g CPU costs %g, expected %g", cpu, *b.Total, want)
		}
	}
}

func TestProvisionedTimeIsRoundedUpTo5Minutes(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]float64{1: 300, 300: 300, 301: 600, 3600: 3600} {
		f := function(1024, 1)
		f.Provisioned = cost.Provisioned{Environments: 1, Seconds: seconds}
		b, err := f.Bill(cost.Embedded(), cost.Load{Rate: 1, Hours: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range b.Lines {
			if l.Item == "Provisioned concurrency" && l.Quantity != want {
				t.Errorf("%g s: %g GB-seconds, expected %g", seconds, l.Quantity, want)
			}
		}
	}
}

func TestInstancesForTheLoad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		rate       cost.RPS
		headroom   float64
		least      int
		duty       cost.Duty
		autoscaled bool
		instances  int
		hours      float64 // of instances
	}{
		{"one takes it", 99, 0, 0, cost.Duty{}, false, 1, 730},
		{"one just takes it", 100, 0, 0, cost.Duty{}, false, 1, 730},
		{"one is too few", 100.001, 0, 0, cost.Duty{}, false, 2, 1460},
		{"headroom", 100, 0.3, 0, cost.Duty{}, false, 2, 1460},
		{"exactly with headroom", 210, 0.3, 0, cost.Duty{}, false, 3, 2190},
		{"the least number", 1, 0, 3, cost.Duty{}, false, 3, 2190},
		{"sized for the peak", 100, 0, 0, cost.Bursty(), false, 10, 7300},
		// 0.05 of the time 10, else 100 x (1 - 0.5) / 0.95 = 52.6/s on one.
		{"follows the load", 100, 0, 0, cost.Bursty(), true, 10, 730 * (0.05*10 + 0.95*1)},
		// 336/s in 50 of 168 hours needs 4, and one stays.
		{"business hours", 100, 0, 1, cost.BusinessHours(), true, 4, 730 * (50.0/168*4 + 118.0/168)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := cost.EC2{
				Region: "us-east-1", InstanceType: "m7g.medium", Capacity: cost.Exactly(100), Headroom: c.headroom, MinInstances: c.least, Autoscaled: c.autoscaled,
			}
			b, err := e.Bill(cost.Embedded(), cost.Load{Rate: c.rate, Duty: c.duty})
			if err != nil {
				t.Fatal(err)
			}
			if b.Instances != c.instances || math.Abs(b.Lines[0].Quantity-c.hours) > 1e-6 {
				t.Errorf("%d instances for %g hours, expected %d, %g", b.Instances, b.Lines[0].Quantity, c.instances, c.hours)
			}
		})
	}
}

func TestFreeTierIsByFlagOnly(t *testing.T) {
	t.Parallel()
	f := function(128, 1)
	l := month(1e6)
	l.ResponseBytes = 1000
	for _, c := range []struct {
		free bool
		want int
	}{{false, 3}, {true, 0}} {
		l.FreeTier = c.free
		b, err := f.Bill(cost.Embedded(), l)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Lines) != c.want || c.free && *b.Total != 0 {
			t.Errorf("free tier %t: %d lines, %v", c.free, len(b.Lines), *b.Total)
		}
	}
}

func TestConcurrencyAboveTheDefaultIsTold(t *testing.T) {
	t.Parallel()
	f := function(128, 200)
	for rate, want := range map[cost.RPS]bool{4999: false, 5001: true} {
		b, err := f.Bill(cost.Embedded(), cost.Load{Rate: rate})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(b.Caveats, ""), "environments busy"); got != want {
			t.Errorf("at %g/s: %v", rate, b.Caveats)
		}
	}
}

func TestPeak(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2]float64{"more than all": {0.5, 3}, "no share": {0, 2}, "below the mean": {0.5, 0.5}, "NaN": {math.NaN(), 2}, "infinite": {0.1, math.Inf(1)}} {
		if d, err := cost.Peak(name, c[0], c[1]); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
	for _, d := range []cost.Duty{cost.Even(), cost.BusinessHours(), cost.Bursty()} {
		share, mean := 0.0, 0.0
		for _, s := range d.Segments {
			share, mean = share+s.Share, mean+s.Share*s.Factor
		}
		if math.Abs(share-1) > 1e-12 || math.Abs(mean-1) > 1e-12 {
			t.Errorf("%s lasts %g with a mean of %g", d.Name, share, mean)
		}
	}
}

func TestRedisIsApart(t *testing.T) {
	t.Parallel()
	r := cost.Redis{Region: "us-east-1", Engine: cost.EngineValkey, Node: "cache.t4g.micro", Nodes: 2}
	b, err := r.Bill(cost.Embedded(), cost.Load{Rate: 1})
	if err != nil || cents(*b.Total) != "18.69" { // 2 x 0.0128 x 730 = 18.688
		t.Errorf("%v, %v", err, b)
	}
	r = cost.Redis{Region: "us-east-1", Engine: cost.EngineRedis, UnitsPerRequest: 1}
	// 1 GB x 730 h x 0.125 + 2.628 million ECPUs x 0.0034.
	if b, err = r.Bill(cost.Embedded(), cost.Load{Rate: 1}); err != nil || cents(*b.Total) != "91.26" {
		t.Errorf("%v, %v", err, b)
	}
	r.Region = "eu-west-1"
	if b, err = r.Bill(cost.Embedded(), cost.Load{Rate: 1}); err != nil || b.Total != nil {
		t.Errorf("serverless in eu-west-1 has no price: %v, %v", err, b)
	}
	r.Engine = "memcached"
	if _, err = r.Bill(cost.Embedded(), cost.Load{Rate: 1}); err == nil {
		t.Error("memcached is no engine")
	}
}

func TestCheapestWithinTheSLO(t *testing.T) {
	t.Parallel()
	bill := func(usd float64) *cost.Bill { v := cost.USD(usd); return &cost.Bill{Total: &v} }
	yes, no := true, false
	list := []cost.Candidate{
		{Name: "cheap but slow", Bill: bill(1), Meets: &no},
		{Name: "who knows", Bill: bill(2)},
		{Name: "no price", Bill: &cost.Bill{}, Meets: &yes},
		{Name: "dear", Bill: bill(9), Meets: &yes},
		{Name: "right", Bill: bill(5), Meets: &yes},
		{Name: "the same", Bill: bill(5), Meets: &yes},
	}
	if i, ok := cost.Cheapest(list); !ok || list[i].Name != "right" {
		t.Errorf("%d, %t", i, ok)
	}
	if _, ok := cost.Cheapest(list[:3]); ok {
		t.Error("one is chosen of which nothing is known")
	}
	cost.ByCost(list)
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, ", "); got != "right, the same, dear, no price, who knows, cheap but slow" {
		t.Error(got)
	}
}
