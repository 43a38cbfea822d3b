package cost_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

// The worked examples of AWS's price pages, us-east-1, with the prices that they give. Copies of the pages, as they are not all archived:
// Lambda of 2026 and API Gateway of 2025-11-02 whole; of Elastic Load Balancing the examples as several public texts quote them.
const (
	lambdaPage     = "https://aws.amazon.com/lambda/pricing/"
	apiGatewayPage = "https://aws.amazon.com/api-gateway/pricing/"
	elbPage        = "https://aws.amazon.com/elasticloadbalancing/pricing/"
)

// withPrices replaces prices of us-east-1: KEY=USD.
func withPrices(t *testing.T, prices ...string) *cost.Table {
	t.Helper()
	var list []string
	for _, p := range prices {
		key, usd, _ := strings.Cut(p, "=")
		list = append(list, fmt.Sprintf(`%q:[{"usd":%s,"source":"","as_of":""}]`, key, usd))
	}
	text := `{"format":"crossover-prices/1","written":"2026-11-23","currency":"USD","sources":{},"instance_types":{},"regions":{"us-east-1":{` +
		strings.Join(list, ",") + `}}}`
	o, err := cost.ParsePrices("example", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cost.Embedded().Override(o)
}

// month is a load of so many requests in a month of 720 hours, which the examples have.
func month(requests float64) cost.Load {
	return cost.Load{Rate: cost.RPS(requests / 720 / 3600), Hours: 720}
}

func free(l cost.Load) cost.Load { l.FreeTier = true; return l }

func function(memoryMB int, ms float64) cost.Lambda {
	return cost.Lambda{Region: "us-east-1", Arch: cost.X86, MemoryMB: memoryMB, BilledMS: cost.Exactly(ms), FrontDoor: cost.DoorFunctionURL}
}

func cents(v cost.USD) string { return fmt.Sprintf("%.2f", math.Round(float64(v)*100)/100) }

// item gives the cost of one line, of several with the same beginning their sum; empty is all.
func item(t *testing.T, b *cost.Bill, name string) cost.USD {
	t.Helper()
	sum, found := cost.USD(0), false
	for _, l := range b.Lines {
		if strings.HasPrefix(l.Item, name) {
			if l.USD == nil {
				t.Fatalf("%s has no price", l.Item)
			}
			sum, found = sum+*l.USD, true
		}
	}
	if !found {
		t.Fatalf("no line %q in %+v", name, b.Lines)
	}
	return sum
}

func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	// The pages give 0.0000166667 for a GB-second, the price list 0.0000166667 or 0.00001667 by age.
	today := withPrices(t, "lambda.gb_second.x86_64=0.0000166667")
	type line struct{ item, usd string }
	for _, e := range []struct {
		name, source string
		bill         func(t *testing.T) (*cost.Bill, error)
		want         []line
	}{
		{"lambda: 512 MB for 1 s (2018)", lambdaPage, func(t *testing.T) (*cost.Bill, error) {
			f := function(512, 1000)
			return f.Bill(withPrices(t, "lambda.gb_second.x86_64=0.00001667"), free(month(3e6)))
		}, []line{{"Duration", "18.34"}, {"Requests", "0.40"}, {"", "18.74"}}},
		{"lambda: 128 MB for 200 ms (2018)", lambdaPage, func(t *testing.T) (*cost.Bill, error) {
			f := function(128, 200)
			return f.Bill(withPrices(t, "lambda.gb_second.x86_64=0.00001667"), free(month(30e6)))
		}, []line{{"Duration", "5.83"}, {"Requests", "5.80"}, {"", "11.63"}}},
		{"lambda: mobile application backend", lambdaPage, func(*testing.T) (*cost.Bill, error) {
			f := function(1536, 120)
			return f.Bill(today, free(month(3e6)))
		}, []line{{"Duration", "2.33"}, {"Requests", "0.40"}, {"", "2.73"}}},
		{"lambda: streaming telemetry", lambdaPage, func(*testing.T) (*cost.Bill, error) {
			f := function(1024, 2000)
			return f.Bill(today, month(7.44e6))
		}, []line{{"Requests", "1.49"}, {"Duration", "248.00"}, {"", "249.49"}}},
		{"lambda: customer support with ephemeral storage", lambdaPage, func(*testing.T) (*cost.Bill, error) {
			f := function(4096, 280)
			f.EphemeralMB = 2048
			return f.Bill(today, free(month(6e6)))
		}, []line{{"Duration", "105.33"}, {"Requests", "1.00"}, {"Ephemeral", "0.08"}, {"", "106.41"}}},
		{"lambda: tenants, of which requests and compute", lambdaPage, func(*testing.T) (*cost.Bill, error) {
			f := function(1024, 2000)
			return f.Bill(today, month(10e6))
		}, []line{{"Requests", "2.00"}, {"Duration", "333.33"}}}, // the page has 333.34 for 20M x 0.0000166667 = 333.334
		{"lambda: durable functions, of which compute on arm64", lambdaPage, func(*testing.T) (*cost.Bill, error) {
			f := function(1024, 16_000) // two invocations for 32 s
			f.Arch = cost.ARM64
			return f.Bill(today, free(month(2e6)))
		}, []line{{"Duration", "421.34"}, {"Requests", "0.20"}}},
		{"lambda: event source mapping, of which compute", lambdaPage, func(*testing.T) (*cost.Bill, error) {
			f := function(1024, 2000)
			return f.Bill(today, free(month(30e6)))
		}, []line{{"Duration", "993.34"}}}, // the page has 993.3
		{"lambda: SQS, of which requests and compute", lambdaPage, func(*testing.T) (*cost.Bill, error) {
			f := function(1024, 1000)
			return f.Bill(today, month(30e6))
		}, []line{{"Duration", "500.00"}, {"Requests", "6.00"}}},
		{"lambda: provisioned concurrency, launch day", lambdaPage, func(*testing.T) (*cost.Bill, error) {
			f := function(1536, 120)
			f.Provisioned = cost.Provisioned{Environments: 100, Seconds: 8 * 3600, Share: 0.5 / 3, BilledMS: cost.Exactly(100)}
			return f.Bill(today, free(month(3e6)))
		}, []line{{"Provisioned concurrency", "18.00"}, {"Requests", "0.40"}, {"Duration on provisioned", "0.73"}, {"Duration, ", "0.83"}, {"", "19.96"}}},
		{"lambda: provisioned concurrency, Cyber Monday", lambdaPage, func(*testing.T) (*cost.Bill, error) {
			f := function(4096, 280)
			f.Provisioned = cost.Provisioned{Environments: 7, Seconds: 24 * 3600, Share: 1}
			return f.Bill(today, month(2e6))
		}, []line{{"Provisioned concurrency", "10.08"}, {"Duration on provisioned", "21.78"}, {"Requests", "0.40"}, {"", "32.26"}}},
		{"lambda: response streaming, small answers", lambdaPage, func(t *testing.T) (*cost.Bill, error) {
			f := function(1536, 500)
			return f.Bill(today, free(month(3e6)))
		}, []line{{"Duration", "30.83"}, {"Requests", "0.40"}}},
		{"lambda: response streaming, answers of 7 MB", lambdaPage, func(t *testing.T) (*cost.Bill, error) {
			f := function(1536, 500)
			f.Streamed = true
			l := month(1e6)
			l.ResponseBytes = 7 << 20
			return f.Bill(withPrices(t, "lambda.response_stream_gb=0.008"), l)
		}, []line{{"Response streaming", "7.81"}}},
		{"lambda: managed instances", lambdaPage, func(*testing.T) (*cost.Bill, error) {
			m := cost.Managed{EC2: cost.EC2{
				Region: "us-east-1", InstanceType: "m7g.xlarge", Capacity: cost.Exactly(1000), Discount: 1 - 0.0457/0.1632,
			}}
			return m.Bill(today, cost.Load{Rate: cost.RPS(100e6 / 2000 / 3600), Hours: 2000}) // 2,000 instance-hours
		}, []line{{"Requests", "20.00"}, {"Instances", "91.40"}, {"Management fee", "48.96"}, {"", "160.36"}}},
		{"api gateway: HTTP API, dynamic pages", apiGatewayPage, func(*testing.T) (*cost.Bill, error) {
			f := function(128, 1)
			f.FrontDoor = cost.DoorHTTPAPI
			l := month(432e6)
			l.RequestBytes, l.ResponseBytes = 12<<10, 46<<10
			return f.Bill(today, l)
		}, []line{{"HTTP API", "418.80"}}},
		{"api gateway: HTTP API, uploads of 4.5 MB", apiGatewayPage, func(*testing.T) (*cost.Bill, error) {
			f := function(128, 1)
			f.FrontDoor = cost.DoorHTTPAPI
			l := month(25 * 60 * 720)
			l.RequestBytes = 4.5 * (1 << 20)
			return f.Bill(today, l)
		}, []line{{"HTTP API", "9.72"}}},
		{"api gateway: REST API, 5 million calls", apiGatewayPage, func(*testing.T) (*cost.Bill, error) {
			f := function(128, 1)
			f.FrontDoor = cost.DoorRESTAPI
			l := month(5e6)
			l.ResponseBytes = 3 << 10
			return f.Bill(today, l)
		}, []line{{"REST API", "17.50"}, {"Data out", "1.29"}}},
		{"api gateway: REST API, 15 billion calls", apiGatewayPage, func(t *testing.T) (*cost.Bill, error) {
			f := function(128, 1)
			f.FrontDoor = cost.DoorRESTAPI
			l := month(15e9)
			l.ResponseBytes = 4 << 10
			return f.Bill(withPrices(t, "data_out.gb=0.09"), l) // the example has one price for all of it
		}, []line{{"REST API", "36353.10"}, {"Data out", "5149.84"}}},
		{"elb: one connection a second", elbPage, func(*testing.T) (*cost.Bill, error) {
			return balanced(cost.Load{
				Rate: 5, Hours: 720, RequestsPerConnection: 5, ConnectionSeconds: 120, ResponseBytes: 300_000 / 5, Rules: 60,
			})
		}, []line{{"Load balancer capacity", "6.22"}, {"Load balancer", "22.42"}}},
		{"elb: 100 connections a second", elbPage, func(*testing.T) (*cost.Bill, error) {
			return balanced(cost.Load{
				Rate: 400, Hours: 720, RequestsPerConnection: 4, ConnectionSeconds: 180, ResponseBytes: 100 * 1000 / 400, Rules: 20,
			})
		}, []line{{"Load balancer capacity", "34.56"}, {"Load balancer", "50.76"}}},
	} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			b, err := e.bill(t)
			if err != nil {
				t.Fatal(err)
			}
			sum := cost.USD(0)
			for _, want := range e.want {
				var got cost.USD
				if want.item == "" {
					// The pages add up what they have rounded.
					got = sum
					if math.Abs(float64(*b.Total-got)) > 0.0151 {
						t.Errorf("the total is %s, the sum of the rounded lines %s", cents(*b.Total), cents(got))
					}
				} else {
					got = item(t, b, want.item)
					sum += cost.USD(math.Round(float64(got)*100) / 100)
				}
				if cents(got) != want.usd {
					t.Errorf("%s costs %s, %s has %s", want.item, cents(got), e.source, want.usd)
				}
			}
		})
	}
}

