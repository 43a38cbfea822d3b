package scenario

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits of values and feeders.
const (
	MaxValues      = 100
	MaxValuesBytes = 1 << 20 // all values of an iteration, which each worker has a copy of
	MaxColumns     = 100
	MaxFeederRows  = 1_000_000
	MaxFeederBytes = 64 << 20
)

// names are what templates can name.
type names struct {
	refs    map[string]ref
	list    []string // in the order in which they came to be known
	values  []int    // the longest that each can be, in bytes
	columns []int    // the longest cell of each, in bytes
	// later says of names that are not known yet where they come from.
	later map[string]string
	// incomplete says that some are hidden by a fault elsewhere.
	incomplete bool
	captures   int
}

// ref is where a name's value is found.
type ref struct {
	kind  kind
	index int
}

func newNames() *names { return &names{refs: map[string]ref{}, later: map[string]string{}} }

// names of all that the scenario has.
func (s *Scenario) names() *names {
	n := newNames()
	if s.Feeder != nil {
		for _, name := range s.Feeder.Columns {
			n.addColumn(name)
		}
	}
	for _, v := range s.Values {
		n.addValue(v.Name, 0)
	}
	for _, step := range s.Steps {
		n.addCaptures(step.Capture)
	}
	return n
}

func (n *names) add(name string, r ref) {
	n.refs[name] = r
	n.list = append(n.list, name)
}

func (n *names) addColumn(name string) {
	n.add(name, ref{kindColumn, len(n.columns)})
	n.columns = append(n.columns, 0)
}

func (n *names) addValue(name string, most int) {
	n.add(name, ref{kindValue, len(n.values)})
	n.values = append(n.values, most)
}

// addCaptures adds those that are not known yet: a later step may capture anew what an earlier one did.
func (n *names) addCaptures(captures []Capture) {
	for _, c := range captures {
		if _, ok := n.refs[c.Name]; !ok {
			n.add(c.Name, ref{kindCapture, n.captures})
			n.captures++
		}
	}
}

// wanted lists what can stand between braces.
func (n *names) wanted() string {
	const most = 20
	list := make([]string, 0, len(functions)+1)
	for _, f := range functions {
		list = append(list, f.usage)
	}
	list = append(list, `a text in quotes`)
	list = append(list, n.list[:min(most, len(n.list))]...)
	if len(n.list) > most {
		list = append(list, fmt.Sprintf("%d more", len(n.list)-most))
	}
	return "expected one of " + strings.Join(list, ", ")
}

// newName checks a name of a value, column or capture, and says what is wrong with it.
func (n *names) newName(name string, k kind) (fault string) {
	if !variableForm.MatchString(name) {
		return "expected as name up to 64 letters, digits and underscores that do not begin with a digit, got " + shorten(name)
	}
	for _, f := range functions {
		if f.name == name {
			return fmt.Sprintf("%q is the name of a function: expected another", name)
		}
	}
	if r, ok := n.refs[name]; ok && (k != kindCapture || r.kind != kindCapture) {
		what := map[kind]string{kindValue: "a value", kindColumn: "a column of the feeder", kindCapture: "a capture"}
		return fmt.Sprintf("%q is already the name of %s: expected another", name, what[r.kind])
	}
	return ""
}

// template checks a text that may have places.
func (p *parser) template(n *yaml.Node, at, text string) Template {
	t, faults := compile(text, p.names)
	for _, fault := range faults {
		p.fault(n, at, "%s", fault)
	}
	return t
}

// limited checks a template whose text must not be too long.
func (p *parser) limited(n *yaml.Node, at, text string) Template {
	t := p.template(n, at, text)
	if most := t.most(p.names); most > MaxBodyBytes {
		p.fault(n, at, "up to %d bytes with its values: at most %d can be sent", most, MaxBodyBytes)
	}
	return t
}

// literal refuses templates where there can be none: sent as they stand they would be something else than was meant.
func (p *parser) literal(n *yaml.Node, at string) {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "{{") {
		p.fault(n, at, "no place for a template: expected a text without {{, got %s", describe(n))
	}
}

