package result_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

func read(t testing.TB, text string) *result.Run {
	t.Helper()
	run, err := result.ReadJournal(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

var warm, peak = result.PhaseStats{Name: "warm", Warmup: true, Round: 1, Turn: 1, Workers: 2}, result.PhaseStats{Name: "peak", Round: 1, Turn: 2, Workers: 4}

// TestJournalAddsUp holds what is rebuilt from intervals against histograms that had all samples at once.
func TestJournalAddsUp(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]bool{"closed": false, "open": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecording(t, open, "one", "two")
			want := [][]*span{{newSpan(), newSpan(), newSpan()}, {newSpan(), newSpan(), newSpan()}}
			for target := range 2 {
				r.turn(target, warm, 2, 100, true)
			}
			for target := range 2 {
				r.turn(target, peak, 4, 500, true, want[target]...)
			}
			got := read(t, r.text.String())
			if !got.Interrupted || len(got.Warnings) == 0 || !got.FinishedAt.Equal(r.now) || *got.Generator.CPUFraction != 0.25 {
				t.Errorf("interrupted %t until %s, %+v, %q", got.Interrupted, got.FinishedAt, got.Generator, got.Warnings)
			}
			for i := range got.Targets {
				g := &got.Targets[i]
				if d := cmp.Diff(r.run.Targets[i].Phases, g.Phases); d != "" {
					t.Errorf("phases of %s: -want +got:\n%s", g.Name, d)
				}
				if d := cmp.Diff(want[i][0].stats(), g.Overall); d != "" {
					t.Errorf("overall of %s: -want +got:\n%s", g.Name, d)
				}
				for n := range g.Steps {
					if d := cmp.Diff(want[i][1+n].stats(), g.Steps[n].Stats); d != "" {
						t.Errorf("step %s of %s: -want +got:\n%s", g.Steps[n].Name, g.Name, d)
					}
				}
				if g.ColdStarts == nil || g.ColdStarts.Requests == 0 || len(g.Examples) != 2 || g.Examples[0].Detail != "in interval 0" {
					t.Errorf("%s: cold starts %+v, examples %+v", g.Name, g.ColdStarts, g.Examples)
				}
			}
			if d := cmp.Diff(r.run.Scenario, got.Scenario, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("scenario: -want +got:\n%s", d)
			}
		})
	}
}

func TestJournalOfAnUnfinishedTurn(t *testing.T) {
	t.Parallel()
	r := newRecording(t, true, "one", "two")
	r.turn(0, peak, 1, 50, true)
	r.turn(1, peak, 3, 50, false)
	got := read(t, r.text.String()+`{"type":"interval","target":"two`)
	two := got.Targets[1]
	if len(two.Phases) != 1 || two.Overall.Requests != 150 || two.Overall.WallS == nil || *two.Overall.WallS != 3 {
		t.Errorf("of the turn that was under way there is %+v", two.Overall)
	}
	all := strings.Join(got.Warnings, "\n")
	for _, want := range []string{"There is no result.json", "second 3.0 of phase peak, round 1, on two, at 2026-07-31 09:30:04 UTC", "was cut off and is ignored"} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning says %q:\n%s", want, all)
		}
	}
	// Of the first turn alone nothing is known of the generator.
	r = newRecording(t, false, "one")
	r.turn(0, peak, 1, 1, false)
	if g := read(t, r.text.String()).Generator; g.Verdict != result.Suspect || len(g.Reasons) != 1 {
		t.Errorf("a generator of which nothing is known is %+v", g)
	}
	if got := read(t, newRecording(t, false, "one").text.String()); len(got.Targets) != 1 || !strings.Contains(got.Warnings[0], "no figures yet") {
		t.Errorf("a run that only began: %+v", got)
	}
}

