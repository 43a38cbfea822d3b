package cost

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Line is one item of a bill.
type Line struct {
	Item string `json:"item"`
	// Quantity in Unit that is charged, over the time of the bill, after what is free.
	Quantity float64 `json:"quantity"`
	Unit     string  `json:"unit"`
	// Price is the mean of one unit over all tiers that were reached, in USD; USD is what the line costs. Both are nil where the price is
	// not known.
	Price *float64 `json:"price_usd"`
	USD   *USD     `json:"usd"`
	// Source and AsOf are of the price. Of several tiers it is the oldest.
	Source string `json:"source,omitempty"`
	AsOf   string `json:"as_of,omitempty"`
	Note   string `json:"note,omitempty"`
}

// Bill is what something costs over some time.
type Bill struct {
	Name  string  `json:"name"`
	Hours float64 `json:"hours"`
	// Requests in that time; 0 where it is about none.
	Requests float64 `json:"requests"`
	Lines    []Line  `json:"lines"`
	// Total is nil where a line has no known price.
	Total *USD `json:"usd"`
	// PerMillion is Total for a million requests; nil without requests.
	PerMillion *USD `json:"usd_per_million_requests"`
	// Instances at the highest rate; 0 where there are none.
	Instances int `json:"instances,omitempty"`
	// Caveats are what the figures cannot say, in sentences.
	Caveats []string `json:"caveats"`
}

// Known is the sum of the lines whose price is known.
func (b *Bill) Known() USD {
	sum := USD(0)
	for _, l := range b.Lines {
		if l.USD != nil {
			sum += *l.USD
		}
	}
	return sum
}

// Unknown are the items whose price is not known.
func (b *Bill) Unknown() []string {
	var names []string
	for _, l := range b.Lines {
		if l.USD == nil {
			names = append(names, l.Item)
		}
	}
	return names
}

// listed are items in a sentence; a name that has a comma is quoted.
func listed(items []string) string {
	list := slices.Clone(items)
	for i, item := range list {
		if strings.Contains(item, ",") {
			list[i] = strconv.Quote(item)
		}
	}
	return strings.Join(list, ", ")
}

// usage is what an option is charged by.
type usage struct {
	requests      float64
	instanceHours float64
	// surplus is in vCPU-hours above the baseline of burstable instances.
	surplus float64
}

// part is one item of an option. Its quantity grows in a straight line with each kind of usage.
type part struct {
	item, unit  string
	rate        Rate
	fixed       float64
	perRequest  float64
	perInstance float64 // an instance-hour
	perSurplus  float64
	free        float64 // units
	// factor of the price; 0 is 1.
	factor float64
	note   string
}

func (p *part) quantity(u usage) float64 {
	return max(0, p.fixed+p.perRequest*u.requests+p.perInstance*u.instanceHours+p.perSurplus*u.surplus-p.free)
}

func (p *part) scale() float64 {
	if p.factor == 0 {
		return 1
	}
	return p.factor
}

func (p *part) cost(u usage) (USD, bool) {
	v, ok := p.rate.Cost(p.quantity(u))
	return v * USD(p.scale()), ok
}

func (p *part) line(u usage, sources map[string]string) Line {
	l := Line{Item: p.item, Quantity: p.quantity(u), Unit: p.unit, Note: p.note}
	if v, ok := p.cost(u); ok {
		l.USD = &v
		if l.Quantity > 0 {
			price := float64(v) / l.Quantity
			l.Price = &price
		}
	}
	for _, t := range p.rate.used(l.Quantity) {
		if l.Source == "" || t.AsOf < l.AsOf {
			l.Source, l.AsOf = t.Source, t.AsOf
		}
		if t.Note != "" && !strings.Contains(l.Note, t.Note) {
			l.Note = strings.TrimPrefix(l.Note+"; "+t.Note, "; ")
		}
	}
	if text, ok := sources[l.Source]; ok {
		l.Source = shortSource(text)
	}
	return l
}

// option is a way to host an app, with its prices looked up: what it costs as a function of the rate.
type option struct {
	name  string
	parts []part
	load  Load
	// usable is the rate that one instance is given, 0 where there are no instances.
	usable float64
	// least instances; autoscaled says that each segment of the duty has its own number.
	least      int
	autoscaled bool
	// surplusPerRequest is vCPU-hours a request, baseline the vCPU-hours that each instance-hour has.
	surplusPerRequest, baseline float64
	sources                     map[string]string
	caveats                     []string
}

// tolerance keeps a rate that is a whole number of instances from needing one more by a rounding error.
const tolerance = 1e-12

// count is the number of instances for a rate.
func (o *option) count(rate float64) float64 {
	if o.usable == 0 {
		return 0
	}
	return max(float64(o.least), math.Ceil(rate/o.usable*(1-tolerance)))
}

// instanceHours at a mean rate.
func (o *option) instanceHours(rate float64) float64 {
	if o.usable == 0 {
		return 0
	}
	hours := o.load.hours()
	if !o.autoscaled {
		return hours * o.count(rate*o.load.Duty.peak())
	}
	sum := 0.0
	for _, s := range o.load.Duty.segments() {
		sum += s.Share * o.count(rate*s.Factor)
	}
	return hours * sum
}

func (o *option) usage(rate float64) usage { return o.usageOf(rate, o.instanceHours(rate)) }

func (o *option) usageOf(rate, instanceHours float64) usage {
	requests := o.load.requests(rate)
	return usage{requests, instanceHours, max(0, requests*o.surplusPerRequest-instanceHours*o.baseline)}
}

// total at a mean rate; false where it is not known.
func (o *option) total(rate float64) (float64, bool) { return o.sum(o.usage(rate)) }

func (o *option) sum(u usage) (float64, bool) {
	sum := 0.0
	for i := range o.parts {
		v, ok := o.parts[i].cost(u)
		if !ok {
			return 0, false
		}
		sum += float64(v)
	}
	return sum, true
}

// bill at a mean rate.
func (o *option) bill(rate float64) *Bill {
	u := o.usage(rate)
	b := &Bill{Name: o.name, Hours: o.load.hours(), Requests: u.requests, Caveats: slices.Clone(o.caveats)}
	if o.usable > 0 {
		b.Instances = int(o.count(rate * o.load.Duty.peak()))
	}
	for i := range o.parts {
		if l := o.parts[i].line(u, o.sources); l.Quantity > 0 || l.USD == nil {
			b.Lines = append(b.Lines, l)
		}
	}
	b.finish()
	return b
}

// finish sums the lines up.
func (b *Bill) finish() {
	if unknown := b.Unknown(); len(unknown) > 0 {
		b.Caveats = append(b.Caveats, fmt.Sprintf("%s: no total, as no price is known for %s; --prices FILE can give it.", b.Name, listed(unknown)))
		return
	}
	total := b.Known()
	b.Total = &total
	if b.Requests > 0 {
		each := total / USD(b.Requests) * perMillion
		b.PerMillion = &each
	}
}
