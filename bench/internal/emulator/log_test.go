package emulator_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// The lines as AWS has them: "Log and monitor Go Lambda functions" (https://docs.aws.amazon.com/lambda/latest/dg/golang-logging.html),
// for failures those of functions in 2025 and 2026.
const (
	uuid       = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
	startText  = `START RequestId: ` + uuid + ` Version: \$LATEST\n`
	endText    = `END RequestId: ` + uuid + `\n`
	reportText = `REPORT RequestId: ` + uuid + `\tDuration: [0-9]+\.[0-9]{2} ms\tBilled Duration: [0-9]+ ms\tMemory Size: 128 MB`
	usedText   = `\tMax Memory Used: [1-9][0-9]* MB`
	initText   = `\tInit Duration: [0-9]+\.[0-9]{2} ms`
	timeText   = `[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z`
)

// used is what is known of the memory on this system.
func used() string {
	if !procfs {
		return ""
	}
	return usedText
}

func TestLogText(t *testing.T) {
	tests := map[string]struct {
		env   map[string]string
		paths []string
		want  string
	}{
		"cold and warm": {
			nil,
			[]string{"/pid", "/pid"},
			startText + endText + reportText + used() + initText + `\t\n` + startText + endText + reportText + used() + `\t\n`,
		},
		"lines of the function are between": {
			nil,
			[]string{"/say?text=one%0Atwo%0A", "/say?text=no%20end", "/say?text=more%0A"},
			startText + "one\ntwo\n" + endText + reportText + used() + initText + `\t\n` +
				startText + "no end\n" + endText + reportText + used() + `\t\n` + startText + "more\n" + endText + reportText + used() + `\t\n`,
		},
		"exit": {
			nil,
			[]string{"/exit"},
			startText + endText + reportText + used() + initText + `\tStatus: error\tError Type: Runtime\.ExitError\n` +
				`RequestId: ` + uuid + ` Error: Runtime exited with error: exit status 3\nRuntime\.ExitError\n`,
		},
		"error of the function": {
			nil, []string{"/error"}, startText + `.*no more paper.*\n` + endText + reportText + used() + initText + `\t\n`,
		},
		"time-out": {
			nil,
			[]string{"/forever"},
			startText + endText + `REPORT RequestId: ` + uuid + `\tDuration: 1000\.00 ms\tBilled Duration: [0-9]+ ms\tMemory Size: 128 MB` + used() + initText +
				`\tStatus: timeout\n` + timeText + ` ` + uuid + ` Task timed out after 1\.00 seconds\n\n`,
		},
		"init that exits": {
			map[string]string{"INIT": "exit"},
			[]string{"/pid"},
			"no such table: users\nINIT_REPORT Init Duration: [0-9]+\\.[0-9]{2} ms\\tPhase: init\\tStatus: error\\tError Type: Runtime\\.ExitError\n" +
				"no such table: users\nINIT_REPORT Init Duration: [0-9]+\\.[0-9]{2} ms\\tPhase: invoke\\tStatus: error\\tError Type: Runtime\\.ExitError\n" +
				startText + endText + reportText + `\tStatus: error\tError Type: Runtime\.ExitError\n` +
				`RequestId: ` + uuid + ` Error: Runtime exited with error: exit status 3\nRuntime\.ExitError\n`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out := &output{}
			s := start(t, func(c *emulator.Config) {
				c.Env, c.Output, c.LogLines = tt.env, out, true
				if name == "time-out" {
					c.Timeout = time.Second
				}
			})
			for _, path := range tt.paths {
				get(t, s, path)
			}
			want := regexp.MustCompile(`\A` + tt.want + `\z`)
			patiently(t, func() bool { return want.MatchString(out.String()) }, func() { t.Errorf("log is\n%s\nwant\n%s", out, want) })
		})
	}
}

