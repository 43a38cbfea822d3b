// Package scenario describes a load: which requests are sent, in which order, by how many workers, in which phases.
//
// It is a pure leaf: it reads scenario files and answers questions about them, and knows no clock, socket or target.
package scenario

import (
	"encoding/json"
	"fmt"
	"time"
)

// Load says who decides when the next request is sent.
type Load string

// Closed means that a worker waits for each answer before it sends again. Open means that requests are due on a schedule.
const (
	Closed Load = "closed"
	Open   Load = "open"
)

// Order says in which order a worker takes the steps of a phase.
type Order string

// Blocks is every iteration of the first step, then every iteration of the second, and so on. Interleaved is one
// iteration of each step in turn.
const (
	Blocks      Order = "blocks"
	Interleaved Order = "interleaved"
)

// Scenario is a whole load, with all defaults filled in. Its JSON form is what result files carry.
type Scenario struct {
	Name string `json:"name"`
	Load Load   `json:"load"`
	// Workers is the number of workers at 100 %, 1 to MaxWorkers; no phase has more.
	Workers int      `json:"workers"`
	Order   Order    `json:"order"`
	Steps   []Step   `json:"steps"`
	Phases  []Phase  `json:"phases"`
	Timeout Duration `json:"timeout"`
}

// Step is one kind of request and what a right answer to it is.
type Step struct {
	Name        string            `json:"name"`
	Method      string            `json:"method"`
	Path        string            `json:"path"`
	ContentType string            `json:"content_type,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	// Body is what is sent; nil sends no body. A body_file has been read into it.
	Body     []byte `json:"-"`
	BodyFile string `json:"body_file,omitempty"`
	Expect   Expect `json:"expect"`
}

// Expect is what a right answer looks like. The zero value accepts any 2xx.
type Expect struct {
	// Status is the one accepted HTTP status, 100 to 599; 0 accepts any 2xx.
	Status int `json:"status,omitempty"`
	// Body is the whole accepted body; nil accepts any.
	Body *string `json:"body,omitempty"`
	// ContentType is the accepted media type without its parameters; empty accepts any.
	ContentType string `json:"content_type,omitempty"`
}

// Phase is one stage of the load. It starts when the phase before it has drained.
type Phase struct {
	Name string `json:"name"`
	// Workers that take part, at least 1.
	Workers int `json:"workers"`
	// Iterations per worker and step; 0 means that Duration bounds the phase.
	Iterations int `json:"iterations,omitempty"`
	// Duration of the phase; 0 means that Iterations bounds it. Exactly one of the two is set.
	Duration Duration `json:"duration,omitzero"`
	// Warmup keeps the phase out of the totals.
	Warmup bool `json:"warmup"`
}

// Requests is how many requests the phase sends to each target, or -1 where Duration bounds it.
func (s *Scenario) Requests(p Phase) int {
	if p.Iterations == 0 {
		return -1
	}
	return p.Workers * p.Iterations * len(s.Steps)
}

// MarshalJSON adds the body as a string, or its length where a file holds it.
func (s Step) MarshalJSON() ([]byte, error) {
	type plain Step
	out := struct {
		plain
		Body      *string `json:"body,omitempty"`
		BodyBytes int     `json:"body_bytes,omitempty"`
	}{plain: plain(s)}
	if s.BodyFile == "" && s.Body != nil {
		text := string(s.Body)
		out.Body = &text
	} else {
		out.BodyBytes = len(s.Body)
	}
	return json.Marshal(out)
}

// UnmarshalJSON is the inverse of MarshalJSON, but for the content of a body file, which result files do not carry.
func (s *Step) UnmarshalJSON(data []byte) error {
	type plain Step
	in := struct {
		*plain
		Body *string `json:"body"`
	}{plain: (*plain)(s)}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if in.Body != nil {
		s.Body = []byte(*in.Body)
	}
	return nil
}

// Duration is a span of time that files write as Go does: 250ms, 10s, 1m30s.
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("expected a duration such as 250ms, 10s or 1m30s, got %q", text)
	}
	*d = Duration(v)
	return nil
}
