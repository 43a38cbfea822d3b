package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/report"
)

func newCostCommand(std streams) *cobra.Command {
	var o costOptions
	c := &cobra.Command{
		Use:   "cost [DIR]",
		Short: "Say what a load costs on Lambda and on EC2, and at which rate the two cost the same",
		Long: `cost calculates the monthly bills of a function and of instances for the same load from dated list prices, and the rates between
0.01 and 100,000 requests/s at which the cheaper one changes. It needs no AWS account and no network.

What the app needs comes from flags (--duration and --instance-rps), or from a finished run: DIR has the billed time that the local Lambda
service metered or AWS's log says, else an estimate of it, and the capacity that bench run --find-capacity found. Flags take precedence over
DIR.

With --plan it prices a Terraform plan instead, and with --refresh it reads AWS's public price list into a prices file.

A price that is not known gives n/a, never 0. Prices older than 180 days are named.`,
		Example: `  bench cost --duration 20ms --memory 512 --instance-rps 800 --instance-type t4g.small
  bench cost results/20260102-150405-four-phase-20 --region eu-west-1 --front-door http_api
  bench cost --duration 5ms --instance-rps 2000 --duty bursty,20%x4 --savings-plan 30% --json
  bench cost --plan plan.json --scenario four-phase-20
  bench cost --refresh --region eu-west-1 --prices-out prices.json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return oneArg("folder with a result.json")(c, args)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return runCost(c.Context(), std, &o, c.Flags(), args) },
	}
	c.Flags().SortFlags = false
	o.flags(c.Flags())
	completions(c, map[string]cobra.CompletionFunc{"duty": completeList("duty", []string{"even", "business-hours", "bursty"})})
	return c
}

func runCost(ctx context.Context, std streams, o *costOptions, f *pflag.FlagSet, args []string) error {
	now := time.Now()
	if o.refresh.on {
		if err := errors.Join(only(f, "--refresh", refreshFlags...), noDir("--refresh", args)); err != nil {
			return usageError{err}
		}
		return o.refresh.run(ctx, std, o.region, o.instanceType, now)
	}
	prices, err := priceTable(o.prices)
	if err != nil {
		return usageError{err}
	}
	if o.plan != "" {
		if err := errors.Join(only(f, "--plan", planFlags...), noDir("--plan", args), o.validate(f)); err != nil {
			return usageError{err}
		}
		return o.runPlan(std, prices, now)
	}
	if f.Changed("scenario") || f.Changed("rounds") {
		return usageError{errors.New("--scenario and --rounds are for --plan")}
	}
	if err := o.validate(f); err != nil {
		return usageError{err}
	}
	q, err := o.question(f, prices, args)
	if err != nil {
		return usageError{err}
	}
	a, err := q.answer(now)
	if err != nil {
		return usageError{err}
	}
	return o.print(std, a)
}

func noDir(flag string, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q with %s", args[0], flag)
	}
	return nil
}

// pricesUsage describes --prices.
const pricesUsage = "prices file; its prices replace the built-in ones of the same region and name, all others stay"

// priceTable is the built-in prices with those of the file of --prices in their place.
func priceTable(file string) (*cost.Table, error) {
	if file == "" {
		return cost.Embedded(), nil
	}
	data, err := readLimited(file, cost.MaxPricesBytes)
	if err != nil {
		return nil, fmt.Errorf("--prices: %w", err)
	}
	t, err := cost.ParsePrices(file, data)
	if err != nil {
		return nil, fmt.Errorf("--prices: %w", err)
	}
	return cost.Embedded().Override(t), nil
}

// readLimited reads a file unless it is larger than anything that is meant.
func readLimited(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes: at most %d are read", path, info.Size(), most)
	}
	return os.ReadFile(path)
}

// costQuestion is all that goes into an answer.
type costQuestion struct {
	comparison cost.Comparison
	duties     []cost.Duty
	managed    bool
	atLeast    bool // the capacity has no upper end
	store      *cost.Redis
	subject    []string
	caveats    []string
	// Whether the two kept the SLO in the run; nil where that is not known.
	lambdaMeets, ec2Meets *bool
}

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

// question takes what it needs from the flags, and what they do not set from a run.
func (o *costOptions) question(f *pflag.FlagSet, prices *cost.Table, args []string) (*costQuestion, error) {
	duties, dutyErr := parseDuties(o.duties)
	store, storeErr := o.store()
	q := &costQuestion{duties: duties, managed: o.managed, store: store}
	var run *analysis.CostInputs
	if len(args) == 1 {
		r, err := load(args[0])
		if err != nil {
			return nil, err
		}
		if len(r.Targets) == 0 {
			return nil, fmt.Errorf("%s: its result has no targets, so nothing was measured that could cost anything", args[0])
		}
		run = analysis.CostInputsOf(r)
		o.adopt(f, run)
		q.caveats, q.lambdaMeets, q.ec2Meets = run.Caveats, run.LambdaMeets, run.EC2Meets
		if text := run.ProvisionedText(); text != "" && !f.Changed("provisioned") {
			q.caveats = append(q.caveats, text)
		}
		if text := run.OtherArch(prices, o.instanceType); text != "" {
			q.caveats = append(q.caveats, text)
		}
		q.subject = append(q.subject, "Measured figures are of "+args[0]+": Lambda is its target "+orNone(run.LambdaName)+", EC2 its target "+orNone(run.EC2Name)+".")
	}
	q.comparison = cost.Comparison{Prices: prices, Lambda: o.function(), EC2: o.instances(), Load: o.load()}
	var errs []error
	switch {
	case o.duration > 0 || f.Changed("duration"):
	case run != nil && run.BilledMS != nil:
		q.comparison.Lambda.BilledMS = widened(*run.BilledMS, f, o)
	default:
		errs = append(errs, errors.New("--duration: how long does Lambda work on a request? Give it, or the folder of a run with a local Lambda target"))
	}
	switch {
	case o.instanceRPS > 0 || f.Changed("instance-rps"):
	case run != nil && run.Capacity != nil:
		q.comparison.EC2.Capacity = widened(*run.Capacity, f, o)
		if q.atLeast = run.AtLeast; q.atLeast {
			q.comparison.EC2.Capacity = q.comparison.EC2.Capacity.OrMore()
		}
	default:
		errs = append(errs, errors.New("--instance-rps: how many requests/s does one instance take? Give it, or the folder of a run (bench run --find-capacity measures it)"))
	}
	if err := errors.Join(append(errs, dutyErr, storeErr)...); err != nil {
		return nil, err
	}
	q.comparison.Load.Duty = duties[0]
	q.describe(prices)
	return q, nil
}

func orNone(name string) string {
	if name == "" {
		return "(none)"
	}
	return name
}

// widened gives what was measured without a range the range of the flag.
func widened(c cost.Interval, f *pflag.FlagSet, o *costOptions) cost.Interval {
	if c.Low == c.High || f.Changed("uncertainty") {
		return cost.Within(c.Point, float64(o.uncertainty))
	}
	return c
}

// adopt takes from a run what no flag sets.
func (o *costOptions) adopt(f *pflag.FlagSet, run *analysis.CostInputs) {
	text := func(flag string, to *string, v string) {
		if v != "" && !f.Changed(flag) {
			*to = v
		}
	}
	region := run.Lambda.Region
	if region == "" {
		region = run.EC2.Region
	}
	text("region", &o.region, region)
	text("arch", &o.arch, run.Arch)
	text("front-door", &o.door, run.Lambda.FrontDoor)
	text("instance-type", &o.instanceType, run.InstanceType())
	text("ec2-front-door", &o.ec2Door, run.EC2.FrontDoor)
	if run.Lambda.MemoryMB > 0 && !f.Changed("memory") {
		o.memory = run.Lambda.MemoryMB
	}
	if !f.Changed("provisioned") {
		o.kept = run.Provisioned
	}
	if run.Rate != nil && !f.Changed("rate") {
		o.rate = float64(*run.Rate)
	}
}

func (q *costQuestion) describe(prices *cost.Table) {
	c := &q.comparison
	b, r := c.Lambda.BilledMS, c.EC2.Capacity
	show := numeral.Digits
	most := show(r.High)
	if q.atLeast {
		most = "any more"
	}
	q.subject = append(q.subject,
		fmt.Sprintf("Lambda: %d MB %s in %s, %s ms billed a request (%s to %s), front door %s.", c.Lambda.MemoryMB, c.Lambda.Arch, c.Lambda.Region,
			show(b.Point), show(b.Low), show(b.High), c.Lambda.FrontDoor),
		fmt.Sprintf("EC2: %s in %s, %s requests/s an instance (%s to %s), %s %% of it kept free, at least %s, front door %s.",
			c.EC2.InstanceType, c.EC2.Region, show(r.Point), show(r.Low), most, show(c.EC2.Headroom*100),
			plural(int64(max(1, c.EC2.MinInstances)), "instance"), c.EC2.FrontDoor),
		fmt.Sprintf("Load: %s requests/s on the mean, spread: %s. Prices of %s, list prices without tax.", show(float64(c.Load.Rate)), c.Load.Duty.Name, prices.Written))
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
