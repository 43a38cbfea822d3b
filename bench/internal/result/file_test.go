package result_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
