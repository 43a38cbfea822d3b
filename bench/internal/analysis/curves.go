package analysis

// BreakEven is what targets cost a month over a range of rates. Nil where that is not known.
type BreakEven struct {
	// Basis says in a sentence where the figures come from: the prices with their date and region, what was measured, and what is estimated.
	Basis string
	// Bands says in a sentence what the bands of the curves are.
	Bands  string
	Curves []CostCurve
	// Crossings are where two curves cross, by rate.
	Crossings []Crossing
}

// CostCurve is what one target costs.
type CostCurve struct {
	// Target is an index of Model.Targets.
	Target int
	// Points are in the order of their rate.
	Points []CostPoint
}

// CostPoint is a cost in US dollars a month at a rate of requests a second. Low and High are the band that Bands tells of; they are
// the cost itself where there is none.
type CostPoint struct{ RateRPS, USD, Low, High float64 }

// Crossing is the rate at which two targets cost the same.
type Crossing struct {
	// Below is the target that is cheaper below the rate, Above the one that is cheaper above it.
	Below, Above int
	// RateRPS is in requests a second. Low and High are its range; missing where it is not known.
	RateRPS, Low, High Value
}

// Waterfall is what the time of a request to one target is made of.
type Waterfall struct {
	// Target is an index of Model.Targets.
	Target int
	// Parts are in the order in which a request passes them. What cannot be separated is one part.
	Parts []WaterfallPart
}

// WaterfallPart is the mean time that requests spend in one place.
type WaterfallPart struct {
	// Label is the same for the same place of all targets.
	Label string
	// Mean in µs, 0 or more; missing where it is not known.
	Mean Value
}
