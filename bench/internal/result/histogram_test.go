package result_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// nearestRank is the definition, on the sorted list: the smallest sample that at least perMille of all are not above.
func nearestRank(sorted []time.Duration, perMille int) float64 {
	below := 0
	for below*1000 < perMille*len(sorted) {
		below++
	}
	return float64(sorted[max(below, 1)-1].Microseconds())
}

func TestSummaryAgainstSortedList(t *testing.T) {
	t.Parallel()
	us := func(n uint64) time.Duration { return time.Duration(n) * time.Microsecond }
	distributions := map[string]func(*rand.Rand) time.Duration{
		"constant": func(*rand.Rand) time.Duration { return us(4711) },
		"uniform":  func(r *rand.Rand) time.Duration { return us(1 + r.Uint64N(2_000_000)) },
		"bimodal": func(r *rand.Rand) time.Duration {
			if r.Uint64N(50) == 0 {
				return us(900_000 + r.Uint64N(400_000))
			}
			return us(900 + r.Uint64N(300))
		},
		"exponential": func(r *rand.Rand) time.Duration { return us(1 + uint64(r.ExpFloat64()*20_000)) },
		"log-normal": func(r *rand.Rand) time.Duration {
			return us(1 + uint64(1000*(1+r.ExpFloat64()*r.ExpFloat64()*r.ExpFloat64())))
		},
		"wide": func(r *rand.Rand) time.Duration { return us(1 + 1<<r.Uint64N(31)) },
		"tiny": func(r *rand.Rand) time.Duration { return us(1 + r.Uint64N(3)) },
	}
	// 160 is a size where rounding the rank, instead of taking the next whole one, is off by one sample.
	sizes := []int{1, 2, 3, 9, 10, 11, 99, 100, 101, 160, 999, 1000, 1001, 1600, 20_000}
	for name, draw := range distributions {
		for _, n := range sizes {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(uint64(n), 7))
				h, list, sum := result.NewHistogram(), make([]time.Duration, n), 0.0
				for i := range list {
					list[i] = draw(r)
					h.Record(list[i])
					sum += float64(list[i].Microseconds())
				}
				slices.Sort(list)
				s := h.Summary()
				within := func(what string, got *float64, want, tolerance float64) {
					t.Helper()
					if got == nil || *got < want*(1-tolerance) || *got > want*(1+tolerance) {
						t.Errorf("%s is %v, want %v", what, deref(got), want)
					}
				}
				within("p50", s.P50, nearestRank(list, 500), 0.001)
				within("p90", s.P90, nearestRank(list, 900), 0.001)
				within("p95", s.P95, nearestRank(list, 950), 0.001)
				within("p99", s.P99, nearestRank(list, 990), 0.001)
				within("p99.9", s.P999, nearestRank(list, 999), 0.001)
				within("min", s.Min, float64(list[0].Microseconds()), 0)
				within("max", s.Max, float64(list[n-1].Microseconds()), 0)
				within("mean", s.Mean, sum/float64(n), 1e-12)
				if s.Count != int64(n) || s.Clipped != 0 {
					t.Errorf("%d samples, %d clipped, want %d and none", s.Count, s.Clipped, n)
				}
			})
		}
	}
}

