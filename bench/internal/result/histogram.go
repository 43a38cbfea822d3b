package result

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range and the precision of every histogram in a result file.
const (
	MinValue          = time.Microsecond
	MaxValue          = time.Hour
	SignificantDigits = 3
)

// Histogram collects durations. It is not safe for concurrent use: each worker has its own, and they are merged.
type Histogram struct {
	counts *hdrhistogram.Histogram
	// What buckets blur is kept exactly beside them.
	min, max int64   // µs
	sum      float64 // µs
	clipped  int64
}

// NewHistogram makes an empty one, about 190 KB.
func NewHistogram() *Histogram {
	return &Histogram{
		counts: hdrhistogram.New(MinValue.Microseconds(), MaxValue.Microseconds(), SignificantDigits),
		min:    math.MaxInt64,
	}
}

// Record adds d, rounded to the nearest microsecond. What is outside the range is recorded at the range's end and counted
// as clipped.
func (h *Histogram) Record(d time.Duration) {
	us := d.Microseconds()
	if d%time.Microsecond >= 500*time.Nanosecond {
		us++
	}
	if us < MinValue.Microseconds() {
		// A span below half a microsecond is a real, if unlikely, value; a negative one is not.
		if d < 0 {
			h.clipped++
		}
		us = MinValue.Microseconds()
	} else if us > MaxValue.Microseconds() {
		h.clipped++
		us = MaxValue.Microseconds()
	}
	// The range was checked, so the only error left is 2^63 samples.
	_ = h.counts.RecordValue(us)
	h.min, h.max = min(h.min, us), max(h.max, us)
	h.sum += float64(us)
}

// Merge adds all of o to h; o stays as it is.
func (h *Histogram) Merge(o *Histogram) {
	// The same range and precision on both sides: nothing can be dropped.
	if dropped := h.counts.Merge(o.counts); dropped != 0 {
		panic(fmt.Sprintf("result: merging histograms of one geometry dropped %d samples", dropped))
	}
	h.min, h.max = min(h.min, o.min), max(h.max, o.max)
	h.sum += o.sum
	h.clipped += o.clipped
}

// Without is h less the samples of o, which must be among those of h: an error where they are not. Of what is left min and max are those
// of their buckets, which are 0.1 % wide at most.
func (h *Histogram) Without(o *Histogram) (*Histogram, error) {
	left := NewHistogram()
	if h == nil {
		h = left
	}
	if o == nil {
		left.Merge(h)
		return left, nil
	}
	all, less := h.counts.Export(), o.counts.Export()
	counts := slices.Clone(all.Counts)
	if len(less.Counts) != len(counts) {
		return nil, errors.New("the histograms have not the same buckets")
	}
	for i, n := range less.Counts {
		if counts[i] -= n; counts[i] < 0 {
			return nil, errors.New("a histogram lacks samples that were to be taken out of it")
		}
	}
	all.Counts = counts
	left.counts = hdrhistogram.Import(all)
	left.sum, left.clipped = max(0, h.sum-o.sum), max(0, h.clipped-o.clipped)
	if left.Count() > 0 {
		left.min, left.max = max(h.min, left.counts.Min()), min(h.max, left.counts.Max())
	}
	return left, nil
}

// Reset empties h and keeps its memory.
func (h *Histogram) Reset() {
	h.counts.Reset()
	h.min, h.max, h.sum, h.clipped = math.MaxInt64, 0, 0, 0
}

// Count is the number of samples.
func (h *Histogram) Count() int64 { return h.counts.TotalCount() }

// Summary of a set of durations, in µs. Count is always given; the others are null in an empty set.
type Summary struct {
	Count int64    `json:"count"`
	Min   *float64 `json:"min"`
	Mean  *float64 `json:"mean"`
	P50   *float64 `json:"p50"`
	P90   *float64 `json:"p90"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
	P999  *float64 `json:"p99_9"`
	Max   *float64 `json:"max"`
	// Clipped is how many samples were outside 1 µs to 1 h; they count at the end of that range.
	Clipped int64 `json:"clipped"`
	// Histogram is the base64 text of the compressed V2 HDR encoding; empty in an empty set.
	Histogram string `json:"histogram"`
}

// Summary of h; a nil h is an empty set. Percentiles are nearest-rank, to three significant digits: the value of a bucket is its
// highest one, but never above the exact maximum. Min, mean and max are exact to the microsecond.
func (h *Histogram) Summary() Summary {
	s := h.Figures()
	if s.Count > 0 {
		s.Histogram = encode(h.counts)
	}
	return s
}

// Figures are the summary of h without its histogram, for readers that have no file to write: encoding takes far longer.
func (h *Histogram) Figures() Summary {
	if h == nil || h.Count() == 0 {
		return Summary{}
	}
	n := h.Count()
	at := func(perMille int64) *float64 {
		v := h.atRank(rankOf(n, perMille))
		return &v
	}
	lowest, mean, highest := float64(h.min), h.sum/float64(n), float64(h.max)
	return Summary{
		Count: n, Min: &lowest, Mean: &mean, Max: &highest, Clipped: h.clipped,
		P50: at(500), P90: at(900), P95: at(950), P99: at(990), P999: at(999),
	}
}

// rankOf is the nearest rank of a percentile, given in thousandths, among n samples: the next whole one.
func rankOf(n, perMille int64) int64 { return (n*perMille + 999) / 1000 }

// atRank is the sample at a rank, 1 to Count, in µs. The library rounds n*p to the nearest rank; asking for the rank's own
// percentile gets that rank.
func (h *Histogram) atRank(rank int64) float64 {
	return float64(min(h.counts.ValueAtPercentile(float64(rank)/float64(h.Count())*100), h.max))
}

// Decode gives back the histogram behind the summary, or nil of an empty set. Errors say what is wrong with the text.
func (s Summary) Decode() (*Histogram, error) {
	if s.Count == 0 {
		return nil, nil // an empty set has no histogram, and that is no error
	}
	if _, err := new(inflater).check(&s); err != nil {
		return nil, err
	}
	counts, err := hdrhistogram.Decode([]byte(s.Histogram))
	if err != nil {
		return nil, fmt.Errorf("decoding the histogram: %w", err)
	}
	if s.Min == nil || s.Mean == nil || s.Max == nil {
		return nil, fmt.Errorf("summary of %d samples lacks min, mean or max", s.Count)
	}
	h := &Histogram{counts: counts}
	if counts.LowestTrackableValue() != MinValue.Microseconds() || counts.HighestTrackableValue() != MaxValue.Microseconds() ||
		counts.SignificantFigures() != SignificantDigits {
		h = NewHistogram()
		if dropped := h.counts.Merge(counts); dropped != 0 {
			return nil, fmt.Errorf("%d samples of the histogram are beyond %s", dropped, MaxValue)
		}
	}
	// The sum is a whole number of microseconds: rounding gives back exactly what the mean was made of.
	h.min, h.max, h.sum, h.clipped = int64(*s.Min), int64(*s.Max), math.Round(*s.Mean*float64(s.Count)), s.Clipped
	return h, nil
}
