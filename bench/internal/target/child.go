package target

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// output receives what a child prints. It keeps the last part for error messages and shows each line to match, until
// that one is satisfied.
type output struct {
	mu    sync.Mutex
	tail  []byte
	line  []byte
	match func(line []byte) bool // nil once satisfied
	found chan struct{}
}

const (
	maxTail = 4 << 10
	maxLine = 64 << 10
)

func newOutput(match func(line []byte) bool) *output {
	return &output{match: match, found: make(chan struct{})}
}

// Write implements io.Writer; it never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail = append(o.tail, p...)
	if extra := len(o.tail) - maxTail; extra > 0 {
		o.tail = append(o.tail[:0], o.tail[extra:]...)
	}
	for rest := p; o.match != nil && len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if len(o.line) < maxLine {
			o.line = append(o.line, line...)
		}
		if !whole {
			break
		}
		if o.match(o.line) {
			o.match, o.line = nil, nil
			close(o.found)
			break
		}
		o.line, rest = o.line[:0], after
	}
	return len(p), nil
}

// last gives the last lines for an error message.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(o.tail)), "\n")
	const most = 12
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	return strings.Join(lines, "\n  ")
}

// quoted continues a sentence with the last output.
func (o *output) quoted() string {
	if text := o.last(); text != "" {
		return "; its last output:\n  " + text
	}
	return " without any output"
}

// ended says how a child ended that should be running.
func ended(what string, c *process.Child, o *output) error {
	how := "exit status 0"
	if err := c.Err(); err != nil {
		how = err.Error()
	}
	return fmt.Errorf("%s ended (%s)%s", what, how, o.quoted())
}
