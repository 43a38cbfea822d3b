package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// journal writes what is recorded to the output folder while the run goes on. It is a loadgen.Observer and a watcher.
//
// Nothing that happens to it stops the run; the first fault is told at once, for whoever may want to stop it. After that nothing more is
// written, so that the file is always a journal of the run up to some moment.
type journal struct {
	names  []string
	phase  func(t loadgen.Turn, s result.Stats) result.PhaseStats
	steps  []string
	health func() result.Generator
	tell   func(string)
	// When the health was written last, and whether a turn has ended since.
	judged   time.Time
	unjudged bool

	queue chan journalLine
	ended sync.WaitGroup
	full  bool // the queue was: the disk does not keep up

	// Of the goroutine that writes, until ended.
	file  *os.File
	size  int64 // of the lines that are whole
	dirty bool
	err   error
	// figures counts the lines that have some.
	figures int
}

// journalLine is any line of the journal.
type journalLine interface {
	Line() ([]byte, error)
}

const (
	// journalQueue is many minutes of intervals, or some hundred phases of a few milliseconds each.
	journalQueue = 2048
	// journalSync is how often the disk is asked to keep what was written: what a machine without power loses.
	journalSync = time.Second
	// journalHealth is how often the generator's health is written: between turns, but not between all of many short ones.
	journalHealth = time.Second
)

