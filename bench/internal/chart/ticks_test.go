package chart_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/chart"
)

// TestCountsHaveWholeTicks, and figures that are not counts have others.
func TestCountsHaveWholeTicks(t *testing.T) {
	t.Parallel()
	fraction := regexp.MustCompile(`>\d*\.\d+(/s)?</text>`)
	for unit, list := range map[chart.Unit][]float64{chart.Count: {0, 1, 3}, chart.PerSecond: {1, 3}} {
		for _, highest := range list {
			c := chart.Chart{
				ID: "c", Title: "Test", X: chart.Axis{Label: "time", Unit: chart.Seconds, Scale: chart.Linear}, Y: chart.Axis{Label: "y", Unit: unit, Scale: chart.Linear, Zero: true},
				Series: []chart.Series{{Label: "one", Parts: [][]chart.Point{{{X: 0, Y: 0}, {X: 80, Y: highest}}}}},
			}
			data, err := c.SVG()
			if err != nil {
				t.Fatal(err)
			}
			text := string(data)
			if got := fraction.MatchString(text); got == (unit == chart.Count) || !strings.Contains(text, ">0") {
				t.Errorf("%s up to %v: ticks at fractions: %v\n%s", unit, highest, got, text)
			}
		}
	}
}