// The records as in logs of AWS of October 2026, and as the schema has them
// (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html).
func TestLogJSON(t *testing.T) {
	out := &output{}
	s := start(t, func(c *emulator.Config) { c.Output, c.LogLines, c.LogFormat = out, true, emulator.LogJSON })
	get(t, s, "/say?text=%7B%22level%22%3A%22info%22%7D%0A")
	get(t, s, "/error")
	get(t, s, "/exit")
	eventually(t, "no report of the exit", func() bool { return strings.Count(out.String(), "platform.report") == 3 })
	type record struct {
		RequestID, FunctionARN, Version, Status, ErrorType, InitializationType, Phase, FunctionName string
		Metrics                                                                                     map[string]float64
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		var l struct {
			Time, Type, Level string
			Record            record
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			continue // what the runtime library says
		}
		if l.Type == "" {
			got = append(got, strings.TrimSpace(line))
			continue
		}
		if !regexp.MustCompile(`\A` + timeText + `\z`).MatchString(l.Time) {
			t.Errorf("time is %q", l.Time)
		}
		summary := strings.TrimSpace(l.Type + " " + l.Record.Phase + l.Record.Version + l.Record.Status + " " + l.Record.ErrorType)
		if l.Type == "platform.report" {
			m := l.Record.Metrics
			if m["memorySizeMB"] != 128 || procfs && m["maxMemoryUsedMB"] <= 0 || m["durationMs"] <= 0 {
				t.Errorf("metrics are %v", m)
			}
			total := time.Duration((m["durationMs"] + m["initDurationMs"]) * float64(time.Millisecond))
			if want := float64(emulator.BilledMS(0, total)); m["billedDurationMs"] < want-1 || m["billedDurationMs"] > want+1 {
				t.Errorf("metrics are %v", m)
			}
		}
		got = append(got, summary)
	}
	want := []string{
		"platform.initStart init", "platform.start $LATEST", `{"level":"info"}`, "platform.report success",
		"platform.start $LATEST", "platform.report failure errorString", "platform.start $LATEST", "platform.report error Runtime.ExitError",
	}
	if diff := cmp.Diff(want, drop(got, `{"errorMessage"`)); diff != "" {
		t.Errorf("log (-want +got):\n%s\n%s", diff, out)
	}
}

func drop(lines []string, prefix string) []string {
	var rest []string
	for _, line := range lines {
		if !strings.HasPrefix(line, prefix) {
			rest = append(rest, line)
		}
	}
	return rest
}

// The whole lines of AWS, given what they tell.
func TestReportLine(t *testing.T) {
	at := time.Date(2026, 10, 8, 7, 30, 29, 470e6, time.UTC)
	text := emulator.Report(emulator.Config{MemoryMB: 128, EnvironmentConcurrency: 1}, "id", ms(38.66), ms(203.69), true, 54, at)
	want := "END RequestId: id\nREPORT RequestId: id\tDuration: 38.66 ms\tBilled Duration: 243 ms\tMemory Size: 128 MB\tMax Memory Used: 54 MB\tInit Duration: 203.69 ms\t\n"
	if text != want {
		t.Errorf("got  %q\nwant %q", text, want)
	}
	cfg := emulator.Config{MemoryMB: 256, EnvironmentConcurrency: 1, LogFormat: emulator.LogJSON}
	want = `{"time":"2026-10-08T07:30:29.470Z","type":"platform.report","record":{"requestId":"79b5e81f-9cdd-4145-b1f6-7c50ef8a2a36","metrics":` +
		`{"durationMs":1233.96,"billedDurationMs":1698,"memorySizeMB":256,"maxMemoryUsedMB":123,"initDurationMs":463.512},"status":"success"}}` + "\n"
	if text := emulator.Report(cfg, "79b5e81f-9cdd-4145-b1f6-7c50ef8a2a36", ms(1233.96), ms(463.512), true, 123, at); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// Lines of several environments at once are whole.
func TestLogLinesAreWhole(t *testing.T) {
	out := &output{}
	s := start(t, func(c *emulator.Config) { c.Output = out })
	const envs, mb = 4, 2
	var wg sync.WaitGroup
	for range envs {
		wg.Go(func() { get(t, s, "/flood?n="+strconv.Itoa(mb)) })
	}
	wg.Wait()
	line := strings.Repeat("x", 99)
	want := envs * mb * ((1 << 20) / 100)
	patiently(t, func() bool { return strings.Count(out.String(), "\n") >= want }, func() { t.Error("lines are missing") })
	for l := range strings.Lines(out.String()) {
		if strings.TrimSuffix(l, "\n") != line {
			t.Fatalf("torn line %.200q", l)
		}
	}
}

// tally counts lines and keeps none.
type tally struct{ lines atomic.Int64 }

func (w *tally) Write(p []byte) (int, error) {
	w.lines.Add(int64(bytes.Count(p, []byte("\n"))))
	return len(p), nil
}

// heavy asks for proofs that take minutes, where the tests have smaller ones.
var heavy = flag.Bool("heavy", false, "10 GB of log")

// A gigabyte of log is passed on or told as lost, hurts no other request, and does not stay in the memory of the service. -heavy
// makes it 10 GB.
func TestGigabyteOfLog(t *testing.T) {
	mb := 1024
	switch {
	case *heavy:
		mb = 10_000
	case testing.Short():
		mb = 64
	}
	w := &tally{}
	s := start(t, func(c *emulator.Config) { c.Output, c.Timeout = w, 10*time.Minute })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, done := time.Now(), make(chan reply, 1)
	go func() {
		r, _ := try(t.Context(), s, http.MethodGet, "/flood?n="+strconv.Itoa(mb), "", nil)
		done <- r
	}()
	stop := bystanders(t, s)
	(<-done).expect(t, http.StatusOK, "flooded")
	stop()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
	want := int64(mb * ((1 << 20) / 100))
	patiently(t, func() bool { return w.lines.Load()+s.Meter().LogLinesDropped >= want }, func() {
		t.Errorf("%d lines came and %d are told as lost, of %d", w.lines.Load(), s.Meter().LogLinesDropped, want)
	})
	t.Logf("%d MB in %s: %d lines came and %d are lost; %d MB of memory from the system, %d before",
		mb, time.Since(began).Round(time.Millisecond), w.lines.Load(), s.Meter().LogLinesDropped, after.Sys>>20, before.Sys>>20)
}

// stuckWriter takes nothing until it is let go.
type stuckWriter struct {
	free  chan struct{}
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	<-w.free
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes.Write(p)
}

// A function that writes more than anybody reads is not stopped for good, takes no memory of the service, and it is told what is lost.
func TestLogReaderThatDoesNotRead(t *testing.T) {
	w := &stuckWriter{free: make(chan struct{})}
	s := start(t, func(c *emulator.Config) { c.Output, c.LogLines = w, true })
	for range 2 {
		get(t, s, "/flood?n=32").expect(t, http.StatusOK, "flooded")
	}
	if lost := s.Meter().LogLinesDropped; lost < 300_000 {
		t.Errorf("%d lines are lost", lost)
	}
	close(w.free)
	get(t, s, "/pid")
	told := regexp.MustCompile(`(?m)^LOGS_DROPPED Records: [0-9]+\tBytes: [0-9]+$`)
	patiently(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return told.Match(w.bytes.Bytes())
	}, func() { t.Error("nothing tells of lost lines") })
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bytes.Len() > 4<<20 {
		t.Errorf("%d bytes were kept", w.bytes.Len())
	}
}