// startJournal creates the journal of r in dir. c is told of each turn before the journal is; tell is called with what the user must
// know. It fails only where there is a journal already, which is another run's.
//
// The name of a new file is as easily lost as its content, so the folder is written through too.
func startJournal(dir string, r *result.Run, c *collector, warmed []int64, tell func(string)) (*journal, error) {
	f, err := os.OpenFile(filepath.Join(dir, result.JournalName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, usageError{fmt.Errorf("--out %s: %w", dir, errTaken)}
	}
	if folder, openErr := os.Open(dir); openErr == nil {
		_ = folder.Sync() // not all file systems can, and those that cannot need not
		_ = folder.Close()
	}
	j := newJournal(f, err, c, tell)
	j.put(result.JournalHead{Run: journalHead(r, c, warmed)})
	return j, nil
}

// newJournal writes to f unless opening it failed.
func newJournal(f *os.File, err error, c *collector, tell func(string)) *journal {
	j := &journal{file: f, health: c.health, tell: tell, queue: make(chan journalLine, journalQueue)}
	for _, t := range c.targets {
		j.names = append(j.names, t.Name)
	}
	for _, s := range c.scenario.Steps {
		j.steps = append(j.steps, s.Name)
	}
	j.phase = func(t loadgen.Turn, s result.Stats) result.PhaseStats {
		return phaseStats(c.scenario.Phases[t.Phase], t, s)
	}
	j.fail(err)
	j.ended.Go(j.write)
	return j
}

// journalHead is r with its targets, of which nothing is measured yet.
func journalHead(r *result.Run, c *collector, warmed []int64) *result.Run {
	head := *r
	head.Targets = append([]result.Target{}, c.results...)
	for i, t := range c.targets {
		if warmed[i] > 0 || t.Metered() || t.Kind == target.KindLambda {
			head.Targets[i].ColdStarts = &result.ColdStarts{WarmedByCheck: warmed[i]}
		}
	}
	return &head
}

// Started implements loadgen.Observer.
func (j *journal) Started(loadgen.Turn, func() recorder.Progress) {}

// Interval implements loadgen.Observer.
func (j *journal) Interval(loadgen.Turn, loadgen.Interval) {}

// sampled implements watcher.
func (j *journal) sampled(s *sample) {
	phase := j.phase(s.turn, s.stats)
	line := result.JournalInterval{
		Target: j.names[s.turn.Target], At: s.at.UTC().Truncate(time.Millisecond), FromS: s.From.Seconds(), ToS: s.To.Seconds(),
		InFlight: s.InFlight, Queued: s.Queued, Phase: phase, Steps: make([]result.StepStats, len(j.steps)),
	}
	for i := range j.steps {
		line.Steps[i] = result.StepStats{Name: j.steps[i], Stats: s.step(i)}
	}
	if s.Recorded.Cold != nil {
		cold := s.Recorded.Cold.Summary()
		line.Cold = &cold
	}
	for _, f := range s.Recorded.Failures {
		line.Examples = append(line.Examples, result.ErrorSample{Kind: f.Kind, Phase: phase.Name, Step: j.steps[f.Step], Detail: f.Detail})
	}
	j.put(line)
}

// step is the stats of one step.
func (s *sample) step(i int) result.Stats {
	if len(s.Recorded.Steps) == 1 {
		// What makes figures of a histogram takes a millisecond, and here they are the same but for what steps have not.
		only := s.stats
		only.ConnectTime, only.TLSTime, only.SendLag = result.Summary{}, nil, nil
		return only
	}
	runtime.Gosched() // with one CPU, requests that are due come first
	return s.Recorded.Steps[i].Stats()
}

// Ended implements loadgen.Observer.
func (j *journal) Ended(t loadgen.Turn, p recorder.Phase, _ time.Duration) {
	line := result.JournalTurn{
		Target: j.names[t.Target], At: time.Now().UTC().Truncate(time.Millisecond), Phase: j.phase(t, result.Stats{}).Name, Round: t.Round,
	}
	if wall := p.Overall.Wall.Seconds(); wall > 0 {
		line.WallS = &wall
	}
	j.put(line)
	j.unjudged = true
	if time.Since(j.judged) >= journalHealth {
		j.judge()
	}
}

// judge writes the generator's health. The collector may change what is in it in the next turn, so it is made a text at once.
func (j *journal) judge() {
	j.judged, j.unjudged = time.Now(), false
	if text, err := (result.JournalHealth{Generator: j.health()}).Line(); err == nil {
		j.put(textLine(text))
	}
}

// textLine is a line that is a text already.
type textLine []byte

// Line implements journalLine.
func (t textLine) Line() ([]byte, error) { return t, nil }

// put never waits.
func (j *journal) put(line journalLine) {
	if j.full {
		return
	}
	select {
	case j.queue <- line:
	default:
		j.full = true
	}
}

// write is the goroutine that touches the file.
func (j *journal) write() {
	tick := time.NewTicker(journalSync)
	defer tick.Stop()
	for {
		select {
		case line, ok := <-j.queue:
			if !ok {
				j.sync()
				return
			}
			j.append(line)
		case <-tick.C:
			j.sync()
		}
	}
}

func (j *journal) append(line journalLine) {
	if j.err != nil {
		return
	}
	text, err := line.Line()
	if err == nil {
		_, err = j.file.Write(text)
	}
	if err != nil {
		j.fail(err)
		_ = j.file.Truncate(j.size) // half a line is ignored by those who read it, but only at the end
		return
	}
	j.size += int64(len(text))
	j.dirty = true
	switch line.(type) {
	case result.JournalInterval, result.JournalCapacity:
		j.figures++
	}
}

func (j *journal) sync() {
	if j.err != nil || !j.dirty {
		return
	}
	j.fail(j.file.Sync())
	j.dirty = false
}

// fail notes and tells a fault, if err is one.
func (j *journal) fail(err error) {
	if err == nil {
		return
	}
	j.err = err
	j.tell(fmt.Sprintf("%s ends here (%v). The run goes on; if %s cannot be written either, what it measures is only printed.",
		result.JournalName, err, result.FileName))
}

// close ends the journal, which stays if it holds anything, and gives a warning if something went wrong with it. No observer method
// may be called after it.
func (j *journal) close() []string {
	if j.unjudged {
		j.judge()
	}
	close(j.queue)
	j.ended.Wait()
	if j.file != nil {
		j.err = errors.Join(j.err, j.file.Close())
		if j.figures == 0 {
			_ = os.Remove(j.file.Name())
		}
	}
	if j.full && j.err == nil {
		j.err = errors.New("the disk did not keep up")
	}
	if j.err == nil {
		return nil
	}
	return []string{fmt.Sprintf("%s ends before the run does (%v): it is no time series of the whole run.", result.JournalName, j.err)}
}
