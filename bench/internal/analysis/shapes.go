package analysis

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Shape is the distribution of one time of one target, over all phases that count, as points of two curves.
type Shape struct {
	// Target is an index of Model.Targets.
	Target int
	// Service is true for the service time, which is only there beside a response time that differs.
	Service bool
	Count   int64
	// Percentiles are times by 1/(1-p), p from 0 to 1: 10 is p90, 100 is p99. They end where fewer than ten samples lie above.
	Percentiles []Point
	// Cumulative are shares of the samples, 0 to 1, by time in µs.
	Cumulative []Point
}

// Point of a curve.
type Point struct{ X, Y float64 }

const (
	// percentileSteps is how many percentiles are read for each ten times fewer samples above, and cumulativeSteps how many times in all.
	percentileSteps = 40
	cumulativeSteps = 240
)

// shapes reads the histograms of the totals. All curves have the same x, as far as they go.
func shapes(run *result.Run) ([]Shape, error) {
	var list []Shape
	var times []*result.Histogram
	lowest, highest := math.Inf(1), 0.
	add := func(target int, service bool, s *result.Summary) error {
		h, err := s.Decode()
		if err != nil {
			return fmt.Errorf("the times of %q: %w", run.Targets[target].Name, err)
		}
		if h == nil || s.Min == nil || s.Max == nil {
			return nil
		}
		lowest, highest = min(lowest, *s.Min), max(highest, *s.Max)
		list = append(list, Shape{Target: target, Service: service, Count: s.Count, Percentiles: percentiles(h)})
		times = append(times, h)
		return nil
	}
	for i := range run.Targets {
		o := &run.Targets[i].Overall
		if err := add(i, false, &o.ResponseTime); err != nil {
			return nil, err
		}
		if o.ServiceTime.Histogram == o.ResponseTime.Histogram {
			continue
		}
		if err := add(i, true, &o.ServiceTime); err != nil {
			return nil, err
		}
	}
	for i, h := range times {
		list[i].Cumulative = cumulative(h, max(lowest, 1), highest)
	}
	return list, nil
}

// percentiles are nearest-rank, as everywhere. Those that tables name are among them exactly.
func percentiles(h *result.Histogram) []Point {
	n := float64(h.Count())
	xs := []float64{1}
	for i := 1; math.Pow(10, float64(i)/percentileSteps)*samplesAbove <= n*(1+1e-9); i++ {
		xs = append(xs, math.Pow(10, float64(i)/percentileSteps))
	}
	for _, x := range []float64{2, 4, 10, 20, 100, 1000, 10_000, 100_000} { // p50, p75, p90, p95, p99, ...
		if x*samplesAbove <= n {
			xs = append(xs, x)
		}
	}
	slices.Sort(xs)
	xs = slices.CompactFunc(xs, func(a, b float64) bool { return math.Abs(b-a) < 1e-9*a })
	points, ranks := make([]Point, len(xs)), make([]int64, len(xs))
	for i, x := range xs {
		// What floating point adds to a whole number must not make it the next one.
		ranks[i] = max(1, int64(math.Ceil(n-n/x-1e-9*n)))
	}
	for i, us := range h.AtRanks(ranks) {
		points[i] = Point{xs[i], us}
	}
	return points
}

func cumulative(h *result.Histogram, lowest, highest float64) []Point {
	n := float64(h.Count())
	var limits []time.Duration
	for i := range cumulativeSteps + 1 {
		us := lowest * math.Pow(highest/lowest, float64(i)/cumulativeSteps)
		if i == cumulativeSteps {
			us = highest*1.002 + 1 // all of the highest bucket
		}
		limits = append(limits, time.Duration(math.Ceil(us))*time.Microsecond)
	}
	limits = slices.Compact(limits)
	points := make([]Point, len(limits))
	for i, count := range h.AtMost(limits) {
		points[i] = Point{float64(limits[i].Microseconds()), float64(count) / n}
	}
	return points
}
