package report_test

import (
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/report"
)

// TestListOfFigures: words are flush left, figures flush right, as in all tables.
func TestListOfFigures(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := report.List(&b, []string{"Front door", "Requests"}, 1, [][]string{{"alb", "7"}, {"direct", "1,200"}}, report.Options{}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	if want := " alb                7"; len(lines) != 4 || lines[2] != want || !strings.HasSuffix(lines[3], "1,200") || len(lines[2]) != len(lines[3]) {
		t.Errorf("want %q in\n%s", want, b.String())
	}
}
