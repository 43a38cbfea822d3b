package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// CostReport is what there is to show of costs.
type CostReport struct {
	// Subject says in sentences what was assumed and what was measured.
	Subject []string
	// Bills are side by side in meaning, each in a table of its own; Shared are those of what all of them use.
	Bills, Shared []*cost.Bill
	// BreakEvens are of one comparison under several duties.
	BreakEvens []*cost.BreakEven
	// Candidates are sorted; empty where nothing is known of an SLO.
	Candidates []cost.Candidate
	Caveats    []string
}

// Cost prints it for a terminal.
func Cost(w io.Writer, c *CostReport, o Options) error {
	t := newTerminal(nil, o)
	for _, line := range c.Subject {
		t.out.WriteString(wrap(printable(line), "", "  ", t.options.Width))
	}
	for _, b := range c.Bills {
		t.bill(b)
	}
	for _, b := range c.Shared {
		t.bill(b)
	}
	if len(c.Candidates) > 0 {
		t.title("Within the SLO")
		t.out.WriteString(t.fitted(candidates(c.Candidates)))
	}
	if len(c.BreakEvens) > 0 {
		t.title("Break-even, by how the load is spread over the week")
		t.out.WriteString(t.fitted(breakEvens(c.BreakEvens)))
		for _, text := range breakEvenTexts(c.BreakEvens) {
			t.item(text)
		}
		if first := c.BreakEvens[0]; len(first.Curve) > 0 {
			t.title("USD in a month of " + strconv.Itoa(cost.HoursPerMonth) + " hours, load spread: " + visible(first.Duty))
			t.out.WriteString(t.fitted(curve(first)))
		}
	}
	t.paragraphs("What these figures cannot say", printables(c.Caveats))
	return t.flush(w)
}

func (t *terminal) flush(w io.Writer) error {
	if t.err != nil {
		return t.err
	}
	if _, err := io.WriteString(w, t.out.String()); err != nil {
		return fmt.Errorf("writing the tables: %w", err)
	}
	return nil
}

// visibles are names of others, which are cut where they are long; printables are whole: sentences that say all they have to.
func visibles(list []string) []string { return shownBy(visible, list) }

func printables(list []string) []string { return shownBy(printable, list) }

func shownBy(show func(string) string, list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = show(s)
	}
	return out
}

func (t *terminal) bill(b *cost.Bill) {
	title := b.Name
	if b.Hours == cost.HoursPerMonth {
		title += ", a month"
	} else {
		title += ", " + numeral.Digits(b.Hours) + " hours"
	}
	if b.Requests > 0 {
		title += " of " + quantity(b.Requests) + " requests"
	}
	if b.Instances > 0 {
		title += ", " + numeral.Plural(b.Instances, "instance")
	}
	t.title(title)
	t.out.WriteString(t.fitted(billGrid(b)))
	for _, l := range b.Lines {
		if l.Note != "" {
			t.item(visible(l.Item + ": " + l.Note + "."))
		}
	}
}

// billGrid has a line for each item.
func billGrid(b *cost.Bill) *grid {
	g := &grid{head: []string{"Item", "Quantity", "Unit", "USD each", "USD", "Price of"}, left: map[int]bool{0: true, 2: true, 5: true}}
	for _, l := range b.Lines {
		g.add(plain(shorten(visible(l.Item), longestItem)), plain(quantity(l.Quantity)), plain(l.Unit), plain(each(l.Price)), plain(money(l.USD)), plain(dated(l)))
	}
	g.add(plain("Total"), plain(""), plain(""), plain(""), plain(money(b.Total)), plain(""))
	if b.Requests > 0 {
		g.add(plain("A million requests"), plain(""), plain(""), plain(""), plain(money(b.PerMillion)), plain(""))
	}
	return g
}

func dated(l cost.Line) string {
	switch {
	case l.USD == nil:
		return "not known"
	case l.AsOf == "":
		return "no date"
	}
	return visible(l.AsOf)
}