// TestJournalCutAnywhere cuts a journal at every byte.
func TestJournalCutAnywhere(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("with the race detector: one goroutine, and many files")
	}
	r := newRecording(t, false, "one")
	r.turn(0, warm, 1, 0, true)
	r.turn(0, peak, 1, 2, true) // last, as histograms are what takes time
	text := r.text.String()
	head := strings.Index(text, "\n") + 1
	last := int64(0)
	step := 1
	if raceEnabled {
		step = 7 // histograms are slow under the race detector
	}
	for n := 0; n <= len(text); n += step {
		got, err := result.ReadJournal(strings.NewReader(text[:n]))
		if (err == nil) != (n >= head) {
			t.Fatalf("cut after %d of %d bytes, %d of them the first line: %v", n, len(text), head, err)
		}
		if err != nil {
			continue
		}
		requests := int64(0)
		for _, p := range got.Targets[0].Phases {
			requests += p.Requests
		}
		if requests < last {
			t.Fatalf("cut after %d bytes: %d requests, with a byte less %d", n, requests, last)
		}
		last = requests
		if said := strings.Contains(strings.Join(got.Warnings, ""), "cut off"); said != (text[n-1] != '\n') {
			t.Fatalf("cut after %d bytes: says that a line is cut off: %t", n, said)
		}
	}
	if got := read(t, text); last != 2 || got.Targets[0].Overall.Requests != 2 {
		t.Errorf("%d requests of the whole, want 2", last)
	}
	// A file system may have made the file longer before the power was gone.
	if got := read(t, text+"\x00\x00\x00"); !strings.Contains(strings.Join(got.Warnings, ""), "cut off") {
		t.Errorf("a tail of zeros is not told of: %q", got.Warnings)
	}
	read(t, text+"\x00\x00\n")
}

