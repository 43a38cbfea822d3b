package emulator_test

import (
	"encoding/json"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// logged is a rule about the log after some requests: its text must match.
func logged(says, source string, paths []string, want string, configure func(*emulator.Config)) rule {
	out := &output{}
	return rule{
		says: says, source: source,
		config: func(c *emulator.Config) {
			c.Output, c.LogLines = out, true
			if configure != nil {
				configure(c)
			}
		},
		official: func(t *testing.T, s *emulator.Service) {
			for _, path := range paths {
				get(t, s, path)
			}
			form := regexp.MustCompile(want)
			patiently(t, func() bool { return form.MatchString(out.String()) }, func() { t.Errorf("log is\n%s\nwant\n%s", out, want) })
		},
	}
}

const (
	sourceFailures = sourceCaptures // and log groups of 2025 and 2026
	failedStatus   = `\tStatus: error\tError Type: Runtime\.ExitError\n`
)

func logRules() []rule {
	return []rule{
		logged("START, END and REPORT, with Init Duration at the first invocation of an environment alone", docLog, []string{"/pid", "/pid"},
			`\A`+startText+endText+reportText+used()+initText+`\t\n`+startText+endText+reportText+used()+`\t\n\z`, nil),
		logged("what the function writes is between START and END", docLog, []string{"/say?text=one%0A"}, `\A`+startText+"one\n"+endText, nil),
		logged("the end of a process: Status: error, Error Type: Runtime.ExitError, and a line with its status", sourceFailures, []string{"/exit"},
			failedStatus+`RequestId: `+uuid+` Error: Runtime exited with error: exit status 3\nRuntime\.ExitError\n\z`, nil),
		logged("a time-out: Status: timeout, a Duration of the whole time-out, and Task timed out after N.00 seconds", sourceFailures, []string{"/forever"},
			`\tDuration: 1000\.00 ms\t[^\n]*\tStatus: timeout\n`+timeText+` `+uuid+` Task timed out after 1\.00 seconds\n`,
			func(c *emulator.Config) { c.Timeout = time.Second }),
		logged("an init that fails: INIT_REPORT with Phase: init, then with Phase: invoke", docEnvironment, []string{"/pid"},
			`INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: init`+failedStatus+`(?s:.*)INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: invoke`+failedStatus,
			func(c *emulator.Config) { c.Env = map[string]string{"INIT": "exit"} }),
		logged("an init over its limit: INIT_REPORT with Status: timeout", docEnvironment, []string{"/pid"},
			`INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: init\tStatus: timeout\n`, func(c *emulator.Config) {
				c.Env, c.InitTimeout, c.Timeout = map[string]string{"INIT": "never"}, 300*time.Millisecond, 300*time.Millisecond
			}),
		{
			says: "in JSON: platform.initStart, platform.start and platform.report with durations, memory and status", source: docTelemetry,
			config: func(c *emulator.Config) { c.LogFormat, c.LogLines, c.Output = emulator.LogJSON, true, jsonLog },
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/pid")
				patiently(t, func() bool { return strings.Contains(jsonLog.String(), `"platform.report"`) }, func() { t.Errorf("log is %s", jsonLog) })
				var types []string
				for text := range strings.Lines(jsonLog.String()) {
					var line struct {
						Type   string
						Record struct {
							RequestID string
							Status    string
							Metrics   map[string]float64
						}
					}
					if err := json.Unmarshal([]byte(text), &line); err != nil {
						t.Errorf("%v in %s", err, text)
					}
					types = append(types, line.Type)
					m := line.Record.Metrics
					if line.Type == "platform.report" && (m["durationMs"] <= 0 || m["billedDurationMs"] < 1 || m["memorySizeMB"] != 128 || m["initDurationMs"] <= 0 || line.Record.Status != "success") {
						t.Errorf("report is %s", text)
					}
				}
				got := strings.Join(types, " ")
				for _, want := range []string{"platform.initStart", "platform.start", "platform.report"} {
					if !strings.Contains(got, want) {
						t.Errorf("no %s in %s", want, got)
					}
				}
			},
		},
	}
}

var jsonLog = &output{}

func billingRules() []rule {
	report := func(t *testing.T, init, took string, billed string) {
		t.Helper()
		a, err := time.ParseDuration(init)
		b, err2 := time.ParseDuration(took)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		text := emulator.Report(emulator.Config{MemoryMB: 128, EnvironmentConcurrency: 1}, "id", b, a, true, 54, time.Now())
		if !strings.Contains(text, "\tBilled Duration: "+billed+" ms\t") {
			t.Errorf("%s and %s: %s", init, took, text)
		}
	}
	out := &output{}
	return []rule{
		{
			says: "Init Duration and Duration are added, then rounded up to 1 ms", source: docInitBilling,
			unverified: "the order of adding and rounding, which is seen in REPORT lines of custom runtimes",
			official: func(t *testing.T, _ *emulator.Service) { // lines of AWS
				report(t, "58.47ms", "46.37ms", "105")
				report(t, "25.86ms", "38.24ms", "65")
				report(t, "1363.52ms", "70.67ms", "1435")
			},
		},
		{
			says: "an invocation lasts, and is billed, until the runtime asks for the next event, not until its answer", source: docEnvironment,
			config: func(c *emulator.Config) { rawBootstrap(c); c.Timeout, c.Output, c.LogLines = brief, out, true },
			official: func(t *testing.T, s *emulator.Service) {
				if r := get(t, s, "/no-next"); r.status != http.StatusOK {
					t.Errorf("answer is %d %q", r.status, r.body)
				}
				eventually(t, "there is no report", func() bool { return strings.Contains(out.String(), "REPORT ") })
				if r := reports(t, out.String()); len(r) != 1 || r[0].duration != brief || s.Meter().BilledMS < brief.Milliseconds() {
					t.Errorf("reports are %+v, log is %s", r, out)
				}
			},
		},
		{
			says: "GB-seconds are the memory size times the billed duration, 1 GB = 1,024 MB", source: docPrices,
			config: func(c *emulator.Config) { c.MemoryMB = 1536 },
			official: func(t *testing.T, s *emulator.Service) {
				for range 3 {
					get(t, s, "/pid")
				}
				settled(t, s, 1)
				m := s.Meter()
				if want := float64(m.BilledMS) / 1000 * 1.5; m.BilledMS < 3 || math.Abs(m.BilledGBSeconds-want) > 1e-9 {
					t.Errorf("%d ms are %v GB-s, want %v", m.BilledMS, m.BilledGBSeconds, want)
				}
			},
		},
		{
			says: "the init of a provisioned environment is no part of an invocation", source: docProvisioned,
			config: func(c *emulator.Config) { c.Provisioned = 1 },
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/pid")
				settled(t, s, 1)
				if m := s.Meter(); m.InitBilledMS != 0 || m.BilledMS < 1 {
					t.Errorf("meter: %+v", m)
				}
			},
		},
		{
			says: "a throttled request is not billed", source: docPrices, unverified: "that it is said nowhere but by the definition of a request",
			config: func(c *emulator.Config) { none := 0; c.ReservedConcurrency = &none },
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/pid")
				if m := s.Meter(); m.BilledMS != 0 || m.Invocations != 0 || m.Throttles != 1 {
					t.Errorf("meter: %+v", m)
				}
			},
		},
	}
}
