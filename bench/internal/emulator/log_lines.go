package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
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
		kind := a.failure
		if kind == errorTypeMemory { // only REPORT has that
			kind = errorTypeExit
		}
		return "RequestId: " + a.id + " Error: " + a.exit + "\n" + kind + "\n"
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
