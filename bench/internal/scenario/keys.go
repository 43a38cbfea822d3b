package scenario

import (
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxPathBytes is what common servers take in a request line.
const maxPathBytes = 8192

const defaultTimeout = Duration(10 * time.Second)

// scenario reads the whole file.
func (p *parser) scenario(n *yaml.Node) *Scenario {
	f := p.fields(n, "", "name", "load", "workers", "order", "steps", "phases", "timeout")
	s := &Scenario{Load: Closed, Order: Blocks, Timeout: defaultTimeout}
	if f == nil {
		return s
	}
	s.Name = p.name(f["name"], n, "name")
	if v := f["load"]; v != nil {
		switch s.Load = Load(v.Value); s.Load {
		case Closed:
		case Open:
			p.fault(v, "load", "open loops are not supported by this version: expected closed")
		default:
			p.fault(v, "load", "expected closed, got %s", describe(v))
		}
	}
	if v := f["workers"]; v != nil {
		s.Workers = p.number(v, "workers", 1, MaxWorkers)
	}
	if v := f["order"]; v != nil {
		if s.Order = Order(v.Value); s.Order != Blocks && s.Order != Interleaved {
			p.fault(v, "order", "expected blocks or interleaved, got %s", describe(v))
		}
	}
	if v := f["timeout"]; v != nil {
		s.Timeout = p.duration(v, "timeout", MaxTimeout)
	}
	p.steps(s, f["steps"], n)
	p.phases(s, f["phases"], n)
	return s
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
	}
}

func (p *parser) phases(s *Scenario, list, parent *yaml.Node) {
	seen := map[string]bool{}
	most, counted := 0, 0
	for i, n := range p.list(list, parent, "phases", MaxPhases) {
		at := fmt.Sprintf("phases[%d]", i)
		phase := p.phase(n, at, s.Workers)
		if phase.Name != "" && seen[phase.Name] {
			p.fault(n, at+".name", "two phases have the name %q", phase.Name)
		}
		seen[phase.Name] = true
		if r := s.Requests(phase); r > MaxRequests {
			p.fault(n, at, "%d requests: at most %d fit in a phase", r, MaxRequests)
		}
		if s.Workers > 0 && phase.Workers > s.Workers {
			p.fault(n, at+".workers", "%d are more than the scenario's %d", phase.Workers, s.Workers)
		}
		most = max(most, phase.Workers)
		if !phase.Warmup {
			counted++
		}
		s.Phases = append(s.Phases, phase)
	}
	if len(s.Phases) > 0 && counted == 0 {
		p.fault(list, "phases", "all of them are warmup: nothing would be counted")
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

func (p *parser) step(n *yaml.Node, at string) Step {
	f := p.fields(n, at, "name", "method", "path", "content_type", "headers", "body", "body_file", "expect")
	step := Step{Method: "GET"}
	if f == nil {
		return step
	}
	step.Name = p.name(f["name"], n, at+".name")
	if v := f["method"]; v != nil {
		step.Method = strings.ToUpper(p.text(v, at+".method", "GET"))
		if !tokenForm.MatchString(step.Method) || step.Method == "CONNECT" {
			p.fault(v, at+".method", "expected an HTTP method such as GET or POST, got %s", describe(v))
		}
	}
	step.Path = p.path(f["path"], n, at+".path")
	if v := f["content_type"]; v != nil {
		step.ContentType = p.text(v, at+".content_type", "text/plain")
		if _, _, err := mime.ParseMediaType(step.ContentType); err != nil || !printable(step.ContentType) {
			p.fault(v, at+".content_type", "expected a media type such as text/plain, got %s", describe(v))
		}
	}
	step.Headers = p.headers(f["headers"], at+".headers")
	p.literal(f["path"], at+".path")
	p.literal(f["body"], at+".body")
	p.body(&step, f["body"], f["body_file"], at)
	step.Expect = p.expect(f["expect"], at+".expect")
	if step.Method == "HEAD" && step.Expect.Body != nil {
		p.fault(f["expect"], at+".expect.body", "the answer to HEAD has no body")
	}
	return step
}

// literal refuses templates: sent as they stand they would load another route than was meant.
func (p *parser) literal(n *yaml.Node, at string) {
	if n != nil && n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "{{") {
		p.fault(n, at, "templated values are not supported by this version, got %s", describe(n))
	}
}

func (p *parser) path(n, parent *yaml.Node, at string) string {
	if n == nil {
		p.fault(parent, at, "missing: expected a path such as /")
		return "/"
	}
	v := p.text(n, at, "/")
	u, err := url.ParseRequestURI(v)
	if err != nil || !strings.HasPrefix(v, "/") || u.Host != "" || len(v) > maxPathBytes ||
		strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }) {
		p.fault(n, at, "expected a path with its query, such as /texts?page=2, in its encoded form, got %s", describe(n))
		return "/"
	}
	return v
}

