package report_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// small is a run with something in every field, and little of it.
func small() *result.Run {
	s := resulttest.FourPhase(20)
	s.Phases = s.Phases[:1]
	s.Phases[0].Iterations = 2
	lambda := resulttest.Lambda()
	lambda.FailEvery, lambda.Errors = 4, []string{"timeout"}
	run := resulttest.Run(s, 2, resulttest.EC2(), lambda)
	run.Targets[1].ColdStarts, run.Targets[1].Lambda = withErrors().Targets[1].ColdStarts, withErrors().Targets[1].Lambda
	cold := result.NewHistogram()
	cold.Record(41 * time.Millisecond)
	run.Targets[1].ColdStarts.Requests, run.Targets[1].ColdStarts.ResponseTime = cold.Count(), cold.Summary()
	run.Warnings = []string{"a warning"}
	lag := run.Targets[0].Overall.ResponseTime
	run.Generator.SendLag = &lag
	return run
}

// TestEditedFiles changes each value of a file in turn, as a hand might. What can still be decoded can be reported.
func TestEditedFiles(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("with the race detector: one goroutine, and many files")
	}
	data, err := small().Encode()
	if err != nil {
		t.Fatal(err)
	}
	edits := []string{"null", "0", "-1", "1e308", "3", `""`, `"x"`, "[]", "{}", "[null]", "true"}
	values := regexp.MustCompile(`(?m)^( *(?:"[^"]*": )?)([^ \n][^\n]*?)(,?)$`).FindAllSubmatchIndex(data, -1)
	if len(values) < 200 {
		t.Fatalf("only %d values were found", len(values))
	}
	reported := 0
	for i, at := range values {
		edit := edits[i%len(edits)]
		run, err := result.Decode(slices.Concat(data[:at[4]], []byte(edit), data[at[5]:]))
		if err != nil {
			continue
		}
		m, err := analysis.Compare(run)
		if err != nil {
			continue
		}
		reported++
		noNonsense(t, markdown(t, m))
		if t.Failed() {
			t.Fatalf("with %s for %s", edit, data[at[2]:at[5]])
		}
	}
	t.Logf("%d values, %d edits that leave a readable file", len(values), reported)
	if reported < 50 {
		t.Errorf("only %d edited files were reported on: the edits are too crude", reported)
	}
}

// FuzzReport reports on whatever can be decoded.
func FuzzReport(f *testing.F) {
	data, err := small().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"schema_version":1,"targets":[{"name":"a","provenance":"measured"},{"name":"b","provenance":"emulated"}]}`))
	f.Add([]byte(`{"schema_version":1,"rounds":-1,"targets":[{"name":"a","provenance":"measured","phases":[{"name":"p","round":0},{"name":"p","round":-5,"wall_s":1e308},{"name":"p","round":9,"wall_s":1e308}]}]}`))
	f.Add([]byte(`{"schema_version":1,"targets":[{"name":"a","provenance":"measured","overall":{"wall_s":1,"throughput_rps":1e-308}},{"name":"b","provenance":"simulated","overall":{"wall_s":1,"throughput_rps":1e308}}]}`))
	f.Add([]byte(`{"schema_version":1,"targets":[{"name":"a","provenance":"measured","cold_starts":{"requests":9},"error_examples":[{"kind":"x"}]}]}`))
	f.Add([]byte(`{"schema_version":1,"targets":[{"name":"a","provenance":"emulated","lambda":{"load_s":1e-300,"concurrency":[{}]}},{"name":"b","provenance":"emulated","lambda":{"load_s":0.002,"invocations":1,"unsettled":1,"concurrency":[{"t_s":0.001,"busy":1048576,"busy_max":1048576}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, err := result.Decode(data)
		if err != nil {
			return
		}
		m, err := analysis.Compare(run)
		if err != nil {
			return
		}
		// Names may say NaN.
		if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Inf")) && !bytes.Contains(data, []byte("%!")) && !bytes.Contains(data, []byte(`\u`)) {
			noNonsense(t, markdown(t, m))
			noNonsense(t, terminal(t, m, report.Options{Width: 80}))
			return
		}
		markdown(t, m)
		terminal(t, m, report.Options{Width: 80, Color: true})
	})
}

// TestEffectiveScenarioIsAScenarioFile keeps what the report says of how to run it again true.
func TestEffectiveScenarioIsAScenarioFile(t *testing.T) {
	t.Parallel()
	for _, want := range []scenario.Scenario{resulttest.FourPhase(20), withErrors().Scenario} {
		text, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got, err := scenario.Parse("scenario.yaml", text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// BenchmarkReport is everything but reading the file, for a hundred rounds of five phases on two targets.
func BenchmarkReport(b *testing.B) {
	s := resulttest.FourPhase(20)
	s.Phases = append(s.Phases, scenario.Phase{Name: "again", Workers: 4, Iterations: 100})
	run := resulttest.Run(s, 100, resulttest.EC2(), resulttest.Lambda())
	data, err := run.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := result.Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("analyse and render", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m := model(b, run)
			markdown(b, m)
			terminal(b, m, report.Options{Width: 80})
		}
	})
}
