package report

import (
	"math"
	"strconv"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
)

// missing is how a figure that cannot be given is written.
const missing = "n/a"

// scale is the unit that all figures of a row are written in.
type scale struct {
	unit    analysis.Unit
	divisor float64
	suffix  string
}

// scaleOf picks one unit for all values: the one in which the smallest reads well, unless the largest gets too long.
func scaleOf(unit analysis.Unit, values []analysis.Value) scale {
	switch unit {
	case analysis.PerSecond:
		return scale{unit, 1, "/s"}
	case analysis.Share:
		return scale{unit, 0.01, " %"}
	case analysis.Count:
		return scale{unit, 1, ""}
	case analysis.Bytes:
		return scale{unit, 1 << 20, " MiB"}
	case analysis.Microseconds:
	}
	lowest, highest := math.Inf(1), 0.0
	for _, v := range values {
		if n, ok := v.Get(); ok && n != 0 {
			lowest, highest = min(lowest, math.Abs(n)), max(highest, math.Abs(n))
		}
	}
	steps := []scale{{unit, 1, " µs"}, {unit, 1e3, " ms"}, {unit, 1e6, " s"}}
	if highest == 0 {
		return steps[1]
	}
	best := steps[0]
	for _, s := range steps[1:] {
		if lowest >= s.divisor || highest/best.divisor >= 10_000 && lowest/s.divisor >= 0.01 {
			best = s
		}
	}
	return best
}

// format writes v in the row's unit: counts whole, everything else to three significant digits.
func (s scale) format(v analysis.Value) string {
	n, ok := v.Get()
	if !ok {
		if samples, few := v.TooFew(); few {
			return missing + " (" + choose(samples, "1 sample", "samples") + ")"
		}
		return missing
	}
	n /= s.divisor
	switch {
	case s.unit == analysis.Count && n == math.Trunc(n) && math.Abs(n) < 1e15:
		return group(strconv.FormatFloat(n, 'f', 0, 64))
	case s.unit == analysis.Microseconds && s.divisor == 1 && n == math.Trunc(n) && n < 1000:
		// A tenth of a microsecond was never measured.
		return strconv.FormatFloat(n, 'f', 0, 64) + s.suffix
	}
	return digits(n) + s.suffix
}

func formatOne(unit analysis.Unit, v analysis.Value) string {
	return scaleOf(unit, []analysis.Value{v}).format(v)
}

// digits writes three significant digits, with thousands set apart.
func digits(v float64) string { return analysis.Digits(v) }

// choose is one for a single thing, and the number before the noun for others.
func choose(n int64, one, noun string) string {
	if n == 1 {
		return one
	}
	return group(strconv.FormatInt(n, 10)) + " " + noun
}

func group(number string) string { return analysis.Grouped(number) }

// ratio writes a cell's ratio with the word that says which way it went.
func ratio(c analysis.Cell) cell {
	r, ok := c.Ratio.Get()
	switch {
	case !ok && c.Standing == analysis.Worse:
		return cell{"worse", toneBad}
	case !ok && c.Standing == analysis.Same:
		return cell{"same", tonePlain}
	case !ok:
		return cell{missing, tonePlain}
	}
	text := digits(r) + "x"
	switch c.Standing {
	case analysis.Better:
		return cell{text + " better", toneGood}
	case analysis.Worse:
		return cell{text + " worse", toneBad}
	case analysis.Same:
		return cell{text + " same", tonePlain}
	case analysis.Undecided:
		return cell{text + " ~", tonePlain}
	case analysis.Unrated:
	}
	return cell{text, tonePlain}
}

// trimCents writes a price below a thousand with two digits.
func trimCents(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
