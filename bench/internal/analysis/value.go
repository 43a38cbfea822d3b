package analysis

import "math"

// Value is a figure that may be missing. The zero Value is missing; a Value is never NaN or infinite.
type Value struct {
	number float64
	valid  bool
	few    int64
}

// Known is the Value of v, or a missing one where v is NaN or infinite.
func Known(v float64) Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Value{}
	}
	return Value{number: v, valid: true}
}

// Get gives the figure, and false where it is missing.
func (v Value) Get() (float64, bool) { return v.number, v.valid }

// Valid says whether there is a figure.
func (v Value) Valid() bool { return v.valid }

// TooFew gives the number of samples, and true, where the figure is missing because they are too few for it.
func (v Value) TooFew() (samples int64, ok bool) { return v.few, v.few > 0 }

// Over is v divided by base; missing where either is missing or base is 0.
func (v Value) Over(base Value) Value {
	if !v.valid || !base.valid || base.number == 0 {
		return Value{}
	}
	return Known(v.number / base.number)
}

func optional(p *float64) Value {
	if p == nil {
		return Value{}
	}
	return Known(*p)
}

func optionalCount(p *int64) Value {
	if p == nil {
		return Value{}
	}
	return Known(float64(*p))
}

// Unit is what a metric's figures are given in.
type Unit int

// Counts are numbers of things, times are microseconds, rates are per second, shares are 0 to 1.
const (
	Count Unit = iota
	Microseconds
	PerSecond
	Share
	Bytes
)

// Direction says which of two figures of a metric is the better one.
type Direction int

// Neither is for figures that the load sets, such as the number of requests.
const (
	Neither Direction = iota
	Lower
	Higher
)

// Standing is how a figure compares to the baseline's. With fewer than five rounds it is arithmetic on two figures and says nothing
// of chance.
type Standing int

// Unrated is for the baseline itself, missing figures, and metrics that have no better direction. Undecided is where the rounds
// could tell and do not.
const (
	Unrated Standing = iota
	Better
	Same
	Worse
	Undecided
)

// Metric is what a row is about.
type Metric struct {
	// Key is stable, for programs: wall_time, p99, ...
	Key    string
	Label  string
	Unit   Unit
	Better Direction
}

// Cell is the figure of one target in a row.
type Cell struct {
	Value Value
	// Ratio is Value over the baseline's; missing for the baseline itself.
	Ratio    Value
	Standing Standing
}

// Row is one metric of all targets, in the order of the run's targets. The first is the baseline.
type Row struct {
	Metric Metric
	Cells  []Cell
}

// Empty says whether no target has a figure.
func (r Row) Empty() bool {
	for _, c := range r.Cells {
		if c.Value.valid {
			return false
		}
	}
	return true
}

// evenWithin is how near to 1 a ratio is called the same: what three digits cannot show.
const evenWithin = 0.005

func newRow(m Metric, values []Value) Row {
	r := Row{Metric: m, Cells: make([]Cell, len(values))}
	for i, v := range values {
		r.Cells[i].Value = v
		if i == 0 {
			continue
		}
		r.Cells[i].Ratio = v.Over(values[0])
		r.Cells[i].Standing = m.standing(v, values[0])
	}
	return r
}

// standing needs no ratio: an error against none is worse although it cannot be divided by 0.
func (m Metric) standing(v, base Value) Standing {
	if m.Better == Neither || !v.valid || !base.valid {
		return Unrated
	}
	difference := v.number - base.number
	switch {
	case math.Abs(difference) < evenWithin*math.Abs(base.number) || difference == 0:
		return Same
	case (difference < 0) == (m.Better == Lower):
		return Better
	}
	return Worse
}
