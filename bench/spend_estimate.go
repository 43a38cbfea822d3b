package main

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// estimateRun prices a run with the embedded prices. What a targets file does not say of a function is taken as what costs most.
func estimateRun(r *plannedRun) (*spendEstimate, error) {
	var targets []cost.RunTarget
	var notes []string
	unknown := false
	for _, t := range r.onAWS {
		if t.Kind == target.KindEC2 && t.InstanceType == "" {
			unknown = true
			notes = append(notes, t.Name+": instance_type is not given, so its price is not known.")
			continue
		}
		if t.Kind == target.KindLambda && (t.MemoryMB == 0 || t.Arch == "") {
			t.MemoryMB, t.Arch = cmp.Or(t.MemoryMB, maxMemoryMB), cmp.Or(t.Arch, "x86_64")
			notes = append(notes, fmt.Sprintf("%s: memory_mb or arch is not given, the dearest is assumed: %d MB on %s.", t.Name, t.MemoryMB, t.Arch))
		}
		priced := cost.RunTarget{
			Name: t.Name, Function: t.Kind == target.KindLambda, Region: t.Region, Arch: t.Arch, MemoryMB: t.MemoryMB,
			InstanceType: t.InstanceType, Instances: max(t.Instances, t.MaxInstances), FrontDoor: pricedDoor(t.FrontDoor),
		}
		if u, err := url.Parse(t.URL); err == nil {
			priced.Balancer = u.Hostname()
		}
		r.share(&priced, t.ConcurrencyLimit)
		targets = append(targets, priced)
	}
	if r.search != nil {
		notes = append(notes, fmt.Sprintf("The search is priced at its most: %d trials of each target, at up to %g iterations/s.", capacityTrials, r.search.most))
	}
	e, err := cost.EstimateRun(r.prices, targets)
	if err != nil {
		return nil, err
	}
	out := &spendEstimate{AtLeast: float64(e.AtLeast), Notes: append(notes, e.Caveats...)}
	if e.Total != nil && !unknown {
		usd := float64(*e.Total)
		out.USD = &usd
	}
	return out, nil
}

// pricedDoor is a front door without the modes that are in its name and not in its price.
func pricedDoor(door string) string {
	return strings.TrimSuffix(strings.TrimSuffix(door, "_stream"), "_multi")
}

// share gives a target its part of the load.
func (r *plannedRun) share(t *cost.RunTarget, concurrency int) {
	if r.search == nil {
		shares := []cost.RunTarget{*t}
		shareOut(shares, r.scenario, r.rounds, cost.AssumedBilledMS, r.all)
		*t = shares[0]
		return
	}
	load := r.search.atMost(r.scenario)
	if t.Function && t.FrontDoor == cost.DoorFunctionURL && concurrency > 0 {
		// What is over Lambda's quota is throttled, and a function URL does not charge for that.
		load.requests = min(load.requests, int64(float64(concurrency*requestsPerEnvironment)*load.sending.Seconds()))
	}
	t.Requests, t.Duration, t.AssumedMS = load.requests, load.lasts*time.Duration(r.all), load.billedMS()
	t.RequestsPerConnection = load.requestsPerConnection()
}

// requestsPerEnvironment a second are what Lambda lets in of its concurrency: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
const requestsPerEnvironment = 10

// searchLoad is the most that a search for the capacity can put on one target.
type searchLoad struct {
	requests    int64
	connections int
	trials      int
	fresh       bool
	// sending is as long as all trials send, lasts has the waits between them too.
	sending, lasts time.Duration
}

// atMost is a search whose trials are as many as they can be, all at the highest rate that the connections allow: one after the other, a
// connection carries 1,000 requests a second at most, as Lambda charges for a millisecond at least.
func (o *capacityOptions) atMost(s *scenario.Scenario) searchLoad {
	sending := settleTime(o.trial) + o.trial
	p := s.Phases[0]
	p.Rate, p.Arrivals, p.Duration = &scenario.Rate{From: o.most, To: o.most}, "", scenario.Duration(sending)
	each := min(float64(s.Requests(p)), float64(s.Connections)*sending.Seconds()*1000)
	// After each, what waits is sent, and probes find out when the target is done with it.
	waits := 2*capacityGrace + mostProbes*(probeLasts+capacityGrace)
	probes := float64(mostProbes*leastRequests) * probeLasts.Seconds()
	return searchLoad{
		requests: int64(capacityTrials * (each + probes)), connections: s.Connections, trials: capacityTrials, fresh: s.FreshConnections,
		sending: capacityTrials * sending, lasts: capacityTrials * (sending + waits),
	}
}

// billedMS of a request: what is assumed, unless the connections cannot carry as many requests that take so long.
func (l searchLoad) billedMS() float64 {
	carried := float64(l.connections) * (l.sending + time.Duration(l.trials)*2*capacityGrace).Seconds() * 1000 / float64(max(1, l.requests))
	return max(1, min(cost.AssumedBilledMS, carried))
}

// requestsPerConnection where each trial opens its connections anew, which is the most that are opened unless each request has its own.
func (l searchLoad) requestsPerConnection() float64 {
	if l.fresh {
		return 1
	}
	return max(1, float64(l.requests)/float64(max(1, l.connections*l.trials)))
}