func (p *parser) headers(n *yaml.Node, at string) map[string]string {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		p.fault(n, at, "expected a mapping of names to values, got %s", describe(n))
		return nil
	}
	headers := make(map[string]string, len(n.Content)/2)
	given := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := strings.ToLower(key.Value)
		switch {
		case !tokenForm.MatchString(name):
			p.fault(key, at, "%s is no header name", describe(key))
		case name == "content-length" || name == "transfer-encoding" || name == "connection" || name == "content-type":
			p.fault(key, join(at, key.Value), "set by bench itself (the type by content_type)")
		case given[name]:
			p.fault(key, join(at, key.Value), "given twice")
		case value.Kind == yaml.ScalarNode && !printable(value.Value):
			p.fault(value, join(at, key.Value), "expected a printable text, got %s", describe(value))
		default:
			p.literal(value, join(at, key.Value))
			headers[name] = p.text(value, join(at, key.Value), "")
		}
		given[name] = true
	}
	return headers
}

func (p *parser) body(step *Step, inline, file *yaml.Node, at string) {
	switch {
	case inline != nil && file != nil:
		p.fault(file, at+".body_file", "given beside body: expected one of the two")
	case inline != nil:
		step.Body = []byte(p.text(inline, at+".body", ""))
	case file != nil:
		if file.Kind != yaml.ScalarNode || file.Tag == "!!null" || file.Value == "" {
			p.fault(file, at+".body_file", "expected the name of a file, relative to the scenario's folder, got %s", describe(file))
			return
		}
		step.BodyFile = file.Value
		data, err := p.readFile(step.BodyFile)
		switch {
		case err != nil:
			p.fault(file, at+".body_file", "%v", err)
		case len(data) > MaxBodyBytes:
			p.fault(file, at+".body_file", "%d bytes: at most %d can be sent", len(data), MaxBodyBytes)
		default:
			step.Body = data
		}
	}
}

func (p *parser) expect(n *yaml.Node, at string) Expect {
	var e Expect
	if n == nil {
		return e
	}
	f := p.fields(n, at, "status", "body", "content_type")
	if v := f["status"]; v != nil {
		e.Status = p.number(v, at+".status", 100, 599)
	}
	if v := f["body"]; v != nil {
		text := p.text(v, at+".body", "")
		e.Body = &text
	}
	if v := f["content_type"]; v != nil {
		media, _, err := mime.ParseMediaType(p.text(v, at+".content_type", "text/plain"))
		if err != nil {
			p.fault(v, at+".content_type", "expected a media type such as text/plain, got %s", describe(v))
		}
		e.ContentType = media
	}
	return e
}

func (p *parser) phase(n *yaml.Node, at string, whole int) Phase {
	f := p.fields(n, at, "name", "workers", "iterations", "duration", "warmup")
	phase := Phase{Workers: max(1, whole)}
	if f == nil {
		return phase
	}
	phase.Name = p.name(f["name"], n, at+".name")
	phase.Warmup = p.boolean(f["warmup"], at+".warmup")
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
	return phase
}

// printable says that s can stand in a request's head: no control characters, which could end a line.
func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return true
}