// A percentile of a million samples is within a thousandth of the sorted list's, and never below it.
func TestSummaryOfAMillion(t *testing.T) {
	t.Parallel()
	const n = 1_000_000
	ms := float64(time.Millisecond)
	distributions := map[string]func(*rand.Rand) float64{
		"uniform":     func(r *rand.Rand) float64 { return r.Float64() * 5000 * ms },
		"exponential": func(r *rand.Rand) float64 { return r.ExpFloat64() * 20 * ms },
		"log-normal":  func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) * 3 * ms },
		"pareto":      func(r *rand.Rand) float64 { return ms / math.Pow(1-r.Float64(), 1/1.2) },
		"bimodal": func(r *rand.Rand) float64 {
			if r.IntN(100) == 0 { // a cold start in a hundred
				return (300 + 40*r.NormFloat64()) * ms
			}
			return (2 + 0.2*r.NormFloat64()) * ms
		},
	}
	for name, draw := range distributions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(3, 4))
			h, list := result.NewHistogram(), make([]time.Duration, n)
			for i := range list {
				list[i] = min(max(time.Duration(draw(r)), time.Microsecond), time.Hour).Truncate(time.Microsecond)
				h.Record(list[i])
			}
			slices.Sort(list)
			s := h.Summary()
			for _, p := range []struct {
				perMille int
				got      *float64
			}{{500, s.P50}, {900, s.P90}, {950, s.P95}, {990, s.P99}, {999, s.P999}} {
				want := nearestRank(list, p.perMille)
				if *p.got < want || *p.got > want*1.001 {
					t.Errorf("p%g is %g µs, the list's %g", float64(p.perMille)/10, *p.got, want)
				}
			}
		})
	}
}

func deref(p *float64) any {
	if p == nil {
		return nil
	}
	return *p
}

func TestSummaryRoundTrip(t *testing.T) {
	t.Parallel()
	h := result.NewHistogram()
	r := rand.New(rand.NewPCG(3, 3))
	for range 12_345 {
		h.Record(time.Duration(r.Uint64N(uint64(time.Minute))))
	}
	h.Record(2 * time.Hour)
	want := h.Summary()
	back, err := want.Decode()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, back.Summary()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

func TestEmptySummary(t *testing.T) {
	t.Parallel()
	var none *result.Histogram
	for name, h := range map[string]*result.Histogram{"nil": none, "empty": result.NewHistogram()} {
		s := h.Summary()
		if diff := cmp.Diff(result.Summary{}, s); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
		if got, err := s.Decode(); got != nil || err != nil {
			t.Errorf("%s: decoded to %v, %v", name, got, err)
		}
	}
}

func TestMergeIsRecordingAll(t *testing.T) {
	t.Parallel()
	all, left, right := result.NewHistogram(), result.NewHistogram(), result.NewHistogram()
	r := rand.New(rand.NewPCG(5, 5))
	for i := range 5000 {
		d := time.Duration(r.Uint64N(uint64(3 * time.Second)))
		all.Record(d)
		if i%3 == 0 {
			left.Record(d)
		} else {
			right.Record(d)
		}
	}
	left.Record(-time.Second)
	all.Record(-time.Second)
	before := right.Summary()
	left.Merge(right)
	if diff := cmp.Diff(all.Summary(), left.Summary()); diff != "" {
		t.Errorf("(-all at once +merged)\n%s", diff)
	}
	if diff := cmp.Diff(before, right.Summary()); diff != "" {
		t.Errorf("merging changed what was merged: (-before +after)\n%s", diff)
	}
	left.Merge(result.NewHistogram())
	if diff := cmp.Diff(all.Summary(), left.Summary()); diff != "" {
		t.Errorf("merging an empty one changed something: (-before +after)\n%s", diff)
	}
	left.Reset()
	if diff := cmp.Diff(result.Summary{}, left.Summary()); diff != "" {
		t.Errorf("after a reset: (-want +got)\n%s", diff)
	}
	left.Record(time.Second)
	if s := left.Summary(); *s.Min != 1e6 || *s.Max != 1e6 {
		t.Errorf("after a reset, one second is %v to %v µs", *s.Min, *s.Max)
	}
}

func TestRecordAtTheEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		given   time.Duration
		us      float64
		clipped int64
	}{
		{"negative", -time.Nanosecond, 1, 1},
		{"zero", 0, 1, 0},
		{"below half a microsecond", 499, 1, 0},
		{"rounds up", 1500, 2, 0},
		{"rounds down", 2499, 2, 0},
		{"highest", time.Hour, 3.6e9, 0},
		{"above", time.Hour + time.Microsecond, 3.6e9, 1},
		{"far above", 1<<63 - 1, 3.6e9, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := result.NewHistogram()
			h.Record(test.given)
			s := h.Summary()
			if *s.Min != test.us || *s.Max != test.us || *s.P50 != test.us || s.Clipped != test.clipped {
				t.Errorf("min %v, median %v, max %v, %d clipped; want %v and %d", *s.Min, *s.P50, *s.Max, s.Clipped, test.us, test.clipped)
			}
		})
	}
}

