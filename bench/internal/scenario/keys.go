package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	defaultTimeout     = Duration(10 * time.Second)
	defaultGrace       = Duration(10 * time.Second)
	defaultConnections = 100
)

// scenario reads the whole file.
func (p *parser) scenario(n *yaml.Node) *Scenario {
	f := p.fields(n, "", "name", "load", "workers", "connections", "order", "arrivals", "steps", "phases", "timeout", "grace",
		"protocol", "fresh_connections", "slo", "values", "feeder")
	s := &Scenario{Load: Closed, Protocol: HTTP1, Timeout: defaultTimeout}
	if f == nil {
		return s
	}
	s.Name = p.name(f["name"], n, "name")
	s.Load = oneOf(p, f["load"], "load", Closed, Open)
	p.misplaced(f, "", s.Load)
	if s.Load == Open {
		p.open(s, f)
	} else {
		p.closed(s, f)
	}
	if v := f["timeout"]; v != nil {
		s.Timeout = p.duration(v, "timeout", MaxTimeout)
	}
	s.Protocol = oneOf(p, f["protocol"], "protocol", HTTP1, HTTP2)
	s.FreshConnections = p.boolean(f["fresh_connections"], "fresh_connections")
	if v := f["slo"]; v != nil {
		s.SLO = p.slo(v, "slo")
	}
	p.announce(f["steps"])
	if v := f["feeder"]; v != nil {
		s.Feeder = p.feeder(v, "feeder")
	}
	if v := f["values"]; v != nil {
		s.Values = p.values(v, "values")
	}
	p.steps(s, f["steps"], n)
	p.draws(s, f)
	p.phases(s, f, n)
	return s
}

// open reads what only an open load has.
func (p *parser) open(s *Scenario, f map[string]*yaml.Node) {
	s.Connections, s.Grace = defaultConnections, defaultGrace
	if v := f["connections"]; v != nil {
		s.Connections = p.number(v, "connections", 1, MaxWorkers)
	}
	if v := f["grace"]; v != nil {
		s.Grace = p.span(v, "grace", 0, MaxGrace)
	}
}

// closed reads what only a closed load has.
func (p *parser) closed(s *Scenario, f map[string]*yaml.Node) {
	if v := f["workers"]; v != nil {
		s.Workers = p.number(v, "workers", 1, MaxWorkers)
	}
	s.Order = oneOf(p, f["order"], "order", Blocks, Interleaved)
}

// misplacedKeys are those of one kind of load, with what the other has instead.
var misplacedKeys = map[Load][]struct{ key, instead string }{
	Open: {
		{"workers", "an open load has connections"},
		{"order", "in an open load steps are drawn by weight"},
		{"iterations", "an open phase has a rate and a duration"},
	},
	Closed: {
		{"connections", "a closed load has workers"},
		{"grace", "in a closed load nothing queues"},
		{"rate", "a closed phase has workers"},
		{"arrivals", "in a closed load each worker sends when it has its answer"},
	},
}

// misplaced finds keys that mean nothing for the load.
func (p *parser) misplaced(f map[string]*yaml.Node, at string, load Load) {
	other := Closed
	if load == Closed {
		other = Open
	}
	for _, m := range misplacedKeys[load] {
		if n := f[m.key]; n != nil {
			p.fault(n, join(at, m.key), "for %s loads: %s (or write load: %s)", other, m.instead, other)
		}
	}
}

func (p *parser) steps(s *Scenario, list, parent *yaml.Node) {
	seen := map[string]bool{}
	for i, n := range p.list(list, parent, "steps", MaxSteps) {
		at := fmt.Sprintf("steps[%d]", i)
		step := p.step(n, at)
		if step.Name != "" && seen[step.Name] {
			p.fault(n, at+".name", "two steps have the name %q", step.Name)
		}
		seen[step.Name] = true
		s.Steps = append(s.Steps, step)
		p.names.addCaptures(step.Capture)
	}
}

// draws settles what an iteration is: one step in turn, one step drawn by weight, or all steps in order.
func (p *parser) draws(s *Scenario, f map[string]*yaml.Node) {
	var items []*yaml.Node
	if len(s.Steps) > 0 {
		items = f["steps"].Content
	}
	given := func(key string) bool {
		return slices.ContainsFunc(items, func(n *yaml.Node) bool { return child(n, key) != nil })
	}
	chained, weighted := given("capture"), given("weight")
	order := f["order"]
	for i, n := range items {
		at := fmt.Sprintf("steps[%d]", i)
		if w := child(n, "weight"); w != nil && chained {
			p.fault(w, at+".weight", "given beside captures: with them an iteration is all steps in order")
		}
		if t := child(n, "think_time"); t != nil && s.Load == Open && !chained {
			p.fault(t, at+".think_time", "nothing waits for it: in an open load without captures arrivals set the pace")
		}
		if !chained && (weighted || s.Load == Open) && s.Steps[i].Weight == 0 {
			s.Steps[i].Weight = 1
		}
	}
	switch {
	case s.Load == Open:
	case chained:
		if order != nil && s.Order == Blocks {
			p.fault(order, "order", "blocks beside captures: with them an iteration is all steps in order, which is interleaved")
		}
		s.Order = Interleaved
	case weighted:
		if order != nil {
			p.fault(order, "order", "given beside weights: with them each iteration draws its step")
		}
		s.Order = ""
	}
}

func (p *parser) phases(s *Scenario, f map[string]*yaml.Node, parent *yaml.Node) {
	arrivals := oneOf(p, f["arrivals"], "arrivals", Constant, Poisson)
	seen := map[string]bool{}
	most, counted, idle := 0, 0, 0
	for i, n := range p.list(f["phases"], parent, "phases", MaxPhases) {
		at := fmt.Sprintf("phases[%d]", i)
		phase := p.phase(n, at, s, arrivals)
		if phase.Name != "" && seen[phase.Name] {
			p.fault(n, at+".name", "two phases have the name %q", phase.Name)
		}
		seen[phase.Name] = true
		if r := s.expected(phase); r > MaxRequests {
			p.fault(n, at, "%d requests: at most %d fit in a phase", r, MaxRequests)
		}
		if s.Workers > 0 && phase.Workers > s.Workers {
			p.fault(n, at+".workers", "%d are more than the scenario's %d", phase.Workers, s.Workers)
		}
		most = max(most, phase.Workers)
		if !phase.Warmup {
			counted++
			if phase.Rate != nil && *phase.Rate == (Rate{}) {
				idle++
			}
		}
		s.Phases = append(s.Phases, phase)
	}
	switch {
	case len(s.Phases) > 0 && counted == 0:
		p.fault(f["phases"], "phases", "all of them are warmup: nothing would be counted")
	case counted > 0 && counted == idle:
		p.fault(f["phases"], "phases", "all that are no warmup have a rate of 0: nothing would be counted")
	}
	if s.Workers == 0 {
		// The phases give numbers only; then the largest is what 100 % means.
		s.Workers = most
	}
}

var (
	nameForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	tokenForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$")
)

// name reads a required name that is safe in file names and tables.
func (p *parser) name(n, parent *yaml.Node, at string) string {
	if n == nil {
		p.fault(parent, at, "missing")
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || !nameForm.MatchString(n.Value) {
		p.fault(n, at, "expected up to 64 letters, digits, dots, underscores and dashes, got %s", describe(n))
		return ""
	}
	return n.Value
}
