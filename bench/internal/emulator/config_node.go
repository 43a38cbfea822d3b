package emulator

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// configParser reads nodes of a file and notes what is wrong with them.
type configParser struct {
	file   string
	base   Config
	lookup func(name string) (string, bool)
	faults []configError
}

// configError is a fault and its line.
type configError struct {
	line int
	text string
}

func (e configError) Error() string { return e.text }

// err is all faults in the order of their lines, nil if there are none.
func (p *configParser) err() error {
	slices.SortStableFunc(p.faults, func(a, b configError) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for i, f := range p.faults {
		if i == maxConfigFaults {
			errs = append(errs, fmt.Errorf("%s:%d: and %d more faults", p.file, f.line, len(p.faults)-i))
			break
		}
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}

// fault notes what is wrong at a node. at is the path to it, such as functions[1].timeout.
func (p *configParser) fault(n *yaml.Node, at, format string, args ...any) {
	where := fmt.Sprintf("%s:%d: ", p.file, n.Line)
	if at != "" {
		where += at + ": "
	}
	p.faults = append(p.faults, configError{n.Line, where + fmt.Sprintf(format, args...)})
}

// pairs checks that n is a mapping with texts as keys, none twice, and visits them in order.
func (p *configParser) pairs(n *yaml.Node, at string, visit func(key, value *yaml.Node, at string)) {
	if n.Kind != yaml.MappingNode {
		p.fault(n, at, "expected a mapping, got %s", describe(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		here := strings.TrimPrefix(at+"."+key.Value, ".")
		switch {
		case key.Kind == yaml.AliasNode || value.Kind == yaml.AliasNode:
			p.fault(key, here, "anchors and aliases are not supported: write the value out")
		case key.Kind != yaml.ScalarNode || key.Tag == "!!null" || key.Tag == "!!merge":
			p.fault(key, at, "expected a text as key, got %s", describe(key))
		case seen[key.Value]:
			p.fault(key, here, "given twice")
		default:
			seen[key.Value] = true
			visit(key, value, here)
		}
	}
}

// fields reads a mapping with known keys.
func (p *configParser) fields(n *yaml.Node, at string, known map[string]func(n *yaml.Node, at string), required ...string) {
	given := map[string]bool{}
	p.pairs(n, at, func(key, value *yaml.Node, here string) {
		given[key.Value] = true
		if read, ok := known[key.Value]; ok {
			read(value, here)
			return
		}
		p.fault(key, here, "unknown key, expected one of %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	})
	if n.Kind != yaml.MappingNode {
		return
	}
	for _, name := range required {
		if !given[name] {
			p.fault(n, strings.TrimPrefix(at+"."+name, "."), "missing")
		}
	}
}

// value is the first value of a key in a mapping, nil if there is none.
func (p *configParser) value(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name && n.Content[i+1].Kind != yaml.AliasNode {
			return n.Content[i+1]
		}
	}
	return nil
}

// each visits the elements of a list, which has at least one.
func (p *configParser) each(n *yaml.Node, at string, visit func(n *yaml.Node, at string)) {
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		p.fault(n, at, "expected a list with at least one element, got %s", describe(n))
		return
	}
	for i, element := range n.Content {
		here := fmt.Sprintf("%s[%d]", at, i)
		if element.Kind == yaml.AliasNode {
			p.fault(element, here, "anchors and aliases are not supported: write the value out")
			continue
		}
		visit(element, here)
	}
}

// text reads a scalar.
func (p *configParser) text(n *yaml.Node, at string) string {
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		p.fault(n, at, "expected a text, got %s", describe(n))
		return ""
	case n.Style&yaml.TaggedStyle != 0:
		p.fault(n, at, "the tag %s is not supported: write the value as plain text", n.Tag)
		return ""
	case n.Value == "":
		p.fault(n, at, "expected a text that is not empty")
	}
	return n.Value
}

// path reads the path of a file, which is relative to the folder of the config file.
func (p *configParser) path(n *yaml.Node, at string) string {
	path := p.text(n, at)
	if path != "" && !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(p.file), path)
	}
	return path
}

// texts reads a list of texts, none of which is empty.
func (p *configParser) texts(n *yaml.Node, at string) []string {
	var list []string
	p.each(n, at, func(n *yaml.Node, at string) { list = append(list, p.text(n, at)) })
	return list
}

// number reads a whole number.
func (p *configParser) number(n *yaml.Node, at string, lowest, highest int) int {
	v, err := strconv.Atoi(strings.ReplaceAll(n.Value, "_", ""))
	if n.Kind != yaml.ScalarNode || err != nil || v < lowest || v > highest {
		p.fault(n, at, "expected a whole number from %d to %d, got %s", lowest, highest, describe(n))
		return lowest
	}
	return v
}

// port reads the number of a port, 0 for a free one.
func (p *configParser) port(n *yaml.Node, at string) int { return p.number(n, at, 0, 65535) }

func (p *configParser) boolean(n *yaml.Node, at string) bool {
	if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
		p.fault(n, at, "expected true or false, got %s", describe(n))
	}
	return n.Value == "true"
}

func (p *configParser) duration(n *yaml.Node, at string, lowest, highest time.Duration) time.Duration {
	v, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < lowest || v > highest {
		p.fault(n, at, "expected a duration from %s to %s such as 250ms or 10s, got %s", lowest, highest, describe(n))
		return lowest
	}
	return v
}

// env reads variables, beside those of the base; one without a value is taken from the environment of the caller.
func (p *configParser) env(n *yaml.Node, at string) map[string]string {
	env := map[string]string{}
	maps.Copy(env, p.base.Env)
	p.pairs(n, at, func(key, value *yaml.Node, at string) {
		switch {
		case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
			v, ok := p.lookup(key.Value)
			if !ok {
				p.fault(key, at, "has no value, and is not set in this environment; give one, or export it")
			}
			env[key.Value] = v
		case value.Kind != yaml.ScalarNode || value.Style&yaml.TaggedStyle != 0:
			p.fault(value, at, "expected a text, or nothing to take it from this environment, got %s", describe(value))
		default:
			env[key.Value] = value.Value
		}
	})
	if err := checkEnv(env); err != nil {
		p.fault(n, at, "%s", strings.TrimPrefix(err.Error(), "environment: "))
	}
	return env
}

// doors reads a list of front doors, or a mapping with their ports.
func (p *configParser) doors(n *yaml.Node, at string) (doors []FrontDoor, ports map[FrontDoor]int) {
	add := func(n *yaml.Node, at, name string) {
		door := FrontDoor(name)
		switch {
		case !slices.Contains(FrontDoors(), door):
			p.fault(n, at, "expected one of %v, got %q", FrontDoors(), name)
		case slices.Contains(doors, door):
			p.fault(n, at, "given twice")
		default:
			doors = append(doors, door)
		}
	}
	if n.Kind != yaml.MappingNode {
		p.each(n, at, func(n *yaml.Node, at string) { add(n, at, p.text(n, at)) })
		return doors, nil
	}
	ports = map[FrontDoor]int{}
	p.pairs(n, at, func(key, value *yaml.Node, at string) {
		add(key, at, key.Value)
		ports[FrontDoor(key.Value)] = p.port(value, at)
	})
	return doors, ports
}

// describe says what a node is, for errors.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return "an empty list"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case n.Tag == "!!null":
		return "nothing"
	}
	return strconv.Quote(n.Value)
}
