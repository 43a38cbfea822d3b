package cost_test

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

func TestEmbeddedPrices(t *testing.T) {
	t.Parallel()
	p := cost.Embedded()
	if len(p.Regions()) < 12 || slices.Contains(p.Regions(), cost.Global) {
		t.Errorf("regions %v", p.Regions())
	}
	for _, c := range []struct {
		region, key string
		amount      float64
		want        float64
	}{
		// From the price pages, by hand.
		{"us-east-1", "lambda.request", 1e6, 0.2},
		{"us-east-1", "lambda.gb_second.x86_64", 16e9, 6e9*0.0000166667 + 9e9*0.000015 + 1e9*0.0000133334},
		{"us-east-1", "lambda.gb_second.arm64", 20e9, 7.5e9*0.0000133334 + 11.25e9*0.0000120001 + 1.25e9*0.0000106667},
		{"us-east-1", "http_api.request", 432e6, 418.8},
		{"us-east-1", "data_out.gb", 200_000, 10240*0.09 + 40960*0.085 + 102400*0.07 + 46400*0.05},
		{"eu-west-1", "alb.hour", 100, 2.52},
		{"eu-west-1", "ec2.surplus_vcpu_hour.t4g", 10, 0.4}, // of all regions
	} {
		got, ok := p.Rate(c.region, c.key).Cost(c.amount)
		if !ok || math.Abs(float64(got)/c.want-1) > 1e-9 {
			t.Errorf("%g of %s in %s cost %g, expected %g", c.amount, c.key, c.region, got, c.want)
		}
	}
	for _, c := range []struct{ region, key string }{
		{"eu-west-1", "rest_api.request"}, {"sa-east-1", "lambda.provisioned_concurrency.arm64"}, {"sa-east-1", "alb.hour"}, {"us-east-1", "lambda.response_stream_gb"},
	} {
		if v, ok := p.Rate(c.region, c.key).Cost(1); ok {
			t.Errorf("%s in %s costs %g: it is not known", c.key, c.region, v)
		}
		if v, ok := p.Rate(c.region, c.key).Cost(0); !ok || v != 0 {
			t.Errorf("nothing of %s costs %g", c.key, v)
		}
	}
}

const small = `{"format":"crossover-prices/1","written":"2026-11-01","currency":"USD","sources":{"mine":"my contract"},
 "instance_types":{"m9g.large":{"vcpu":2,"memory_gib":8,"arch":"arm64"}},
 "regions":{"us-east-1":{"alb.hour":[{"usd":0.01,"source":"mine","as_of":"2026-11"}],"nat.hour":[{"usd":null,"source":"","as_of":""}],
  "ec2.m9g.large":[{"usd":0.1,"source":"mine","as_of":"2026"}]},
 "eu-south-1":{"lambda.request":[{"size":10,"usd":1,"source":"","as_of":""},{"usd":0,"source":"","as_of":""}]}}}`

