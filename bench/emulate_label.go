package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// labelLogs has the lines of each function begin with its name, if there are several whose lines meet on one standard error. Those in
// JSON stay JSON.
func labelLogs(functions []emulator.Config) {
	if len(functions) < 2 {
		return
	}
	width := 0
	for i := range functions {
		width = max(width, len(functions[i].FunctionName))
	}
	for i := range functions {
		if f := &functions[i]; f.LogFormat != emulator.LogJSON {
			f.Output = &labelled{w: f.Output, label: fmt.Appendf(nil, "%-*s | ", width, f.FunctionName)}
		}
	}
}

// labelled writes whole lines with a label before each. It is not safe for concurrent use.
type labelled struct {
	w     io.Writer
	label []byte
	buf   []byte
}

// Write takes whole lines.
func (l *labelled) Write(p []byte) (int, error) {
	l.buf = l.buf[:0]
	for line := range bytes.Lines(p) {
		l.buf = append(append(l.buf, l.label...), line...)
	}
	if _, err := l.w.Write(l.buf); err != nil {
		return 0, err //nolint:wrapcheck // as of a writer
	}
	return len(p), nil
}
