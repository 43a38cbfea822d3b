package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	MaxGrace      = time.Hour
	MaxThink      = time.Hour
	MaxRate       = 1_000_000 // iterations a second
	MaxWeight     = 1_000_000
)

// maxFaults is how many faults are reported one by one.
const maxFaults = 100

// Parse reads the text of a scenario file. file is its name in errors. readFile gives the content of a step's body_file, whose
// name is as it stands in the scenario.
//
// All faults are reported at once, joined, each as "file:line: key: what was expected".
func Parse(file string, data []byte, readFile func(name string) ([]byte, error)) (*Scenario, error) {
	if len(data) > MaxFileBytes {
		return nil, fmt.Errorf("%s:1: a scenario file of %d bytes: at most %d are read", file, len(data), MaxFileBytes)
	}
	if err := checkText(file, data); err != nil {
		return nil, err
	}
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s:1: the file is empty: expected a scenario with name, steps and phases", file)
	case err != nil:
		return nil, syntaxError(file, err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("%s:%d: a second YAML document: expected one and nothing after it", file, second.Line)
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(file, err)
	}
	p := &parser{file: file, readFile: readFile, names: newNames()}
	s := p.scenario(doc.Content[0])
	if len(p.errs) > maxFaults {
		p.errs = append(p.errs[:maxFaults], fmt.Errorf("%s:1: and %d more faults", file, len(p.errs)-maxFaults))
	}
	if err := errors.Join(p.errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// checkText finds what no YAML file may hold. The YAML library finds it too, but does not say where.
func checkText(file string, data []byte) error {
	line := 1
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			return fmt.Errorf("%s:%d: not valid YAML: byte %#x is not UTF-8", file, line, rest[0])
		case r == '\n':
			line++
		case unicode.IsControl(r) && r != '\t' && r != '\r' && r != '\u0085':
			return fmt.Errorf("%s:%d: not valid YAML: control character %U", file, line, r)
		}
		rest = rest[size:]
	}
	return nil
}

// syntaxError turns the YAML library's "yaml: line 3: did not find …" into our form. It gives no line for faults on the first.
func syntaxError(file string, err error) error {
	line, text := "1", strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, what, ok := strings.Cut(rest, ": "); ok {
			line, text = number, what
		}
	}
	return fmt.Errorf("%s:%s: not valid YAML: %s", file, line, text)
}

type parser struct {
	file     string
	readFile func(name string) ([]byte, error)
	names    *names // that the templates read so far can use
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
