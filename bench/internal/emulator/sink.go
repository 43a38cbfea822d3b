package emulator

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// maxLogBuffer bounds the log lines that wait to be written.
	maxLogBuffer = 1 << 20
	// logPatience is how long a function is held up by a reader of logs that does not read. After that lines are dropped until it
	// reads again, as Lambda does "to prevent the function's execution from slowing down"
	// (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html, "platform.logsDropped").
	logPatience = time.Second
	// logLinger is how long lines are collected at most before they are written, so that a busy function does not cost a write, and a wake-up of
	// who reads, for each invocation.
	logLinger = 5 * time.Millisecond
	// maxLogWait is how many bytes do not wait so long.
	maxLogWait = 64 << 10
)

// sink takes whole lines and writes them in one goroutine, so that nothing waits for the writer but what produces more than it takes.
type sink struct {
	w        io.Writer
	dropNote func(records, bytes int) []byte
	wake     chan struct{} // there are lines
	hurry    chan struct{} // there are many
	closing  chan struct{} // closed by close
	ended    chan struct{}

	mu      sync.Mutex
	buf     []byte
	freed   chan struct{} // closed when buf has been taken; nil if nobody waits
	stuck   bool          // the writer has not taken anything for logPatience
	closed  bool
	dropped struct{ records, bytes int }
	total   int64 // lines dropped so far
}

func newSink(w io.Writer, dropNote func(records, bytes int) []byte) *sink {
	s := &sink{w: w, dropNote: dropNote, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), closing: make(chan struct{}), ended: make(chan struct{})}
	go s.run()
	return s
}

// write takes whole lines.
func (s *sink) write(p []byte) {
	if s == nil || len(p) == 0 {
		return
	}
	s.mu.Lock()
	for len(s.buf) > 0 && len(s.buf)+len(p) > maxLogBuffer && !s.stuck && !s.closed {
		s.wait()
	}
	if s.closed || len(s.buf) > 0 && len(s.buf)+len(p) > maxLogBuffer {
		n := lines(p)
		s.dropped.records += n
		s.dropped.bytes += len(p)
		s.total += int64(n)
		s.mu.Unlock()
		return
	}
	s.noteDropped()
	before := len(s.buf)
	s.buf = append(s.buf, p...)
	after := len(s.buf)
	s.mu.Unlock()
	if before == 0 {
		stir(s.wake)
	}
	if before < maxLogWait && after >= maxLogWait {
		stir(s.hurry)
	}
}

// wait waits until there is room, or patience has come to its end; s.mu is held, and released meanwhile.
func (s *sink) wait() {
	if s.freed == nil {
		s.freed = make(chan struct{})
	}
	freed := s.freed
	s.mu.Unlock()
	timer := time.NewTimer(logPatience)
	defer timer.Stop()
	select {
	case <-freed:
		s.mu.Lock()
	case <-timer.C:
		s.mu.Lock()
		s.stuck = s.freed == freed
	}
}

// noteDropped tells of lines that have been dropped; s.mu is held.
func (s *sink) noteDropped() {
	if s.dropped.records > 0 {
		s.buf = append(s.buf, s.dropNote(s.dropped.records, s.dropped.bytes)...)
		s.dropped.records, s.dropped.bytes = 0, 0
	}
}

func stir(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run writes until the sink is closed.
func (s *sink) run() {
	defer close(s.ended)
	var spare []byte
	linger := time.NewTimer(logLinger)
	defer linger.Stop()
	for range s.wake {
		linger.Reset(logLinger)
		select {
		case <-linger.C:
		case <-s.hurry:
		case <-s.closing:
		}
		for {
			s.mu.Lock()
			if len(s.buf) == 0 && s.stuck {
				s.stuck = false
				s.noteDropped()
			}
			out := s.buf
			s.buf = spare[:0]
			s.stuck = false
			if s.freed != nil {
				close(s.freed)
				s.freed = nil
			}
			closed := s.closed
			s.mu.Unlock()
			if len(out) == 0 {
				if closed {
					return
				}
				spare = out
				break
			}
			_, _ = s.w.Write(out) // a reader of logs that went away must not stop the function
			spare = out
		}
	}
}

// close writes what is left, as long as the reader reads.
func (s *sink) close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.noteDropped()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	stir(s.wake)
	timer := time.NewTimer(logPatience)
	defer timer.Stop()
	select {
	case <-s.ended:
	case <-timer.C:
	}
}

// lost is how many lines have been dropped.
func (s *sink) lost() int64 {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

func lines(p []byte) int {
	n := 0
	for _, b := range p {
		if b == '\n' {
			n++
		}
	}
	return n
}

// dropNote is the line that tells of dropped lines.
func (c *Config) dropNote(now func() time.Time) func(records, bytes int) []byte {
	return func(records, bytes int) []byte {
		if c.LogFormat == LogJSON {
			return platformLine(now(), "platform.logsDropped", struct {
				DroppedBytes   int    `json:"droppedBytes"`
				DroppedRecords int    `json:"droppedRecords"`
				Reason         string `json:"reason"`
			}{bytes, records, "Some logs were dropped because the downstream consumer is slower than the logs production rate"})
		}
		// How Lambda says it in its text format is not documented.
		return fmt.Appendf(nil, "LOGS_DROPPED Records: %d\tBytes: %d\n", records, bytes)
	}
}
