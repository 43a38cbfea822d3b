package report_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// FuzzReport reports on whatever can be decoded.
func FuzzReport(f *testing.F) {
	for name, build := range runs() {
		if name == "nasty" {
			continue // the fuzzer would only copy it
		}
		data, err := build().Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"schema_version":1,"targets":[{"name":"a"},{"name":"b"}]}`))
	f.Add([]byte(`{"schema_version":1,"rounds":-1,"targets":[{"name":"a","phases":[{"name":"p","round":0},{"name":"p","round":-5,"wall_s":1e308},{"name":"p","round":9,"wall_s":1e308}]}]}`))
	f.Add([]byte(`{"schema_version":1,"targets":[{"name":"a","overall":{"throughput_rps":1e-308}},{"name":"b","overall":{"throughput_rps":1e308}}]}`))
	f.Add([]byte(`{"schema_version":1,"targets":[{"name":"a","cold_starts":{"requests":-9},"error_examples":[{"kind":"x"}]}]}`))
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
