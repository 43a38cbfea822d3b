package report_test

import (
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
)

func TestColdStartsOutsideTheCount(t *testing.T) {
	t.Parallel()
	environments := func(started, requests, check int64) *result.Run {
		run := normal()
		run.Targets[1].ColdStarts = &result.ColdStarts{Requests: requests, WarmedByCheck: check, Environments: &started}
		return run
	}
	tests := []struct {
		name      string
		run       *result.Run
		line, row bool
		want      string
	}{
		{
			"all in a warm-up phase", environments(21, 0, 1), true, true,
			"Cold starts: lambda 0 of 7,400 requests; environments started besides: 1 by the check before the load, 20 in warm-up phases or unseen.",
		},
		{"some", environments(21, 13, 1), true, true, "7 in warm-up phases or unseen."},
		{"all counted", environments(21, 20, 1), true, false, "besides: 1 by the check before the load."},
		{"none", environments(0, 0, 0), false, false, ""},
		{"more requests than environments", environments(3, 5, 0), true, false, "Cold starts: lambda 5 of 7,400 requests."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := markdown(t, model(t, test.run))
			if got := strings.Contains(text, "- Cold starts: "); got != test.line || !strings.Contains(text, test.want) {
				t.Errorf("a line is there: %v, want %v with %q, in\n%s", got, test.line, test.want, text)
			}
			if got := strings.Contains(text, "| In warm-up phases or unseen"); got != test.row {
				t.Errorf("a row is there: %v, want %v", got, test.row)
			}
			if got := strings.Contains(text, "*In warm-up phases or unseen* are"); got != test.row {
				t.Errorf("the row is explained: %v, want %v", got, test.row)
			}
		})
	}
}

// TestConcurrencyWithoutJournal must not say when requests were cold, nor that none was.
func TestConcurrencyWithoutJournal(t *testing.T) {
	t.Parallel()
	m := full(t, withErrors())
	for _, known := range []bool{true, false} {
		if !known {
			m.Timeline = nil
		}
		_, text, found := strings.Cut(string(page(t, m)), "Cold starts and concurrency over time")
		if !found {
			t.Fatal("there is no such chart")
		}
		if got := strings.Contains(text, "When requests were cold is not known: there is no intervals.ndjson"); got == known {
			t.Errorf("with the intervals %v: it says that they are missing: %v", known, got)
		}
		if got := strings.Contains(text, ">Cold requests</th>"); got != known {
			t.Errorf("with the intervals %v: there is a column: %v", known, got)
		}
		if strings.Contains(text, "No interval had a cold request") || strings.Contains(text, "No counted interval") {
			t.Errorf("with the intervals %v: 20 cold requests are none", known)
		}
	}
}

// TestConcurrencyOfURLs has the cold requests alone: nobody counted invocations there.
func TestConcurrencyOfURLs(t *testing.T) {
	t.Parallel()
	run := urls()
	m := model(t, run)
	intervals := resulttest.Intervals(run, 0)
	for i := range intervals {
		intervals[i].Cold = 1
	}
	m.Timeline = analysis.NewTimeline(run, intervals)
	text := markdown(t, m)
	_, text, found := strings.Cut(text, "### Cold starts and concurrency over time")
	text, _, _ = strings.Cut(text, "### ")
	if !found || !strings.Contains(text, "Cold requests are those of an interval") || strings.Contains(text, "Invocations at once") || strings.Contains(text, "local Lambda service") {
		t.Errorf("the chart is there: %v, with the text\n%s", found, text)
	}
}

// TestEnvironmentsAreNamed tells the two counts of environments apart, and samples from maxima.
func TestEnvironmentsAreNamed(t *testing.T) {
	t.Parallel()
	text := markdown(t, model(t, withErrors()))
	for _, want := range []string{"| Environments started, check included ", "| Environments started by the load ", "| In their init, max ", "of which there is about one a second"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "sampled") || strings.Contains(text, "| Environments started |") {
		t.Errorf("a name says too little in\n%s", text)
	}
}
