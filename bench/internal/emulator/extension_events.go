package emulator

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// tellInvoke sends INVOKE to the extensions that have registered for it.
func (e *environment) tellInvoke(inv *invocation) {
	f := e.fn
	f.mu.Lock()
	event := extensionInvoke(f.arn, inv)
	var conns []*apiConn
	for _, ext := range e.exts.list {
		switch {
		case !ext.invoke || ext.state != extensionReady:
			continue
		case ext.parked == nil:
			ext.pending = event
		default:
			conns = append(conns, ext.parked)
		}
		ext.parked, ext.state = nil, extensionRunning
	}
	f.mu.Unlock()
	for _, c := range conns {
		c.extensionEvent(event)
	}
}

// extensionInvoke is the event INVOKE. The guide calls deadlineMs "the time remaining", its example and the Runtime Interface Emulator
// have a time in ms since 1970.
func extensionInvoke(arn string, inv *invocation) []byte {
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	var trace *tracing
	if inv.traceID != "" {
		trace = &tracing{"X-Amzn-Trace-Id", inv.traceID}
	}
	return eventJSON(struct {
		EventType  string   `json:"eventType"`
		DeadlineMs int64    `json:"deadlineMs"`
		RequestID  string   `json:"requestId"`
		ARN        string   `json:"invokedFunctionArn"`
		Tracing    *tracing `json:"tracing,omitempty"`
	}{"INVOKE", inv.deadline.UnixMilli(), inv.id, arn, trace})
}

// extensionShutdown is the event SHUTDOWN.
func extensionShutdown(reason shutdownReason, by time.Time) []byte {
	return eventJSON(struct {
		EventType      string         `json:"eventType"`
		DeadlineMs     int64          `json:"deadlineMs"`
		ShutdownReason shutdownReason `json:"shutdownReason"`
	}{"SHUTDOWN", by.UnixMilli(), reason})
}

func eventJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // there is nothing in these events that has no JSON
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// extensionEvent sends an event to the extension that waits on c.
func (c *apiConn) extensionEvent(event []byte) bool {
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Extension-Event-Identifier: " + newRequestID() + "\r\nContent-Length: " +
		strconv.Itoa(len(event)) + "\r\n\r\n"
	return c.write(append([]byte(head), event...)) == nil
}

// unpark forgets that an extension waits on c; f.mu is held.
func (x *extensions) unpark(c *apiConn) {
	for _, ext := range x.list {
		if ext.parked == c {
			ext.parked = nil
		}
	}
}
