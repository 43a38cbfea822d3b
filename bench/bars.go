package main

import (
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// bars is the live display: a line a target, and one for the whole.
type bars struct {
	out   io.Writer
	width int

	pool  *mpb.Progress
	began time.Time
	lines []*line
	turns int // of one target

	mu    sync.Mutex
	done  bool
	moves sync.WaitGroup
	stop  chan struct{}
}

// line is one target's.
type line struct {
	bar *mpb.Bar

	mu      sync.Mutex
	now     turnProgress
	running bool
	turns   int // ended
	all     int // turns to come in all
	failed  int64
	last    string // rate of the turn that ended last

	room  int // columns of the status
	rates spark
	p99s  spark
}

// turnProgress is what is known of the turn that runs.
type turnProgress struct {
	label    string
	progress func() recorder.Progress
	began    time.Time
	lasts    time.Duration // 0: requests bound it
	requests int64         // -1: lasts bounds it
	open     bool          // what is due may have to wait
}

// share is how much of the turn is done, 0 to 1.
func (t *turnProgress) share() float64 {
	if t.requests > 0 {
		return min(1, float64(t.progress().Requests)/float64(t.requests))
	}
	return min(1, time.Since(t.began).Seconds()/t.lasts.Seconds())
}

func (t *turnProgress) rate() string {
	n := t.progress().Requests
	s := time.Since(t.began).Seconds()
	if s <= 0 {
		return ""
	}
	return numeral.Rate(float64(n) / s)
}

const (
	unit     = 1000 // a bar's resolution of one turn
	refresh  = 120 * time.Millisecond
	widest   = 120 // columns of a line
	leastBar = 5   // columns of a bar
)

func (b *bars) begin(names []string, turns int) {
	b.began, b.turns = time.Now(), turns
	columns, longest := min(b.width, widest), 0
	for _, name := range names {
		longest = max(longest, utf8.RuneCountInString(name))
	}
	for range names {
		b.lines = append(b.lines, &line{all: turns, room: columns - longest - leastBar - 3})
	}
	b.pool = mpb.New(mpb.WithOutput(b.out), mpb.WithWidth(columns), mpb.WithRefreshRate(refresh), mpb.WithAutoRefresh())
	for i, name := range names {
		l := b.lines[i]
		l.bar = b.pool.New(int64(turns*unit), mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("┄"),
			mpb.BarPriority(i),
			mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return l.status() }, decor.WCSyncSpaceR)))
	}
	b.stop = make(chan struct{})
	b.moves.Go(b.move)
	b.pool.New(0, mpb.NopStyle(), mpb.BarPriority(len(names)),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.summary() })))
}

// move pushes the bars on while turns run. A bar is never touched with a line's lock held: the bar's goroutine may be
// waiting for that lock in status.
func (b *bars) move() {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-tick.C:
		}
		for _, l := range b.lines {
			l.bar.SetCurrent(l.position())
		}
	}
}

// position is how far the target has come, in units.
func (l *line) position() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	share := float64(l.turns)
	if l.running {
		share += l.now.share()
	}
	return int64(share * unit)
}

// status is the text behind a target's bar.
func (l *line) status() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running {
		return l.figures(l.now.progress())
	}
	text := "waiting " + l.last
	if l.turns == l.all {
		text = "done " + l.last
	}
	return text + failures(l.failed)
}

// figures are those of the turn that runs, as many as there is room for. The sparklines take what the others leave.
func (l *line) figures(now recorder.Progress) string {
	head, p99 := l.now.label+" "+l.now.rate(), ""
	if n := len(l.p99s); n > 0 && l.p99s[n-1] != nil {
		p99 = " p99 " + numeral.Time(*l.p99s[n-1])
	}
	failed := failures(l.failed + now.Failed)
	waiting := fmt.Sprintf(" %d in flight", now.InFlight)
	if l.now.open {
		waiting += fmt.Sprintf(" %d queued", now.Queued)
	}
	left := l.room - utf8.RuneCountInString(head+p99+waiting+failed)
	if columns := min(sparkKept, (left-2)/2); columns >= leastSpark && p99 != "" {
		return head + " " + l.rates.line(columns) + p99 + " " + l.p99s.line(columns) + waiting + failed
	}
	for _, text := range []string{head + p99 + waiting + failed, head + p99 + failed, head + failed} {
		if utf8.RuneCountInString(text) <= l.room {
			return text
		}
	}
	return l.now.label + failed
}

// leastSpark is what a sparkline must have to show anything.
const leastSpark = 4

func failures(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" %d failed", n)
}

// sampled notes an interval.
func (b *bars) sampled(i int, s *sample) {
	l := b.lines[i]
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rates.add(rateOf(s))
	l.p99s.add(s.stats.ResponseTime.P99)
}

// summary is the last line: time so far and to come, and errors.
func (b *bars) summary() string {
	done, failed := 0.0, int64(0)
	for _, l := range b.lines {
		l.mu.Lock()
		done += float64(l.turns)
		failed += l.failed
		if l.running {
			done += l.now.share()
			failed += l.now.progress().Failed
		}
		l.mu.Unlock()
	}
	elapsed := time.Since(b.began)
	text := fmt.Sprintf("%s elapsed", clock(elapsed))
	if share := done / float64(b.turns*len(b.lines)); share > 0.02 {
		text += fmt.Sprintf(", about %s left", clock(time.Duration(float64(elapsed)*(1-share)/share)))
	}
	return fmt.Sprintf("%s, %s", text, numeral.Plural(failed, "error"))
}

func (b *bars) started(i int, t turnProgress) {
	l := b.lines[i]
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now, l.running = t, true
}

func (b *bars) ended(i int, p recorder.Phase) {
	b.lines[i].ended(p.Overall.Stats())
	b.lines[i].bar.SetCurrent(b.lines[i].position())
}

func (l *line) ended(s result.Stats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
	l.turns++
	l.failed += s.Requests - s.Successes
	if s.ThroughputRPS != nil {
		l.last = numeral.Rate(*s.ThroughputRPS)
	}
}

// print puts a line above the bars; false if there are none at the moment.
func (b *bars) print(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil || b.done {
		return false
	}
	// The terminal may have echoed ^C, so the line does not begin where mpb left it.
	_, err := fmt.Fprintln(b.pool, "\r"+text)
	return err == nil
}

func (b *bars) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil || b.done {
		return
	}
	b.done = true
	close(b.stop)
	b.moves.Wait()
	b.pool.Shutdown()
}
