package result

import "time"

// AtMost is how many samples are not above each of the limits, which must ascend. The buckets of the histogram decide: a sample
// within 0.1 % below a limit may count as above it.
func (h *Histogram) AtMost(limits []time.Duration) []uint64 {
	counts := make([]uint64, len(limits))
	if h == nil || len(limits) == 0 {
		return counts
	}
	at, total := 0, uint64(0)
	for _, bar := range h.counts.Distribution() {
		if bar.Count == 0 {
			continue
		}
		for at < len(limits) && bar.To > limits[at].Microseconds() {
			counts[at] = total
			at++
		}
		total += uint64(bar.Count) //nolint:gosec // a count is not negative
	}
	for ; at < len(limits); at++ {
		counts[at] = total
	}
	return counts
}

// AtRanks gives the samples at these ranks, 1 to Count and ascending, in µs: the value of a bucket is its highest one, but never
// above the exact maximum.
func (h *Histogram) AtRanks(ranks []int64) []float64 {
	values := make([]float64, 0, len(ranks))
	total := int64(0)
	for _, bar := range h.counts.Distribution() {
		total += bar.Count
		for len(values) < len(ranks) && ranks[len(values)] <= total {
			values = append(values, float64(min(bar.To, h.max)))
		}
	}
	for len(values) < len(ranks) {
		values = append(values, float64(h.max))
	}
	return values
}
