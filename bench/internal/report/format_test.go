package report

import (
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
)

func TestOneUnitARow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		unit   analysis.Unit
		values []float64
		want   string
	}{
		{"microseconds stay whole", analysis.Microseconds, []float64{36, 900}, "36 µs|900 µs"},
		{"a mean does not", analysis.Microseconds, []float64{36.44, 900}, "36.4 µs|900 µs"},
		{"the smaller decides", analysis.Microseconds, []float64{900, 1100}, "900 µs|1,100 µs"},
		{"unless the larger gets too long", analysis.Microseconds, []float64{900, 1_200_000}, "0.900 ms|1,200 ms"},
		{"far apart", analysis.Microseconds, []float64{50, 30_000_000}, "0.0500 ms|30,000 ms"},
		{"milliseconds", analysis.Microseconds, []float64{36_100, 116_000}, "36.1 ms|116 ms"},
		{"seconds", analysis.Microseconds, []float64{36_795_000, 94_766_000}, "36.8 s|94.8 s"},
		{"zero has no say", analysis.Microseconds, []float64{0, 2_000_000}, "0 s|2.00 s"},
		{"only zero", analysis.Microseconds, []float64{0, 0}, "0 ms|0 ms"},
		{"rates", analysis.PerSecond, []float64{201.114, 78.087}, "201/s|78.1/s"},
		{"counts are exact", analysis.Count, []float64{7400, 1_234_567}, "7,400|1,234,567"},
		{"a mean count", analysis.Count, []float64{7400, 246.6666}, "7,400|247"},
		{"shares", analysis.Share, []float64{0.0027, 1}, "0.270 %|100 %"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var list []analysis.Value
			for _, v := range test.values {
				list = append(list, analysis.Known(v))
			}
			s := scaleOf(test.unit, list)
			var got []string
			for _, v := range list {
				got = append(got, s.format(v))
			}
			if text := strings.Join(got, "|"); text != test.want {
				t.Errorf("%s, want %s", text, test.want)
			}
			if s.format(analysis.Value{}) != "n/a" {
				t.Error("a missing figure is not n/a")
			}
		})
	}
}

func TestTextOfUnknownOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, given, terminal, markdown string }{
		{"plain", "status_503 a-b.c", "status_503 a-b.c", "status_503 a-b.c"},
		{"empty", "", `""`, `""`},
		{"blank", " \t", `" \t"`, `" \\t"`},
		{"lines", "a\r\nb", `a\r\nb`, `a\\r\\nb`},
		{"terminal escape", "\x1b[31m", `\x1b[31m`, `\\x1b\[31m`},
		{"reversed", "a\u202eb", `a\u202eb`, `a\\u202eb`},
		{"not UTF-8", "a\xffb", `a\ufffdb`, `a\\ufffdb`},
		{"HTML", "<b>&amp;", "<b>&amp;", "&lt;b&gt;&amp;amp;"},
		{"table", "a|b", "a|b", `a\|b`},
		{"escaped pipe", `a\|b`, `a\|b`, `a\\\|b`},
		{"code", "`x`", "`x`", "\\`x\\`"},
		{"emphasis", "_a_ *b* ~c~", "_a_ *b* ~c~", `\_a\_ \*b\* \~c\~`},
		{"link", "[a](b)", "[a](b)", `\[a\](b)`},
		{"other scripts", "日本 é", "日本 é", "日本 é"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := visible(test.given); got != test.terminal {
				t.Errorf("visible: %s, want %s", got, test.terminal)
			}
			if got := md(test.given); got != test.markdown {
				t.Errorf("markdown: %s, want %s", got, test.markdown)
			}
		})
	}
	if got := visible(strings.Repeat("é", 300)); got != strings.Repeat("é", 200)+"… (200 more bytes)" {
		t.Errorf("cut to %s", got)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"four-phase-20": "four-phase-20", "a=http://h:1/x": "a=http://h:1/x", "a b": "'a b'", "$(x)": "'$(x)'", "it's": `'it'\''s'`, "": `'""'`,
	} {
		if got := quote(given); got != want {
			t.Errorf("%q is quoted %s, want %s", given, got, want)
		}
	}
}

func TestWrapAndClip(t *testing.T) {
	t.Parallel()
	if got := wrap("one two three four", "- ", "  ", 10); got != "- one two\n  three\n  four\n" {
		t.Errorf("wrapped to %q", got)
	}
	if got := wrap("", "- ", "  ", 10); got != "- \n" {
		t.Errorf("nothing is wrapped to %q", got)
	}
	if got := clip("日本語", 5); got != "日本…" {
		t.Errorf("clipped to %q", got)
	}
	if got := clip("abcde", 5); got != "abcde" {
		t.Errorf("clipped to %q", got)
	}
}
