package scenario

import (
	"mime"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxPathBytes is what common servers take in a request line.
const maxPathBytes = 8192

func (p *parser) step(n *yaml.Node, at string) Step {
	f := p.fields(n, at, "name", "method", "path", "content_type", "headers", "body", "body_file", "expect", "weight",
		"think_time", "capture")
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
	if v := f["weight"]; v != nil {
		step.Weight = p.number(v, at+".weight", 1, MaxWeight)
	}
	if v := f["think_time"]; v != nil {
		step.Think = p.think(v, at+".think_time")
	}
	if v := f["capture"]; v != nil {
		step.Capture = p.captures(v, at+".capture")
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
	if len(n.Content) == 0 {
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

// printable says that s can stand in a request's head: no control characters, which could end a line.
func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return true
}
