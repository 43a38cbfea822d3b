// Package numeral writes figures for people: three significant digits, a space, the unit. It is a leaf, so that a time reads alike in a
// table, in a sentence, on an axis and in the live view.
//
// What a user has set, such as --duration 10s or the limit p99=50ms, is no figure: it stays as it is given.
package numeral

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Digits writes three significant digits, with thousands set apart; NaN and the infinities as strconv does.
func Digits(v float64) string {
	switch {
	case v == 0:
		return "0"
	case math.IsNaN(v) || math.IsInf(v, 0):
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return digits(v, usual)
}

// usual is how many significant digits figures have, most how many a float64 has for sure.
const (
	usual = 3
	most  = 15
)

// digits writes so many of a finite figure that is not 0.
func digits(v float64, n int) string {
	text := strconv.FormatFloat(v, 'e', n-1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	e, err := strconv.Atoi(exponent)
	if err != nil || e < -6 || e >= 12 {
		return mantissa + "e" + strconv.Itoa(e)
	}
	return Grouped(strconv.FormatFloat(rounded(v, n), 'f', max(0, n-1-e), 64))
}

// rounded is v to so many significant digits.
func rounded(v float64, n int) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'e', n-1, 64), 64)
	return v
}

// Grouped sets the thousands of a decimal number apart. What is none, such as +Inf, stays as it is.
func Grouped(number string) string {
	whole, rest, point := strings.Cut(number, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") || strings.HasPrefix(whole, "+") {
		sign, whole = whole[:1], whole[1:]
	}
	if strings.Trim(whole, "0123456789") != "" {
		return number
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		rest = "." + rest
	}
	return sign + whole + rest
}

// Decimal writes all digits of a finite figure that was set, as it can be given again. What arithmetic has added behind the fifteenth is none
// of them.
func Decimal(v float64) string { return strconv.FormatFloat(rounded(v, most), 'f', -1, 64) }

// Exact is Decimal with thousands set apart.
func Exact(v float64) string { return Grouped(Decimal(v)) }

// Short is Digits without zeros behind the point that say nothing of a round number, as on an axis.
func Short(v float64) string {
	text := Digits(v)
	if strings.Contains(text, ".") && !strings.Contains(text, "e") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Scale is a unit with what a figure is divided by to be in it.
type Scale struct {
	Divisor float64
	Suffix  string
}

// The scales that depend on no figure: of rates in requests/s, of shares from 0 to 1, of bytes and of numbers of things.
var (
	Rates  = Scale{1, "/s"}
	Shares = Scale{0.01, " %"}
	Bytes  = Scale{1 << 20, " MiB"}
	Counts = Scale{1, ""}
)

var (
	microseconds = Scale{1, " µs"}
	milliseconds = Scale{1e3, " ms"}
	seconds      = Scale{1e6, " s"}
)

// Times is the one scale for all of these times in µs: the one in which the shortest reads well, unless the longest gets too long. It goes
// by the figures as they are shown: 999.6 µs are 1.00 ms. What is 0 has no say.
func Times(us ...float64) Scale {
	lowest, highest := math.Inf(1), 0.0
	for _, v := range us {
		if v != 0 {
			shown := rounded(math.Abs(v), usual)
			lowest, highest = min(lowest, shown), max(highest, shown)
		}
	}
	if highest == 0 {
		return milliseconds
	}
	best := microseconds
	for _, s := range []Scale{milliseconds, seconds} {
		if lowest >= s.Divisor || highest/best.Divisor >= 10_000 && lowest/s.Divisor >= 0.01 {
			best = s
		}
	}
	return best
}

// Format writes a figure in the unit.
func (s Scale) Format(v float64) string {
	v /= s.Divisor
	if s == microseconds && v == math.Trunc(v) && v < 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64) + s.Suffix // a tenth of a microsecond was never measured
	}
	return Digits(v) + s.Suffix
}

// Against is Format for a figure beside a limit, with as many digits as show on which side of it the figure is: 50.02 ms are above 50 ms, and
// 50.0 ms would not be.
func (s Scale) Against(v, limit float64) string {
	const same = 1e-12 // relative; what dividing by the unit may add
	beyond := func(v float64) bool { return v-limit/s.Divisor > same*math.Abs(limit/s.Divisor) }
	shown := v / s.Divisor
	if beyond(rounded(shown, usual)) == beyond(shown) {
		return s.Format(v)
	}
	n := usual + 1
	for n < most && beyond(rounded(shown, n)) != beyond(shown) {
		n++
	}
	return digits(shown, n) + s.Suffix
}

// Time writes a time in µs.
func Time(us float64) string { return Times(us).Format(us) }

// Duration writes how long something took.
func Duration(d time.Duration) string { return Time(float64(d) / float64(time.Microsecond)) }

// Share writes a share from 0 to 1 in percent.
func Share(share float64) string { return Shares.Format(share) }

// Rate writes a rate in requests/s.
func Rate(rps float64) string { return Rates.Format(rps) }

// Whole writes a whole number, with thousands set apart.
func Whole[N int | int64](n N) string { return Grouped(strconv.FormatInt(int64(n), 10)) }

// Plural writes how many there are of what a noun names, which gets an s unless it is one, with thousands set apart.
func Plural[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Whole(n) + " " + noun + "s"
}
