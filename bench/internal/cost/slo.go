package cost

import "slices"

// Candidate is one way to host the app, with what it costs and whether it keeps the SLO.
type Candidate struct {
	Name string `json:"name"`
	Bill *Bill  `json:"bill"`
	// Meets says whether the SLO was kept under the load; nil is not known.
	Meets *bool `json:"meets_slo"`
}

// Cheapest gives the index of the candidate that costs least among those that keep the SLO; false where none is known to, or costs a known
// amount. Where two cost the same, it is the first one.
func Cheapest(list []Candidate) (int, bool) {
	best := -1
	for i, c := range list {
		if c.Meets == nil || !*c.Meets || c.Bill == nil || c.Bill.Total == nil {
			continue
		}
		if best < 0 || *c.Bill.Total < *list[best].Bill.Total {
			best = i
		}
	}
	return best, best >= 0
}

// ByCost sorts candidates: those that keep the SLO first, then those of which it is not known, each with the cheapest first.
func ByCost(list []Candidate) {
	group := func(c Candidate) int {
		switch {
		case c.Meets == nil:
			return 1
		case *c.Meets:
			return 0
		}
		return 2
	}
	total := func(c Candidate) (USD, int) {
		if c.Bill == nil || c.Bill.Total == nil {
			return 0, 1
		}
		return *c.Bill.Total, 0
	}
	slices.SortStableFunc(list, func(a, b Candidate) int {
		if d := group(a) - group(b); d != 0 {
			return d
		}
		costA, unknownA := total(a)
		costB, unknownB := total(b)
		switch {
		case unknownA != unknownB:
			return unknownA - unknownB
		case costA < costB:
			return -1
		case costA > costB:
			return 1
		}
		return 0
	})
}
