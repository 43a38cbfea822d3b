package report

import (
	"slices"
	"strconv"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// billsNote says what the bills are of.
func billsNote(b *analysis.Bills) string {
	return "At " + numeral.Digits(b.RateRPS) + "/s, the rate of this run, kept up evenly for a month of " + strconv.Itoa(cost.HoursPerMonth) +
		" hours, by list prices without tax and free tier. What the targets share, such as Redis, is not in it. bench cost prices other rates, spreads and options."
}

// billsGrid has a line for each target.
func (v view) bills(b *analysis.Bills) *grid {
	thresholds := slices.ContainsFunc(b.List, func(b analysis.Bill) bool { return b.Meets != nil })
	g := &grid{head: []string{"Target", "USD a month", "USD a million\nrequests", "Instances"}, left: map[int]bool{0: true}}
	if thresholds {
		g.head = append(g.head, "Keeps the SLO")
		g.left[4] = true
	}
	for _, bill := range b.List {
		instances := ""
		if bill.Instances > 0 {
			instances = numeral.Whole(bill.Instances)
		}
		row := []cell{plain(short(v.model.Targets[bill.Target].Name)), plain(money(bill.Total)), plain(money(bill.PerMillion)), plain(instances)}
		if thresholds {
			row = append(row, plain(keeps(bill.Meets)))
		}
		g.add(row...)
	}
	return g
}

func keeps(met *bool) string {
	switch {
	case met == nil:
		return missing
	case *met:
		return "yes"
	}
	return "no"
}

// cheapestText names the cheapest target that keeps the thresholds; empty where there are none.
func (v view) cheapestText(b *analysis.Bills) string {
	var list []cost.Candidate
	for _, bill := range b.List {
		if bill.Meets != nil {
			list = append(list, cost.Candidate{Name: short(v.model.Targets[bill.Target].Name), Bill: bill.Bill, Meets: bill.Meets})
		}
	}
	if len(list) == 0 {
		return ""
	}
	keeps, none := "keeps", "None of known cost keeps"
	if len(list) < len(b.List) { // of the others it is not known
		keeps, none = "is known to keep", "None of known cost is known to keep"
	}
	if best, found := cost.Cheapest(list); found {
		return "The cheapest that " + keeps + " the SLO at this rate is " + list[best].Name + "."
	}
	return none + " the SLO at this rate."
}

func (d *document) bills() {
	b := d.model.Bills
	if b == nil {
		return
	}
	d.heading("What it would cost")
	d.paragraph("%s", escapeMarkdown(billsNote(b)))
	d.table(d.view.bills(b))
	if text := d.view.cheapestText(b); text != "" {
		d.paragraph("%s", escapeMarkdown(text))
	}
	for _, bill := range b.List {
		d.details("The bill of "+short(d.model.Targets[bill.Target].Name), func() { d.table(billGrid(bill.Bill)) })
	}
	if len(b.BreakEvens) > 0 {
		d.paragraph("The rates at which the cheaper one changes, by how the load is spread over the week:")
		d.table(breakEvens(b.BreakEvens))
	}
}

func (t *terminal) bills() {
	b := t.model.Bills
	if b == nil {
		return
	}
	v := view{model: t.model}
	t.title("What it would cost")
	t.out.WriteString(t.fitted(v.bills(b)))
	if text := v.cheapestText(b); text != "" {
		t.out.WriteString(wrap(text, " ", " ", t.options.Width))
	}
	t.out.WriteString(wrap(billsNote(b), " ", " ", t.options.Width))
}

// bills has the items of both bills, and the rates at which the cheaper one changes.
func (t *csvTable) bills() {
	b := t.model.Bills
	if b == nil {
		return
	}
	usd := func(v *cost.USD) analysis.Value {
		if v == nil {
			return analysis.Value{}
		}
		return analysis.Known(float64(*v))
	}
	for _, bill := range b.List {
		for _, l := range bill.Lines {
			t.value("bill", spreadsheetSafe(l.Item), "quantity", spreadsheetSafe(l.Unit), bill.Target, analysis.Known(l.Quantity))
			t.value("bill", spreadsheetSafe(l.Item), "cost", "usd_month", bill.Target, usd(l.USD))
		}
		t.value("bill", "", "cost", "usd_month", bill.Target, usd(bill.Total))
		t.value("bill", "", "cost", "usd_million_requests", bill.Target, usd(bill.PerMillion))
	}
	for _, e := range b.BreakEvens {
		for i, rate := range []*cost.RPS{e.LambdaBelow, e.EC2Above} {
			at := analysis.Value{}
			if rate != nil {
				at = analysis.Known(float64(*rate))
			}
			t.value("break_even", spreadsheetSafe(e.Duty), []string{"cheaper_below", "cheaper_above"}[i], "1/s", b.List[i].Target, at)
		}
	}
}
