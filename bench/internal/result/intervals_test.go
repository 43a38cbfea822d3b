package result_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// twoIntervals is a journal of one interval for each of two targets, written by hand: what the journal's own writer is not asked for.
const twoIntervals = `{"type":"head","run":{"schema_version":1}}
{"type":"interval","target":"one","at":"2026-07-31T09:30:02.5Z","from_s":0.5,"to_s":1.5,"in_flight":3,"queued":1,"phase":{"name":"peak","warmup":true,"round":2,"turn":1,"requests":7,"successes":5,` +
	`"response_time_us":{"count":5,"min":10,"mean":20,"p50":15,"p90":30,"p95":31,"p99":32,"p99_9":33,"max":34,"histogram":"not looked at"}},"cold_us":{"count":2}}
{"type":"turn","target":"one","at":"2026-07-31T09:30:02.6Z","phase":"peak","round":2,"wall_s":1}
{"type":"health","generator":{"verdict":"valid"}}
{"type":"interval","target":"two","at":"2026-07-31T09:30:03Z","from_s":0,"to_s":0,"phase":{"name":"peak","round":2,"requests":0,"successes":0,"response_time_us":{"count":0}},"cold_us":null}
`

func TestReadIntervals(t *testing.T) {
	t.Parallel()
	f := func(v float64) *float64 { return &v }
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	want := []result.Interval{
		{
			Target: "one", Phase: "peak", Round: 2, Warmup: true, From: at("2026-07-31T09:30:01.5Z"), To: at("2026-07-31T09:30:02.5Z"),
			Requests: 7, Successes: 5, Cold: 2, InFlight: 3, Queued: 1,
			Times: result.Summary{Count: 5, Min: f(10), Mean: f(20), P50: f(15), P90: f(30), P95: f(31), P99: f(32), P999: f(33), Max: f(34)},
		},
		{Target: "two", Phase: "peak", Round: 2, From: at("2026-07-31T09:30:03Z"), To: at("2026-07-31T09:30:03Z")},
	}
	for name, text := range map[string]string{
		"whole":             twoIntervals,
		"cut in a line":     twoIntervals + `{"type":"interval","tar`,
		"cut, with a break": twoIntervals + "{\"type\":\n",
	} {
		got, err := result.ReadIntervals(strings.NewReader(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

// TestIntervalsOfATurnTouch: each begins when the one before ended, whenever their lines were written.
func TestIntervalsOfATurnTouch(t *testing.T) {
	t.Parallel()
	line := func(at, from, to string) string {
		return `{"type":"interval","target":"one","at":"2026-07-31T09:30:` + at + `Z","from_s":` + from + `,"to_s":` + to +
			`,"phase":{"name":"peak","round":1,"requests":0,"successes":0,"response_time_us":{"count":0}}}` + "\n"
	}
	list, err := result.ReadIntervals(strings.NewReader(`{"type":"head","run":{"schema_version":1}}` + "\n" +
		line("02", "0", "1.001") + line("02.997", "1.001", "2.0015") + line("03.2", "2.0015", "2.2") + line("09", "0", "1") + line("12", "2", "3")))
	if err != nil || len(list) != 5 {
		t.Fatalf("%d intervals: %v", len(list), err)
	}
	for i := range 2 {
		if before, now := list[i], list[i+1]; !now.From.Equal(before.To) {
			t.Errorf("interval %d is from %s, and the one before to %s", i+2, now.From, before.To)
		}
	}
	if got := list[2].To.Sub(list[0].From); got != 2200*time.Millisecond {
		t.Errorf("the turn took %s", got)
	}
	for i, want := range map[int]string{3: "09:30:08", 4: "09:30:11"} { // another turn, and one after a gap
		if got := list[i].From.Format(time.TimeOnly); got != want {
			t.Errorf("interval %d is from %s, want %s", i+1, got, want)
		}
	}
}

// TestIntervalsOfARecording holds the lean reader against the whole one: both see the same requests.
func TestIntervalsOfARecording(t *testing.T) {
	t.Parallel()
	r := newRecording(t, true, "one", "two")
	r.turn(0, warm, 1, 2, true)
	r.turn(1, peak, 1, 3, true)
	r.turn(0, peak, 1, 1, false)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, result.JournalName), r.text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := result.LoadIntervals(dir)
	if err != nil {
		t.Fatal(err)
	}
	run, err := result.LoadJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	type counts struct{ requests, successes, times int64 }
	got, want := map[string]counts{}, map[string]counts{}
	for _, i := range list {
		c := got[i.Target+i.Phase]
		got[i.Target+i.Phase] = counts{c.requests + i.Requests, c.successes + i.Successes, c.times + i.Times.Count}
		if i.To.Before(i.From) {
			t.Errorf("an interval ends before it begins: %+v", i)
		}
	}
	for _, target := range run.Targets {
		for _, p := range target.Phases {
			want[target.Name+p.Name] = counts{p.Requests, p.Successes, p.ResponseTime.Count}
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(counts{})); diff != "" {
		t.Errorf("(-whole reader +lean reader)\n%s", diff)
	}
}

func TestIntervalFaults(t *testing.T) {
	t.Parallel()
	if _, err := result.LoadIntervals(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a folder without a journal: %v", err)
	}
	tests := []struct{ name, old, new, want string }{
		{"another version", `"schema_version":1`, `"schema_version":2`, "line 1: unknown schema version: this program reads version 1"},
		{"no head", `"type":"head"`, `"type":"turn"`, `line 1: a journal begins with its only line of type "head"; this one has type "turn"`},
		{"two heads", `"type":"turn"`, `"type":"head"`, "line 3: phase: the value is of the wrong kind: string"},
		{"garbage", `{"type":"turn"`, `"type"`, "line 3: invalid character"},
		{"backwards", `"from_s":0.5`, `"from_s":2`, "line 2: the interval is from 2 s to 1.5 s"},
		{"endless", `"to_s":1.5`, `"to_s":1e12`, "line 2: the interval is from 0.5 s to 1e+12 s"},
		{"no time", `"at":"2026-07-31T09:30:02.5Z",`, ``, "line 2: the interval has no time"},
		{"fewer requests than successes", `"requests":7`, `"requests":4`, "line 2: the interval has 4 requests, 5 successes and 5 times"},
		{"negative", `"requests":7,"successes":5`, `"requests":-1,"successes":-1`, "line 2: the interval has -1 requests"},
		{"more times than successes", `{"count":5`, `{"count":6`, "5 successes and 6 times"},
		{"a negative queue", `"queued":1`, `"queued":-1`, "line 2: the interval has an impossible count"},
		{"more cold than all", `{"count":2}`, `{"count":6}`, "line 2: the interval has an impossible count"},
		{"no p99", `"p99":32,`, ``, "line 2: phase.response_time_us: figures and count do not match"},
		{"a time below 0", `"min":10`, `"min":-10`, "line 2: phase.response_time_us: -10 is outside of 0 to 1h0m0s"},
		{"a time of a day", `"max":34`, `"max":86400000000`, "is outside of 0 to 1h0m0s"},
		{"figures of the wrong kind", `"p50":15`, `"p50":"15"`, "line 2: phase.response_time_us.p50: the value is of the wrong kind: string"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(twoIntervals, test.old, test.new, 1)
			if text == twoIntervals {
				t.Fatal("nothing was changed")
			}
			if _, err := result.ReadIntervals(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, expected %q in it", err, test.want)
			}
		})
	}
}

func FuzzReadIntervals(f *testing.F) {
	f.Add(twoIntervals)
	f.Add(twoIntervals[:len(twoIntervals)-10])
	f.Add(strings.Replace(twoIntervals, `"to_s":1.5`, `"to_s":1e300`, 1))
	f.Add("")
	f.Add("{}\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := result.ReadIntervals(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, i := range list {
			if i.To.Before(i.From) || i.Requests < i.Successes || i.Successes != i.Times.Count || i.Successes < 0 || i.Cold > i.Successes {
				t.Errorf("an impossible interval: %+v", i)
			}
		}
	})
}

func TestAtRanks(t *testing.T) {
	t.Parallel()
	h := result.NewHistogram()
	for us := range 1000 {
		h.Record(time.Duration(us+1) * time.Microsecond) // each has a bucket of its own
	}
	got := h.AtRanks([]int64{1, 1, 2, 500, 990, 1000, 1001})
	if diff := cmp.Diff([]float64{1, 1, 2, 500, 990, 1000, 1000}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	h.Record(123_456 * time.Microsecond)
	if got := h.AtRanks([]int64{1001}); got[0] != 123_456 {
		t.Errorf("the highest is %g, above the exact maximum", got[0])
	}
	if got := h.AtRanks(nil); len(got) != 0 {
		t.Errorf("no ranks have samples: %v", got)
	}
}
