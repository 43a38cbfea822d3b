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
		p.literal(v, at+".content_type")
		step.ContentType = p.text(v, at+".content_type", "text/plain")
		if _, _, err := mime.ParseMediaType(step.ContentType); err != nil || !printable(step.ContentType) {
			p.fault(v, at+".content_type", "expected a media type such as text/plain, got %s", describe(v))
		}
	}
	step.Headers = p.headers(f["headers"], at+".headers")
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

func (p *parser) path(n, parent *yaml.Node, at string) string {
	if n == nil {
		p.fault(parent, at, "missing: expected a path such as /")
		return "/"
	}
	v := p.text(n, at, "/")
	template := p.template(n, at, v)
	whole := template.with("x") // any value that needs no encoding
	if len(template.parts) > 0 && template.parts[0].kind != kindLiteral {
		whole = "/" + whole // the value has it
	}
	u, err := url.ParseRequestURI(whole)
	if err != nil || !strings.HasPrefix(whole, "/") || u.Host != "" ||
		strings.ContainsFunc(whole, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }) {
		p.fault(n, at, "expected a path with its query, such as /texts?page=2, in its encoded form, got %s", describe(n))
		return "/"
	}
	if most := template.most(p.names); most > maxPathBytes {
		p.fault(n, at, "a path of up to %d bytes: servers take at most %d", most, maxPathBytes)
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
		default:
			headers[name] = p.header(value, join(at, key.Value))
		}
		given[name] = true
	}
	return headers
}

// header reads the value of a header.
func (p *parser) header(n *yaml.Node, at string) string {
	if n.Kind == yaml.ScalarNode && !printable(n.Value) {
		p.fault(n, at, "expected a printable text, got %s", describe(n))
		return ""
	}
	text := p.text(n, at, "")
	if t := p.limited(n, at, text); !printable(t.with("")) {
		p.fault(n, at, "expected a printable text in the quotes, got %s", describe(n))
	}
	return text
}

func (p *parser) body(step *Step, inline, file *yaml.Node, at string) {
	switch {
	case inline != nil && file != nil:
		p.fault(file, at+".body_file", "given beside body: expected one of the two")
	case inline != nil:
		text := p.text(inline, at+".body", "")
		p.limited(inline, at+".body", text)
		step.Body = []byte(text)
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
		if p.limited(v, at+".body", text).draws() {
			p.fault(v, at+".body", "what is drawn here is not what was sent: draw it in values, and name it here and where it is sent")
		}
		e.Body = &text
	}
	if v := f["content_type"]; v != nil {
		p.literal(v, at+".content_type")
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