func TestOverride(t *testing.T) {
	t.Parallel()
	o, err := cost.ParsePrices("mine.json", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	p := cost.Embedded().Override(o)
	check := func(region, key string, amount, want float64, known bool) {
		t.Helper()
		if got, ok := p.Rate(region, key).Cost(amount); ok != known || float64(got) != want {
			t.Errorf("%s in %s: %g, %t; expected %g, %t", key, region, got, ok, want, known)
		}
	}
	check("us-east-1", "alb.hour", 1, 0.01, true)      // replaced
	check("us-east-1", "nat.hour", 1, 0, false)        // a null takes a price away
	check("us-east-1", "alb.lcu_hour", 1, 0.008, true) // not named: stays
	check("eu-west-1", "alb.hour", 1, 0.0252, true)    // another region
	check("eu-south-1", "lambda.request", 12, 10, true)
	if _, ok := p.Instances["m9g.large"]; !ok || p.Instances["t4g.small"].Baseline != 0.2 {
		t.Error("instance types are not joined")
	}
	if p.Sources["mine"] != "my contract" || p.Sources["karpenter"] == "" {
		t.Error("sources are not joined")
	}
	if _, ok := cost.Embedded().Rate("us-east-1", "nat.hour").Cost(1); !ok {
		t.Error("the built-in prices were changed")
	}
	if p.Written != "2026-11-23" {
		t.Errorf("written %s: expected the later of the two", p.Written)
	}
}

func TestEncodedPricesAreReadAgain(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*cost.Table{"embedded": cost.Embedded()} {
		data, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := cost.ParsePrices(name, data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, again, cmp.AllowUnexported(cost.Table{})); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestFaultsOfPricesAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := cost.ParsePrices("bad.json", []byte(`{"format":"other","written":"yesterday","currency":"EUR","sources":{},
	 "instance_types":{"t9.big":{"vcpu":0,"memory_gib":-1,"arch":"mips","baseline":2}},
	 "regions":{"Mars":{},"us-east-1":{"alb.hour":[{"usd":-1,"source":"","as_of":""}],"alb.day":[{"usd":1,"source":"","as_of":""}],"nat.hour":[],
	  "nat.gb":[{"usd":1,"source":"who","as_of":"then"}],"data_out.gb":[{"usd":1,"source":"","as_of":""},{"size":5,"usd":1,"source":"","as_of":""}]}}}`))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`bad.json: format "other": expected "crossover-prices/1"`, `written "yesterday": expected a day`, `currency "EUR"`, `instance_types.t9.big`,
		`regions.Mars: is no region`, `regions.us-east-1.alb.hour[0]: usd -1: expected 0 or more`, `regions.us-east-1.alb.day: is not known`,
		`regions.us-east-1.nat.hour: has no tier`, `nat.gb[0]: as_of "then"`, `nat.gb[0]: source "who" is not among the sources`,
		`data_out.gb[0]: size 0: expected one in each tier but the last`, `data_out.gb[1]: size 5: expected one in each tier but the last`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
}

func TestBrokenPricesAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"empty":       {"", "p.json:1: is no prices file"},
		"syntax":      {"{\n\n!}", "p.json:3: is no prices file"},
		"type":        {"{\"format\":\n3}", "p.json:2: is no prices file"},
		"unknown key": {strings.Replace(small, `"written"`, `"wrote"`, 1), `unknown field "wrote"`},
		"two":         {small + small, "has something after the prices"},
		"no regions":  {`{"format":"crossover-prices/1","written":"2026","currency":"USD"}`, "regions: has none"},
		"huge":        {strings.Repeat(" ", cost.MaxPricesBytes+1), "at most"},
		"number":      {strings.Replace(small, "0.01", "1e999", 1), "is no prices file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := cost.ParsePrices("p.json", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: expected %q", err, c.want)
			}
		})
	}
}

func TestStale(t *testing.T) {
	t.Parallel()
	usd, price := cost.USD(1), 1.0
	b := &cost.Bill{Lines: []cost.Line{
		{Item: "old", USD: &usd, Price: &price, Source: "s", AsOf: "2026-05-28"},
		{Item: "new", USD: &usd, Price: &price, Source: "s", AsOf: "2026-05-29"},
		{Item: "month", USD: &usd, Price: &price, Source: "s", AsOf: "2026-05"},
		{Item: "when", USD: &usd, Price: &price, Source: "s"},
		{Item: "unknown", Source: "s", AsOf: "2020"},
	}}
	// 180 days after 2026-05-29 is 2026-11-25.
	got := cost.Stale(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), b, nil)
	want := []string{
		"These prices are older than 180 days: month (2026-05), old (2026-05-28).",
		"These prices have no date: when.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := cost.Stale(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), b)[0]; !strings.Contains(got, "no date") {
		t.Errorf("prices of the future are old: %s", got)
	}
}

func FuzzParsePrices(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"regions":{"us-east-1":{"alb.hour":[{"usd":-0}]}}}`))
	number := regexp.MustCompile(`^-?[0-9]`)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := cost.ParsePrices("fuzz", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "fuzz:") || number.MatchString(err.Error()) {
				t.Fatalf("error without its file: %v", err)
			}
			return
		}
		again, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if q, err := cost.ParsePrices("again", again); err != nil || !cmp.Equal(p, q, cmp.AllowUnexported(cost.Table{})) {
			t.Fatalf("what was read is not read again: %v", err)
		}
		both := cost.Embedded().Override(p)
		for _, region := range p.Regions() {
			for _, key := range []string{"lambda.request", "alb.hour", "data_out.gb"} {
				last := cost.USD(0)
				for _, amount := range []float64{0, 1, 1e3, 1e9} {
					v, ok := both.Rate(region, key).Cost(amount)
					if math.IsNaN(float64(v)) || v < 0 || ok && v < last {
						t.Fatalf("%g of %s cost %g", amount, key, v)
					}
					last = v
				}
			}
		}
	})
}
