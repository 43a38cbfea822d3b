package main

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
	"github.com/crossover-bench/crossover/bench/scenarios"
)

func TestSpend(t *testing.T) {
	t.Parallel()
	total := func(v float64) *spendEstimate { return &spendEstimate{USD: &v, AtLeast: v} }
	aws := []target.Spec{{Name: "ec2", Kind: target.KindEC2, Region: "us-east-1"}, {Name: "here", Kind: target.KindProcess}, {Name: "lambda", Kind: target.KindLambda, Region: "us-east-1"}}
	for name, tt := range map[string]struct {
		specs    []target.Spec
		estimate *spendEstimate
		said     string
		refused  string
	}{
		"below":          {aws, total(0.0123), "Estimated cost of this run: 0.012 USD", ""},
		"at it":          {aws, total(1), "Estimated cost of this run: 1.00 USD", ""},
		"above":          {aws, total(1.5), "Estimated cost of this run: 1.50 USD", "the run is estimated to cost 1.50 USD, above --max-cost 1: raise that"},
		"not a number":   {aws, total(math.NaN()), "NaN", "above --max-cost 1"},
		"unknown price":  {aws, &spendEstimate{AtLeast: 0.5, Notes: []string{"The price of t9.nano is not known."}}, "Estimated cost of this run: at least 0.5 USD (The price of t9.nano is not known.)", ""},
		"at least above": {aws, &spendEstimate{AtLeast: 20}, "at least 20.00 USD", "at least 20.00 USD, above --max-cost 1"},
		"nothing on AWS": {[]target.Spec{{Kind: target.KindURL, URL: "http://h"}, {Kind: target.KindBootstrap}}, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := runOptions{rounds: 3, spend: spend{max: defaultMaxCost, estimate: func(r *plannedRun) (*spendEstimate, error) {
				specs := r.onAWS
				if diff := cmp.Diff([]string{"ec2", "lambda"}, []string{specs[0].Name, specs[len(specs)-1].Name}); diff != "" || r.rounds != 3 || r.all != 3 {
					t.Errorf("%d rounds of %d on (-want +got):\n%s", r.rounds, r.all, diff)
				}
				return tt.estimate, nil
			}}}
			var said strings.Builder
			err := o.checkSpend(&scenario.Scenario{}, tt.specs, func(text string) { said.WriteString(text) })
			if !strings.Contains(said.String(), tt.said) || tt.said == "" && said.Len() > 0 {
				t.Errorf("it says %q; want %q", said.String(), tt.said)
			}
			if (err != nil) != (tt.refused != "") || err != nil && (!strings.Contains(err.Error(), tt.refused) || exitStatus(err) != exitUsage) {
				t.Errorf("error is %v; want %q", err, tt.refused)
			}
		})
	}
	for _, bad := range []float64{-1, math.NaN()} {
		if err := (&spend{max: bad}).validate(); err == nil {
			t.Errorf("--max-cost %g is taken", bad)
		}
	}
}

// stackOf is what terraform/ puts out, as far as it costs.
func stackOf(door string) []target.Spec {
	return []target.Spec{
		{Name: "ec2", Kind: target.KindEC2, URL: "http://alb.example.com", Region: "us-east-1", Arch: "arm64", InstanceType: "t4g.small", Instances: 1, MaxInstances: 1, FrontDoor: "alb"},
		{Name: "lambda", Kind: target.KindLambda, URL: "http://alb.example.com:8081", Region: "us-east-1", Arch: "arm64", MemoryMB: 512, FrontDoor: door, ConcurrencyLimit: 100},
	}
}

// Both are behind one load balancer by their URLs, whose hour is paid once.
func TestEstimateOfASharedLoadBalancer(t *testing.T) {
	t.Parallel()
	s, err := loadScenario("four-phase-20")
	if err != nil {
		t.Fatal(err)
	}
	estimate := func(specs []target.Spec) float64 {
		e, err := estimateRun(&plannedRun{prices: cost.Embedded(), scenario: s, rounds: 1, onAWS: specs, all: len(specs)})
		if err != nil {
			t.Fatal(err)
		}
		return *e.USD
	}
	shared, apart := estimate(stackOf("alb")), stackOf("alb_multi")
	apart[1].URL = "http://other.example.com"
	_, lasts := expectedRun(s, 1, cost.AssumedBilledMS*time.Millisecond)
	if got, want := estimate(apart)-shared, 0.0225+2*0.005*2*lasts.Hours(); math.Abs(got-want) > 1e-9 {
		t.Errorf("a second load balancer costs %g USD more; by hand %g", got, want)
	}
}