func balanced(l cost.Load) (*cost.Bill, error) {
	e := cost.EC2{Region: "us-east-1", InstanceType: "m7g.medium", Capacity: cost.Exactly(1000), FrontDoor: cost.DoorALB}
	return e.Bill(cost.Embedded(), l)
}

// TestLCUs holds each dimension of the examples against the page's own figures.
func TestLCUs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		load      cost.Load
		rate      cost.RPS
		functions bool
		want      float64
	}{
		{"new connections, 1 a second", cost.Load{RequestsPerConnection: 5}, 5, false, 0.04},
		{"active connections, 120 a minute", cost.Load{RequestsPerConnection: 5, ConnectionSeconds: 120}, 5, false, 0.04},
		{"bytes, 300 KB a second", cost.Load{RequestBytes: 10_000, ResponseBytes: 50_000}, 5, false, 1.08},
		{"bytes to functions", cost.Load{RequestBytes: 10_000, ResponseBytes: 50_000}, 5, true, 2.7},
		{"rules, 60 for 5 a second", cost.Load{Rules: 60, RequestsPerConnection: 1e6}, 5, false, 0.25},
		{"rules, none above the free ones", cost.Load{Rules: 10, RequestsPerConnection: 25}, 25, false, 0.04},
		{"new connections, 100 a second", cost.Load{RequestsPerConnection: 4}, 400, false, 4},
		{"active connections, 18,000 a minute", cost.Load{RequestsPerConnection: 4, ConnectionSeconds: 180}, 400, false, 6},
		{"rules, 20 for 400 a second", cost.Load{Rules: 20, RequestsPerConnection: 1e6}, 400, false, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := cost.LCUs(c.load, c.rate, c.functions); math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%g LCUs, expected %g", got, c.want)
			}
		})
	}
}
