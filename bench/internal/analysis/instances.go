package analysis

import (
	"fmt"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// spent is below how many CPU credits an instance has none to spend.
const spent = 0.5

// instances is what CloudWatch tells of the instances of targets; nil where it tells nothing.
func (m *Model) instances() []Row {
	list := make([]*result.InstanceMetrics, len(m.Run.Targets))
	credits := make([]*result.CPUCredits, len(list))
	for i := range m.Run.Targets {
		if c := m.Run.Targets[i].CloudWatch; c != nil && c.Instances != nil {
			list[i], credits[i] = c.Instances, c.Instances.Credits
		}
	}
	if !slices.ContainsFunc(list, func(i *result.InstanceMetrics) bool { return i != nil }) {
		return nil
	}
	metric := func(key, label string, unit Unit) Metric { return Metric{key, label, unit, Neither} }
	rows := []Row{
		pick(metric("instance_cpu_mean", "CPU, mean of its minutes", Share), list, func(i *result.InstanceMetrics) Value { return optional(i.CPUMean) }),
		pick(metric("instance_cpu_max", "CPU, highest minute of an instance", Share), list, func(i *result.InstanceMetrics) Value { return optional(i.CPUMax) }),
		pick(metric("instance_cpu_minutes", "Minutes that this is of", Count), list, func(i *result.InstanceMetrics) Value { return Known(float64(i.Minutes)) }),
	}
	if slices.ContainsFunc(credits, func(c *result.CPUCredits) bool { return c != nil }) {
		rows = append(rows,
			pick(metric("credit_balance_min", "CPU credits left, least of an instance", Count), credits, func(c *result.CPUCredits) Value { return optional(c.LowestBalance) }),
			pick(metric("credit_surplus_max", "Surplus credits spent in advance, most", Count), credits, func(c *result.CPUCredits) Value { return optional(c.Surplus) }),
			pick(metric("credit_charged", "Surplus credits charged", Count), credits, func(c *result.CPUCredits) Value { return optional(c.Charged) }),
		)
	}
	return rows
}

// awsCaveats are what could not be read from AWS, and what its credits mean.
func (m *Model) awsCaveats() []string {
	var list []string
	for i := range m.Run.Targets {
		t := &m.Run.Targets[i]
		if t.CloudWatch == nil {
			continue
		}
		list = append(list, t.CloudWatch.Notes...)
		if in := t.CloudWatch.Instances; in != nil && in.Credits != nil {
			list = append(list, creditCaveats(t, in.Credits, m.prices)...)
		}
	}
	return list
}

// creditCaveats say what it means that credits were spent.
func creditCaveats(t *result.Target, c *result.CPUCredits, prices *cost.Table) []string {
	var list []string
	if c.LowestBalance != nil && *c.LowestBalance < spent {
		text := "%s: an instance had no CPU credits left. "
		switch t.Spec.CreditMode {
		case "standard":
			text += "Without them it is held to its baseline, so that these figures may be of an instance that was slowed down."
		case "unlimited":
			text += "A new one has none in the mode unlimited; what it uses above its baseline is then surplus, which is charged for if it is not earned back."
		default:
			text += "In the mode standard it is then held to its baseline; in the mode unlimited what it uses above that is charged for."
		}
		list = append(list, fmt.Sprintf(text, t.Name))
	}
	if c.Charged != nil && *c.Charged > 0 {
		list = append(list, fmt.Sprintf("%s: %s surplus CPU credits were charged during the run%s.", t.Name, numeral.Short(*c.Charged), creditPrice(prices, t, *c.Charged)))
	}
	if c.Surplus != nil && *c.Surplus > 0 {
		list = append(list, fmt.Sprintf("%s: its instances had spent %s CPU credits in advance, which are charged for if they are not earned back in 24 hours, or if the instance ends before%s.",
			t.Name, numeral.Short(*c.Surplus), creditPrice(prices, t, *c.Surplus)))
	}
	return list
}

// creditPrice is what surplus credits cost, in words; empty where the price is not known.
func creditPrice(prices *cost.Table, t *result.Target, credits float64) string {
	usd, asOf := prices.Surplus(t.Spec.InstanceType, credits)
	if usd == nil {
		return ""
	}
	return fmt.Sprintf(": %.2g USD, by the list price of %s", float64(*usd), asOf)
}
