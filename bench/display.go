package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// display shows how a run goes on: bars on a terminal, a plain line a phase elsewhere, nothing with --quiet. It
// implements loadgen.Observer.
type display struct {
	w        io.Writer
	scenario *scenario.Scenario
	rounds   int
	quiet    bool
	live     *bars // nil without a terminal
	names    []string
	began    time.Time
}

func newDisplay(w io.Writer, s *scenario.Scenario, o *runOptions) *display {
	d := &display{w: w, scenario: s, rounds: o.rounds, quiet: o.quiet}
	if width, ok := terminal(w); ok && !o.quiet && os.Getenv("TERM") != "dumb" {
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
	requests := 0
	for _, p := range d.scenario.Phases {
		n := d.scenario.Requests(p)
		if n < 0 {
			return "up to " + plural(int64(d.scenario.InFlight()), "worker")
		}
		requests += n * d.rounds
	}
	return fmt.Sprintf("%s to each target, up to %s", plural(int64(requests), "request"), plural(int64(d.scenario.InFlight()), "worker"))
}

// draining tells that the first Ctrl-C was heard.
func (d *display) draining() {
	text := "Stopping: waiting for the answers to what was sent; Ctrl-C again aborts without a report"
	if d.live != nil && d.live.print(text) {
		return
	}
	_, _ = fmt.Fprintln(d.w, text)
}

// Started implements loadgen.Observer.
func (d *display) Started(t loadgen.Turn, progress func() recorder.Progress) {
	if d.live != nil {
		p := d.scenario.Phases[t.Phase]
		d.live.started(t.Target, turnProgress{
			label: d.label(t), progress: progress, began: time.Now(), lasts: time.Duration(p.Duration),
			requests: int64(d.scenario.Requests(p)),
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
	d.say("%s  %-12s %-16s %s, %d failed, %.2f s, %.0f/s", clock(time.Since(d.began)), d.names[t.Target], d.label(t),
		plural(s.Requests, "request"), s.Requests-s.Successes, wall, rate)
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
