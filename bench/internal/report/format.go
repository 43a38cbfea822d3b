package report

import (
	"math"
	"strconv"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// missing is how a figure that cannot be given is written.
const missing = "n/a"

// scale is the unit that all figures of a row are written in.
type scale struct {
	numeral.Scale
	unit analysis.Unit
}

// scaleOf picks one unit for all values.
func scaleOf(unit analysis.Unit, values []analysis.Value) scale {
	switch unit {
	case analysis.PerSecond:
		return scale{numeral.Rates, unit}
	case analysis.Share:
		return scale{numeral.Shares, unit}
	case analysis.Count:
		return scale{numeral.Counts, unit}
	case analysis.Bytes:
		return scale{numeral.Bytes, unit}
	case analysis.Microseconds:
	}
	times := make([]float64, 0, len(values))
	for _, v := range values {
		if n, ok := v.Get(); ok {
			times = append(times, n)
		}
	}
	return scale{numeral.Times(times...), unit}
}

// format writes v in the row's unit: counts whole, everything else to three significant digits.
func (s scale) format(v analysis.Value) string {
	n, ok := v.Get()
	if !ok {
		if samples, few := v.TooFew(); few {
			return missing + " (" + numeral.Plural(samples, "sample") + ")"
		}
		return missing
	}
	if s.unit == analysis.Count && n == math.Trunc(n) && math.Abs(n) < 1e15 {
		return numeral.Grouped(strconv.FormatFloat(n, 'f', 0, 64))
	}
	return s.Format(n)
}

// against is format for a figure that is held against a limit.
func (s scale) against(v, limit analysis.Value) string {
	n, known := v.Get()
	most, limited := limit.Get()
	if !known || !limited {
		return s.format(v)
	}
	return s.Against(n, most)
}

func formatOne(unit analysis.Unit, v analysis.Value) string {
	return scaleOf(unit, []analysis.Value{v}).format(v)
}

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
	text := numeral.Digits(r) + "x"
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
