package cost

import (
	"errors"
	"fmt"
	"math"
)

// Comparison is a function and instances under one load.
type Comparison struct {
	Prices *Table
	Lambda Lambda
	EC2    EC2
	// Load is what both get; its rate is left out where rates are looked for.
	Load Load
}

// BreakEven says at which rates which of the two costs less. It is about money alone; who keeps the SLO is another question.
type BreakEven struct {
	Duty string `json:"duty"`
	// From and To are the rates that were looked at.
	From RPS `json:"from_rps"`
	To   RPS `json:"to_rps"`
	// Unknown says why there is no answer; empty where there is one.
	Unknown string `json:"unknown,omitempty"`
	// AtLowest is the cheaper one at From, by the figures themselves; it changes at Crossings, from below. Incomplete says that there are
	// more of them than are listed.
	AtLowest   Cheaper    `json:"cheaper_at_lowest,omitempty"`
	Crossings  []Crossing `json:"crossings"`
	Incomplete bool       `json:"incomplete,omitempty"`
	// Spans are what holds for all values within the ranges of the billed time and of the capacity.
	Spans []Span `json:"spans"`
	// LambdaBelow is the rate below which Lambda is cheaper throughout, EC2Above the one above which EC2 is, whatever the values within
	// their ranges; nil where there is none. LambdaBelow is To where Lambda is always cheaper, EC2Above is From where EC2 is.
	LambdaBelow *RPS `json:"lambda_below_rps"`
	EC2Above    *RPS `json:"ec2_above_rps"`
	// Curve is for drawing, at rates that grow evenly on a logarithmic axis.
	Curve   []CurvePoint `json:"curve"`
	Caveats []string     `json:"caveats"`
}

// CurvePoint is what both cost at one rate in a month. Low and high are the ends that the ranges allow.
type CurvePoint struct {
	Rate       RPS `json:"rate_rps"`
	Lambda     USD `json:"lambda_usd"`
	LambdaLow  USD `json:"lambda_low_usd"`
	LambdaHigh USD `json:"lambda_high_usd"`
	EC2        USD `json:"ec2_usd"`
	EC2Low     USD `json:"ec2_low_usd"`
	EC2High    USD `json:"ec2_high_usd"`
	// Instances at the highest rate of the duty.
	Instances int `json:"instances"`
}

// pointsPerDecade of a curve.
const pointsPerDecade = 20

// ends of the intervals that one side of the comparison is best or worst with.
type pair struct{ lambda, ec2 *option }

func (c *Comparison) pair(lambda, ec2 pick) (pair, error) {
	l, lambdaErr := c.Lambda.option(c.Prices, c.Load, lambda)
	e, ec2Err := c.EC2.option(c.Prices, c.Load, ec2)
	if lambdaErr != nil || ec2Err != nil {
		return pair{}, errors.Join(wrap("lambda", lambdaErr), wrap("ec2", ec2Err))
	}
	return pair{l, e}, nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// BreakEven looks at all rates from MinRate to MaxRate.
func (c *Comparison) BreakEven() (*BreakEven, error) { return c.Between(MinRate, MaxRate) }

// Between looks at the rates from one to another, 0 < from < to.
func (c *Comparison) Between(from, to RPS) (*BreakEven, error) {
	if !(from > 0 && to > from && to <= largest) {
		return nil, fmt.Errorf("rates %g to %g: expected two above 0, the lower one first", from, to)
	}
	c = &Comparison{c.Prices, c.Lambda, c.EC2, c.Load}
	c.Load.Rate = from
	b := &BreakEven{Duty: c.Load.Duty.name(), From: from, To: to, Crossings: []Crossing{}, Spans: []Span{}, Curve: []CurvePoint{}, Caveats: []string{}}
	mid, err := c.pair(point, point)
	if err != nil {
		return nil, err
	}
	// A short billed time is good for Lambda, a low capacity is bad for EC2.
	forLambda, err := c.pair(lowest, lowest)
	if err != nil {
		return nil, err
	}
	forEC2, err := c.pair(highest, highest)
	if err != nil {
		return nil, err
	}
	if err := known(mid, float64(to)); err != nil {
		b.Unknown = err.Error()
		b.Caveats = append(b.Caveats, "Break-even: "+b.Unknown+".")
		return b, nil
	}
	s := crossings(mid.lambda, mid.ec2, float64(from), float64(to))
	best := crossings(forLambda.lambda, forLambda.ec2, float64(from), float64(to))
	worst := crossings(forEC2.lambda, forEC2.ec2, float64(from), float64(to))
	b.AtLowest, b.Incomplete = s.first, s.incomplete || best.incomplete || worst.incomplete
	b.Crossings = append(b.Crossings, s.list...)
	b.Spans = spans(best, worst, float64(from), float64(to))
	b.ends()
	b.curve(mid, forLambda, forEC2)
	b.Caveats = append(b.Caveats, mid.ec2.caveats...)
	if text := c.Lambda.outgrown(c.Load, to); text != "" {
		b.Caveats = append(b.Caveats, text)
	}
	if b.Incomplete {
		b.Caveats = append(b.Caveats, "Break-even: the two cost nearly the same over many steps of instances; not all crossings are listed.")
	}
	return b, nil
}

// known demands all prices at the highest rate, which needs the tiers of all lower ones.
func known(p pair, rate float64) error {
	var errs []error
	for _, o := range []*option{p.lambda, p.ec2} {
		if _, ok := o.total(rate); !ok {
			errs = append(errs, fmt.Errorf("no price is known for %s of %s", listed(o.bill(rate).Unknown()), o.name))
		}
	}
	return errors.Join(errs...)
}

func (b *BreakEven) ends() {
	if first := b.Spans[0]; first.Cheaper == CheaperLambda {
		b.LambdaBelow = &first.To
	}
	if last := b.Spans[len(b.Spans)-1]; last.Cheaper == CheaperEC2 {
		b.EC2Above = &last.From
	}
}

func (b *BreakEven) curve(mid, forLambda, forEC2 pair) {
	n := max(1, int(math.Ceil(math.Log10(float64(b.To/b.From))*pointsPerDecade)))
	cost := func(o *option, rate float64) USD { v, _ := o.total(rate); return USD(v) }
	for i := range n + 1 {
		rate := float64(b.From) * math.Pow(float64(b.To/b.From), float64(i)/float64(n))
		b.Curve = append(b.Curve, CurvePoint{
			Rate:      RPS(rate),
			Lambda:    cost(mid.lambda, rate),
			LambdaLow: cost(forLambda.lambda, rate), LambdaHigh: cost(forEC2.lambda, rate),
			EC2:    cost(mid.ec2, rate),
			EC2Low: cost(forEC2.ec2, rate), EC2High: cost(forLambda.ec2, rate),
			Instances: int(mid.ec2.count(rate * mid.ec2.load.Duty.peak())),
		})
	}
}
