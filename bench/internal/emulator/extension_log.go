package emulator

import (
	"fmt"
	"strings"
	"time"
)

// reportAll writes the lines that are due when an init or invocations have ended; the journal is locked.
func (e *environment) reportAll(ended []*usage, at time.Time) {
	e.announce(at)
	for _, a := range ended {
		e.log.collect(a.log)
		e.log.end(a, at)
	}
}

// announce writes a line about each extension, after the init: "Lambda also generates an additional log event for each extension
// during Init". The journal is locked.
func (e *environment) announce(at time.Time) {
	if !e.exts.due.CompareAndSwap(true, false) {
		return
	}
	e.fn.mu.Lock()
	var lines []byte
	for _, ext := range e.exts.list {
		lines = append(lines, extensionLine(e.log.format, ext, at)...)
	}
	e.fn.mu.Unlock()
	e.log.add(lines, nil)
}

// extensionLine is the line about one extension. In JSON it is documented
// (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html, platform.extension), as text it is not.
func extensionLine(format LogFormat, ext *extension, at time.Time) []byte {
	events := []string{}
	if ext.invoke {
		events = append(events, "INVOKE")
	}
	if ext.shutdown {
		events = append(events, "SHUTDOWN")
	}
	if format == LogJSON {
		return platformLine(at, "platform.extension", struct {
			Events []string `json:"events"`
			Name   string   `json:"name"`
			State  string   `json:"state"`
		}{events, ext.name, "Ready"})
	}
	return fmt.Appendf(nil, "EXTENSION\tName: %s\tState: Ready\tEvents: [%s]\n", ext.name, strings.Join(events, ","))
}
