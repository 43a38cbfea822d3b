package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/report"
)

// costAnswer is what bench cost prints as JSON.
type costAnswer struct {
	PricesWritten string            `json:"prices_written"`
	Lambda        cost.Lambda       `json:"lambda"`
	EC2           cost.EC2          `json:"ec2"`
	Load          cost.Load         `json:"load"`
	Bills         []*cost.Bill      `json:"bills"`
	Shared        []*cost.Bill      `json:"shared"`
	Candidates    []cost.Candidate  `json:"candidates,omitempty"`
	BreakEven     []*cost.BreakEven `json:"break_even"`
	Caveats       []string          `json:"caveats"`

	subject []string
}

// answer calculates it.
func (q *costQuestion) answer(now time.Time) (*costAnswer, error) {
	c := &q.comparison
	a := &costAnswer{
		PricesWritten: c.Prices.Written, Lambda: c.Lambda, EC2: c.EC2, Load: c.Load, subject: q.subject,
		Shared: []*cost.Bill{}, Caveats: append([]string{}, q.caveats...),
	}
	lambda, lambdaErr := c.Lambda.Bill(c.Prices, c.Load)
	ec2, ec2Err := c.EC2.Bill(c.Prices, c.Load)
	if lambdaErr != nil && ec2Err != nil && lambdaErr.Error() == ec2Err.Error() {
		ec2Err = nil // of what both have, such as the region
	}
	if err := errors.Join(lambdaErr, ec2Err); err != nil {
		return nil, err
	}
	a.Bills = []*cost.Bill{lambda, ec2}
	if q.managed {
		m := cost.Managed{EC2: c.EC2, FrontDoor: c.Lambda.FrontDoor}
		b, err := m.Bill(c.Prices, c.Load)
		if err != nil {
			return nil, err
		}
		a.Bills = append(a.Bills, b)
	}
	if q.store != nil {
		b, err := q.store.Bill(c.Prices, c.Load)
		if err != nil {
			return nil, err
		}
		a.Shared = append(a.Shared, b)
	}
	if q.lambdaMeets != nil || q.ec2Meets != nil {
		a.Candidates = []cost.Candidate{{Name: lambda.Name, Bill: lambda, Meets: q.lambdaMeets}, {Name: ec2.Name, Bill: ec2, Meets: q.ec2Meets}}
		cost.ByCost(a.Candidates)
	}
	for _, duty := range q.duties {
		c.Load.Duty = duty
		b, err := c.BreakEven()
		if err != nil {
			return nil, fmt.Errorf("duty %s: %w", duty.Name, err)
		}
		a.BreakEven = append(a.BreakEven, b)
	}
	a.gather(now, c.Prices)
	return a, nil
}

// gather brings the caveats of all parts together, each once.
func (a *costAnswer) gather(now time.Time, prices *cost.Table) {
	seen := map[string]bool{}
	add := func(list []string) {
		for _, s := range list {
			if !seen[s] {
				seen[s] = true
				a.Caveats = append(a.Caveats, s)
			}
		}
	}
	bills := append(append([]*cost.Bill{}, a.Bills...), a.Shared...)
	for _, b := range bills {
		add(b.Caveats)
	}
	for _, b := range a.BreakEven {
		add(b.Caveats)
	}
	store := "such as the store (--redis prices one)"
	if len(a.Shared) > 0 {
		store = "of which the store is shown apart"
	}
	add([]string{"Not in the figures: what both have in common, " + store + ", data between zones, keeping logs, support, tax, and the work of people."})
	add(staleness(now, prices, bills...))
}

// staleness says what is old of the prices, and that the table is.
func staleness(now time.Time, prices *cost.Table, bills ...*cost.Bill) []string {
	list := cost.Stale(now, bills...)
	if age, ok := prices.Age(now); ok && age > cost.StaleAfter {
		list = append(list, fmt.Sprintf("The prices were put together %d days ago, on %s; bench cost --refresh reads today's.", int(age.Hours()/24), prices.Written))
	}
	return list
}

func (o *costOptions) print(std streams, a *costAnswer) error {
	switch {
	case o.json:
		e := json.NewEncoder(std.out)
		e.SetIndent("", "  ")
		return e.Encode(a)
	case o.csv:
		return a.csv(std)
	}
	return report.Cost(std.out, &report.CostReport{
		Subject: a.subject, Bills: a.Bills, Shared: a.Shared, BreakEvens: a.BreakEven, Candidates: a.Candidates, Caveats: a.Caveats,
	}, terminalOptions(std.out))
}

func (a *costAnswer) csv(std streams) error {
	w := csv.NewWriter(std.out)
	rows := [][]string{{"duty", "rate_rps", "lambda_usd", "lambda_low_usd", "lambda_high_usd", "ec2_usd", "ec2_low_usd", "ec2_high_usd", "instances"}}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, b := range a.BreakEven {
		for _, p := range b.Curve {
			rows = append(rows, []string{
				b.Duty, number(float64(p.Rate)), number(float64(p.Lambda)), number(float64(p.LambdaLow)), number(float64(p.LambdaHigh)),
				number(float64(p.EC2)), number(float64(p.EC2Low)), number(float64(p.EC2High)), strconv.Itoa(p.Instances),
			})
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("printing the curves: %w", err)
	}
	return nil
}
