package main

import (
	"fmt"
	"math"
	"strings"
)

// check is one thing to reach.
type check struct {
	What  string `json:"what"`
	Want  string `json:"want"`
	Got   string `json:"got"`
	State state  `json:"state"`
}

type state string

const (
	met         state = "met"
	missed      state = "missed"
	notMeasured state = "not measured"
)

func reached(ok bool) state {
	if ok {
		return met
	}
	return missed
}

// leastRatios are how much of another's rate ours is to reach at full speed.
var leastRatios = []struct {
	tool  string
	ratio float64
}{{"wrk", 0.85}, {"hey", 2.2}, {"vegeta", 2.5}, {"k6", 5}}

const (
	// stallTolerance is how far a percentile may be from the model's, as a share of it.
	stallTolerance = 0.05
	// mostService is the service time in ms that p99 stays below: the stall is in ten requests of two thousand.
	mostService = 10
	mostMemory  = 100 << 20
)

// quiet is how many times its lowest a ratio may be at its highest on a machine that nothing else disturbed.
const quiet = 1.5

// judge the figures, and the machine by how far the ratios of one generator lie apart.
func (o *outcome) judge() {
	o.Checks = o.checks()
	if o.Closed == nil {
		return
	}
	for _, t := range o.Tools {
		if s := spreadOf(o.Closed.ratios(t.Name, perSecond)); s.highest > quiet*s.lowest {
			o.Warnings = append(o.Warnings, "closed loop: the machine was not quiet, the ratios to "+t.Name+" lie far apart: "+ratioText(s))
		}
	}
}

// missed is an error that names all that was missed, or nil.
func (o *outcome) missed() error {
	var all []string
	for _, c := range o.Checks {
		if c.State == missed {
			all = append(all, fmt.Sprintf("%s: %s, to reach: %s", c.What, c.Got, c.Want))
		}
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", errMissed, strings.Join(all, "; "))
}

// checks holds the figures against what is to be reached.
func (o *outcome) checks() []check {
	var all []check
	if o.Closed != nil {
		for _, least := range leastRatios {
			c := check{What: "closed loop, bench / " + least.tool, Want: fmt.Sprintf("at least %g", least.ratio), Got: "n/a", State: notMeasured}
			if s := spreadOf(o.Closed.ratios(least.tool, perSecond)); !math.IsNaN(s.median) {
				c.Got, c.State = ratioText(s), reached(s.median >= least.ratio)
			}
			all = append(all, c)
		}
	}
	if o.Open != nil {
		all = append(all, o.Open.check())
	}
	if o.Stall != nil {
		all = append(all, o.Stall.checks()...)
	}
	if m := o.Memory; m != nil {
		all = append(all, check{
			What: fmt.Sprintf("memory, %s requests", thousands(float64(m.Requests))), Want: "below 100 MiB",
			Got: fmt.Sprintf("%.1f MiB", float64(m.PeakBytes)/(1<<20)), State: reached(m.PeakBytes < mostMemory),
		})
	}
	return all
}

// check demands that most rounds kept their schedule: a round that another program on the machine disturbed does not count against it.
func (o *openOutcome) check() check {
	kept := 0
	for _, r := range o.Rounds {
		if r.kept(o.RatePerSecond) {
			kept++
		}
	}
	return check{
		What: "open loop at 0.8 of the closed rate", Want: "all sent and answered, the rate within 1 %, in most rounds",
		Got: fmt.Sprintf("%d of %d rounds", kept, len(o.Rounds)), State: reached(2*kept > len(o.Rounds)),
	}
}

func (o *stallOutcome) checks() []check {
	worst := 0.0
	got, want := o.Response.Percentiles, o.Exact
	for _, p := range [][2]float64{{got.P90, want.P90}, {got.P95, want.P95}, {got.P99, want.P99}} {
		worst = max(worst, math.Abs(p[0]/p[1]-1))
	}
	return []check{
		{
			What: "stall, p90, p95 and p99 of the response time", Want: "within 5 % of the exact ones",
			Got: fmt.Sprintf("within %.2g %%", 100*worst), State: reached(worst <= stallTolerance),
		},
		{
			What: "stall, p99 of the service time", Want: "below 10 ms",
			Got: milliseconds(o.Service.P99) + " ms", State: reached(o.Service.P99 >= 0 && o.Service.P99 < mostService),
		},
	}
}
