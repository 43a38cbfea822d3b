package scenario_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// open is the shortest open scenario with all its keys.
const open = `name: open
load: open
connections: 7
arrivals: poisson
grace: 0s
protocol: http2
fresh_connections: true
slo: {error_rate: 0.1%, p99: 250ms, p50: 1500us}
steps:
  - {name: read, path: /, weight: 9}
  - {name: write, method: POST, path: /, body: "123"}
phases:
  - {name: warm, rate: 0/s..50/s, duration: 10s, arrivals: constant, warmup: true}
  - {name: main, rate: 12_000/min, duration: 1m}
  - {name: idle, rate: 0/h, duration: 1m}
`

func TestOpen(t *testing.T) {
	want := &scenario.Scenario{
		Name: "open", Load: scenario.Open, Connections: 7, Protocol: scenario.HTTP2, FreshConnections: true,
		Timeout: scenario.Duration(10 * time.Second),
		SLO:     scenario.SLO{{scenario.MetricP50, 1500}, {scenario.MetricP99, 250_000}, {scenario.MetricErrorRate, 0.001}},
		Steps: []scenario.Step{
			{Name: "read", Method: "GET", Path: "/", Weight: 9},
			{Name: "write", Method: "POST", Path: "/", Body: []byte("123"), Weight: 1},
		},
		Phases: []scenario.Phase{
			{Name: "warm", Rate: &scenario.Rate{From: 0, To: 50}, Duration: scenario.Duration(10 * time.Second), Arrivals: scenario.Constant, Warmup: true},
			{Name: "main", Rate: &scenario.Rate{From: 200, To: 200}, Duration: scenario.Duration(time.Minute), Arrivals: scenario.Poisson},
			{Name: "idle", Rate: &scenario.Rate{}, Duration: scenario.Duration(time.Minute), Arrivals: scenario.Poisson},
		},
	}
	got := parse(t, open)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for i, n := range []int{250, -1, -1} {
		if r := got.Requests(got.Phases[i]); r != n {
			t.Errorf("phase %d has %d requests, want %d", i, r, n)
		}
	}
	roundTrip(t, got)
}

func TestOpenDefaults(t *testing.T) {
	want := &scenario.Scenario{
		Name: "short", Load: scenario.Open, Connections: 100, Protocol: scenario.HTTP1,
		Timeout: scenario.Duration(10 * time.Second), Grace: scenario.Duration(10 * time.Second),
		Steps: []scenario.Step{{Name: "get", Method: "GET", Path: "/", Weight: 1}},
		Phases: []scenario.Phase{{
			Name: "only", Rate: &scenario.Rate{From: 0.5, To: 0.5}, Duration: scenario.Duration(time.Second), Arrivals: scenario.Constant,
		}},
	}
	got := parse(t, edited(t, "workers: 20", "load: open", "iterations: 5", "rate: 0.5/s, duration: 1s"))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if r := got.Requests(got.Phases[0]); r != 1 { // due at 0
		t.Errorf("%d requests, want 1", r)
	}
}

