package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// stream writes a line an interval while the run goes on. It is a loadgen.Observer and a watcher.
//
// Whoever reads it can neither end nor slow the measurement: lines wait in a bounded queue, those that find it full are dropped and
// counted, and a reader that has gone away is noted once.
type stream struct {
	out    io.Writer
	tell   func(string)
	names  []string
	phases []scenario.Phase
	began  time.Time

	lines   chan []byte
	written chan struct{} // closed when the last line is
	dropped int
	broken  chan os.Signal
	// Of the goroutine that writes, until written: whether anything went wrong, and with what but a reader that has gone away, which is its
	// own decision.
	gone bool
	err  error
}

// streamLine is what --stream prints. Times of requests are in µs, of successes, and null where there are none.
type streamLine struct {
	Type string `json:"type"`
	// TS is seconds since the load began, FromS and ToS since the turn did.
	TS     float64 `json:"t_s"`
	Target string  `json:"target"`
	Phase  string  `json:"phase"`
	Round  int     `json:"round"`
	FromS  float64 `json:"from_s"`
	ToS    float64 `json:"to_s"`
	// Requests that ended in the interval.
	Requests  int64            `json:"requests"`
	Successes int64            `json:"successes"`
	Errors    map[string]int64 `json:"errors"`
	// RateRPS is requests that ended a second; null of an interval without length.
	RateRPS      *float64 `json:"rate_rps"`
	P50          *float64 `json:"p50_us"`
	P90          *float64 `json:"p90_us"`
	P99          *float64 `json:"p99_us"`
	Max          *float64 `json:"max_us"`
	ServiceP99   *float64 `json:"service_p99_us"`
	SendLagP99   *float64 `json:"send_lag_p99_us"`
	InFlight     int64    `json:"in_flight"`
	Queued       int64    `json:"queued"`
	DroppedLines int      `json:"dropped_lines"`
}

// streamQueue is minutes of lines, in some hundred KB.
const streamQueue = 512

// newStream begins to write to out. tell is called with what the user must know, at most once for each.
func newStream(out io.Writer, tell func(string)) *stream {
	s := &stream{
		out: out, tell: tell, began: time.Now(),
		lines: make(chan []byte, streamQueue), written: make(chan struct{}), broken: make(chan os.Signal, 1),
	}
	// Go ends a program that writes to a standard output which nobody reads, unless it asks for the signal.
	signal.Notify(s.broken, syscall.SIGPIPE)
	go s.write()
	return s
}

// begin says what the load is, before it.
func (s *stream) begin(names []string, phases []scenario.Phase) {
	s.names, s.phases, s.began = names, phases, time.Now()
}

// Started implements loadgen.Observer.
func (s *stream) Started(loadgen.Turn, func() recorder.Progress) {}

// Interval implements loadgen.Observer.
func (s *stream) Interval(loadgen.Turn, loadgen.Interval) {}

// Ended implements loadgen.Observer.
func (s *stream) Ended(loadgen.Turn, recorder.Phase, time.Duration) {}

// sampled implements watcher.
func (s *stream) sampled(i *sample) {
	line := streamLine{
		Type: "interval", TS: seconds(i.at.Sub(s.began)), Target: s.names[i.turn.Target], Phase: s.phases[i.turn.Phase].Name,
		Round: i.turn.Round, FromS: seconds(i.From), ToS: seconds(i.To),
		RateRPS: rateOf(i), Requests: i.stats.Requests, Successes: i.stats.Successes, Errors: i.stats.Errors,
		P50: i.stats.ResponseTime.P50, P90: i.stats.ResponseTime.P90, P99: i.stats.ResponseTime.P99, Max: i.stats.ResponseTime.Max,
		ServiceP99: i.stats.ServiceTime.P99, InFlight: i.InFlight, Queued: i.Queued, DroppedLines: s.dropped,
	}
	if i.stats.SendLag != nil {
		line.SendLagP99 = i.stats.SendLag.P99
	}
	text, err := json.Marshal(line)
	if err != nil { // there is nothing in it that JSON cannot say
		return
	}
	select {
	case s.lines <- append(text, '\n'):
	default:
		s.dropped++
	}
}

// seconds of d, to the microsecond.
func seconds(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }

func (s *stream) write() {
	defer close(s.written)
	for line := range s.lines {
		s.print(line)
	}
}

func (s *stream) print(text []byte) {
	if s.gone {
		return
	}
	if _, err := s.out.Write(text); err != nil {
		s.gone = true
		if errors.Is(err, syscall.EPIPE) {
			err = errors.New("nobody reads it any more")
		} else {
			s.err = err
		}
		s.tell(fmt.Sprintf("--stream: standard output ended early (%v); the run goes on", err))
	}
}

// finish waits until the lines are written, and then writes last, which may be nil, on a line of its own. Ending ctx ends the wait for
// a reader that does not read. It fails if lines could not be written for another reason than that nobody reads them. No observer method
// may be called after it.
func (s *stream) finish(ctx context.Context, last []byte) error {
	defer signal.Stop(s.broken)
	close(s.lines)
	select {
	case <-s.written:
	case <-ctx.Done():
		return errors.New("--stream: aborted while the reader of standard output kept bench waiting")
	}
	if s.dropped > 0 {
		s.tell(fmt.Sprintf("--stream: %s dropped, as the reader was too slow; %s has them", numeral.Plural(s.dropped, "line"), result.JournalName))
	}
	if last == nil {
		return s.err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, last); err != nil {
		return fmt.Errorf("printing the result: %w", err)
	}
	line.WriteByte('\n')
	s.print(line.Bytes())
	return s.err
}
