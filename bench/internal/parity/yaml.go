package parity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFaults is how many faults of a file are reported.
const maxFaults = 50

// reader takes values out of a YAML document and collects what is wrong with them.
type reader struct {
	file   string
	faults []error
	bodies int // bytes that bodies have by their size alone
}

// document returns the one document of a file.
func (r *reader) document(data []byte) *yaml.Node {
	if len(data) > MaxFileBytes {
		r.faults = append(r.faults, fmt.Errorf("%s:1: a file of %d bytes: at most %d are read", r.file, len(data), MaxFileBytes))
		return nil
	}
	if !utf8.Valid(data) {
		r.faults = append(r.faults, fmt.Errorf("%s:1: not UTF-8", r.file))
		return nil
	}
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) {
		r.faults = append(r.faults, fmt.Errorf("%s:1: the file is empty", r.file))
		return nil
	}
	if err == nil {
		if err = decoder.Decode(&second); err == nil {
			r.faults = append(r.faults, fmt.Errorf("%s:%d: a second YAML document: expected one", r.file, second.Line))
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		line, text := "1", strings.TrimPrefix(err.Error(), "yaml: ")
		if rest, ok := strings.CutPrefix(text, "line "); ok {
			if number, what, ok := strings.Cut(rest, ": "); ok {
				line, text = number, what
			}
		}
		r.faults = append(r.faults, fmt.Errorf("%s:%s: not valid YAML: %s", r.file, line, text))
		return nil
	}
	if len(doc.Content) != 1 {
		r.faults = append(r.faults, fmt.Errorf("%s:1: the file is empty", r.file))
		return nil
	}
	return doc.Content[0]
}

// err is all that is wrong, joined.
func (r *reader) err() error {
	if len(r.faults) > maxFaults {
		more := fmt.Errorf("%s: and %d more", r.file, len(r.faults)-maxFaults)
		return errors.Join(append(slices.Clone(r.faults[:maxFaults]), more)...)
	}
	return errors.Join(r.faults...)
}

func (r *reader) fault(n *yaml.Node, key, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s:%d: %s: %s", r.file, n.Line, key, fmt.Sprintf(format, args...)))
}

// fields returns the values of a mapping whose keys must be known.
func (r *reader) fields(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		r.fault(n, what, "expected a mapping with %s", strings.Join(known, ", "))
		return nil
	}
	values := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || value.Kind == yaml.AliasNode:
			r.fault(key, what, "anchors, aliases and keys that are no text are not supported")
		case !slices.Contains(known, key.Value):
			r.fault(key, what, "unknown key %s: expected %s", quote(key.Value), strings.Join(known, ", "))
		case values[key.Value] != nil:
			r.fault(key, what, "key %s is given twice", quote(key.Value))
		default:
			values[key.Value] = value
		}
	}
	return values
}

// text reads a text; one that is not there is the default.
func (r *reader) text(n *yaml.Node, what, missing string) string {
	if n == nil {
		return missing
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Style&yaml.TaggedStyle != 0 {
		r.fault(n, what, "expected a plain text")
		return missing
	}
	return n.Value
}

// number reads a whole number.
func (r *reader) number(n *yaml.Node, what string, lowest, highest int) int {
	if n == nil {
		return 0
	}
	v, err := strconv.Atoi(strings.ReplaceAll(n.Value, "_", ""))
	if n.Kind != yaml.ScalarNode || err != nil || v < lowest || v > highest {
		r.fault(n, what, "expected a whole number from %d to %d", lowest, highest)
		return 0
	}
	return v
}

// flag reads true or false.
func (r *reader) flag(n *yaml.Node, what string) bool {
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
		r.fault(n, what, "expected true or false")
	}
	return n.Value == "true"
}

// list reads a sequence of up to most items.
func (r *reader) list(n *yaml.Node, what string, most int) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) > most {
		r.fault(n, what, "expected a list of up to %d", most)
		return nil
	}
	return n.Content
}

// quote shows a text of a file, shortened.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "…"
	}
	return strconv.Quote(s)
}
