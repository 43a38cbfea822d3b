package cloudwatch

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// lineKind is what a line of a function's log reports.
type lineKind int

const (
	invocationLine lineKind = iota + 1
	initLine                // an init that failed, took too long, or is told of at the log level DEBUG
)

// line is what AWS Lambda writes at the end of an invocation or of an init. Times are in ms, sizes in MB, and what is missing is 0.
type line struct {
	kind      lineKind
	requestID string
	// duration of the invocation, without its init; of an initLine, of the init.
	duration float64
	// billed has in it what AWS bills of the init, or of the restoring of a snapshot.
	billed int64
	// hasInit says that the environment was started, or restored from a snapshot, for this invocation, which took init.
	hasInit       bool
	init          float64
	memorySize    int64
	maxMemoryUsed int64
	failure       string // empty, or the kind of it
}

// Whatever a line says, sums over many stay exact and far from overflow.
const (
	maxLineMS = 1e9
	maxLineMB = 1 << 20
)

// parseLine reads a line in either of Lambda's log formats; false for lines that are neither a report of an invocation nor one of an
// init, and for those that lack what all have.
//
// Sources: https://docs.aws.amazon.com/lambda/latest/dg/golang-logging.html (text),
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html (JSON; the log has the same events).
func parseLine(text string) (line, bool) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		return parseJSON(text)
	}
	return parseText(text)
}

// parseText reads fields that are set apart by tabs. Behind them, in a line of its own or after a tab, there may be the ones of X-Ray.
func parseText(text string) (line, bool) {
	l := line{kind: invocationLine}
	text, found := strings.CutPrefix(text, "REPORT ")
	if !found {
		if text, found = strings.CutPrefix(text, "INIT_REPORT "); !found {
			return line{}, false
		}
		l.kind = initLine
	}
	seen, ok := map[string]bool{}, true
	status, errorType := "", ""
	for field := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\t' || r == '\n' || r == '\r' }) {
		key, value, found := strings.Cut(strings.TrimSpace(field), ": ")
		if !found || seen[key] {
			continue
		}
		seen[key] = true
		value = strings.TrimSpace(value)
		ms := func(to *float64) { ok = number(value, " ms", maxLineMS, to) && ok }
		whole := func(unit string, most float64, to *int64) {
			var v float64
			ok = number(value, unit, most, &v) && ok
			*to = int64(math.Ceil(v))
		}
		switch key {
		case "RequestId":
			l.requestID = value
		case "Duration":
			ms(&l.duration)
		case "Billed Duration":
			whole(" ms", maxLineMS, &l.billed)
		case "Init Duration", "Restore Duration":
			l.hasInit = true
			ms(&l.init)
		case "Memory Size":
			whole(" MB", maxLineMB, &l.memorySize)
		case "Max Memory Used":
			whole(" MB", maxLineMB, &l.maxMemoryUsed)
		case "Status":
			status = value
		case "Error Type":
			errorType = value
		}
	}
	l.failure = failureKind(status, errorType)
	if l.kind == initLine {
		l.duration, l.init, l.hasInit = l.init, 0, false
		return l, ok && seen["Init Duration"]
	}
	return l, ok && l.requestID != "" && seen["Duration"] && seen["Billed Duration"]
}

// number reads a figure with its unit.
func number(text, unit string, most float64, to *float64) bool {
	text, found := strings.CutSuffix(text, unit)
	v, err := strconv.ParseFloat(text, 64)
	if !found || err != nil || !(v >= 0 && v <= most) {
		return false
	}
	*to = v
	return true
}

// parseJSON reads an event of the platform. Which ones a log has depends on its level; reports of invocations have INFO.
func parseJSON(text string) (line, bool) {
	var event struct {
		Type   string
		Record struct {
			RequestID string `json:"requestId"`
			Status    string
			ErrorType string `json:"errorType"`
			Metrics   struct {
				DurationMS        *float64 `json:"durationMs"`
				BilledDurationMS  *float64 `json:"billedDurationMs"`
				InitDurationMS    *float64 `json:"initDurationMs"`
				RestoreDurationMS *float64 `json:"restoreDurationMs"`
				MemorySizeMB      *float64 `json:"memorySizeMB"`
				MaxMemoryUsedMB   *float64 `json:"maxMemoryUsedMB"`
			}
		}
	}
	// Most lines of a log are the app's own.
	if !strings.Contains(text, `"platform.`) || json.Unmarshal([]byte(text), &event) != nil {
		return line{}, false
	}
	r, m := &event.Record, &event.Record.Metrics
	l := line{kind: invocationLine, requestID: r.RequestID, failure: failureKind(r.Status, r.ErrorType)}
	switch event.Type {
	case "platform.report":
	case "platform.initReport":
		l.kind = initLine
	default:
		return line{}, false
	}
	ok := true
	get := func(v *float64, most float64) float64 {
		if v == nil {
			return 0
		}
		ok = ok && *v >= 0 && *v <= most
		return *v
	}
	whole := func(v *float64, most float64) int64 { return int64(math.Ceil(min(most, get(v, most)))) }
	l.duration, l.billed = get(m.DurationMS, maxLineMS), whole(m.BilledDurationMS, maxLineMS)
	for _, init := range []*float64{m.InitDurationMS, m.RestoreDurationMS} {
		if init != nil {
			l.hasInit, l.init = true, get(init, maxLineMS)
		}
	}
	l.memorySize, l.maxMemoryUsed = whole(m.MemorySizeMB, maxLineMB), whole(m.MaxMemoryUsedMB, maxLineMB)
	if l.kind == initLine {
		l.hasInit = false
		return l, ok && m.DurationMS != nil
	}
	return l, ok && l.requestID != "" && m.DurationMS != nil && m.BilledDurationMS != nil
}

var errorTypeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]{0,63}$`)

// failureKind is empty for what ended well.
func failureKind(status, errorType string) string {
	switch {
	case status == "" || status == "success":
		return ""
	case status == "timeout":
		return "timeout"
	case errorTypeForm.MatchString(errorType):
		return errorType
	}
	return "error"
}
