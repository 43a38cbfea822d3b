package report_test

import (
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/report"
)

// change compares two runs of six rounds with these of the targets of compared, whose rounds differ by chance.
func change(t *testing.T, targets ...int) report.Change {
	t.Helper()
	old, now := compared(), compared()
	old.Targets, now.Targets = nil, nil
	all := compared().Targets
	for _, i := range targets {
		before, after := all[i], all[2-i] // ec2 and its twin trade places
		after.Name = before.Name
		old.Targets, now.Targets = append(old.Targets, before), append(now.Targets, after)
	}
	now.StartedAt = now.StartedAt.Add(1)
	c, err := analysis.CompareRuns(old, now)
	if err != nil {
		t.Fatal(err)
	}
	return report.Change{RunComparison: c, Tolerance: 0.05}
}

func inColumns(t *testing.T, c report.Change, columns int) string {
	t.Helper()
	var b strings.Builder
	if err := c.Terminal(&b, report.Options{Width: columns}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// TestChangeSaysWhatIsLeftOut: the figures stay as long as there is room for them, and what goes does not go silently.
func TestChangeSaysWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	c := change(t, 0, 2)
	for _, test := range []struct {
		columns       int
		figures, more bool
		note          string
	}{
		{200, true, true, ""},
		{80, true, false, "Left out in 80 columns: how many more rounds would tell a difference."},
		{60, false, true, "Left out in 60 columns: the figures of the two runs."},
	} {
		text := inColumns(t, c, test.columns)
		if got := strings.Contains(text, "Metric Old New New / old"); got != test.figures {
			t.Errorf("in %d columns the figures are there: %v\n%s", test.columns, got, text)
		}
		if got := strings.Contains(text, "(about 56 more"); got != test.more {
			t.Errorf("in %d columns the rounds that it takes are there: %v\n%s", test.columns, got, text)
		}
		if got := strings.Contains(text, "Left out in"); got != (test.note != "") || !strings.Contains(text, test.note) {
			t.Errorf("in %d columns no %q in\n%s", test.columns, test.note, text)
		}
	}
}

// TestChangeNamesItsTarget in a column, or where there is but one above the table.
func TestChangeNamesItsTarget(t *testing.T) {
	t.Parallel()
	one := change(t, 0)
	if text := inColumns(t, one, 100); !strings.Contains(text, "What changed: ec2 Metric") {
		t.Errorf("no name in\n%s", text)
	}
	page, err := one.Markdown()
	if err != nil || !strings.Contains(string(page), "\n## Figures: ec2\n") {
		t.Errorf("%v, no name in\n%s", err, page)
	}
	if text := inColumns(t, change(t, 0, 2), 100); !strings.Contains(text, "What changed Target Metric") {
		t.Errorf("a name above the table of two in\n%s", text)
	}
}
