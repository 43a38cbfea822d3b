package stats_test

import (
	"fmt"

	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// Two targets took turns in six rounds. Rounds differ much, but within each the second target is slower by much the same.
func ExamplePaired() {
	first := []float64{40.1, 52.3, 44.8, 61.0, 47.7, 50.2} // p99 in ms, a round each
	second := []float64{44.5, 57.2, 49.9, 66.4, 53.1, 55.0}
	c := stats.Paired(first, second, stats.Measure{Scale: stats.Ratio, Resolution: 0.001})
	fmt.Printf("%.3f times, %.3f to %.3f, p = %.1g\n", *c.Effect, c.Interval.Low, c.Interval.High, *c.P)
	// Output: 1.102 times, 1.091 to 1.114, p = 2e-06
}

// The same figures of two runs at different times say much less: there is nothing that the rounds share.
func ExampleUnpaired() {
	before := []float64{40.1, 52.3, 44.8, 61.0, 47.7, 50.2}
	after := []float64{44.5, 57.2, 49.9, 66.4, 53.1, 55.0}
	c := stats.Unpaired(before, after, stats.Measure{Scale: stats.Ratio, Resolution: 0.001})
	stats.Decide([]*stats.Comparison{&c})
	fmt.Printf("%.3f times, %.3f to %.3f, %d more rounds\n", *c.Effect, c.Interval.Low, c.Interval.High, c.More)
	// Output: 1.102 times, 0.922 to 1.318, 27 more rounds
}

// What is to be called different must stand next to all else that was looked at.
func ExampleDecide() {
	base := []float64{100, 100, 100, 100, 100, 100, 100, 100}
	surely := stats.Paired(base, []float64{91, 90, 92, 89, 90, 91, 90, 91}, stats.Measure{})
	maybe := stats.Paired(base, []float64{101, 103, 99.5, 102, 101, 100, 103, 100}, stats.Measure{})
	stats.Decide([]*stats.Comparison{&surely, &maybe})
	fmt.Println(surely.Outcome == stats.Lower, maybe.Outcome == stats.Undecided)
	fmt.Printf("p = %.3f, corrected %.3f\n", *maybe.P, *maybe.Adjusted)
	// Output:
	// true true
	// p = 0.043, corrected 0.043
}
