package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
)

// TestConcurrencyIsOfTheTimeItWasSeenIn: what was the most since the sample before was so at any time since then, so that a load between two
// samples alone is not drawn as none with a peak at its end.
func TestConcurrencyIsOfTheTimeItWasSeenIn(t *testing.T) {
	t.Parallel()
	l := &result.Lambda{LoadS: 4, Concurrency: []result.ConcurrencySample{
		{TS: 0, Idle: 1, EnvironmentsMax: 1},
		{TS: 1, Idle: 8, BusyMax: 8, EnvironmentsMax: 9, StartingMax: 3},
		{TS: 2, Busy: 2, Idle: 6, BusyMax: 4, EnvironmentsMax: 8},
		{TS: 4, Idle: 8, BusyMax: 2, EnvironmentsMax: 8},
	}}
	if got := sparkline(spans(l, 8), l.MostBusy()); got != "██▅▅▃▃▃▃" {
		t.Errorf("drawn is %s", got)
	}
	for i, want := range []span{{0, 1, 8, 9, 3}, {1, 2, 4, 8, 0}, {2, 3, 2, 8, 0}, {3, 4, 2, 8, 0}} {
		if got := spans(l, 4)[i]; got != want {
			t.Errorf("span %d is %+v, want %+v", i, got, want)
		}
	}
	text := strings.Join(concurrencyTable(l).head, "; ")
	if !strings.Contains(text, "Environments, max") || !strings.Contains(text, "In their init, max") {
		t.Errorf("the most are known:\n%s", text)
	}
}

// TestConcurrencyRowsAreOfSamples: a row is the time between two samples, so that none has what was before or after it, and each begins
// where the one above ended.
func TestConcurrencyRowsAreOfSamples(t *testing.T) {
	t.Parallel()
	l := &result.Lambda{LoadS: 2.646, Concurrency: []result.ConcurrencySample{
		{TS: 0, Idle: 1, EnvironmentsMax: 1},
		{TS: 0.41, Idle: 2, BusyMax: 2, EnvironmentsMax: 2, StartingMax: 1},
		{TS: 1.07, Idle: 10, BusyMax: 10, EnvironmentsMax: 10, StartingMax: 8},
		{TS: 1.07, Idle: 10, EnvironmentsMax: 10},
		{TS: 2.646, Idle: 20, BusyMax: 20, EnvironmentsMax: 20, StartingMax: 10},
	}}
	want := []span{{0, 0.41, 2, 2, 1}, {0.41, 1.07, 10, 10, 8}, {1.07, 2.646, 20, 20, 10}}
	if got := rows(l, 20); !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if got, want := rows(l, 2), []span{{0, 0.41, 2, 2, 1}, {0.41, 2.646, 20, 20, 10}}; !slices.Equal(got, want) {
		t.Errorf("at most two are %+v\nwant %+v", got, want)
	}
	if got := len(concurrencyTable(l).rows); got != 3 {
		t.Errorf("the table has %d rows of 3 samples", got)
	}
}

// TestConcurrencyOfOlderResults has environments as samples saw them, and says so.
func TestConcurrencyOfOlderResults(t *testing.T) {
	t.Parallel()
	l := resulttest.Meter()
	for i := range l.Concurrency {
		l.Concurrency[i].EnvironmentsMax, l.Concurrency[i].StartingMax = 0, 0
	}
	list := spans(l, 6) // of 10 s
	if want := (span{10, 20, 20, 19, 4}); list[1] != want {
		t.Errorf("%+v, want %+v", list[1], want)
	}
	if last := list[5]; last.environments != 21 {
		t.Errorf("in the end %+v", last)
	}
	if text := strings.Join(concurrencyTable(l).head, "; "); !strings.Contains(text, "Environments, sampled") || !strings.Contains(concurrencyNote(false), "is not seen") {
		t.Errorf("samples are told as the most:\n%s", text)
	}
	// The last sample is of the last part, whatever the rounding of a length in seconds makes of its end.
	for _, load := range []float64{10, 15.957, 18.999} {
		for parts := 1; parts <= 60; parts++ {
			list := spans(&result.Lambda{LoadS: load, Concurrency: []result.ConcurrencySample{{TS: 0, Idle: 1}, {TS: load, Idle: 5}}}, parts)
			if got := list[parts-1].environments; got != 5 {
				t.Errorf("the last of %d parts of %g s has %d environments, want 5", parts, load, got)
			}
		}
	}
	// A result may end with its only sample.
	if got := spans(&result.Lambda{LoadS: 2, Concurrency: []result.ConcurrencySample{{TS: 2, Busy: 3, BusyMax: 3}}}, 2); got[1].busy != 3 {
		t.Errorf("%+v", got)
	}
}
