// Package knee searches for the highest rate at which something that can be tried still keeps what is asked of it.
//
// It is a pure leaf: it says which rate to try next and is told what came of it, and knows neither clock nor load.
package knee

import (
	"cmp"
	"math"
	"slices"
)

// Options of a search. All rates are in the same unit.
type Options struct {
	// Start is the first rate that is tried, from Min to Max; Min is above 0.
	Start, Min, Max float64
	// Precision is how near, as a share, the lowest rate that is missed must come to the highest that is kept: 0.05 is 5 %. It
	// is at least 0.01, as rates have four digits.
	Precision float64
	// Repeats is how often both of them are tried, at least 1. It should be odd: the majority decides.
	Repeats int
	// MaxTrials ends the search.
	MaxTrials int
}

// grows is the factor from one rate to the next until one is missed.
const grows = 2

// Outcome of a trial.
type Outcome struct {
	Met bool
	// Foreign says that a trial was missed for a reason that is not in what is tried.
	Foreign bool
}

// Search is under way. What it does next depends on nothing but its options and the outcomes so far.
//
// The rate grows by factors of two until it is missed, then the bracket of the highest rate that is kept and the lowest that is missed is
// halved, on a logarithmic scale, until it is within the precision. Then both ends are repeated. If the majority at one end turns,
// that end moves to the next rate that was tried, and the search goes on from there, so that an outcome by chance costs trials
// and not truth.
type Search struct {
	o      Options
	trials int
	rates  []tally // ascending
}

// tally is what came of all trials at a rate.
type tally struct {
	rate                 float64
	met, missed, foreign int
}

func (t *tally) trials() int { return t.met + t.missed }

// kept by the majority; as many for as against do not keep it.
func (t *tally) kept() bool { return t.met > t.missed }

func (t *tally) unanimous() bool { return t.met == 0 || t.missed == 0 }

// New begins a search.
func New(o Options) *Search { return &Search{o: o} }

// bracket gives the indexes of the lowest rate that is missed, and of the highest below it that is kept; -1 if there is none.
func (s *Search) bracket() (kept, missed int) {
	missed = slices.IndexFunc(s.rates, func(t tally) bool { return !t.kept() })
	if missed < 0 {
		return len(s.rates) - 1, missed
	}
	return missed - 1, missed
}

// Next is the rate to try; false when the search is over.
func (s *Search) Next() (rate float64, ok bool) {
	if s.trials >= s.o.MaxTrials {
		return 0, false
	}
	kept, missed := s.bracket()
	switch {
	case len(s.rates) == 0:
		return s.o.Start, true
	case missed < 0 && s.rates[kept].rate < s.o.Max:
		return min(s.rates[kept].rate*grows, s.o.Max), true
	case kept < 0 && s.rates[missed].rate > s.o.Min:
		return max(s.rates[missed].rate/grows, s.o.Min), true
	case kept >= 0 && missed >= 0 && s.rates[missed].rate > s.rates[kept].rate*(1+s.o.Precision):
		return round(math.Sqrt(s.rates[missed].rate * s.rates[kept].rate)), true
	}
	return s.repeat(kept, missed)
}

// round to four digits, which people can read and type again.
func round(rate float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(rate))-3)
	return math.Round(rate/unit) * unit
}

// repeat the end of the bracket that was tried less often, the kept one first.
func (s *Search) repeat(kept, missed int) (rate float64, ok bool) {
	least := -1
	for _, i := range []int{kept, missed} {
		if i >= 0 && s.rates[i].trials() < s.o.Repeats && (least < 0 || s.rates[i].trials() < s.rates[least].trials()) {
			least = i
		}
	}
	if least < 0 {
		return 0, false
	}
	return s.rates[least].rate, true
}

// Record tells what came of a trial at a rate, which should be the one of Next.
func (s *Search) Record(rate float64, o Outcome) {
	s.trials++
	i, found := slices.BinarySearchFunc(s.rates, rate, func(t tally, rate float64) int { return cmp.Compare(t.rate, rate) })
	if !found {
		s.rates = slices.Insert(s.rates, i, tally{rate: rate})
	}
	t := &s.rates[i]
	switch {
	case o.Met:
		t.met++
	case o.Foreign:
		t.foreign++
		fallthrough
	default:
		t.missed++
	}
}

// Limit says why the rate is not higher.
type Limit int

// Unknown is the limit of a search that has not met any yet. Own is in what is tried, Foreign is not: most misses at the lowest rate that
// is missed were. Max is the highest rate that was allowed.
const (
	Unknown Limit = iota
	Own
	Foreign
	Max
)

// Found is what a search found, so far.
type Found struct {
	// Kept is the highest rate that is kept below all that are missed, and Missed the lowest that is missed; 0 if there is none.
	Kept, Missed float64
	// Low and High are the range that the edge is in: the nearest rates at and beyond Kept and Missed at which all trials agreed, and
	// beyond which no rate is kept by the majority that should be missed; 0 if there is none.
	Low, High float64
	// Converged says that Kept and Missed are within the precision of each other and were both repeated, or that a limit of the rate
	// was.
	Converged bool
	Limit     Limit
}

// Found so far; it may be asked at any time.
func (s *Search) Found() Found {
	var f Found
	kept, missed := s.bracket()
	if kept >= 0 {
		f.Kept = s.rates[kept].rate
		f.Low = s.low(kept)
	}
	if missed >= 0 {
		f.Missed = s.rates[missed].rate
		f.High = s.high(missed)
	}
	f.Converged = s.converged(kept, missed)
	switch {
	case missed >= 0 && 2*s.rates[missed].foreign > s.rates[missed].missed:
		f.Limit = Foreign
	case missed >= 0:
		f.Limit = Own
	case kept >= 0 && f.Kept >= s.o.Max:
		f.Limit = Max
	}
	return f
}

func (s *Search) low(kept int) float64 {
	for i := kept; i >= 0; i-- {
		if s.rates[i].unanimous() {
			return s.rates[i].rate
		}
	}
	return 0
}

func (s *Search) high(missed int) float64 {
	at := missed
	for i := missed; i < len(s.rates); i++ {
		if s.rates[i].kept() {
			at = i + 1
		}
	}
	for ; at < len(s.rates); at++ {
		if s.rates[at].met == 0 {
			return s.rates[at].rate
		}
	}
	return 0
}

func (s *Search) converged(kept, missed int) bool {
	repeated := func(i int) bool { return s.rates[i].trials() >= s.o.Repeats }
	switch {
	case kept < 0 && missed < 0:
		return false
	case missed < 0:
		return s.rates[kept].rate >= s.o.Max && repeated(kept)
	case kept < 0:
		return s.rates[missed].rate <= s.o.Min && repeated(missed)
	}
	return s.rates[missed].rate <= s.rates[kept].rate*(1+s.o.Precision) && repeated(kept) && repeated(missed)
}
