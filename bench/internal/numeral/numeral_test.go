package numeral_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

func TestDigits(t *testing.T) {
	t.Parallel()
	for given, want := range map[float64]string{
		0: "0", 1: "1.00", 0.5: "0.500", 99.95: "100", 99.94: "99.9", 999.6: "1,000", 1234: "1,230", 123_456_789: "123,000,000",
		0.000123: "0.000123", 1e-9: "1.00e-9", 1e300: "1.00e300", -4.5: "-4.50", -12345: "-12,300", 9.995: "9.99", 0.09996: "0.100",
	} {
		if got := numeral.Digits(given); got != want {
			t.Errorf("%v is written %s, want %s", given, got, want)
		}
	}
	for given, want := range map[float64]string{math.NaN(): "NaN", math.Inf(1): "+Inf", math.Inf(-1): "-Inf"} {
		if digits, short := numeral.Digits(given), numeral.Short(given); digits != want || short != want {
			t.Errorf("%v is written %s, and %s in short", given, digits, short)
		}
	}
	for given, want := range map[string]string{"1234567.25": "1,234,567.25", "-123456": "-123,456", "+1234": "+1,234", "+Inf": "+Inf", "NaN": "NaN", "999": "999"} {
		if got := numeral.Grouped(given); got != want {
			t.Errorf("%s is grouped %s, want %s", given, got, want)
		}
	}
	for given, want := range map[float64]string{0: "0", 1: "1", 0.5: "0.5", 1234: "1,230", 10: "10", 1e-9: "1.00e-9", 2.05: "2.05"} {
		if got := numeral.Short(given); got != want {
			t.Errorf("%v is written %s in short, want %s", given, got, want)
		}
	}
}

// TestUnits: a space stands before each unit but that of a rate, which is a part of the number.
func TestUnits(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"36 µs": numeral.Time(36), "36.4 µs": numeral.Time(36.44), "2.28 ms": numeral.Time(2281), "999 ms": numeral.Time(999_400), "13.4 s": numeral.Duration(13441 * time.Millisecond),
		"-3.50 s": numeral.Duration(-3500 * time.Millisecond), "3,610 s": numeral.Duration(time.Hour + 12*time.Second), "0 ms": numeral.Time(0),
		"999 µs": numeral.Time(999.4), "1.00 ms": numeral.Time(999.6), "-1.00 ms": numeral.Time(-999.6), "1.00 s": numeral.Time(999_999),
		"1.25 %": numeral.Share(0.0125), "100 %": numeral.Share(1), "1,730/s": numeral.Rate(1732), "20.0/s": numeral.Rate(20), "1.50 MiB": numeral.Bytes.Format(3 << 19),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestAgainst: what is shown of a figure is on the side of the limit on which the figure is.
func TestAgainst(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		scale    numeral.Scale
		v, limit float64
		want     string
	}{
		{numeral.Times(50_020), 50_020, 50e3, "50.02 ms"},
		{numeral.Times(50_000), 50_000, 50e3, "50.0 ms"},
		{numeral.Times(49_990), 49_990, 50e3, "50.0 ms"},
		{numeral.Times(61_500), 61_500, 50e3, "61.5 ms"},
		{numeral.Times(12_360), 12_360, 12_360, "12.36 ms"},
		{numeral.Times(12_346), 12_346, 12_345, "12.35 ms"},
		{numeral.Times(50e3), 50_000.4, 50e3, "50.0004 ms"},
		{numeral.Times(1e6), 1234, 1e3, "0.00123 s"},
		{numeral.Times(2), 2, 1, "2 µs"},
		{numeral.Times(3_600_400_000), 3_600_400_000, 3_600e6, "3,600.4 s"},
		{numeral.Shares, 0.010004, 0.01, "1.0004 %"},
		{numeral.Shares, 0.01, 0.01, "1.00 %"},
		{numeral.Shares, 0.003, 0.003, "0.300 %"},
		{numeral.Shares, 0, 0.01, "0 %"},
		{numeral.Shares, math.Nextafter(0.01, 1), 0.01, "1.00 %"},
		{numeral.Shares, math.Inf(1), 0.01, "+Inf %"},
	} {
		if got := test.scale.Against(test.v, test.limit); got != test.want {
			t.Errorf("%v against %v is %q, want %q", test.v, test.limit, got, test.want)
		}
	}
}

func ExamplePlural() {
	for _, n := range []int64{0, 1, 2, 1500} {
		fmt.Println(numeral.Plural(n, "request"))
	}
	fmt.Println(numeral.Plural(-1, "CPU"))
	// Output:
	// 0 requests
	// 1 request
	// 2 requests
	// 1,500 requests
	// -1 CPUs
}

func ExampleExact() {
	for _, v := range []float64{0, 0.05, 0.1234 * 100, 1234.5, 1e9} {
		fmt.Println(numeral.Exact(v))
	}
	// Output:
	// 0
	// 0.05
	// 12.34
	// 1,234.5
	// 1,000,000,000
}