// values reads the named templates.
func (p *parser) values(n *yaml.Node, at string) []Value {
	pairs := p.pairs(n, at, "names to texts")
	if len(pairs) > MaxValues {
		p.fault(n, at, "%d values: expected at most %d", len(pairs), MaxValues)
		p.names.incomplete = true
		return nil
	}
	for _, item := range pairs {
		p.names.later[item.name] = "a value can use those above it"
	}
	var values []Value
	total := 0
	for _, item := range pairs {
		if fault := p.names.newName(item.name, kindValue); fault != "" {
			p.fault(item.key, at, "%s", fault)
			p.names.incomplete = true
			continue
		}
		key := join(at, item.name)
		v := Value{item.name, p.text(item.value, key, "")}
		most := p.template(item.value, key, v.Text).most(p.names)
		if total += most; total > MaxValuesBytes && total-most <= MaxValuesBytes {
			p.fault(item.value, key, "the values up to here have up to %d bytes: expected at most %d", total, MaxValuesBytes)
		}
		values = append(values, v)
		p.names.addValue(v.Name, most)
		delete(p.names.later, v.Name)
	}
	return values
}

// feeder reads a CSV file.
func (p *parser) feeder(n *yaml.Node, at string) *Feeder {
	fields := p.fields(n, at, "file", "order")
	p.names.incomplete = true // until the columns are known
	if fields == nil {
		return nil
	}
	f := &Feeder{Random: oneOf(p, fields["order"], at+".order", "sequential", "random") == "random"}
	file := fields["file"]
	if file == nil {
		p.fault(n, at+".file", "missing: expected the name of a CSV file, relative to the scenario's folder")
		return f
	}
	if file.Kind != yaml.ScalarNode || file.Tag == "!!null" || file.Value == "" {
		p.fault(file, at+".file", "expected the name of a CSV file, relative to the scenario's folder, got %s", describe(file))
		return f
	}
	f.File = file.Value
	data, err := p.readFile(f.File)
	if err == nil {
		err = f.read(data)
	}
	if err == nil {
		err = p.columns(f)
	}
	if err != nil {
		p.fault(file, at+".file", "%v", err)
		return f
	}
	p.names.incomplete = false
	return f
}

// columns makes the columns known.
func (p *parser) columns(f *Feeder) error {
	for _, name := range f.Columns {
		if fault := p.names.newName(name, kindColumn); fault != "" {
			return fmt.Errorf("%s:1: %s", f.File, fault)
		}
		p.names.addColumn(name)
	}
	for _, row := range f.Rows {
		for i, cell := range row {
			p.names.columns[i] = max(p.names.columns[i], len(cell))
		}
	}
	return nil
}

// read takes columns and rows from the text of the file.
func (f *Feeder) read(data []byte) error {
	if len(data) > MaxFeederBytes {
		return fmt.Errorf("%s: %d bytes: at most %d are read", f.File, len(data), MaxFeederBytes)
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	for {
		row, err := r.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF) && f.Columns == nil:
			return fmt.Errorf("%s:1: the file is empty: expected a line with the names of the columns, and rows", f.File)
		case errors.Is(err, io.EOF) && len(f.Rows) == 0:
			return fmt.Errorf("%s:1: no rows below the names of the columns: expected 1 to %d", f.File, MaxFeederRows)
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &syntax) && errors.Is(err, csv.ErrFieldCount):
			return fmt.Errorf("%s:%d: expected %d fields, as there are columns, got %d", f.File, syntax.Line, len(f.Columns), len(row))
		case errors.As(err, &syntax):
			return fmt.Errorf("%s:%d: not valid CSV: %w", f.File, syntax.Line, syntax.Err)
		case err != nil:
			return fmt.Errorf("%s: %w", f.File, err)
		case f.Columns == nil && len(row) > MaxColumns:
			return fmt.Errorf("%s:1: %d columns: expected at most %d", f.File, len(row), MaxColumns)
		case f.Columns == nil:
			f.Columns = row
		case len(f.Rows) == MaxFeederRows:
			line, _ := r.FieldPos(0)
			return fmt.Errorf("%s:%d: more than %d rows", f.File, line, MaxFeederRows)
		default:
			f.Rows = append(f.Rows, row)
		}
	}
}
