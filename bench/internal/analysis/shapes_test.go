package analysis_test

import (
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
)

// TestShapesAgreeWithTables holds the curves against the percentiles that the file has: another code reads those.
func TestShapesAgreeWithTables(t *testing.T) {
	t.Parallel()
	m, err := analysis.Compare(resulttest.Run(resulttest.FourPhase(100), 1, resulttest.EC2(), resulttest.Lambda()))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Shapes) != 2 {
		t.Fatalf("%d shapes, not one a target", len(m.Shapes))
	}
	for _, s := range m.Shapes {
		byX := map[float64]float64{}
		for i, p := range s.Percentiles {
			byX[p.X] = p.Y
			if i > 0 && (p.X <= s.Percentiles[i-1].X || p.Y < s.Percentiles[i-1].Y) {
				t.Errorf("target %d: point %d is %v after %v", s.Target, i, p, s.Percentiles[i-1])
			}
		}
		for key, x := range map[string]float64{"p50": 2, "p90": 10, "p95": 20, "p99": 100, "p99_9": 1000} {
			row, _ := analysis.Find(m.Totals, key)
			if want, ok := row.Cells[s.Target].Value.Get(); !ok || byX[x] != want {
				t.Errorf("target %d: %s is %g in the curve and %g in the table", s.Target, key, byX[x], want)
			}
		}
		last := s.Cumulative[len(s.Cumulative)-1]
		if above := float64(s.Count) / s.Percentiles[len(s.Percentiles)-1].X; above < 10-1e-6 || last.Y != 1 {
			t.Errorf("target %d: %g samples lie above the end of the curve, and the cumulative one ends at %g", s.Target, above, last.Y)
		}
	}
}
