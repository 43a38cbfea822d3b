// Package scenario describes a load: which requests are sent, in which order, by how many workers, in which phases.
//
// It is a pure leaf: it reads scenario files and answers questions about them, and knows no clock, socket or target.
package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
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

// Protocol is what connections speak.
type Protocol string

// HTTP1 has one request at a time on a connection. HTTP2 has up to 100, each a stream of its own: by ALPN where there is TLS,
// with prior knowledge where there is none.
const (
	HTTP1 Protocol = "http1"
	HTTP2 Protocol = "http2"
)

// Scenario is a whole load, with all defaults filled in. Its JSON form is what result files carry.
type Scenario struct {
	Name string `json:"name"`
	Load Load   `json:"load"`
	// Workers of a closed load at 100 %, 1 to MaxWorkers; no phase has more. 0 in an open load.
	Workers int `json:"workers,omitempty"`
	// Connections of an open load: the most requests in flight to each target, 1 to MaxWorkers. 0 in a closed load.
	Connections int `json:"connections,omitempty"`
	// Order of the steps in a closed load; empty in an open one, and where they are drawn by weight.
	Order Order `json:"order,omitempty"`
	// Grace is how long after the end of an open phase what waits in its queue may still be sent.
	Grace    Duration `json:"grace,omitzero"`
	Protocol Protocol `json:"protocol"`
	// FreshConnections opens a connection for each request, instead of keeping those it has.
	FreshConnections bool     `json:"fresh_connections,omitempty"`
	Steps            []Step   `json:"steps"`
	Phases           []Phase  `json:"phases"`
	Timeout          Duration `json:"timeout"`
	SLO              SLO      `json:"slo,omitempty"`
	// Values are templates by name, evaluated once an iteration, in this order.
	Values []Value `json:"values,omitempty"`
	// Feeder has rows of values from a file; nil without.
	Feeder *Feeder `json:"feeder,omitempty"`
}

// Value is a named template.
type Value struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Feeder gives each iteration one row of a CSV file, whose first line names the columns.
type Feeder struct {
	File string `json:"file"`
	// Random draws rows from the seed; otherwise they come in turn, and begin again after the last.
	Random  bool       `json:"random,omitempty"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"-"`
}

// Metric is what a threshold is about.
type Metric string

// The metrics of thresholds. Latency thresholds are about response times; a failed request counts as slower than any limit.
const (
	MetricP50       Metric = "p50_us"
	MetricP90       Metric = "p90_us"
	MetricP95       Metric = "p95_us"
	MetricP99       Metric = "p99_us"
	MetricP999      Metric = "p99_9_us"
	MetricMax       Metric = "max_us"
	MetricErrorRate Metric = "error_rate"
)

// Threshold is an upper limit, met by a value that is not above it.
type Threshold struct {
	Metric Metric `json:"metric"`
	// Limit in µs, or as a share from 0 to 1 for the error rate.
	Limit float64 `json:"limit"`
}

// SLO is what is asked of each target, in each phase that counts and in total.
type SLO []Threshold

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
	// Weight is the step's share of the iterations, relative to those of the others; 0 in a scenario without weights.
	Weight int `json:"weight,omitempty"`
	// Think is how long the worker rests after the answer.
	Think Think `json:"think_time,omitzero"`
	// Capture keeps parts of the answer for the steps that follow in the same iteration.
	Capture []Capture `json:"capture,omitempty"`
}

// Think is a span, drawn evenly between two limits.
type Think struct {
	From Duration `json:"from"`
	To   Duration `json:"to"`
}

// Capture is a part of an answer that later steps use by its name. An answer that lacks it is an error.
type Capture struct {
	Name string `json:"name"`
	// Header is the name of a header in lower case; or JSON is a path into the body, such as user.ids.0. One of the two is set.
	Header string `json:"header,omitempty"`
	JSON   string `json:"json,omitempty"`
	// Match is a regular expression whose first group is kept instead of the whole; empty keeps the whole.
	Match string `json:"match,omitempty"`
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

// Arrivals says how the requests of an open phase follow each other.
type Arrivals string

// Constant has the same span between any two; Poisson draws each span from the exponential distribution, as independent users do.
const (
	Constant Arrivals = "constant"
	Poisson  Arrivals = "poisson"
)

// Rate of an open phase in iterations a second, each 0 to MaxRate. It goes evenly from From to To, which are equal unless it ramps.
type Rate struct {
	From float64 `json:"from_rps"`
	To   float64 `json:"to_rps"`
}

// Phase is one stage of the load. It starts when the phase before it has drained.
type Phase struct {
	Name string `json:"name"`
	// Workers that take part in a closed phase, at least 1; 0 in an open one.
	Workers int `json:"workers,omitempty"`
	// Rate of an open phase; nil in a closed one.
	Rate *Rate `json:"rate,omitempty"`
	// Arrivals of an open phase; empty in a closed one.
	Arrivals Arrivals `json:"arrivals,omitempty"`
	// Iterations per worker and step; 0 means that Duration bounds the phase.
	Iterations int `json:"iterations,omitempty"`
	// Duration of the phase; 0 means that Iterations bounds it. Exactly one of the two is set; in an open phase, this one.
	Duration Duration `json:"duration,omitzero"`
	// Warmup keeps the phase out of the totals.
	Warmup bool `json:"warmup"`
}

// Requests is how many requests the phase sends to each target, or -1 where that is not known before.
func (s *Scenario) Requests(p Phase) int {
	switch {
	case p.Iterations > 0:
		return p.Workers * p.Iterations * len(s.Steps)
	case p.Rate == nil || p.Arrivals == Poisson:
		return -1
	case s.Chained():
		return p.planned() * len(s.Steps)
	}
	return p.planned()
}

// expected is how many requests the phase sends to each target, in the mean; -1 where that is not known before.
func (s *Scenario) expected(p Phase) int {
	p.Arrivals = "" // Poisson arrivals are as many in the mean as constant ones
	return s.Requests(p)
}

// Chained says that an iteration is all steps in order, as later steps use what earlier ones captured.
func (s *Scenario) Chained() bool {
	return slices.ContainsFunc(s.Steps, func(step Step) bool { return len(step.Capture) > 0 })
}

// Weighted says that an iteration is one step drawn by weight.
func (s *Scenario) Weighted() bool {
	return s.Load == Open && !s.Chained() || slices.ContainsFunc(s.Steps, func(step Step) bool { return step.Weight > 0 })
}

// InFlight is the most requests that are in flight to one target.
func (s *Scenario) InFlight() int { return max(s.Workers, s.Connections) }

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
