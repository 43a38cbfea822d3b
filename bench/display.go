package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// display shows how a run goes on: bars on a terminal, a plain line a phase elsewhere, with one every ten seconds of a long phase, and
// nothing with --quiet. It is a loadgen.Observer and a watcher.
type display struct {
	w        io.Writer
	scenario *scenario.Scenario
	rounds   int
	quiet    bool
	capacity *capacityOptions
	live     *bars // nil without a terminal
	names    []string
	began    time.Time
	shown    time.Duration // of the turn, when there was a line about it; only without a terminal
	asking   atomic.Bool   // the load is over, and AWS is asked about it
}

// lineEvery is how often a plain line tells of a turn that takes long.
const lineEvery = 10 * time.Second

func newDisplay(w io.Writer, s *scenario.Scenario, o *runOptions) *display {
	d := &display{w: w, scenario: s, rounds: o.rounds, quiet: o.quiet, capacity: &o.capacity}
	if width, ok := terminal(w); ok && !o.quiet && !o.capacity.find && os.Getenv("TERM") != "dumb" {
		d.live = &bars{out: w, width: width}
	}
	return d
}

// terminal says whether w is one, and how many columns it has.
func terminal(w io.Writer) (width int, ok bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 1 {
		width = 80
	}
	return width, true
}

// terminalOptions is how tables are printed on w.
func terminalOptions(w io.Writer) report.Options {
	width, ok := terminal(w)
	return report.Options{Color: ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", Width: width}
}

// say prints one line.
func (d *display) say(format string, args ...any) {
	if !d.quiet {
		_, _ = fmt.Fprintf(d.w, format+"\n", args...)
	}
}

// targets names what is measured.
func (d *display) targets(targets []*target.Target) {
	for _, t := range targets {
		d.names = append(d.names, t.Name)
		d.say("Target %s: %s (%s)", t.Name, t.URL, t.Provenance)
	}
	d.say("Scenario %s: %s", d.scenario.Name, d.load())
	d.began = time.Now()
	if d.live != nil {
		d.live.begin(d.names, len(d.scenario.Phases)*d.rounds)
	}
}

// load says in a few words what is coming.
func (d *display) load() string {
	if d.capacity.find {
		return d.capacity.describe(d.scenario)
	}
	requests := 0
	for _, p := range d.scenario.Phases {
		n := d.scenario.Requests(p)
		if n < 0 {
			return "up to " + numeral.Plural(d.scenario.InFlight(), d.inFlight())
		}
		requests += n * d.rounds
	}
	return fmt.Sprintf("%s to each target, up to %s", numeral.Plural(requests, "request"), numeral.Plural(d.scenario.InFlight(), d.inFlight()))
}

// inFlight is what has a request in flight each.
func (d *display) inFlight() string {
	switch {
	case d.scenario.Load != scenario.Open:
		return "worker"
	case d.scenario.Protocol == scenario.HTTP2:
		return "stream"
	}
	return "connection"
}

// draining gives what tells that the first Ctrl-C was heard, and what it stops, which is over soon.
func (d *display) draining() (tell func()) {
	text := "Stopping: waiting for the answers to what was sent; Ctrl-C again aborts without a report"
	if d.asking.Load() {
		text = "Going on without the rest of what CloudWatch knows"
	}
	return func() { d.tell(text) }
}

// tell prints a line that must be seen, even with --quiet and above the bars.
func (d *display) tell(text string) {
	if d.live != nil && d.live.print(text) {
		return
	}
	_, _ = fmt.Fprintln(d.w, text)
}

// plain leaves the terminal to what is written to standard output.
func (d *display) plain() { d.live = nil }

// Started implements loadgen.Observer.
func (d *display) Started(t loadgen.Turn, progress func() recorder.Progress) {
	d.shown = 0
	if d.live != nil {
		p := d.scenario.Phases[t.Phase]
		d.live.started(t.Target, turnProgress{
			label: d.label(t), progress: progress, began: time.Now(), lasts: time.Duration(p.Duration),
			requests: int64(d.scenario.Requests(p)), open: p.Rate != nil,
		})
	}
}

func (d *display) label(t loadgen.Turn) string {
	label := fmt.Sprintf("%s %d/%d", d.scenario.Phases[t.Phase].Name, t.Phase+1, len(d.scenario.Phases))
	if d.rounds > 1 {
		label += fmt.Sprintf(" round %d/%d", t.Round, d.rounds)
	}
	return label
}

// Interval implements loadgen.Observer.
func (d *display) Interval(loadgen.Turn, loadgen.Interval) {}

// sampled implements watcher.
func (d *display) sampled(s *sample) {
	if d.live != nil {
		d.live.sampled(s.turn.Target, s)
		return
	}
	if s.To-d.shown < lineEvery {
		return
	}
	d.shown = s.To.Truncate(lineEvery)
	rate, p99 := 0.0, "no answer"
	if r := rateOf(s); r != nil {
		rate = *r
	}
	if s.stats.ResponseTime.P99 != nil {
		p99 = "p99 " + numeral.Time(*s.stats.ResponseTime.P99)
	}
	text := fmt.Sprintf("%s, %s, %d in flight, %d failed so far", numeral.Rate(rate), p99, s.InFlight, s.Failed)
	if d.scenario.Phases[s.turn.Phase].Rate != nil {
		text = fmt.Sprintf("%s, %s, %d in flight, %d queued, %d failed so far", numeral.Rate(rate), p99, s.InFlight, s.Queued, s.Failed)
	}
	d.say("%s  %-12s %-16s second %.0f: %s", clock(time.Since(d.began)), d.names[s.turn.Target], d.label(s.turn), s.To.Seconds(), text)
}

// rateOf is how many requests ended a second; nil of an interval without length.
func rateOf(s *sample) *float64 {
	span := (s.To - s.From).Seconds()
	if span <= 0 {
		return nil
	}
	rate := float64(s.stats.Requests) / span
	return &rate
}

// Ended implements loadgen.Observer.
func (d *display) Ended(t loadgen.Turn, p recorder.Phase, _ time.Duration) {
	if d.live != nil {
		d.live.ended(t.Target, p)
		return
	}
	s := p.Overall.Stats()
	wall, rate := 0.0, 0.0
	if s.WallS != nil {
		wall = *s.WallS
	}
	if s.ThroughputRPS != nil {
		rate = *s.ThroughputRPS
	}
	d.say("%s  %-12s %-16s %s, %s failed, %s, %s", clock(time.Since(d.began)), d.names[t.Target], d.label(t),
		numeral.Plural(s.Requests, "request"), numeral.Whole(s.Requests-s.Successes), numeral.Time(wall*1e6), numeral.Rate(rate))
}

// finish ends the live part; lines after it are plain.
func (d *display) finish() {
	if d.live != nil {
		d.live.finish()
	}
}

func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}
