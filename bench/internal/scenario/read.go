package scenario

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

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
		case key.Kind == yaml.MappingNode || key.Kind == yaml.SequenceNode:
			p.fault(key, at, "expected a text as key, got %s", describe(key))
			continue
		case value.Kind == yaml.AliasNode || key.Kind == yaml.AliasNode:
			p.fault(key, join(at, key.Value), "anchors and aliases are not supported: write the value out")
			continue
		case values[key.Value] != nil:
			p.fault(key, join(at, key.Value), "given twice")
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
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		p.fault(n, at, "expected a text, got %s", describe(n))
		return missing
	case n.Style&yaml.TaggedStyle != 0:
		// A tag such as !!binary would have to be obeyed, or something else than what was meant is sent.
		p.fault(n, at, "the tag %s is not supported: write the value as plain text", n.Tag)
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
	if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
		p.fault(n, at, "expected true or false, got %s", describe(n))
	}
	return n.Value == "true"
}

// duration reads a span above zero.
func (p *parser) duration(n *yaml.Node, at string, highest time.Duration) Duration {
	return p.span(n, at, time.Millisecond, highest)
}

// span reads a duration from lowest to highest.
func (p *parser) span(n *yaml.Node, at string, lowest, highest time.Duration) Duration {
	v, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < lowest || v > highest {
		p.fault(n, at, "expected a duration from %s to %s such as 250ms or 10s, got %s", lowest, highest, describe(n))
		return Duration(lowest)
	}
	return Duration(v)
}

// oneOf reads one of some words; a missing one is the first.
func oneOf[T ~string](p *parser, n *yaml.Node, at string, words ...T) T {
	if n == nil {
		return words[0]
	}
	if v := T(n.Value); n.Kind == yaml.ScalarNode && slices.Contains(words, v) {
		return v
	}
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = string(word)
	}
	p.fault(n, at, "expected %s, got %s", strings.Join(list, " or "), describe(n))
	return words[0]
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

// milli gives a number with up to three decimals in thousandths, so that what is computed from it is rounded once.
func milli(v float64) float64 { return math.Round(v * 1000) }

// pair is one key of a mapping whose keys are the user's.
type pair struct {
	name       string
	key, value *yaml.Node
}

// pairs checks that n is a mapping, none of whose keys is there twice, and returns them in order.
func (p *parser) pairs(n *yaml.Node, at, what string) []pair {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		p.fault(n, at, "expected a mapping of %s, got %s", what, describe(n))
		return nil
	}
	pairs := make([]pair, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode && key.Kind != yaml.AliasNode:
			p.fault(key, at, "expected a text as key, got %s", describe(key))
		case value.Kind == yaml.AliasNode || key.Kind == yaml.AliasNode:
			p.fault(key, join(at, key.Value), "anchors and aliases are not supported: write the value out")
		case slices.ContainsFunc(pairs, func(other pair) bool { return other.name == key.Value }):
			p.fault(key, join(at, key.Value), "given twice")
		default:
			pairs = append(pairs, pair{key.Value, key, value})
		}
	}
	return pairs
}

// child is the value of a key in a mapping, nil without.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
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

// join appends a key to a path. A key that would break a line of output, or hide itself, is quoted.
func join(at, key string) string {
	if !printable(key) || key == "" {
		key = strconv.Quote(key)
	}
	if at == "" {
		return key
	}
	return at + "." + key
}

// describe shows a node as a person would write it.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		if len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode {
			return "a mapping of mappings (a template has to stand in quotes)"
		}
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
		return strconv.Quote(strings.ToValidUTF8(n.Value[:most], "")) + "…"
	}
	return strconv.Quote(n.Value)
}