func TestJournalFaults(t *testing.T) {
	t.Parallel()
	r := newRecording(t, false, "one", "two")
	r.turn(0, peak, 2, 3, true)
	r.turn(1, peak, 1, 3, true)
	// Lines: 1 the head, 2 and 3 the intervals of one, 4 its end, 5 the health, 6 the interval of two, 7 its end, 8 the health.
	lines := strings.SplitAfter(r.text.String(), "\n")
	lines = lines[:len(lines)-1]
	replaced := func(n int, old, text string) []string {
		out := append([]string{}, lines...)
		if !strings.Contains(out[n], old) {
			t.Fatalf("line %d has no %q", n+1, old)
		}
		out[n] = strings.Replace(out[n], old, text, 1)
		return out
	}
	without := func(n int) []string { return append(append([]string{}, lines[:n]...), lines[n+1:]...) }
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"empty":                    {nil, "the journal's first line is not whole"},
		"no head":                  {without(0), `line 1: a journal begins with its only line of type "head"; this one has type "interval"`},
		"two heads":                {append([]string{lines[0]}, lines...), `line 2: a journal begins with its only line of type "head"`},
		"another version":          {replaced(0, `"schema_version":1`, `"schema_version":9`), "line 1: unknown schema version 9"},
		"a head without run":       {replaced(0, `"run":`, `"ran":`), "line 1: not a result file"},
		"two targets of a name":    {replaced(0, `"two"`, `"one"`), `line 1: targets[1]: name "one" is empty or not unique`},
		"garbage in the middle":    {replaced(2, `"target"`, `"tar`), "line 3: the line is cut off or is not JSON"},
		"an empty line":            {replaced(1, lines[1], "\n"), "line 2: the line is cut off or is not JSON"},
		"an unknown type":          {replaced(1, `"interval"`, `"span"`), `line 2: unknown type "span"`},
		"a wrong kind of value":    {replaced(1, `"from_s":0`, `"from_s":"0"`), "line 2: from_s: the value is of the wrong kind"},
		"not an object":            {replaced(1, lines[1], "7\n"), "line 2: it is JSON, but of the wrong kind"},
		"an interval too few":      {without(1), "line 2: the interval is from 1 s to 2 s, and the one before it ended at 0 s"},
		"time runs back":           {replaced(2, `"to_s":2`, `"to_s":0.5`), "line 3: the interval is from 1 s to 0.5 s"},
		"a turn without its end":   {without(3), `line 5: an interval of "two", phase "peak", round 1, and that of "one", phase "peak", round 1 has not ended`},
		"an end without its turn":  {append(append([]string{}, lines...), lines[3]), `line 9: the end of "one", phase "peak", round 1, which has no interval before it`},
		"an unknown target":        {replaced(1, `"one"`, `"three"`), `line 2: target "three" is not in the first line`},
		"a negative wall time":     {replaced(3, `"wall_s":`, `"wall_s":-`), "line 4: wall_s is -"},
		"counts that do not match": {replaced(1, `"requests":3`, `"requests":4`), "line 2: phase: 4 requests are not"},
		"a step too few":           {replaced(1, `"steps":[`, `"stops":[`), "line 2: the interval has 0 steps, and the scenario has 2"},
		"a capacity of nothing":    {append(append([]string{}, lines...), `{"type":"capacity","target":"one"}`+"\n"), "line 9: capacity is missing"},
		"a capacity of no one":     {append(append([]string{}, lines...), `{"type":"capacity","target":"three","capacity":{}}`+"\n"), `line 9: target "three" is not in`},
		"an impossible capacity":   {append(append([]string{}, lines...), `{"type":"capacity","target":"one","capacity":{"kept_rps":-1}}`+"\n"), "line 9: capacity: kept_rps is negative"},
		"a broken histogram":       {replaced(1, `"histogram":"HIST`, `"histogram":"HEST`), "line 2: phase.response_time_us: the histogram is broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := result.ReadJournal(strings.NewReader(strings.Join(c.lines, "")))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
	if _, err := result.LoadJournal(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder without a journal: %v", err)
	}
	broken := errors.New("the disk is gone")
	if _, err := result.ReadJournal(io.MultiReader(strings.NewReader(lines[0]), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzReadJournal(f *testing.F) {
	r := newRecording(f, true, "one")
	r.turn(0, warm, 1, 0, true)
	r.turn(0, peak, 2, 2, false)
	text := r.text.String()
	f.Add(text)
	f.Add(text[:len(text)-10])
	f.Add(strings.Replace(text, `"to_s":1`, `"to_s":1e300`, 1))
	f.Add("")
	f.Add("{}\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := result.ReadJournal(strings.NewReader(text))
		if err != nil {
			return
		}
		if !got.Interrupted || len(got.Warnings) == 0 {
			t.Errorf("a rebuilt run that does not say so: %+v", got)
		}
		data, err := got.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := result.Decode(data); err != nil {
			t.Errorf("what is rebuilt is no result: %v", err)
		}
	})
}

func TestAtMost(t *testing.T) {
	t.Parallel()
	limits := []time.Duration{time.Microsecond, 100 * time.Microsecond, time.Millisecond, 50 * time.Millisecond, time.Minute, time.Hour}
	h, want := result.NewHistogram(), make([]uint64, len(limits))
	random := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		us := int64(1 + random.ExpFloat64()*float64(random.IntN(1_000_000)))
		h.Record(time.Duration(us) * time.Microsecond)
		for i, limit := range limits {
			if us <= limit.Microseconds() {
				want[i]++
			}
		}
	}
	got := h.AtMost(limits)
	for i := range want {
		// 50 ms is inside of a bucket of 32 µs, whose samples count as above it.
		if got[i] > want[i] || got[i]+20 < want[i] {
			t.Errorf("%d samples are at most %s, want %d", got[i], limits[i], want[i])
		}
	}
	for i, n := range (*result.Histogram)(nil).AtMost(limits) {
		if n != 0 {
			t.Errorf("an empty histogram has %d samples of at most %s", n, limits[i])
		}
	}
	if got := h.AtMost(limits[5:]); got[0] != 10_000 {
		t.Errorf("%d samples are at most an hour", got[0])
	}
}
