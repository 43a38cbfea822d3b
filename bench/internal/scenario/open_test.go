package scenario_test

import (
	"fmt"
	"strconv"
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

// TestSLOAsGiven: a limit is written as it was given, to the nanosecond and the thousandth of a percent.
func TestSLOAsGiven(t *testing.T) {
	check := func(text string) {
		slo, err := scenario.ParseSLO(text)
		if err != nil || slo.String() != text {
			t.Errorf("%s is written as %s: %v", text, slo, err)
		}
	}
	for _, step := range []int64{1, 7919, 12_345_678_901} {
		for n := range int64(250) {
			check("p99=" + time.Duration(1000+n*step).String())
		}
	}
	for n := range 100_000 {
		check("error_rate=" + strconv.FormatFloat(float64(n)/1000, 'f', -1, 64) + "%")
	}
}

func TestOpenFaults(t *testing.T) {
	const (
		toClosed = " (or write load: closed)"
		toOpen   = " (or write load: open)"
		rate     = "expected a rate from 0/s to 1000000/s such as 200/s, 0.5/s, 90/min or 10/h, or a ramp such as 50/s..400/s, got "
		think    = "expected a duration up to 1h0m0s such as 100ms, or two such as 100ms..500ms, got "
		limit    = "expected a duration from 1µs to 1h0m0s such as 250ms, got "
	)
	whole := func(line string) string {
		return edited(t, "workers: 20", "load: open\n"+line, "iterations: 5", "rate: 10/s, duration: 1s")
	}
	step := func(fields string) string {
		return edited(t, "workers: 20", "load: open", "iterations: 5", "rate: 10/s, duration: 1s", "path: /", "path: /, "+fields)
	}
	phase := func(fields string) string { return edited(t, "workers: 20", "load: open", "iterations: 5", fields) }
	closed := func(line string) string { return edited(t, "workers: 20", "workers: 20\n"+line) }
	tests := []struct{ name, text, want string }{
		// Keys of the other kind of load.
		{"workers", whole("workers: 5"), "3: workers: for closed loads: an open load has connections" + toClosed},
		{"order", whole("order: blocks"), "3: order: for closed loads: in an open load steps are drawn by weight" + toClosed},
		{"workers of a phase", phase("rate: 1/s, duration: 1s, workers: 5%"), "6: phases[0].workers: for closed loads: an open load has connections" + toClosed},
		{"iterations", phase("rate: 1/s, iterations: 5"), "6: phases[0].iterations: for closed loads: an open phase has a rate and a duration" + toClosed +
			"\n6: phases[0].duration: missing: expected how long the phase lasts, such as 30s"},
		{"connections", closed("connections: 10"), "3: connections: for open loads: a closed load has workers" + toOpen},
		{"grace", closed("grace: 10s"), "3: grace: for open loads: in a closed load nothing queues" + toOpen},
		{"arrivals", closed("arrivals: poisson"), "3: arrivals: for open loads: in a closed load each worker sends when it has its answer" + toOpen},
		{"rate", edited(t, "iterations: 5", "rate: 1/s, duration: 1s"), "6: phases[0].rate: for open loads: a closed phase has workers" + toOpen},
		{
			"arrivals of a phase", edited(t, "iterations: 5", "iterations: 5, arrivals: constant"),
			"6: phases[0].arrivals: for open loads: in a closed load each worker sends when it has its answer" + toOpen,
		},

		// Values.
		{"no connection", whole("connections: 0"), `3: connections: expected a whole number from 1 to 10000, got "0"`},
		{"long grace", whole("grace: 61m"), `3: grace: expected a duration from 0s to 1h0m0s such as 250ms or 10s, got "61m"`},
		{"arrivals unknown", whole("arrivals: uniform"), `3: arrivals: expected constant or poisson, got "uniform"`},
		{"protocol", whole("protocol: http3"), `3: protocol: expected http1 or http2, got "http3"`},
		{"protocol as list", whole("protocol: [http1]"), "3: protocol: expected http1 or http2, got a list of 1"},
		{"fresh connections", whole("fresh_connections: 1"), `3: fresh_connections: expected true or false, got "1"`},

		// Phases.
		{"phase without all", phase("warmup: false"), "6: phases[0].rate: missing: expected a rate such as 200/s, or a ramp such as 50/s..400/s" +
			"\n6: phases[0].duration: missing: expected how long the phase lasts, such as 30s"},
		{"rate without unit", phase("rate: 200, duration: 1s"), "6: phases[0].rate: " + rate + `"200"`},
		{"rate of another unit", phase("rate: 200/ms, duration: 1s"), "6: phases[0].rate: " + rate + `"200/ms"`},
		{"rate as list", phase("rate: [1/s], duration: 1s"), "6: phases[0].rate: " + rate + "a list of 1"},
		{"negative rate", phase("rate: -1/s, duration: 1s"), "6: phases[0].rate: " + rate + `"-1/s"`},
		{"high rate", phase("rate: 1000000.1/s, duration: 1s"), "6: phases[0].rate: " + rate + `"1000000.1/s"`},
		{"no number", phase("rate: NaN/s, duration: 1s"), "6: phases[0].rate: " + rate + `"NaN/s"`},
		{"half a ramp", phase("rate: 1/s.., duration: 1s"), "6: phases[0].rate: " + rate + `"1/s.."`},
		{"three ends", phase("rate: 1/s..2/s..3/s, duration: 1s"), "6: phases[0].rate: " + rate + `"1/s..2/s..3/s"`},
		{"unit once", phase("rate: 1..2/s, duration: 1s"), "6: phases[0].rate: " + rate + `"1..2/s"`},
		{"idle only", phase("rate: 0/s, duration: 1s"), "6: phases: all that are no warmup have a rate of 0: nothing would be counted"},
		{"too many requests", phase("rate: 1000000/s, duration: 1001s"), "6: phases[0]: 1001000000 requests: at most 1000000000 fit in a phase"},
		{"too many at random", phase("rate: 1000000/s..0/s, duration: 2001s, arrivals: poisson"), "6: phases[0]: 1000500000 requests: at most 1000000000 fit in a phase"},

		// Steps.
		{"no weight", step("weight: 0"), `4: steps[0].weight: expected a whole number from 1 to 1000000, got "0"`},
		{"large weight", step("weight: 1000001"), `4: steps[0].weight: expected a whole number from 1 to 1000000, got "1000001"`},
		{"weight beside capture", step("weight: 1, capture: {a: {json: b}}"), "4: steps[0].weight: given beside captures: with them an iteration is all steps in order"},
		{
			"order beside weight", edited(t, "workers: 20", "workers: 20\norder: interleaved", "path: /", "path: /, weight: 5"),
			"3: order: given beside weights: with them each iteration draws its step",
		},
		{
			"blocks beside captures", edited(t, "workers: 20", "workers: 20\norder: blocks", "path: /", "path: /, capture: {a: {json: b}}"),
			"3: order: blocks beside captures: with them an iteration is all steps in order, which is interleaved",
		},
		{"think time", step("think_time: 1s"), "4: steps[0].think_time: nothing waits for it: in an open load without captures arrivals set the pace"},
		{"think time without unit", edited(t, "path: /", "path: /, think_time: 1"), "4: steps[0].think_time: " + think + `"1"`},
		{"think time reversed", edited(t, "path: /", "path: /, think_time: 2s..1s"), "4: steps[0].think_time: " + think + `"2s..1s"`},
		{"long think time", edited(t, "path: /", "path: /, think_time: 1s..2h"), "4: steps[0].think_time: " + think + `"1s..2h"`},
		{"negative think time", edited(t, "path: /", "path: /, think_time: -1s..2s"), "4: steps[0].think_time: " + think + `"-1s..2s"`},

		// Captures.
		{"no capture", step("capture: {}"), "4: steps[0].capture: expected a mapping of names to {header: NAME} or {json: PATH}, got a mapping"},
		{"capture as text", step("capture: id"), `4: steps[0].capture: expected a mapping of names to {header: NAME} or {json: PATH}, got "id"`},
		{"capture of nothing", step("capture: {id: {match: a}}"), "4: steps[0].capture.id: expected header: NAME or json: PATH"},
		{"capture of two", step("capture: {id: {header: a, json: b}}"), "4: steps[0].capture.id.json: given beside header: expected one of the two"},
		{"capture of no header", step("capture: {id: {header: a b}}"), `4: steps[0].capture.id.header: "a b" is no header name`},
		{"capture of no path", step("capture: {id: {json: a..b}}"), `4: steps[0].capture.id.json: expected keys and indexes with dots between, such as user.ids.0, got "a..b"`},
		{"capture of no match", step("capture: {id: {json: a, match: '('}}"), `4: steps[0].capture.id.match: expected a regular expression such as ^/texts/(.*)$, got "("`},
		{"unknown key of a capture", step("capture: {id: {xpath: a}}"), "4: steps[0].capture.id.xpath: unknown key, expected one of header, json, match" +
			"\n4: steps[0].capture.id: expected header: NAME or json: PATH"},

		// Thresholds.
		{"no threshold", closed("slo: {}"), "3: slo: expected thresholds such as {p99: 250ms, error_rate: 0.1%}, got an empty mapping"},
		{"unknown threshold", closed("slo: {p98: 1s}"), "3: slo.p98: unknown key, expected one of p50, p90, p95, p99, p99_9, max, error_rate"},
		{"threshold without unit", closed("slo: {p99: 250}"), "3: slo.p99: " + limit + `"250"`},
		{"threshold of nothing", closed("slo: {p99: 0s}"), "3: slo.p99: " + limit + `"0s"`},
		{"share without unit", closed("slo: {error_rate: 0.1}"), `3: slo.error_rate: expected a share from 0% to 100% such as 0.1%, got "0.1"`},
		{"share above all", closed("slo: {error_rate: 100.001%}"), `3: slo.error_rate: expected a share from 0% to 100% such as 0.1%, got "100.001%"`},
		{"fine share", closed("slo: {error_rate: 0.0001%}"), `3: slo.error_rate: expected a share from 0% to 100% such as 0.1%, got "0.0001%"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkFaults(t, tt.text, tt.want, noFiles) })
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