// The price of a search is that of the most it can do, and not of its first trial.
func TestEstimateOfASearch(t *testing.T) {
	t.Parallel()
	search := &capacityOptions{find: true, start: defaultStartRate, most: defaultMaxRate, trial: defaultTrial}
	for name, tt := range map[string]struct {
		door     string
		most     float64
		requests float64 // of the function
		billed   float64 // ms
		lcuHours float64
	}{
		// 60 trials of 6 s, each with up to 20 probes of 5 requests: of 1,000 requests/s that 100 environments may be sent, with 20
		// connections in flight for 8 s each time.
		"function URL": {"function_url", defaultMaxRate, 360_000, 20 * 60 * 8 * 1000 / 360_000.0, 0},
		// What is throttled is paid for at an API: 20 connections carry 20,000 requests/s, if each takes a millisecond.
		"HTTP API": {"http_api", defaultMaxRate, 60 * (120_000 + 100), 20 * 8 * 1000 / 120_100.0, 0},
		"slow":     {"function_url", 100, 60 * (600 + 100), 100, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := loadScenario("four-phase-20")
			if err != nil {
				t.Fatal(err)
			}
			search := *search
			search.most = tt.most
			s.SLO = scenario.SLO{{Metric: "p99", Limit: 50}}
			if err := search.apply(s); err != nil {
				t.Fatal(err)
			}
			lambda := stackOf(tt.door)[1:]
			e, err := estimateRun(&plannedRun{prices: cost.Embedded(), scenario: s, rounds: 1, search: &search, onAWS: lambda, all: 2})
			if err != nil {
				t.Fatal(err)
			}
			// A request, its GB-seconds and its log, at the prices of us-east-1; 1.00 a million at the API.
			want := tt.requests * (0.2e-6 + max(1, tt.billed)/1000*0.5*0.0000133334 + 350.0/(1<<30)*0.5)
			if tt.door == "http_api" {
				want += tt.requests * 1e-6
			}
			if math.Abs(*e.USD/want-1) > 1e-6 {
				t.Errorf("estimated at %g USD; by hand %g", *e.USD, want)
			}
			if notes := strings.Join(e.Notes, " "); !strings.Contains(notes, "priced at its most: 60 trials of each target") {
				t.Errorf("it says %q", notes)
			}
		})
	}
}

// With the defaults a search on the stack of terraform/ is below the limit, and a limit too low names what makes it cheaper.
func TestSearchAndTheDefaultLimit(t *testing.T) {
	t.Parallel()
	s, err := loadScenario("four-phase-20")
	if err != nil {
		t.Fatal(err)
	}
	o := runOptions{rounds: 1, prices: cost.Embedded(), spend: spend{max: defaultMaxCost, estimate: estimateRun}}
	o.capacity = capacityOptions{find: true, start: defaultStartRate, most: defaultMaxRate, trial: defaultTrial}
	s.SLO = scenario.SLO{{Metric: "p99", Limit: 50}}
	if err := o.capacity.apply(s); err != nil {
		t.Fatal(err)
	}
	var said string
	if err := o.checkSpend(s, stackOf("function_url"), func(text string) { said = text }); err != nil {
		t.Errorf("%v; it said %q", err, said)
	}
	o.spend.max = 0.01
	if err := o.checkSpend(s, stackOf("function_url"), func(string) {}); err == nil || !strings.Contains(err.Error(), "a lower --max-rate or a shorter --trial") {
		t.Errorf("error is %v", err)
	}
}

// The guide to AWS says what the default run costs on the default stack.
func TestGuideHasTheEstimate(t *testing.T) {
	t.Parallel()
	s, err := loadScenario(scenarios.Default)
	if err != nil {
		t.Fatal(err)
	}
	e, err := estimateRun(&plannedRun{prices: cost.Embedded(), scenario: s, rounds: 1, onAWS: stackOf("function_url"), all: 2})
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("| %.3f USD for the default scenario", *e.USD); !strings.Contains(string(guide), text) {
		t.Errorf("docs/aws.md does not say %q", text)
	}
}
