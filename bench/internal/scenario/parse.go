package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Limits of a scenario. They are far above what one machine can drive, and keep a slip of the keyboard from filling it.
const (
	MaxFileBytes  = 1 << 20
	MaxBodyBytes  = 6 << 20 // what Lambda takes
	MaxWorkers    = 10_000
	MaxSteps      = 100
	MaxPhases     = 100
	MaxRequests   = 1_000_000_000 // a phase
	MaxTimeout    = time.Hour     // what a histogram can hold
	MaxPhaseLasts = 24 * time.Hour
)

// Parse reads the text of a scenario file. file is its name in errors. readFile gives the content of a step's body_file, whose
// name is as it stands in the scenario.
//
// All faults are reported at once, joined, each as "file:line: key: what was expected".
func Parse(file string, data []byte, readFile func(name string) ([]byte, error)) (*Scenario, error) {
	if len(data) > MaxFileBytes {
		return nil, fmt.Errorf("%s: a scenario file of %d bytes: at most %d are read", file, len(data), MaxFileBytes)
	}
	var doc yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&doc); err != nil {
		return nil, syntaxError(file, data, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: expected one YAML document and nothing after it", file)
	}
	p := &parser{file: file, readFile: readFile}
	s := p.scenario(doc.Content[0])
	if err := errors.Join(p.errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// syntaxError turns the YAML library's "yaml: line 3: did not find …" into our form.
func syntaxError(file string, data []byte, err error) error {
	if len(bytes.TrimSpace(data)) == 0 || err.Error() == "EOF" {
		return fmt.Errorf("%s:1: the file is empty: expected a scenario with name, steps and phases", file)
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if line, what, ok := strings.Cut(rest, ": "); ok {
			return fmt.Errorf("%s:%s: not valid YAML: %s", file, line, what)
		}
	}
	return fmt.Errorf("%s: not valid YAML: %s", file, text)
}

type parser struct {
	file     string
	readFile func(name string) ([]byte, error)
	errs     []error
}

// fault notes what is wrong at a node. key is the path to it, such as phases[1].workers.
func (p *parser) fault(n *yaml.Node, key, format string, args ...any) {
	where := fmt.Sprintf("%s:%d: ", p.file, n.Line)
	if key != "" {
		where += key + ": "
	}
	p.errs = append(p.errs, errors.New(where+fmt.Sprintf(format, args...)))
}

// later are keys that the format has and this version cannot run yet. Ignoring them would measure something else than asked.
var later = map[string]bool{
	"connections": true, "arrivals": true, "slo": true, "rate": true, "weight": true, "capture": true, "think_time": true,
	"feeder": true,
}

// fields checks that n is a mapping with known keys, none twice, and returns the values by key.
func (p *parser) fields(n *yaml.Node, at string, known ...string) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		p.fault(n, at, "expected a mapping with %s, got %s", strings.Join(known, ", "), describe(n))
		return nil
	}
	values := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case value.Kind == yaml.AliasNode || key.Kind == yaml.AliasNode:
			p.fault(key, join(at, key.Value), "anchors and aliases are not supported: write the value out")
			continue
		case values[key.Value] != nil:
			p.fault(key, join(at, key.Value), "given twice")
			continue
		case !slices.Contains(known, key.Value) && later[key.Value]:
			p.fault(key, join(at, key.Value), "not supported by this version, which runs closed loops without it")
			continue
		case !slices.Contains(known, key.Value):
			p.fault(key, join(at, key.Value), "unknown key, expected one of %s", strings.Join(known, ", "))
			continue
		}
		values[key.Value] = value
	}
	return values
}

// text reads a scalar; a missing one is the default.
func (p *parser) text(n *yaml.Node, at, missing string) string {
	if n == nil {
		return missing
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.fault(n, at, "expected a text, got %s", describe(n))
		return missing
	}
	return n.Value
}

// number reads a whole number from lowest to highest.
func (p *parser) number(n *yaml.Node, at string, lowest, highest int) int {
	v, err := strconv.Atoi(strings.ReplaceAll(n.Value, "_", ""))
	if n.Kind != yaml.ScalarNode || err != nil || v < lowest || v > highest {
		p.fault(n, at, "expected a whole number from %d to %d, got %s", lowest, highest, describe(n))
		return lowest
	}
	return v
}

// boolean reads true or false.
func (p *parser) boolean(n *yaml.Node, at string) bool {
	if n == nil {
		return false
	}
	var v bool
	if n.Kind != yaml.ScalarNode || n.Decode(&v) != nil {
		p.fault(n, at, "expected true or false, got %s", describe(n))
	}
	return v
}

// duration reads a span above zero.
func (p *parser) duration(n *yaml.Node, at string, highest time.Duration) Duration {
	v, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < time.Millisecond || v > highest {
		p.fault(n, at, "expected a duration from 1ms to %s such as 250ms or 10s, got %s", highest, describe(n))
		return Duration(time.Millisecond)
	}
	return Duration(v)
}

var share = regexp.MustCompile(`^([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*%$`)

// workers reads a number of workers, or a share of the scenario's, rounded to the nearest and at least 1.
func (p *parser) workers(n *yaml.Node, at string, whole int) int {
	if m := share.FindStringSubmatch(n.Value); m != nil && n.Kind == yaml.ScalarNode {
		percent, err := strconv.ParseFloat(m[1], 64)
		if err != nil || percent <= 0 || percent > 100 {
			p.fault(n, at, "expected a share above 0%% and up to 100%%, got %s", describe(n))
			return 1
		}
		if whole == 0 {
			p.fault(n, at, "a share of the scenario's workers, but the scenario has no key workers")
			return 1
		}
		return max(1, int(math.Round(percent/100*float64(whole))))
	}
	if v, err := strconv.Atoi(n.Value); err == nil && n.Kind == yaml.ScalarNode && v >= 1 && v <= MaxWorkers {
		return v
	}
	p.fault(n, at, "expected a number of workers from 1 to %d or a share such as 50%%, got %s", MaxWorkers, describe(n))
	return 1
}

// list checks that n is a sequence of 1 to most items.
func (p *parser) list(n, parent *yaml.Node, at string, most int) []*yaml.Node {
	switch {
	case n == nil:
		p.fault(parent, at, "missing: expected a list of 1 to %d", most)
		return nil
	case n.Kind != yaml.SequenceNode || len(n.Content) == 0 || len(n.Content) > most:
		p.fault(n, at, "expected a list of 1 to %d, got %s", most, describe(n))
		return nil
	}
	return n.Content
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// describe shows a node as a person would write it.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return fmt.Sprintf("a list of %d", len(n.Content))
	case yaml.AliasNode:
		return "an alias"
	case yaml.ScalarNode, yaml.DocumentNode:
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	const most = 60
	if len(n.Value) > most {
		return strconv.Quote(n.Value[:most]) + "…"
	}
	return strconv.Quote(n.Value)
}