// line is what a REPORT line says.
type line struct {
	id             string
	duration, init time.Duration
	billed         int64
}

var reportLine = regexp.MustCompile(`(?m)^REPORT RequestId: (\S+)\tDuration: (\S+) ms\tBilled Duration: (\d+) ms\t[^\n]*?(?:Init Duration: (\S+) ms)?\t[^\t\n]*(?:\tError Type: [^\t\n]*)?$`)

func reports(t *testing.T, log string) []line {
	t.Helper()
	var all []line
	for _, m := range reportLine.FindAllStringSubmatch(log, -1) {
		l := line{id: m[1]}
		var err error
		if l.duration, err = time.ParseDuration(m[2] + "ms"); err != nil {
			t.Fatal(err)
		}
		if m[4] != "" {
			if l.init, err = time.ParseDuration(m[4] + "ms"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := fmt.Sscan(m[3], &l.billed); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// A bootstrap whose interpreter has gone since the start cannot be started, and the log says so.
func TestLogOfAnInvalidEntrypoint(t *testing.T) {
	dir := t.TempDir()
	interpreter, script := filepath.Join(dir, "interpreter"), filepath.Join(dir, "bootstrap")
	if err := errors.Join(os.Symlink("/bin/sh", interpreter), os.WriteFile(script, []byte("#!"+interpreter+"\n"), 0o700)); err != nil {
		t.Fatal(err)
	}
	var out output
	s := start(t, func(c *emulator.Config) { c.Bootstrap, c.Output, c.LogLines = script, &out, true })
	if err := os.Remove(interpreter); err != nil {
		t.Fatal(err)
	}
	get(t, s, "/").expect(t, http.StatusBadGateway, "Internal Server Error")
	want := regexp.MustCompile(`Error Type: Runtime\.InvalidEntrypoint\nRequestId: \S+ Error: .*no such file or directory\nRuntime\.InvalidEntrypoint\n\z`)
	eventually(t, "the log does not say so", func() bool { return want.MatchString(out.String()) })
}

// Scripts that cannot be started are refused at once. A carriage return is a part of the interpreter's name, or of its argument.
func TestInterpreterThatCannotBeRun(t *testing.T) {
	for text, want := range map[string]string{
		"#! /nonexistent/interpreter -x\n": "its interpreter /nonexistent/interpreter does not exist",
		"#!/bin/sh\r\nexit 1\r\n":          "its first line ends with a carriage return",
		"#!/usr/bin/env sh\r\nexit 1\r\n":  "its first line ends with a carriage return",
		"#!/bin/sh\r":                      "its first line ends with a carriage return",
		"#!/bin/sh\n# a line of its own\r": "",
	} {
		script := filepath.Join(t.TempDir(), "bootstrap")
		if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		s, err := emulator.Start(t.Context(), emulator.Config{Bootstrap: script, Group: group})
		if err == nil {
			err = s.Close(0)
		}
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("of %q the error is %v", text, err)
		}
	}
}
