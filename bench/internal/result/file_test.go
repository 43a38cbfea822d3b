package result_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
)

func encoded(t testing.TB, run *result.Run) string {
	t.Helper()
	data, err := run.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func sample() *result.Run {
	lambda := resulttest.Lambda()
	lambda.FailEvery, lambda.Errors = 60, []string{"status_503", "timeout"}
	return resulttest.Run(resulttest.FourPhase(20), 2, resulttest.EC2(), lambda)
}

func TestFileRoundTrip(t *testing.T) {
	t.Parallel()
	dir, want := t.TempDir(), sample()
	text := encoded(t, want)
	path := filepath.Join(dir, result.FileName)
	for range 2 {
		if err := result.WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := result.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
	if again := encoded(t, got); again != text {
		t.Error("encoding what was read gives another text")
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestWriteFileKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := filepath.Join(dir, "occupied")
	if err := os.MkdirAll(filepath.Join(target, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := result.WriteFile(target, []byte("x")); err == nil {
		t.Error("writing over a folder was no error")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("a temporary file is left: %v, %v", files, err)
	}
	if err := result.WriteFile(filepath.Join(dir, "missing", "file"), nil); err == nil {
		t.Error("writing into a missing folder was no error")
	}
}

func TestWriteFileLeavesDevices(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 1)
	go func() {
		data, err := os.ReadFile(pipe)
		read <- fmt.Sprint(string(data), err)
	}()
	if err := result.WriteFile(pipe, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Fatalf("the pipe is %v, %v now", info, err)
	}
	if got := <-read; got != "x<nil>" {
		t.Errorf("read %q", got)
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	if _, err := result.Load(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, result.FileName), []byte(`{"schema_version": 2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := result.Load(dir)
	if !errors.Is(err, result.ErrSchema) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "2") {
		t.Errorf("another version: %v", err)
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	text := encoded(t, sample())
	replace := func(old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not in the file", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	tests := []struct{ name, text, want string }{
		{"empty", "", "not a result file"},
		{"no JSON", "hello", "not a result file"},
		{"another JSON", `{"a":1}`, "schema_version"},
		{"a list", `[]`, "not a result file: it is JSON, but of the wrong kind: array"},
		{"a list of targets' names", `{"schema_version":1,"targets":["a"]}`, "targets: the value is of the wrong kind: string"},
		{"a version of letters", `{"schema_version":"one"}`, "schema_version: the value is of the wrong kind: string"},
		{"a count in letters", replace(`"requests": 400`, `"requests": "400"`), "targets.phases.requests: the value is of the wrong kind: string"},
		{"another provenance", replace(`"provenance": "measured"`, `"provenance": "guessed"`), `ec2: provenance "guessed" is not one of ["measured" "emulated" "simulated"]`},
		{"no provenance", replace(`"provenance": "measured"`, `"provenance": ""`), `provenance ""`},
		{"a phase made a warm-up", replace(`"warmup": false,
          "round"`, `"warmup": true,
          "round"`), "ec2.overall: 14800 requests and 14800 successes, but its phases that count have 14400 and 14400"},
		{"cut", text[:len(text)/2], "not a result file"},
		{"other version", replace(`"schema_version": 1`, `"schema_version": 7`), "version 7"},
		{"a string for a number", replace(`"seed": 1`, `"seed": "one"`), "seed"},
		{"requests edited", replace(`"requests": 400`, `"requests": 401`), "ec2.phases[0]: 401 requests are not 400 successes and 0 errors"},
		{"negative", replace(`"requests": 400`, `"requests": -400`), "negative"},
		{"huge", replace(`"requests": 400`, `"requests": 9000000000000000000`), "more than 2^40"},
		{"successes edited", replace(`"errors": {}`, `"errors": {"timeout": 0}`), ""},
		{"negative error", replace(`"errors": {}`, `"errors": {"timeout": -1}`), "errors.timeout"},
		{"two of a name", replace(`"name": "lambda"`, `"name": "ec2"`), `"ec2" is empty or not unique`},
		{"no name", replace(`"name": "lambda"`, `"name": ""`), `"" is empty or not unique`},
		{"future field", replace(`"seed": 1`, `"seed": 1, "colour": "red"`), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := result.Decode([]byte(test.text))
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case err != nil && strings.Contains(err.Error(), "Go "):
				t.Errorf("a reader of the file knows no Go: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestDecodeFindsFiguresThatContradict(t *testing.T) {
	t.Parallel()
	number := func(f float64) *float64 { return &f }
	tests := []struct {
		name   string
		damage func(*result.Summary)
		want   string
	}{
		{"percentiles swapped", func(s *result.Summary) { s.P95, s.P99 = number(9e6), number(8e6) }, "p99 is"},
		{"no median", func(s *result.Summary) { s.P50 = nil }, "p50 of 7400 samples is missing"},
		{"no mean", func(s *result.Summary) { s.Mean = nil }, "mean"},
		{"mean above max", func(s *result.Summary) { s.Mean = number(3e9) }, "mean"},
		{"beyond an hour", func(s *result.Summary) { s.Max = number(4e9) }, "beyond"},
		{"negative", func(s *result.Summary) { s.Min = number(-1) }, "min is -1"},
		{"too many clipped", func(s *result.Summary) { s.Clipped = 7401 }, "clipped"},
		{"other count", func(s *result.Summary) { s.Count-- }, "response times for"},
		{"another p99", func(s *result.Summary) { s.P99 = number(*s.P95) }, "p99 is"},
		{"another median", func(s *result.Summary) { s.P50 = number(*s.P50 * 1.002) }, "p50 is"},
		{"a lower min", func(s *result.Summary) { s.Min = number(1) }, "min is 1, but by its histogram it is from"},
		{"a higher max", func(s *result.Summary) { s.Max = number(3e9) }, "max is 3e+09"},
		{"another mean", func(s *result.Summary) { s.Mean = number(*s.Mean * 1.01) }, "mean is"},
		{"figures of nothing", func(s *result.Summary) { *s = result.Summary{Max: number(1)} }, "response times for"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2())
			test.damage(&run.Targets[0].Overall.ResponseTime)
			_, err := result.Decode([]byte(encoded(t, run)))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "ec2.overall") {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

// whole has something of everything that a hand may edit.
func whole() *result.Run {
	run := metered()
	number, count := func(f float64) *float64 { return &f }, func(n int64) *int64 { return &n }
	run.Generator.SpunFraction, run.Generator.MachineCPUFraction = number(0.2), number(1)
	run.Generator.GCPauses = &result.Pauses{Count: 2, TotalUS: 40, MaxUS: 30}
	run.Generator.OpenFiles, run.Generator.OpenFilesLimit = count(31), count(1024)
	cold := result.NewHistogram()
	cold.Record(80 * time.Millisecond)
	run.Targets[1].ColdStarts = &result.ColdStarts{Requests: 2, ResponseTime: cold.Summary()}
	return run
}

func TestDecodeFindsEditedFigures(t *testing.T) {
	t.Parallel()
	number, count := func(f float64) *float64 { return &f }, func(n int64) *int64 { return &n }
	tests := []struct {
		name   string
		damage func(r *result.Run, ec2, lambda *result.Target)
		want   string
	}{
		{"throughput", func(_ *result.Run, ec2, _ *result.Target) { ec2.Overall.ThroughputRPS = number(999_999) }, "ec2.overall: throughput_rps is 999999, but 7400 successes in"},
		{"throughput of a phase", func(_ *result.Run, ec2, _ *result.Target) { *ec2.Phases[1].ThroughputRPS *= 1.001 }, "ec2.phases[1]: throughput_rps is"},
		{"no time in a phase", func(_ *result.Run, ec2, _ *result.Target) { ec2.Phases[1].WallS = number(0) }, "ec2.phases[1]: there is a throughput_rps, but no wall_s"},
		{"time of a phase", func(_ *result.Run, ec2, _ *result.Target) { ec2.Phases[1].WallS = number(100) }, "ec2.phases[1]: throughput_rps is"},
		{"time of a phase, with its throughput", func(_ *result.Run, ec2, _ *result.Target) {
			ec2.Phases[1].WallS, ec2.Phases[1].ThroughputRPS = number(100), number(float64(ec2.Phases[1].Successes)/100)
		}, "ec2.overall: wall_s is"},
		{"service time", func(_ *result.Run, ec2, _ *result.Target) {
			ec2.Overall.ServiceTime.P99 = number(*ec2.Overall.ServiceTime.P95)
		}, "ec2.overall.service_time_us: p99 is"},
		{"more cold than all", func(_ *result.Run, _, lambda *result.Target) { lambda.ColdStarts.Requests = 99_999_999 }, "lambda.cold_starts: 99999999 requests were cold, of 7400 that count"},
		{"fewer cold than timed", func(_ *result.Run, _, lambda *result.Target) { lambda.ColdStarts.Requests = 0 }, "lambda.cold_starts: 1 response times of 0 cold requests"},
		{"fewer invocations than answers", func(_ *result.Run, _, lambda *result.Target) {
			lambda.Lambda.Invocations, lambda.Lambda.ProvisionedInvocations, lambda.Lambda.Errors = 1, 0, map[string]int64{}
		}, "lambda.lambda: invocations is 1, fewer than the 7277 right answers"},
		{"a verdict that there is not", func(r *result.Run, _, _ *result.Target) { r.Generator.Verdict = "great" }, `generator.verdict "great" is not one of ["valid" "suspect" "invalid"]`},
		{"an end before the start", func(r *result.Run, _, _ *result.Target) { r.FinishedAt = r.StartedAt.Add(-time.Second) }, "finished_at 2026-07-31T09:29:59Z is before started_at 2026-07-31T09:30:00Z"},
		{"CPU below nothing", func(r *result.Run, _, _ *result.Target) { r.Generator.CPUFraction = number(-4) }, "generator.cpu_fraction is -4, not in 0 to 1"},
		{"CPU above all", func(r *result.Run, _, _ *result.Target) { r.Generator.MachineCPUFraction = number(1e300) }, "generator.machine_cpu_fraction is 1e+300"},
		{"spun above all", func(r *result.Run, _, _ *result.Target) { r.Generator.SpunFraction = number(2) }, "generator.cpu_spun_fraction is 2"},
		{"pauses", func(r *result.Run, _, _ *result.Target) { r.Generator.GCPauses.MaxUS = 50 }, "generator.gc_pauses: 2 pauses of 40 µs, the longest of 50 µs"},
		{"files", func(r *result.Run, _, _ *result.Target) { r.Generator.OpenFiles = count(-1) }, "generator.open_files is -1"},
		{"memory", func(r *result.Run, _, _ *result.Target) { r.Generator.PeakMemoryBytes = count(-1) }, "generator.peak_memory_bytes is -1"},
		{"CPUs", func(r *result.Run, _, _ *result.Target) { r.Environment.CPUs = -2 }, "environment.cpus is -2"},
		{"the machine's memory", func(r *result.Run, _, _ *result.Target) { r.Environment.MemoryMB = 1 << 60 }, "environment.memory_mb is"},
		{"rounds", func(r *result.Run, _, _ *result.Target) { r.Rounds = 2 }, "rounds is 2, but the phases have rounds up to 1"},
		{"rounds without end", func(r *result.Run, _, _ *result.Target) { r.Rounds, r.Interrupted = 1e12, true }, "rounds is 1000000000000, not in 0 to 1000"},
		{"rounds below none", func(r *result.Run, _, _ *result.Target) { r.Rounds, r.Interrupted = -1, true }, "rounds is -1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run := whole()
			test.damage(run, &run.Targets[0], &run.Targets[1])
			if _, err := result.Decode([]byte(encoded(t, run))); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

// TestDecodeReadsWhatLooksOdd has what real runs may have.
func TestDecodeReadsWhatLooksOdd(t *testing.T) {
	t.Parallel()
	tests := map[string]func(r *result.Run, lambda *result.Target){
		"as it was":               func(*result.Run, *result.Target) {},
		"stopped in round 1 of 9": func(r *result.Run, _ *result.Target) { r.Rounds, r.Interrupted = 9, true },
		"trials of a search, cut": func(r *result.Run, t *result.Target) { t.Phases[3].Round, r.Interrupted = 1200, true },
		"a load of nothing":       func(r *result.Run, _ *result.Target) { r.Targets, r.Thresholds = nil, nil },
		"steps in CPU time":       func(r *result.Run, _ *result.Target) { *r.Generator.CPUFraction = 1.02 },
		"throttles that are right": func(r *result.Run, t *result.Target) {
			r.Scenario.Steps[0].Expect.Status, t.Lambda.Invocations = 429, 450
		},
		"refusals that are right": func(r *result.Run, t *result.Target) {
			r.Scenario.Steps[1].Expect.Status, t.Lambda.Invocations = 413, 450
		},
		"events for later": func(_ *result.Run, t *result.Target) { t.Spec.FrontDoor, t.Lambda.Invocations = "invoke", 450 },
		"cold requests that failed": func(_ *result.Run, t *result.Target) {
			t.ColdStarts.Requests, t.ColdStarts.ResponseTime = 2, result.Summary{}
		},
		"another program's histogram": func(r *result.Run, _ *result.Target) {
			other := hdrhistogram.New(1, 1e7, 2)
			if err := other.RecordValues(5000, 10); err != nil {
				t.Fatal(err)
			}
			text, err := other.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
			if err != nil {
				t.Fatal(err)
			}
			at := 5100. // it rounds in its own way
			r.Generator.SendLag = &result.Summary{Count: 10, Min: &at, Mean: &at, P50: &at, P90: &at, P95: &at, P99: &at, P999: &at, Max: &at, Histogram: string(text)}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := whole()
			change(run, &run.Targets[1])
			if _, err := result.Decode([]byte(encoded(t, run))); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDecodeReadsEveryBucket records at both ends of the buckets, where figures are easily taken for those of a neighbour, and clipped.
func TestDecodeReadsEveryBucket(t *testing.T) {
	t.Parallel()
	var all []time.Duration
	for power := range 32 {
		for _, off := range []int64{-1, 0, 1} {
			all = append(all, time.Duration(int64(1)<<power+off)*time.Microsecond, time.Duration(3<<power/2+off)*time.Microsecond)
		}
	}
	all = append(all, -time.Second, 2*time.Hour, 300*time.Nanosecond)
	together := result.NewHistogram()
	for i, d := range append(all, all[0]) {
		h := result.NewHistogram()
		h.Record(d)
		together.Record(d)
		if i == len(all) {
			h = together
		}
		run, s := whole(), h.Summary()
		run.Targets, run.Thresholds, run.Generator.SendLag = nil, nil, &s
		if _, err := result.Decode([]byte(encoded(t, run))); err != nil {
			t.Errorf("%s: %v", d, err)
		}
	}
}

// TestDecodeFindsErrorsThatDoNotAddUp keeps the number of failed requests and swaps their kind.
func TestDecodeFindsErrorsThatDoNotAddUp(t *testing.T) {
	t.Parallel()
	run := sample()
	o := &run.Targets[1].Overall
	if o.Errors["timeout"] == 0 {
		t.Fatal("no timeout")
	}
	o.Errors = map[string]int64{"mismatch": o.Errors["timeout"], "status_503": o.Errors["status_503"]}
	_, err := result.Decode([]byte(encoded(t, run)))
	if err == nil || !strings.Contains(err.Error(), "lambda.overall: errors.timeout is 0, but its phases that count have") {
		t.Errorf("error %v", err)
	}
}

// TestWallTimeIsNullWhereItIsNotKnown reads the file as another program would.
func TestWallTimeIsNullWhereItIsNotKnown(t *testing.T) {
	t.Parallel()
	var file struct {
		Targets []struct {
			Overall, Steps json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(encoded(t, sample())), &file); err != nil {
		t.Fatal(err)
	}
	for _, target := range file.Targets {
		if !strings.Contains(string(target.Steps), `"wall_s": null`) || strings.Contains(string(target.Steps), `"wall_s": 0`) {
			t.Error("a step has a wall time")
		}
		if strings.Contains(string(target.Overall), `"wall_s": null`) {
			t.Error("the sum has no wall time")
		}
	}
	run := sample()
	run.Targets[0].Overall.WallS = nil
	if _, err := result.Decode([]byte(encoded(t, run))); err == nil || !strings.Contains(err.Error(), "ec2.overall: there is a throughput_rps, but no wall_s") {
		t.Errorf("a throughput of no time: %v", err)
	}
}

// FuzzDecode checks what every reader of a decoded run relies on, and that writing it loses nothing.
func FuzzDecode(f *testing.F) {
	// Small inputs: the fuzzer spends its time on making large ones smaller.
	small := resulttest.FourPhase(20)
	small.Phases = small.Phases[:1]
	small.Phases[0].Iterations = 1
	f.Add([]byte(encoded(f, resulttest.Run(small, 1, resulttest.EC2(), resulttest.Lambda()))))
	f.Add([]byte(`{"schema_version":1}`))
	f.Add([]byte(`{"schema_version":1,"targets":[{"name":"a","provenance":"measured","overall":{"requests":1,"errors":{"x":1}}}]}`))
	f.Add([]byte(`{"schema_version":1,"targets":[{"name":"a","provenance":"emulated","cold_starts":{"init_us":{"count":1}}}]}`))
	f.Add([]byte(`{"schema_version":1,"targets":[{"name":"a","provenance":"emulated","lambda":{"load_s":2,"invocations":3,"billed_ms":1024,"memory_mb":1000,"billed_gb_seconds":1,"errors":{"exit":1},"concurrency":[{"t_s":1,"busy":1,"busy_max":2}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, err := result.Decode(data)
		if err != nil {
			return
		}
		for i := range run.Targets {
			s := run.Targets[i].Overall
			failed := int64(0)
			for _, n := range s.Errors {
				failed += n
			}
			if s.Requests != s.Successes+failed || s.ResponseTime.Count != s.Successes || s.Requests < 0 {
				t.Errorf("a decoded run contradicts itself: %+v", s)
			}
			if r := s.ResponseTime; r.Count > 0 && (*r.P50 > *r.P99 || *r.P99 > *r.Max || *r.Min > *r.Mean || *r.Mean > *r.Max) {
				t.Errorf("figures out of order: %+v", r)
			}
		}
		again, err := result.Decode([]byte(encoded(t, run)))
		if err != nil {
			t.Fatalf("encoded and decoded again: %v", err)
		}
		if diff := cmp.Diff(run, again); diff != "" {
			t.Errorf("(-first +second)\n%s", diff)
		}
	})
}

// TestFinishIsNotBeforeTheStart where the clock was set back while the run was going: its file must be read all the same.
func TestFinishIsNotBeforeTheStart(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 7, 31, 9, 30, 0, 0, time.UTC)
	for at, want := range map[time.Time]time.Time{start.Add(time.Second): start.Add(time.Second), start.Add(-time.Hour): start, {}: {}} {
		r := &result.Run{StartedAt: start}
		if r.Finish(at); !r.FinishedAt.Equal(want) {
			t.Errorf("finished at %s, want %s", r.FinishedAt, want)
		}
	}
}
