package report_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// large is a file of 100 rounds of 5 phases on 2 targets, 500,000 requests of an open load.
func large(tb testing.TB) []byte {
	tb.Helper()
	rate := scenario.Rate{From: 50, To: 50}
	s := resulttest.OpenLoad(10, rate, rate, rate, rate, rate)
	for i := range s.Phases {
		s.Phases[i].Name = fmt.Sprint("phase ", i)
	}
	ec2, lambda := resulttest.EC2(), resulttest.Lambda()
	for i := range 100 {
		ec2.PerRound = append(ec2.PerRound, time.Duration(i*37%100)*time.Microsecond)
		lambda.PerRound = append(lambda.PerRound, time.Duration(i*53%100)*time.Microsecond)
	}
	run := resulttest.Run(s, 100, ec2, lambda)
	run.Targets[1].Lambda = resulttest.Meter()
	text, err := run.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// BenchmarkLargeRun reads, analyses and renders all of it. It is to stay below 2 s and 200 MiB; peak-MiB is what Go took from the system.
func BenchmarkLargeRun(b *testing.B) {
	text := large(b)
	dir := b.TempDir()
	runtime.GC()
	b.ReportAllocs()
	for b.Loop() {
		run, err := result.Decode(text)
		if err != nil {
			b.Fatal(err)
		}
		m, err := analysis.Compare(run)
		if err != nil {
			b.Fatal(err)
		}
		if err := report.Write(dir, m); err != nil {
			b.Fatal(err)
		}
	}
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Sys)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(len(text))/(1<<20), "file-MiB")
}
