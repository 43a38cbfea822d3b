package emulator

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/rawconn"
)

// maxLogLine is the length from which a line is passed on in parts: an event of CloudWatch Logs has up to 256 KB
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html).
const maxLogLine = 256 << 10

// journal is the log of one environment: what the function writes, in whole lines, and Lambda's lines between.
//
// A function that has asked for the next event has written all that it had to say about the last one to the pipe. So whoever takes
// such a request empties the pipe before it adds END and REPORT, and holds mu until then: START of the next event comes after.
type journal struct {
	env  *environment
	pipe *os.File

	mu     sync.Mutex
	buf    []byte // scratch
	line   []byte // what has no end yet
	tails  []*logTail
	ended  bool
	format LogFormat
	shown  bool // Lambda's lines are wanted
}

// wanted tells whether somebody wants lines about inv.
func (j *journal) wanted(log *logTail) bool { return j.shown || log != nil }

// copy reads what the function writes until it has ended.
func (j *journal) copy() {
	defer j.pipe.Close() //nolint:errcheck // only read
	raw, err := j.pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Read(func(fd uintptr) (done bool) {
		j.mu.Lock()
		defer j.mu.Unlock()
		return j.drain(fd, -1)
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rest()
	j.flush()
	j.ended = true
}

// rest takes in what is in the pipe at the moment; j.mu is held.
func (j *journal) rest() {
	if raw, err := j.pipe.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { j.drain(fd, maxLogBuffer) })
	}
}

// drain passes on what is in the pipe, up to most bytes if that is not negative, and tells whether no more will come; j.mu is held.
func (j *journal) drain(fd uintptr, most int) (done bool) {
	if j.ended {
		return true
	}
	if j.buf == nil {
		j.buf = make([]byte, 32<<10)
	}
	for most != 0 {
		n, err := rawconn.Read(fd, j.buf)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return false
		case err != nil || n <= 0:
			return true
		}
		j.take(j.buf[:n])
		if most > 0 {
			most = max(0, most-n)
		} else if j.yield() {
			return true
		}
	}
	return false
}

// yield lets others have the journal for a moment, so that a function that writes without end does not keep Lambda's lines away.
func (j *journal) yield() bool {
	j.mu.Unlock()
	j.mu.Lock()
	return j.ended
}

// expire ends the reading: what a process writes that has left its environment is of no interest. What was written before is, though
// nobody may have come to read it yet.
func (j *journal) expire(in time.Duration) {
	_ = j.pipe.SetReadDeadline(time.Now().Add(in))
	time.AfterFunc(in, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.rest()
		j.ended = true
	})
}

// take passes on the whole lines of what has been read.
func (j *journal) take(p []byte) {
	j.env.tail.write(p)
	if j.env.fn.sink == nil && len(j.tails) == 0 {
		return
	}
	end := bytes.LastIndexByte(p, '\n') + 1
	if end == 0 {
		j.line = append(j.line, p...)
		if len(j.line) >= maxLogLine {
			j.flush()
		}
		return
	}
	whole := p[:end]
	if len(j.line) > 0 {
		whole = append(j.line, whole...)
	}
	j.pass(whole)
	j.line = append(j.line[:0], p[end:]...)
}

// flush passes on a line that has no end.
func (j *journal) flush() {
	if len(j.line) > 0 {
		j.pass(append(j.line, '\n'))
		j.line = j.line[:0]
	}
}

// pass hands whole lines on. With several events at once those belong to one that have its id in them, as the lines of the
// runtime libraries do.
func (j *journal) pass(whole []byte) {
	j.env.fn.sink.write(whole)
	for _, t := range j.tails {
		if !j.env.shared() {
			t.write(whole)
			continue
		}
		for line := range bytes.Lines(whole) {
			if bytes.Contains(line, []byte(t.id)) {
				t.write(line)
			}
		}
	}
}

// add adds lines of Lambda.
func (j *journal) add(p []byte, log *logTail) {
	if j.shown {
		j.env.fn.sink.write(p)
	}
	if log != nil {
		log.write(p)
	}
}

// start adds the line that an invocation begins with. It does so before the event is on its way.
func (j *journal) start(id string, log *logTail, now time.Time) {
	if !j.wanted(log) {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begin(id, log, now)
}

// begin is start for who holds j.mu, and has since before the event was on its way.
func (j *journal) begin(id string, log *logTail, now time.Time) {
	if !j.wanted(log) {
		return
	}
	if !j.env.shared() {
		j.tails = j.tails[:0] // of one that it has not read
	}
	if log != nil {
		j.tails = append(j.tails, log)
	}
	j.add(startLine(j.format, j.env.fn, id, now), log)
}

// collect takes in all that the function wrote during an invocation that has ended, before it gets another one; j.mu is held.
func (j *journal) collect(log *logTail) {
	if !j.wanted(log) {
		return
	}
	j.rest()
	j.flush()
}

// end adds the lines that an invocation ends with, after what collect has taken in; j.mu is held.
func (j *journal) end(a *usage, now time.Time) {
	if !j.wanted(a.log) {
		return
	}
	j.add(endLines(j.format, &j.env.fn.cfg, a, j.env.memory.mb(), now), a.log)
	j.forget(a.log)
}

// forget ends the log of an invocation.
func (j *journal) forget(log *logTail) {
	if log == nil {
		return
	}
	for i, t := range j.tails {
		if t == log {
			j.tails = append(j.tails[:i], j.tails[i+1:]...)
			break
		}
	}
	log.close()
}

// logTail keeps the last 4 KB of the log of one invocation, which the Invoke API returns if it is asked to (X-Amz-Log-Result,
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html). A front door sets it as invocation.log before it invokes, and
// waits for done after: REPORT comes when the function has asked for its next event, which is later than its answer.
type logTail struct {
	id   string
	tail tail
	once sync.Once
	done chan struct{} // closed when the log is complete; it never is if the invocation did not run
}

func newLogTail(id string) *logTail { return &logTail{id: id, done: make(chan struct{})} }

func (t *logTail) write(p []byte) { t.tail.write(p) }
func (t *logTail) close()         { t.once.Do(func() { close(t.done) }) }

// String is the log so far.
func (t *logTail) String() string { return t.tail.String() }
