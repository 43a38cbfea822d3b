package report

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

func TestBreakEvenInWords(t *testing.T) {
	t.Parallel()
	at := func(v float64) *cost.RPS { r := cost.RPS(v); return &r }
	base := cost.BreakEven{Duty: "even", From: 0.01, To: 100_000}
	for name, c := range map[string]struct {
		below, above *cost.RPS
		unknown      string
		want         string
	}{
		"a price is missing": {nil, nil, "no price", "no answer, as no price."},
		"always Lambda":      {at(100_000), nil, "", "Lambda is cheaper at all rates from 0.01 to 100,000/s."},
		"always EC2":         {nil, at(0.01), "", "EC2 is cheaper at all rates from 0.01 to 100,000/s."},
		"one point":          {at(38), at(38), "", "Lambda is cheaper below 38.0/s, EC2 above it."},
		"a range": {at(30), at(50), "", "Lambda is cheaper below 30.0/s, EC2 above 50.0/s; between them it depends on the rate and on the figures" +
			" within their ranges."},
		"EC2 never surely":    {at(30), nil, "", "Lambda is cheaper below 30.0/s; above it, EC2 is not cheaper at all rates up to 100,000/s."},
		"Lambda never surely": {nil, at(50), "", "EC2 is cheaper above 50.0/s; below it, Lambda is not cheaper at all rates down to 0.01/s."},
		"nothing":             {nil, nil, "", "neither is cheaper throughout at either end of 0.01 to 100,000/s."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := base
			b.LambdaBelow, b.EC2Above, b.Unknown = c.below, c.above, c.unknown
			if got := breakEvenText(&b); got != c.want {
				t.Errorf("%s\nexpected\n%s", got, c.want)
			}
		})
	}
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for v, want := range map[cost.USD]string{0: "0.00", 0.0000123: "0.0000123", 0.05: "0.0500", 0.1: "0.10", 1.005: "1.00", 1234567.891: "1,234,567.89"} {
		if got := money(&v); got != want {
			t.Errorf("%g: %s, expected %s", float64(v), got, want)
		}
	}
	if got := money(nil); got != "n/a" {
		t.Errorf("not known: %s", got)
	}
	price := 0.0000133334
	if got := each(&price); got != "0.0000133334" {
		t.Error(got)
	}
}

// TestCostIsShownAsItIs has names that a plan may bring from anywhere.
func TestCostIsShownAsItIs(t *testing.T) {
	t.Parallel()
	usd := cost.USD(3)
	yes := true
	bill := &cost.Bill{
		Name: "EC2", Hours: cost.HoursPerMonth, Requests: 1e6, Instances: 1,
		Lines: []cost.Line{{Item: "odd\x1b[31m item", Quantity: 2, Unit: "hours", USD: &usd, Note: "a note"}, {Item: "no price", Quantity: 1, Unit: "GB"}},
	}
	var out bytes.Buffer
	err := Cost(&out, &CostReport{
		Subject: []string{"subject\x07"}, Bills: []*cost.Bill{bill}, Shared: []*cost.Bill{bill}, Caveats: []string{"a caveat"},
		Candidates: []cost.Candidate{{Name: "EC2", Bill: bill, Meets: &yes}, {Name: "other"}},
		BreakEvens: []*cost.BreakEven{{Duty: "even", From: 0.01, To: 100, AtLowest: cost.CheaperEC2, Curve: []cost.CurvePoint{{Rate: 0.01, Lambda: 1, LambdaLow: 0.5, LambdaHigh: 2, EC2: 3, EC2Low: 3, EC2High: 3}}}},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if strings.ContainsAny(text, "\x1b\x07") {
		t.Errorf("control characters are shown:\n%q", text)
	}
	for _, want := range []string{"EC2, a month of 1,000,000 requests, 1 instance", "no price", "n/a", "not known", "never (EC2)", "0.50 to 2.00", "a caveat", "a note"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if err := Cost(brokenWriter{}, &CostReport{}, Options{}); err == nil {
		t.Error("an error of the writer is lost")
	}
}

// TestTheCurveFitsATerminal: the table of a usual load is a table in 80 columns, and where it is not each range says whose it is.
func TestTheCurveFitsATerminal(t *testing.T) {
	t.Parallel()
	b := &cost.BreakEven{Duty: "even", From: 0.01, To: 100_000, Curve: []cost.CurvePoint{
		{Rate: 0.01, Lambda: 0.0143, LambdaLow: 0.0136, LambdaHigh: 0.015, EC2: 49.53, EC2Low: 49.53, EC2High: 49.53, Instances: 2},
		{Rate: 100, Lambda: 143.2, LambdaLow: 136.19, LambdaHigh: 150.21, EC2: 62.88, EC2Low: 62.88, EC2High: 62.88, Instances: 2},
		{Rate: 100_000, Lambda: 141_569.21, LambdaLow: 134_561.18, LambdaHigh: 148_577.25, EC2: 19_264.33, EC2Low: 18_010.94, EC2High: 21_144.41, Instances: 1179},
	}}
	show := func(width int) string {
		var out bytes.Buffer
		if err := Cost(&out, &CostReport{BreakEvens: []*cost.BreakEven{b}}, Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	text := show(80)
	for _, want := range []string{" 100,000/s  141,569  134,561 to 148,577  19,264  18,011 to 21,144      1,179\n", " 0.01/s   0.0143    0.0136 to 0.0150   49.53", "136.19 to 150.21"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if width(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("wider than the terminal: %q", line)
		}
	}
	for _, want := range []string{"Range of Lambda: 134,561 to 148,577", "Range of EC2: 18,011 to 21,144"} {
		if text := show(50); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestBreakEvenIsSaidOnce: duties of which the same is true share a sentence.
func TestBreakEvenIsSaidOnce(t *testing.T) {
	t.Parallel()
	rate := cost.RPS(0.01)
	list := []*cost.BreakEven{
		{Duty: "even", From: 0.01, To: 100, EC2Above: &rate}, {Duty: "bursty", From: 0.01, To: 100}, {Duty: "10%x4", From: 0.01, To: 100, EC2Above: &rate},
	}
	want := []string{"even, 10%x4: EC2 is cheaper at all rates from 0.01 to 100/s.", "bursty: neither is cheaper throughout at either end of 0.01 to 100/s."}
	if got := breakEvenTexts(list); !slices.Equal(got, want) {
		t.Errorf("%q\nexpected %q", got, want)
	}
	many := &cost.BreakEven{Crossings: []cost.Crossing{{Rate: 86.8}, {Rate: 90}, {Rate: 95}, {Rate: 118}}}
	if got, want := crossingText(many), "4 rates (86.8/s to 118/s)"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
}

// TestNoTableWithoutPoints: where a price is missing there is no curve, and no head of a table that has nothing below it.
func TestNoTableWithoutPoints(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Cost(&out, &CostReport{BreakEvens: []*cost.BreakEven{{Duty: "even", From: 0.01, To: 100, Unknown: "no price"}}}, Options{}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "USD in a month") || !strings.Contains(text, "no answer, as no price.") {
		t.Errorf("%s", text)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }
