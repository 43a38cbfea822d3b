package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// planFlags are those that mean something with --plan.
var planFlags = []string{"plan", "prices", "region", "scenario", "rounds", "json", "duration"}

// planAnswer is what bench cost --plan prints as JSON.
type planAnswer struct {
	PricesWritten string            `json:"prices_written"`
	Plan          *cost.PlanCost    `json:"plan"`
	Run           *cost.RunEstimate `json:"run"`
	Caveats       []string          `json:"caveats"`
}

func (o *costOptions) runPlan(std streams, prices *cost.Table, now time.Time) error {
	data, err := readLimited(o.plan, cost.MaxPlanBytes)
	if err != nil {
		return usageError{fmt.Errorf("--plan: %w", err)}
	}
	plan, err := cost.ParsePlan(o.plan, data)
	if err != nil {
		return usageError{fmt.Errorf("--plan: %w", err)}
	}
	a := &planAnswer{PricesWritten: prices.Written, Caveats: []string{}}
	if a.Plan, err = plan.Cost(prices, o.region); err != nil {
		return usageError{fmt.Errorf("%s: %w", o.plan, err)}
	}
	bills := []*cost.Bill{a.Plan.Fixed}
	a.Caveats = append(a.Caveats, a.Plan.Fixed.Caveats...)
	if plan.Region == "" {
		a.Caveats = append(a.Caveats, "The plan does not tell its region: prices are of "+o.region+" (--region).")
	}
	if o.named != "" {
		if a.Run, err = o.estimate(plan, prices); err != nil {
			return usageError{err}
		}
		bills = append(bills, a.Run.Targets...)
		a.Caveats = append(a.Caveats, a.Run.Caveats...)
	}
	a.Caveats = append(a.Caveats, staleness(now, prices, bills...)...)
	if o.json {
		e := json.NewEncoder(std.out)
		e.SetIndent("", "  ")
		return e.Encode(a)
	}
	return report.PlanCost(std.out, a.Plan, a.Run, a.Caveats, terminalOptions(std.out))
}

// estimate is what the run of a scenario on the plan's targets is thought to cost.
func (o *costOptions) estimate(plan *cost.Plan, prices *cost.Table) (*cost.RunEstimate, error) {
	s, err := loadScenario(o.named)
	if err != nil {
		return nil, err
	}
	if o.rounds < 1 || o.rounds > result.MaxRounds {
		return nil, fmt.Errorf("--rounds %d: expected 1 to %d", o.rounds, result.MaxRounds)
	}
	targets := plan.Targets(o.region)
	if len(targets) == 0 {
		return nil, errors.New("--scenario: the plan has no function and no instances that could be run on")
	}
	ms := float64(cost.AssumedBilledMS)
	if o.duration > 0 {
		ms = cost.BilledMS(o.duration, 0, 0)
	}
	shareOut(targets, s, o.rounds, ms, len(targets))
	e, err := cost.EstimateRun(prices, targets)
	if err != nil {
		return nil, err
	}
	e.Caveats = append(e.Caveats, fmt.Sprintf("The run: %s a target, in about %s for all of them, if a request takes %g ms.",
		numeral.Plural(targets[0].Requests, "request"), numeral.Duration(targets[0].Duration), ms))
	return e, nil
}

// shareOut gives each of the targets its part of a run whose requests take ms milliseconds each. The turns of all targets of the run come one
// after the other, so instances are paid for as long as all of them together take.
func shareOut(targets []cost.RunTarget, s *scenario.Scenario, rounds int, ms float64, all int) {
	requests, lasts := expectedRun(s, rounds, time.Duration(ms*float64(time.Millisecond)))
	for i := range targets {
		targets[i].Requests, targets[i].Duration, targets[i].AssumedMS = requests, lasts*time.Duration(all), ms
	}
}

// expectedRun is how many requests one target gets and how long its phases take, if each request takes so long. Where the load does not say
// how many requests there are, as many as its workers can send in the time are assumed.
func expectedRun(s *scenario.Scenario, rounds int, each time.Duration) (requests int64, lasts time.Duration) {
	each = max(each, time.Millisecond)
	for _, p := range s.Phases {
		n, span := s.Requests(p), time.Duration(p.Duration)
		switch {
		case n < 0 && p.Rate != nil:
			p.Arrivals = "" // Poisson arrivals are as many in the mean as constant ones
			n = s.Requests(p)
		case n < 0:
			n = int(span/each+1) * p.Workers
		}
		if span == 0 {
			span = each * time.Duration(n/max(1, p.Workers)+1)
		}
		requests += int64(n)
		lasts += span
	}
	return requests * int64(rounds), lasts * time.Duration(rounds)
}
