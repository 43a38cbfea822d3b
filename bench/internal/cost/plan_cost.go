package cost

import (
	"errors"
	"fmt"
)

// PlanCost is what a plan costs before anything is sent.
type PlanCost struct {
	Region string `json:"region"`
	// Fixed is what is paid in a month of 730 hours whether it is used or not, a line each.
	Fixed *Bill `json:"fixed"`
	// ByUse are resources that cost by use, Unpriced those that may cost and have no price here.
	ByUse    []PlanItem `json:"by_use"`
	Unpriced []PlanItem `json:"unpriced"`
	// Free is how many of the resources cost nothing.
	Free int `json:"free"`
}

// PlanItem is a resource and what is to be said of it.
type PlanItem struct {
	Address string `json:"address"`
	Text    string `json:"text"`
}

// Cost prices the plan. region is for resources whose region the plan does not tell; empty where it must.
func (p *Plan) Cost(t *Table, region string) (*PlanCost, error) {
	if p.Region != "" {
		region = p.Region
	}
	if region == "" {
		return nil, errors.New("the plan does not tell the region of the provider: name it")
	}
	unknown := t.CheckRegion(region)
	if unknown != nil && p.Region == "" {
		return nil, unknown // a slip in what was named
	}
	c := &planner{plan: p, table: t, region: region, cost: &PlanCost{
		Region: region, Fixed: &Bill{Name: "Plan", Hours: HoursPerMonth, Lines: []Line{}, Caveats: []string{}},
		ByUse: []PlanItem{}, Unpriced: []PlanItem{},
	}}
	if unknown != nil {
		c.cost.Fixed.Caveats = append(c.cost.Fixed.Caveats, fmt.Sprintf("There are no prices for %s here; a file of bench cost --refresh --region %[1]s has them.", region))
	}
	for _, r := range p.resources {
		c.add(r)
	}
	c.cost.Fixed.finish()
	return c.cost, nil
}