// TestDraws checks what an iteration is.
func TestDraws(t *testing.T) {
	const (
		plain   = "{name: get, path: /}"
		weight  = "{name: get, path: /, weight: 3}\n  - {name: b, path: /b}"
		capture = "{name: get, path: /, capture: {id: {header: Location}, n: {json: a.0, match: '(.)'}}, think_time: 100ms .. 0.5s}\n  - {name: b, path: /b}"
	)
	openly := []string{"workers: 20", "load: open", "iterations: 5", "rate: 10/s, duration: 1s"}
	tests := []struct {
		name, steps string
		edits       []string
		order       scenario.Order
		chained     bool
		weights     []int
		requests    int
	}{
		{"closed", plain, nil, scenario.Blocks, false, []int{0}, 100},
		{"closed, weights", weight, nil, "", false, []int{3, 1}, 200},
		{"closed, captures", capture, nil, scenario.Interleaved, true, []int{0, 0}, 200},
		{"open", plain, openly, "", false, []int{1}, 10},
		{"open, weights", weight, openly, "", false, []int{3, 1}, 10},
		{"open, captures", capture, openly, "", true, []int{0, 0}, 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := parse(t, edited(t, append([]string{plain, tt.steps}, tt.edits...)...))
			weights := make([]int, 0, len(s.Steps))
			for _, step := range s.Steps {
				weights = append(weights, step.Weight)
			}
			if d := cmp.Diff(tt.weights, weights); d != "" || s.Order != tt.order || s.Chained() != tt.chained || s.Weighted() == tt.chained && tt.order == "" {
				t.Errorf("order %q, chained %v, weighted %v, weights %v", s.Order, s.Chained(), s.Weighted(), weights)
			}
			if got := s.Requests(s.Phases[0]); got != tt.requests {
				t.Errorf("%d requests, want %d", got, tt.requests)
			}
			roundTrip(t, s)
		})
	}
	step := parse(t, edited(t, plain, capture)).Steps[0]
	want := []scenario.Capture{{Name: "id", Header: "location"}, {Name: "n", JSON: "a.0", Match: "(.)"}}
	if d := cmp.Diff(want, step.Capture); d != "" {
		t.Errorf("captures: -want +got:\n%s", d)
	}
	if want := (scenario.Think{From: scenario.Duration(100 * time.Millisecond), To: scenario.Duration(500 * time.Millisecond)}); step.Think != want {
		t.Errorf("think time %v, want %v", step.Think, want)
	}
}

func TestParseSLO(t *testing.T) {
	tests := []struct {
		text string
		want scenario.SLO
		err  string
	}{
		{"p99=50ms,error_rate=1%", scenario.SLO{{scenario.MetricP99, 50_000}, {scenario.MetricErrorRate, 0.01}}, ""},
		{"max=1h, p50=1us", scenario.SLO{{scenario.MetricP50, 1}, {scenario.MetricMax, 3.6e9}}, ""},
		{"error_rate=0%", scenario.SLO{{scenario.MetricErrorRate, 0}}, ""},
		{"error_rate=0.001%", scenario.SLO{{scenario.MetricErrorRate, 0.00001}}, ""},
		{"p90=1s,p95=2s,p99_9=3s", scenario.SLO{{scenario.MetricP90, 1e6}, {scenario.MetricP95, 2e6}, {scenario.MetricP999, 3e6}}, ""},
		{"", nil, `expected thresholds such as p99=50ms,error_rate=1%, got ""`},
		{"p99=50", nil, `p99: expected a duration from 1µs to 1h0m0s such as 250ms, got "50"`},
		{"p98=1s", nil, `"p98": unknown threshold, expected one of p50, p90, p95, p99, p99_9, max, error_rate`},
		{"error_rate=101%,p50=1s,p50=2s", nil, "error_rate: expected a share from 0% to 100% such as 0.1%, got \"101%\"\np50: given twice"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := scenario.ParseSLO(tt.text)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			message := ""
			if err != nil {
				message = err.Error()
			}
			if message != tt.err {
				t.Errorf("error %q, want %q", message, tt.err)
			}
		})
	}
}

func ExampleParse_open() {
	const text = `
name: visitors
load: open
connections: 50
steps:
  - {name: read, path: /stats, weight: 9}
  - {name: write, method: POST, path: /, content_type: text/plain, body: "123"}
phases:
  - {name: warmup, rate: 0/s..200/s, duration: 10s, warmup: true}
  - {name: steady, rate: 200/s, duration: 1m}
slo: {p99: 250ms, error_rate: 0.1%}
`
	s, err := scenario.Parse("visitors.yaml", []byte(text), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range s.Phases {
		fmt.Println(p.Name, *p.Rate, s.Requests(p), p.Duration)
	}
	schedule := s.Phases[1].Schedule(1)
	for range 3 {
		due, _ := schedule.Next()
		fmt.Println(due)
	}
	// Output:
	// warmup {0 200} 1000 10s
	// steady {200 200} 12000 1m0s
	// 0s
	// 5ms
	// 10ms
}