// money writes cents, and three digits of what is less than one.
func money(v *cost.USD) string {
	if v == nil {
		return missing
	}
	f := float64(*v)
	if f != 0 && math.Abs(f) < 0.1 {
		return numeral.Digits(f)
	}
	return numeral.Grouped(strconv.FormatFloat(f, 'f', 2, 64))
}

// each writes a price as the price lists do.
func each(v *float64) string {
	if v == nil {
		return missing
	}
	return strconv.FormatFloat(math.Round(*v*1e12)/1e12, 'f', -1, 64)
}

// quantity is whole where it is large.
func quantity(v float64) string {
	if math.Abs(v) >= 1000 && math.Abs(v) < 1e15 {
		return numeral.Grouped(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return numeral.Digits(v)
}

func rateText(r *cost.RPS, none string) string {
	if r == nil {
		return none
	}
	return numeral.Rate(float64(*r))
}

func breakEvens(list []*cost.BreakEven) *grid {
	g := &grid{head: []string{"Load", "Lambda is cheaper\nbelow", "EC2 is cheaper\nabove", "Without ranges, the\ncheaper one changes at"}, left: map[int]bool{0: true}}
	for _, b := range list {
		if b.Unknown != "" {
			g.add(plain(visible(b.Duty)), plain(missing), plain(missing), plain(missing))
			continue
		}
		g.add(plain(visible(b.Duty)), plain(rateText(b.LambdaBelow, "never")), plain(rateText(b.EC2Above, "never")), plain(crossingText(b)))
	}
	return g
}

// longestItem bounds the name of an item, which may be the address of a resource, in characters.
const longestItem = 100

// mostCrossings is how many are named.
const mostCrossings = 3

func crossingText(b *cost.BreakEven) string {
	switch n := len(b.Crossings); {
	case n == 0 && b.AtLowest == cost.CheaperLambda:
		return "never (Lambda)"
	case n == 0:
		return "never (EC2)"
	case n <= mostCrossings:
		var parts []string
		for _, c := range b.Crossings {
			parts = append(parts, numeral.Rate(float64(c.Rate)))
		}
		return strings.Join(parts, ", ")
	default:
		return fmt.Sprintf("%s rates (%s to %s)", numeral.Whole(n), numeral.Rate(float64(b.Crossings[0].Rate)), numeral.Rate(float64(b.Crossings[n-1].Rate)))
	}
}

// breakEvenTexts says the same in sentences, one for all duties of which it is true.
func breakEvenTexts(list []*cost.BreakEven) []string {
	var texts []string
	duties := map[string][]string{}
	for _, b := range list {
		text := breakEvenText(b)
		if duties[text] == nil {
			texts = append(texts, text)
		}
		duties[text] = append(duties[text], visible(b.Duty))
	}
	for i, text := range texts {
		texts[i] = strings.Join(duties[text], ", ") + ": " + text
	}
	return texts
}

func breakEvenText(b *cost.BreakEven) string {
	from, to := numeral.Short(float64(b.From)), numeral.Short(float64(b.To)) // limits, which were not measured
	switch {
	case b.Unknown != "":
		return "no answer, as " + visible(b.Unknown) + "."
	case b.LambdaBelow != nil && *b.LambdaBelow == b.To:
		return "Lambda is cheaper at all rates from " + from + " to " + to + "/s."
	case b.EC2Above != nil && *b.EC2Above == b.From:
		return "EC2 is cheaper at all rates from " + from + " to " + to + "/s."
	case b.LambdaBelow != nil && b.EC2Above != nil && rateText(b.LambdaBelow, "") == rateText(b.EC2Above, ""): // to the digits that are shown
		return "Lambda is cheaper below " + rateText(b.LambdaBelow, "") + ", EC2 above it."
	case b.LambdaBelow != nil && b.EC2Above != nil:
		return "Lambda is cheaper below " + rateText(b.LambdaBelow, "") + ", EC2 above " + rateText(b.EC2Above, "") +
			"; between them it depends on the rate and on the figures within their ranges."
	case b.LambdaBelow != nil:
		return "Lambda is cheaper below " + rateText(b.LambdaBelow, "") + "; above it, EC2 is not cheaper at all rates up to " + to + "/s."
	case b.EC2Above != nil:
		return "EC2 is cheaper above " + rateText(b.EC2Above, "") + "; below it, Lambda is not cheaper at all rates down to " + from + "/s."
	}
	return "neither is cheaper throughout at either end of " + from + " to " + to + "/s."
}

// curve shows one point a decade.
func curve(b *cost.BreakEven) *grid {
	g := &grid{head: []string{"Rate", "Lambda", "Range of\nLambda", "EC2", "Range of\nEC2", "Instances"}, left: map[int]bool{}}
	next := 0.0
	for _, p := range b.Curve {
		if float64(p.Rate) < next*(1-1e-9) {
			continue
		}
		next = float64(p.Rate) * 10
		span := func(low, high cost.USD) string {
			if low == high {
				return ""
			}
			return roundMoney(low) + " to " + roundMoney(high)
		}
		g.add(plain(numeral.Short(float64(p.Rate))+"/s"), plain(roundMoney(p.Lambda)), plain(span(p.LambdaLow, p.LambdaHigh)),
			plain(roundMoney(p.EC2)), plain(span(p.EC2Low, p.EC2High)), plain(numeral.Whole(p.Instances)))
	}
	return g
}

// roundMoney is money without the cents of thousands: no bill is added up from it, and the table has to fit into 80 columns.
func roundMoney(v cost.USD) string {
	if math.Abs(float64(v)) >= 1000 {
		return quantity(float64(v))
	}
	return money(&v)
}

func candidates(list []cost.Candidate) *grid {
	g := &grid{head: []string{"", "USD", "Keeps the SLO"}, left: map[int]bool{0: true, 2: true}}
	best, found := cost.Cheapest(list)
	for i, c := range list {
		keeps := "not known"
		if c.Meets != nil {
			keeps = map[bool]string{true: "yes", false: "no"}[*c.Meets]
		}
		if found && i == best {
			keeps += ", the cheapest that does"
		}
		var total *cost.USD
		if c.Bill != nil {
			total = c.Bill.Total
		}
		g.add(plain(visible(c.Name)), plain(money(total)), plain(keeps))
	}
	return g
}

// PlanCost prints what a plan costs, and what a run on it is thought to cost, if that is given.
func PlanCost(w io.Writer, p *cost.PlanCost, run *cost.RunEstimate, caveats []string, o Options) error {
	t := newTerminal(nil, o)
	t.out.WriteString(wrap(fmt.Sprintf("Plan in %s: %s that cost by the hour, %s by use, %s without a price here, %s.", visible(p.Region),
		numeral.Plural(len(p.Fixed.Lines), "item"), numeral.Plural(len(p.ByUse), "item"), numeral.Plural(len(p.Unpriced), "item"), numeral.Plural(p.Free, "free resource")), "", "  ", t.options.Width))
	t.bill(p.Fixed)
	if p.Fixed.Total != nil {
		hour := *p.Fixed.Total / cost.HoursPerMonth
		t.out.WriteString(wrap("That is "+money(&hour)+" USD for each hour that it stands.", " ", " ", t.options.Width))
	}
	t.items("Costs by use, and nothing while it is not used", p.ByUse)
	t.items("May cost, and is in none of the figures", p.Unpriced)
	if run != nil {
		t.title("The planned run")
		for _, b := range run.Targets {
			t.bill(b)
		}
		text := "All of the run: " + money(run.Total) + " USD, estimated."
		if run.Total == nil {
			text = "All of the run: at least " + money(&run.AtLeast) + " USD, estimated; a price is not known."
		}
		t.out.WriteString(wrap(text, " ", " ", t.options.Width))
	}
	t.paragraphs("What these figures cannot say", printables(caveats))
	return t.flush(w)
}

func (t *terminal) items(title string, list []cost.PlanItem) {
	if len(list) == 0 {
		return
	}
	t.title(title)
	for _, i := range list {
		t.item(visible(i.Address + ": " + i.Text))
	}
}
