package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

func narrowGrid() *grid {
	g := &grid{head: []string{"Target", "USD a million\nrequests", "Keeps the SLO"}, left: map[int]bool{0: true, 2: true}}
	g.add(plain("lambda with a long name"), plain("1,234.56"), cell{"yes, the cheapest that does", toneGood})
	g.add(plain(""), plain("0.40"), plain("no"))
	return g
}

// TestNarrowTables: heads and texts are wrapped, figures never, and below what they need each row stands by itself. Of a width that is not
// known tables are as wide as they are.
func TestNarrowTables(t *testing.T) {
	t.Parallel()
	wide := newTerminal(nil, Options{}).fitted(narrowGrid())
	for columns, want := range map[int]string{
		80: wide,
		60: ` Target              USD a million  Keeps the SLO
                          requests
──────────────────────────────────────────────────────
 lambda with a long       1,234.56  yes, the cheapest
 name                               that does
                              0.40  no
`,
		24: ` Target: lambda with a
   long name
   USD a million
   requests: 1,234.56
   Keeps the SLO: yes,
   the cheapest that
   does

 Target: lambda with a
   long name
   USD a million
   requests: 0.40
   Keeps the SLO: no
`,
	} {
		terminal := newTerminal(nil, Options{})
		terminal.room = columns
		got := terminal.fitted(narrowGrid())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in %d columns (-want +got):\n%s", columns, diff)
		}
		colored := newTerminal(nil, Options{Color: true})
		colored.room = columns
		for line := range strings.Lines(colored.fitted(narrowGrid())) {
			if strings.Count(line, "\x1b")%2 != 0 || width(strings.TrimSuffix(line, "\n")) > columns && columns < 80 {
				t.Errorf("in %d columns, with colour: %q", columns, line)
			}
		}
	}
}

// TestNarrowFigures: where a text is wrapped, no figure in it is parted from its unit.
func TestNarrowFigures(t *testing.T) {
	t.Parallel()
	g := &grid{head: []string{"Phase", "Threshold", "ec2"}, left: map[int]bool{0: true, 1: true, 2: true}}
	g.add(plain("total"), plain("p99 ≤ 50ms"), cell{"met, 0.535 ms", toneGood})
	g.add(plain("a phase of 12 seconds, 40 requests"), plain("Error rate ≤ 1%"), cell{"MISSED, 1.25 % of 1.50 MiB, 36 µs, -3.50 s", toneBad})
	for columns := 12; columns < 70; columns++ {
		terminal := newTerminal(nil, Options{})
		terminal.room = columns
		got := terminal.fitted(g)
		for _, figure := range []string{"0.535 ms", "1.25 %", "1.50 MiB", "36 µs", "-3.50 s"} {
			if !strings.Contains(got, figure) {
				t.Errorf("in %d columns %q is parted:\n%s", columns, figure, got)
			}
		}
		if widest(got) > columns || strings.Contains(got, joint) {
			t.Errorf("in %d columns:\n%s", columns, got)
		}
	}
}

// TestFolded: no line is wider than the column, whatever the words, and nothing is lost but spaces.
func TestFolded(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"x", "漢", "…", "x漢"} {
		for _, before := range []string{"", "a ", "ab\n"} {
			for n := range 40 {
				for columns := 2; columns < 20; columns++ {
					text := before + strings.Repeat(word, n)
					got := folded(text, columns)
					if widest(got) > columns {
						t.Errorf("in %d columns %q is %q", columns, text, got)
					}
					if strings.Join(strings.Fields(got), "") != strings.Join(strings.Fields(text), "") {
						t.Errorf("in %d columns %q has become %q", columns, text, got)
					}
				}
			}
		}
	}
}

// TestNarrowCosts holds the tables of bench cost against narrow terminals.
func TestNarrowCosts(t *testing.T) {
	t.Parallel()
	usd, each := cost.USD(1234.5), 0.0000166667
	bill := &cost.Bill{Name: "EC2", Hours: cost.HoursPerMonth, Requests: 1e6, Instances: 1, Total: &usd, Lines: []cost.Line{
		{Item: "module.redis.aws_elasticache_replication_group.with_a_long_name", Quantity: 1_234_567, Unit: "GB-seconds of memory", Price: &each, USD: &usd, AsOf: "2026-07-31"},
	}}
	curve := []cost.CurvePoint{{Rate: 0.01, Lambda: 1, LambdaLow: 0.5, LambdaHigh: 2, EC2: 3000, EC2Low: 2000, EC2High: 4000, Instances: 2}}
	c := &CostReport{Bills: []*cost.Bill{bill}, Candidates: []cost.Candidate{{Name: "EC2", Bill: bill}}, BreakEvens: []*cost.BreakEven{{Duty: "business hours", From: 0.01, To: 100, AtLowest: cost.CheaperEC2, Curve: curve}}}
	for _, columns := range []int{40, 60, 80} {
		var out bytes.Buffer
		if err := Cost(&out, c, Options{Width: columns}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSuffix(line, "\n"); width(line) > columns {
				t.Errorf("%d columns, not %d: %s", width(line), columns, line)
			}
		}
		if text := strings.Join(strings.Fields(out.String()), ""); !strings.Contains(text, "1,234,567") || !strings.Contains(text, "module.redis.") {
			t.Errorf("in %d columns something is missing:\n%s", columns, out.String())
		}
	}
	address := "module.redis.module.network.aws_vpc_endpoint.with_a_name_that_is_longer_than_the_terminal"
	bill.Lines[0].Note = "see " + address
	plan := &cost.PlanCost{
		Region: "eu-west-1", Fixed: bill, ByUse: []cost.PlanItem{{Address: address, Text: "by the gigabyte that goes through it"}},
		Unpriced: []cost.PlanItem{{Address: address + `["eu-west-1a"]`, Text: "aws_vpc_endpoint has no price here"}},
	}
	for _, columns := range []int{40, 60, 80, 81, 90, 93} {
		var out bytes.Buffer
		if err := PlanCost(&out, plan, &cost.RunEstimate{Targets: []*cost.Bill{bill}, Total: &usd}, []string{"List prices."}, Options{Width: columns}); err != nil {
			t.Fatal(err)
		}
		if widest(out.String()) > columns || strings.Count(strings.Join(strings.Fields(out.String()), ""), address) != 4 {
			t.Errorf("a plan in %d columns:\n%s", columns, out.String())
		}
	}
	var piped bytes.Buffer
	if err := PlanCost(&piped, plan, nil, nil, Options{}); err != nil || !strings.Contains(piped.String(), "\n - "+address+":") {
		t.Errorf("where the width is not known an address is not whole: %v\n%s", err, piped.String())
	}
	piped.Reset()
	if err := Cost(&piped, c, Options{}); err != nil || !strings.Contains(piped.String(), fmt.Sprintf(" %s  ", bill.Lines[0].Item)) {
		t.Errorf("where the width is not known a table is not whole: %v\n%s", err, piped.String())
	}
}
