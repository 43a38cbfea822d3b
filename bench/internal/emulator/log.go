package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// LogFormat is the format of the lines that Lambda adds to a function's log. Lines of the function itself are passed on as they
// are in both: what turns them into JSON on AWS is in the managed runtimes, not in those for binaries ("Log and monitor Go Lambda
// functions", https://docs.aws.amazon.com/lambda/latest/dg/golang-logging.html).
type LogFormat string

// The formats, https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
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
	j.flush()
	j.ended = true
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
		n, err := syscall.Read(int(fd), j.buf)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
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

// expire ends the reading: what a process writes that has left its environment is of no interest.
func (j *journal) expire(in time.Duration) {
	_ = j.pipe.SetReadDeadline(time.Now().Add(in))
	time.AfterFunc(in, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
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
	if !j.env.shared() {
		j.tails = j.tails[:0] // of one that it has not read
	}
	if log != nil {
		j.tails = append(j.tails, log)
	}
	j.add(startLine(j.format, j.env.fn, id, now), log)
}

// end adds the lines that an invocation ends with, after all that the function wrote during it; j.mu is held.
func (j *journal) end(a *usage, now time.Time) {
	if !j.wanted(a.log) {
		return
	}
	if raw, err := j.pipe.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { j.drain(fd, maxLogBuffer) })
	}
	j.flush()
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

// version is that of all functions here.
const version = "$LATEST"

// platformTime is how Lambda writes times.
const platformTime = "2006-01-02T15:04:05.000Z"

// platformLine is a line of the JSON format (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html).
func platformLine(now time.Time, kind string, record any) []byte {
	b, err := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{now.UTC().Format(platformTime), kind, record})
	if err != nil {
		return nil // there is nothing in the records that has no JSON
	}
	return append(b, '\n')
}

// startLine is START, or platform.start. The field functionArn is not documented, and seen in logs of 2026.
func startLine(format LogFormat, f *function, id string, now time.Time) []byte {
	if format == LogJSON {
		return platformLine(now, "platform.start", struct {
			RequestID   string `json:"requestId"`
			FunctionARN string `json:"functionArn"`
			Version     string `json:"version"`
		}{id, f.arn, version})
	}
	return []byte("START RequestId: " + id + " Version: " + version + "\n")
}

// endLines are END and REPORT, or platform.report.
func endLines(format LogFormat, cfg *Config, a *usage, usedMB int, now time.Time) []byte {
	if a.failure == errorTypeMemory {
		usedMB = cfg.MemoryMB // as Lambda has it: that is where it ended
	}
	if format == LogJSON {
		return platformLine(now, "platform.report", reportRecord(cfg, a, usedMB))
	}
	b := []byte("END RequestId: " + a.id + "\n")
	return append(appendReport(b, cfg, a, usedMB), explain(cfg, a, now)...)
}

// status is success, failure (the function reported an error), error (it ended) or timeout.
func (a *usage) status() string {
	switch {
	case a.kind == outcomeTimeout:
		return "timeout"
	case a.died || a.kind == outcomeExit:
		return "error"
	case a.failure != "":
		return "failure"
	}
	return "success"
}

// appendReport is REPORT. Its fields are separated by tabs, and one is at the end unless a status follows. What is not measured is not there.
func appendReport(b []byte, cfg *Config, a *usage, usedMB int) []byte {
	b = append(b, "REPORT RequestId: "...)
	b = append(b, a.id...)
	b = append(b, "\tDuration: "...)
	b = appendMS(b, a.duration)
	if !cfg.managed() { // as platform.report of Lambda Managed Instances has nothing but this
		b = append(b, " ms\tBilled Duration: "...)
		b = strconv.AppendInt(b, a.billed, 10)
		b = append(b, " ms\tMemory Size: "...)
		b = strconv.AppendInt(b, int64(cfg.MemoryMB), 10)
		b = append(b, " MB"...)
		if usedMB > 0 {
			b = append(b, "\tMax Memory Used: "...)
			b = strconv.AppendInt(b, int64(usedMB), 10)
			b = append(b, " MB"...)
		}
		if a.cold {
			b = append(b, "\tInit Duration: "...)
			b = appendMS(b, a.init)
			b = append(b, " ms"...)
		}
	} else {
		b = append(b, " ms"...)
	}
	b = append(b, '\t')
	switch a.status() {
	case "timeout":
		b = append(b, "Status: timeout"...)
	case "error":
		b = append(b, "Status: error\tError Type: "...)
		b = append(b, a.failure...)
	}
	return append(b, '\n')
}

func appendMS(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

// explain is what Lambda's text log says after the REPORT of an invocation that it has ended. Its place is not documented.
func explain(cfg *Config, a *usage, now time.Time) string {
	switch a.status() {
	case "timeout":
		return fmt.Sprintf("%s %s Task timed out after %.2f seconds\n\n", now.UTC().Format(platformTime), a.id, cfg.Timeout.Seconds())
	case "error":
		return "RequestId: " + a.id + " Error: " + a.exit + "\n" + errorTypeExit + "\n"
	}
	return ""
}

// reportMetrics are ReportMetrics of the schema.
type reportMetrics struct {
	DurationMS       float64  `json:"durationMs"`
	BilledDurationMS *int64   `json:"billedDurationMs,omitempty"`
	MemorySizeMB     int      `json:"memorySizeMB,omitempty"`
	MaxMemoryUsedMB  int      `json:"maxMemoryUsedMB,omitempty"`
	InitDurationMS   *float64 `json:"initDurationMs,omitempty"`
}

func reportRecord(cfg *Config, a *usage, usedMB int) any {
	m := reportMetrics{DurationMS: roundMS(a.duration)}
	if !cfg.managed() {
		m.BilledDurationMS, m.MemorySizeMB, m.MaxMemoryUsedMB = &a.billed, cfg.MemoryMB, usedMB
		if a.cold {
			init := roundMS(a.init)
			m.InitDurationMS = &init
		}
	}
	return struct {
		RequestID string        `json:"requestId"`
		Metrics   reportMetrics `json:"metrics"`
		Status    string        `json:"status"`
		ErrorType string        `json:"errorType,omitempty"`
	}{a.id, m, a.status(), a.failure}
}

// roundMS has three digits, as the lines of Lambda.
func roundMS(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond).Microseconds()) / 1000
}

// initLine is INIT_REPORT of an init that has failed, or platform.initReport.
func initLine(format LogFormat, r *initRecord, now time.Time) []byte {
	phase, status, kind := "init", "success", ""
	if r.suppressed {
		phase = "invoke"
	}
	if r.failure != nil {
		status, kind = "error", r.failure.Type
		if kind == errorTypeTimeout {
			status, kind = "timeout", ""
		}
	}
	if format == LogJSON {
		return platformLine(now, "platform.initReport", struct {
			InitializationType string        `json:"initializationType"`
			Phase              string        `json:"phase"`
			Status             string        `json:"status"`
			ErrorType          string        `json:"errorType,omitempty"`
			Metrics            reportMetrics `json:"metrics"`
		}{r.initType, phase, status, kind, reportMetrics{DurationMS: roundMS(r.took)}})
	}
	b := append([]byte("INIT_REPORT Init Duration: "), appendMS(nil, r.took)...)
	b = append(b, " ms\tPhase: "+phase...)
	if status != "success" {
		b = append(b, "\tStatus: "+status...)
	}
	if kind != "" {
		b = append(b, "\tError Type: "+kind...)
	}
	return append(b, '\n')
}

// initStartLine is platform.initStart, which has no counterpart in the text log of a binary.
func (e *environment) initStartLine(now time.Time) []byte {
	phase := "init"
	if e.suppressed {
		phase = "invoke"
	}
	cfg := &e.fn.cfg
	return platformLine(now, "platform.initStart", struct {
		InitializationType string `json:"initializationType"`
		Phase              string `json:"phase"`
		FunctionName       string `json:"functionName"`
		FunctionVersion    string `json:"functionVersion"`
		InstanceID         string `json:"instanceId"`
		InstanceMaxMemory  int64  `json:"instanceMaxMemory"`
	}{e.initType, phase, cfg.FunctionName, version, e.logStream, int64(cfg.MemoryMB) * bytesPerMB})
}

// logNotRun adds what is said about an invocation whose init has failed twice.
func (f *function) logNotRun(a *usage) {
	if !f.cfg.LogLines && a.log == nil {
		return
	}
	now := time.Now()
	b := append(startLine(f.cfg.LogFormat, f, a.id, now), endLines(f.cfg.LogFormat, &f.cfg, a, 0, now)...)
	if f.cfg.LogLines {
		f.sink.write(b)
	}
	if a.log != nil {
		a.log.write(b)
		a.log.close()
	}
}

// logInit adds what is said about an init that has ended. Of one that succeeded nothing is, unless it was for provisioned concurrency:
// REPORT has it.
func (f *function) logInit(r *initRecord) {
	if f.cfg.LogLines && (r.failure != nil || r.initType == initProvisioned) {
		f.sink.write(initLine(f.cfg.LogFormat, r, time.Now()))
	}
}

// checkLog reports formats that do not exist.
func checkLog(c *Config) error {
	if c.LogFormat != LogText && c.LogFormat != LogJSON {
		return fmt.Errorf("log format %q is neither %s nor %s", c.LogFormat, LogText, LogJSON)
	}
	return nil
}

// openLog makes the sink of a function's log.
func openLog(c *Config, now func() time.Time) *sink {
	if c.Output == nil || c.Output == io.Discard {
		return nil
	}
	return newSink(c.Output, c.dropNote(now))
}
