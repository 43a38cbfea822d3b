package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// variableForm is what names in templates look like.
var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// announce notes which names steps will capture, for templates that name them too early.
func (p *parser) announce(steps *yaml.Node) {
	if steps == nil || steps.Kind != yaml.SequenceNode {
		return
	}
	for i, step := range slices.Backward(steps.Content) {
		if n := child(step, "capture"); n != nil && n.Kind == yaml.MappingNode {
			for j := 0; j < len(n.Content); j += 2 {
				p.names.later[n.Content[j].Value] = fmt.Sprintf("steps[%d] captures it, for the steps after it", i)
			}
		}
	}
}

// captures reads what a step keeps of its answer.
func (p *parser) captures(n *yaml.Node, at string) []Capture {
	var captures []Capture
	for _, item := range p.pairs(n, at, "names to {header: NAME} or {json: PATH}") {
		if fault := p.names.newName(item.name, kindCapture); fault != "" {
			p.fault(item.key, at, "%s", fault)
			p.names.incomplete = true
			continue
		}
		captures = append(captures, p.capture(item.value, join(at, item.name), item.name))
	}
	return captures
}

func (p *parser) capture(n *yaml.Node, at, name string) Capture {
	c := Capture{Name: name}
	f := p.fields(n, at, "header", "json", "match")
	if f == nil {
		return c
	}
	header, path := f["header"], f["json"]
	switch {
	case header != nil && path != nil:
		p.fault(path, at+".json", "given beside header: expected one of the two")
	case header != nil:
		if c.Header = strings.ToLower(p.text(header, at+".header", "location")); !tokenForm.MatchString(c.Header) {
			p.fault(header, at+".header", "%s is no header name", describe(header))
		}
	case path != nil:
		if c.JSON = p.text(path, at+".json", "id"); slices.Contains(strings.Split(c.JSON, "."), "") {
			p.fault(path, at+".json", "expected keys and indexes with dots between, such as user.ids.0, got %s", describe(path))
		}
	default:
		p.fault(n, at, "expected header: NAME or json: PATH")
	}
	if v := f["match"]; v != nil {
		c.Match = p.text(v, at+".match", ".")
		if _, err := regexp.Compile(c.Match); err != nil || c.Match == "" {
			p.fault(v, at+".match", "expected a regular expression such as ^/texts/(.*)$, got %s", describe(v))
		}
	}
	return c
}

// think reads one span, or two with two dots between.
func (p *parser) think(n *yaml.Node, at string) Think {
	from, to, two := strings.Cut(n.Value, "..")
	if !two {
		to = from
	}
	lowest, err1 := time.ParseDuration(strings.TrimSpace(from))
	highest, err2 := time.ParseDuration(strings.TrimSpace(to))
	if n.Kind != yaml.ScalarNode || err1 != nil || err2 != nil || lowest < 0 || lowest > highest || highest > MaxThink {
		p.fault(n, at, "expected a duration up to %s such as 100ms, or two such as 100ms..500ms, got %s", MaxThink, describe(n))
		return Think{}
	}
	return Think{Duration(lowest), Duration(highest)}
}
