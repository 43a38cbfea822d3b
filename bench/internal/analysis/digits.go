package analysis

import (
	"strconv"
	"strings"
)

// Digits writes three significant digits, with thousands set apart.
func Digits(v float64) string {
	if v == 0 {
		return "0"
	}
	text := strconv.FormatFloat(v, 'e', 2, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	e, err := strconv.Atoi(exponent)
	if err != nil || e < -6 || e >= 12 {
		return mantissa + "e" + strconv.Itoa(e)
	}
	rounded, _ := strconv.ParseFloat(text, 64)
	return Grouped(strconv.FormatFloat(rounded, 'f', max(0, 2-e), 64))
}

// Grouped sets the thousands of a decimal number apart.
func Grouped(number string) string {
	whole, rest, point := strings.Cut(number, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		rest = "." + rest
	}
	return sign + whole + rest
}

// perSecond is a rate in a sentence.
func perSecond(rate float64) string { return Digits(rate) + "/s" }
