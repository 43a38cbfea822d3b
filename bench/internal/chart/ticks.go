package chart

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// ticker has the places and the texts of an axis.
type ticker struct{ axis Axis }

// Ticks implements plot.Ticker.
func (t ticker) Ticks(lowest, highest float64) []plot.Tick {
	switch {
	case t.axis.Unit == Percentile:
		return percentileTicks(highest)
	case t.axis.Scale == Log:
		return t.logTicks(lowest, highest)
	}
	return t.linearTicks(lowest, highest)
}

// linearTicks are at most nine, at multiples of 1, 2 or 5 of a power of ten; of counts at whole ones.
func (t ticker) linearTicks(lowest, highest float64) []plot.Tick {
	const most = 8
	unit := 1.
	if t.axis.Unit == Share {
		unit = 0.01
	}
	step := math.Pow(10, math.Floor(math.Log10((highest-lowest)/most/unit))) * unit
	for _, n := range []float64{1, 2, 5, 10} {
		if (highest-lowest)/(n*step) <= most {
			step *= n
			break
		}
	}
	if t.axis.Unit == Count {
		step = max(step, 1)
	}
	var ticks []plot.Tick
	for n := math.Ceil(lowest / step); n*step <= highest+step*1e-9; n++ {
		ticks = append(ticks, plot.Tick{Value: n * step, Label: t.axis.Unit.Format(n * step)})
	}
	return ticks
}

// percentileTicks are the percentiles that people name.
func percentileTicks(highest float64) []plot.Tick {
	ticks := []plot.Tick{{Value: 1, Label: "min"}, {Value: 2, Label: "p50"}}
	for above := 10.; above <= highest*1.001; above *= 10 {
		ticks = append(ticks, plot.Tick{Value: above, Label: Percentile.Format(above)})
	}
	return ticks
}

// logTicks has labels at powers of ten, and at 2 and 5 times them where there are few powers.
func (t ticker) logTicks(lowest, highest float64) []plot.Tick {
	var ticks []plot.Tick
	decades := math.Log10(highest / lowest)
	for e := math.Floor(math.Log10(lowest)); e <= math.Ceil(math.Log10(highest)); e++ {
		power := math.Pow(10, e)
		for n := 1.; n < 10; n++ {
			v := n * power
			if v < lowest*0.999 || v > highest*1.001 {
				continue
			}
			label := ""
			if n == 1 && (decades < 7 || int(e)%2 == 0) || decades < 2.5 && (n == 2 || n == 5) || decades < 0.7 {
				label = t.axis.Unit.Format(v)
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}

// Format writes a figure as an axis does: short, to three digits at most.
func (u Unit) Format(v float64) string {
	switch u {
	case Microseconds:
		if v == 0 {
			return "0"
		}
		return inShort(numeral.Times(v), v)
	case Seconds:
		return inShort(numeral.Times(1e6), v*1e6)
	case Share:
		return inShort(numeral.Shares, v)
	case Percentile:
		// One more digit than there are nines.
		text := strconv.FormatFloat(100-100/v, 'f', max(1, int(math.Ceil(math.Log10(v)-1e-9))), 64)
		return "p" + strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	case PerSecond:
		return thousands(v) + "/s"
	case Dollars:
		return "$" + thousands(v)
	case Count:
	}
	return thousands(v)
}

func inShort(s numeral.Scale, v float64) string { return numeral.Short(v/s.Divisor) + s.Suffix }

func thousands(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e9:
		return numeral.Short(v/1e9) + "G"
	case a >= 1e6:
		return numeral.Short(v/1e6) + "M"
	case a >= 1e4:
		return numeral.Short(v/1e3) + "k"
	}
	return numeral.Short(v)
}
