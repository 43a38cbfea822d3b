package scenario

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (p *parser) phase(n *yaml.Node, at string, s *Scenario, arrivals Arrivals) Phase {
	f := p.fields(n, at, "name", "workers", "rate", "arrivals", "iterations", "duration", "warmup")
	var phase Phase
	if f == nil {
		return phase
	}
	phase.Name = p.name(f["name"], n, at+".name")
	phase.Warmup = p.boolean(f["warmup"], at+".warmup")
	p.misplaced(f, at, s.Load)
	if s.Load == Open {
		p.openPhase(&phase, f, n, at, arrivals)
	} else {
		p.closedPhase(&phase, f, n, at, s.Workers)
	}
	return phase
}

func (p *parser) openPhase(phase *Phase, f map[string]*yaml.Node, n *yaml.Node, at string, arrivals Arrivals) {
	phase.Arrivals = arrivals
	if v := f["arrivals"]; v != nil {
		phase.Arrivals = oneOf(p, v, at+".arrivals", Constant, Poisson)
	}
	if v := f["rate"]; v != nil {
		phase.Rate = p.rate(v, at+".rate")
	} else {
		p.fault(n, at+".rate", "missing: expected a rate such as 200/s, or a ramp such as 50/s..400/s")
	}
	if v := f["duration"]; v != nil {
		phase.Duration = p.duration(v, at+".duration", MaxPhaseLasts)
	} else {
		p.fault(n, at+".duration", "missing: expected how long the phase lasts, such as 30s")
	}
}

func (p *parser) closedPhase(phase *Phase, f map[string]*yaml.Node, n *yaml.Node, at string, whole int) {
	phase.Workers = max(1, whole)
	switch v := f["workers"]; {
	case v != nil:
		phase.Workers = p.workers(v, at+".workers", whole)
	case whole == 0:
		p.fault(n, at+".workers", "missing here and in the scenario: expected a number in one of them")
	}
	iterations, lasts := f["iterations"], f["duration"]
	switch {
	case iterations != nil && lasts != nil:
		p.fault(lasts, at+".duration", "given beside iterations: expected one of the two")
	case iterations != nil:
		phase.Iterations = p.number(iterations, at+".iterations", 1, MaxRequests)
	case lasts != nil:
		phase.Duration = p.duration(lasts, at+".duration", MaxPhaseLasts)
	default:
		p.fault(n, at, "expected iterations (per worker and step) or duration")
	}
}

// rate reads a rate, or two with two dots between.
func (p *parser) rate(n *yaml.Node, at string) *Rate {
	first, second, ramps := strings.Cut(n.Value, "..")
	if !ramps {
		second = first
	}
	from, ok1 := parseRate(first)
	to, ok2 := parseRate(second)
	if n.Kind != yaml.ScalarNode || !ok1 || !ok2 {
		p.fault(n, at, "expected a rate from 0/s to %d/s such as 200/s, 0.5/s, 90/min or 10/h, or a ramp such as 50/s..400/s, got %s",
			MaxRate, describe(n))
		return nil
	}
	return &Rate{from, to}
}

var (
	rateForm    = regexp.MustCompile(`^\s*([0-9][0-9_]*(?:\.[0-9]{1,6})?)\s*/\s*(s|min|h)\s*$`)
	unitSeconds = map[string]float64{"s": 1, "min": 60, "h": 3600}
)

// parseRate reads a rate in iterations a second.
func parseRate(text string) (rps float64, ok bool) {
	m := rateForm.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	number, err := strconv.ParseFloat(strings.ReplaceAll(m[1], "_", ""), 64)
	rps = number / unitSeconds[m[2]]
	return rps, err == nil && rps <= MaxRate
}
