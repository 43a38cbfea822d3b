package cost

import (
	_ "embed"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed prices.json
var embedded []byte

// embeddedTable is parsed once; that the file is right is tested.
var embeddedTable = sync.OnceValue(func() *Table {
	t, err := ParsePrices("prices.json", embedded)
	if err != nil {
		panic(err)
	}
	return t
})

// Embedded gives the prices that are part of the program. Callers must not change them.
func Embedded() *Table { return embeddedTable() }

// Global is the region of prices that are the same everywhere.
const Global = "global"

// StaleAfter is the age from which on prices come with a warning.
const StaleAfter = 180 * 24 * time.Hour

// Table is dated prices by region.
type Table struct {
	// Written is the day on which the table was put together, YYYY-MM-DD.
	Written string
	// Sources say in words what the source of a tier stands for.
	Sources map[string]string
	// Instances are the instance types that are known.
	Instances map[string]Instance

	regions map[string]map[string][]Tier
}

// Instance is what an EC2 instance type has.
type Instance struct {
	VCPU      int     `json:"vcpu"`
	MemoryGiB float64 `json:"memory_gib"`
	// Arch is arm64 or x86_64.
	Arch string `json:"arch"`
	// Baseline of a burstable type is the share of each vCPU that it may use for good, above 0 to 1; 0 is not burstable.
	Baseline float64 `json:"baseline,omitempty"`
}

// Tier is the price of a part of what is used.
type Tier struct {
	// Size is how many units the tier has; 0 is all the rest, and the last tier of a price.
	Size float64 `json:"size,omitempty"`
	// USD is for one unit; nil is not known.
	USD *float64 `json:"usd"`
	// Source is a key of Table.Sources, AsOf the day, month or year at which it held; empty where that is not known.
	Source string `json:"source"`
	AsOf   string `json:"as_of"`
	Note   string `json:"note,omitempty"`
}

// Rate is a price: one tier, or several for larger amounts.
type Rate struct {
	Key    string
	Region string
	// Tiers are empty where the table has no such price.
	Tiers []Tier
}

// Rate looks a price up, in the region and then among those of all regions. What is not there has no tiers.
func (t *Table) Rate(region, key string) Rate {
	for _, r := range []string{region, Global} {
		if tiers, ok := t.regions[r][key]; ok {
			return Rate{key, r, tiers}
		}
	}
	return Rate{Key: key, Region: region}
}

// Regions that have prices, sorted.
func (t *Table) Regions() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(t.regions)), func(r string) bool { return r == Global })
}

// Override gives a table with the prices of o in place of those of t that have the same region and key, all their tiers at once, a null
// included; instance types likewise. All others stay as they are. Neither table is changed.
func (t *Table) Override(o *Table) *Table {
	out := &Table{
		Written: o.Written, Sources: maps.Clone(t.Sources), Instances: maps.Clone(t.Instances),
		regions: make(map[string]map[string][]Tier, len(t.regions)),
	}
	if out.Written == "" || t.Written > out.Written {
		out.Written = t.Written
	}
	maps.Copy(out.Sources, o.Sources)
	maps.Copy(out.Instances, o.Instances)
	for region, prices := range t.regions {
		out.regions[region] = maps.Clone(prices)
	}
	for region, prices := range o.regions {
		if out.regions[region] == nil {
			out.regions[region] = map[string][]Tier{}
		}
		maps.Copy(out.regions[region], prices)
	}
	return out
}

// CheckRegion fails for a region that has no prices, and says which do.
func (t *Table) CheckRegion(region string) error {
	if _, ok := t.regions[region]; !ok || region == Global {
		return fmt.Errorf("no prices for region %q: expected one of %s, or a prices file that has it", region, strings.Join(t.Regions(), ", "))
	}
	return nil
}

// CheckInstance fails for an instance type that is not known, and says which are.
func (t *Table) CheckInstance(name string) error {
	if _, ok := t.Instances[name]; !ok {
		return fmt.Errorf("instance type %q is not known: expected one of %s, or a prices file that has it",
			name, strings.Join(slices.Sorted(maps.Keys(t.Instances)), ", "))
	}
	return nil
}

// CheckCacheNode fails for a node type of ElastiCache, with or without "cache.", that has a price in no region, and says which have.
func (t *Table) CheckCacheNode(name string) error {
	known := map[string]bool{}
	for _, prices := range t.regions {
		for key := range prices {
			node, ok := strings.CutPrefix(key, keyCache)
			if i := strings.LastIndexByte(node, '.'); ok && i >= 0 && !strings.HasPrefix(node, cacheServerless) {
				known[node[:i]] = true
			}
		}
	}
	if !known[cacheNode(name)] {
		return fmt.Errorf("cache node type %q is not known: expected one of %s, or a prices file that has it", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	return nil
}

// Cost of an amount, 0 or more; false where a tier that it needs has no known price. Nothing costs nothing.
func (r Rate) Cost(amount float64) (USD, bool) {
	if amount <= 0 {
		return 0, true
	}
	sum := 0.0
	for _, tier := range r.Tiers {
		part := amount
		if tier.Size > 0 {
			part = min(part, tier.Size)
		}
		if tier.USD == nil {
			return 0, false
		}
		sum += part * *tier.USD
		if amount -= part; amount <= 0 {
			return USD(sum), true
		}
	}
	return 0, false
}

// used are the tiers that an amount reaches.
func (r Rate) used(amount float64) []Tier {
	for i, tier := range r.Tiers {
		if tier.Size == 0 || amount <= tier.Size {
			return r.Tiers[:i+1]
		}
		amount -= tier.Size
	}
	return r.Tiers
}

// bounds are the amounts at which the price of a unit changes.
func (r Rate) bounds() []float64 {
	var list []float64
	sum := 0.0
	for _, tier := range r.Tiers {
		if tier.Size > 0 {
			sum += tier.Size
			list = append(list, sum)
		}
	}
	return list
}

// asOf is when a day, a month or a year began; false for anything else.
func asOf(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// Stale says which of the prices that bills are made of were old on a day, in one sentence each; nothing where none was. A price that has
// no date is named too.
func Stale(now time.Time, bills ...*Bill) []string {
	old := map[string]string{}
	undated := map[string]bool{}
	for _, b := range bills {
		if b == nil {
			continue
		}
		for _, l := range b.Lines {
			if l.USD == nil || l.Source == "" {
				continue
			}
			switch at, ok := asOf(l.AsOf); {
			case !ok:
				undated[l.Item] = true
			case now.Sub(at) > StaleAfter:
				old[l.Item] = l.AsOf
			}
		}
	}
	var list []string
	if len(old) > 0 {
		var names []string
		for _, item := range slices.Sorted(maps.Keys(old)) {
			names = append(names, item+" ("+old[item]+")")
		}
		list = append(list, fmt.Sprintf("These prices are older than %d days: %s.", int(math.Round(StaleAfter.Hours()/24)), strings.Join(names, ", ")))
	}
	if len(undated) > 0 {
		list = append(list, "These prices have no date: "+strings.Join(slices.Sorted(maps.Keys(undated)), ", ")+".")
	}
	return list
}

// Age is how long ago the table was put together; false where it does not say.
func (t *Table) Age(now time.Time) (time.Duration, bool) {
	at, ok := asOf(t.Written)
	return now.Sub(at), ok
}