// TestDecodeOtherGeometry reads what another program wrote with fewer digits and another range.
func TestDecodeOtherGeometry(t *testing.T) {
	t.Parallel()
	encode := func(highest, value int64) result.Summary {
		other := hdrhistogram.New(1, highest, 2)
		if err := other.RecordValue(value); err != nil {
			t.Fatal(err)
		}
		text, err := other.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			t.Fatal(err)
		}
		us := float64(value)
		return result.Summary{Count: 1, Min: &us, Mean: &us, Max: &us, Histogram: string(text)}
	}
	h, err := encode(1e7, 5000).Decode()
	if err != nil {
		t.Fatal(err)
	}
	h.Record(time.Hour)
	if s := h.Summary(); s.Count != 2 || *s.P50 < 4950 || *s.P50 > 5050 || *s.Max != 3.6e9 {
		t.Errorf("%d samples, median %v, max %v", s.Count, *s.P50, *s.Max)
	}
	if _, err := encode(1e12, 1e11).Decode(); err == nil {
		t.Error("a sample of 28 hours was no error")
	}
}

func TestDecodeSummaryErrors(t *testing.T) {
	t.Parallel()
	h := result.NewHistogram()
	h.Record(time.Millisecond)
	tests := map[string]func(*result.Summary){
		"no base64":      func(s *result.Summary) { s.Histogram = "?" },
		"cut":            func(s *result.Summary) { s.Histogram = s.Histogram[:len(s.Histogram)/2] },
		"empty":          func(s *result.Summary) { s.Histogram = "" },
		"other count":    func(s *result.Summary) { s.Count = 2 },
		"without a mean": func(s *result.Summary) { s.Mean = nil },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := h.Summary()
			damage(&s)
			if got, err := s.Decode(); err == nil {
				t.Errorf("decoded to %v, want an error", got)
			}
		})
	}
}

func TestWithout(t *testing.T) {
	all, some, rest := result.NewHistogram(), result.NewHistogram(), result.NewHistogram()
	for i := range 5000 {
		d := time.Duration(1+i*i) * time.Microsecond
		all.Record(d)
		if i%7 == 0 || i > 4990 {
			some.Record(d)
		} else {
			rest.Record(d)
		}
	}
	left, err := all.Without(some)
	if err != nil {
		t.Fatal(err)
	}
	got, want := left.Figures(), rest.Figures()
	if got.Count != want.Count || *got.Mean != *want.Mean || *got.P50 != *want.P50 || *got.P99 != *want.P99 {
		t.Errorf("left are %+v, want %+v", got, want)
	}
	if *got.Max < *want.Max || *got.Max > *want.Max*1.001 || *got.Min > *want.Min || *got.Min < *want.Min*0.999 {
		t.Errorf("from %v to %v, want about %v to %v", *got.Min, *got.Max, *want.Min, *want.Max)
	}
	if _, err := some.Without(all); err == nil {
		t.Error("more was taken out than there was")
	}
	if none, err := all.Without(all); err != nil || none.Figures().Count != 0 || none.Figures().Mean != nil {
		t.Errorf("of all without all is left %+v, %v", none.Figures(), err)
	}
	if same, err := all.Without(nil); err != nil || *same.Figures().Max != *all.Figures().Max {
		t.Errorf("without nothing: %v", err)
	}
}
