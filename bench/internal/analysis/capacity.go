package analysis

import "github.com/crossover-bench/crossover/bench/internal/result"

// Capacity is the highest rate of each target that kept the SLO, side by side.
type Capacity struct {
	// Rows are the rate that was kept, the lowest that was missed, the range of the edge, and the number of trials.
	Rows []Row
	// Found is by target; nil for one that was not searched.
	Found []*result.Capacity
	// Ratios are by target, of the rates kept; of the first target it is missing.
	Ratios []CapacityRatio
}

// CapacityRatio is a target's capacity over the baseline's.
type CapacityRatio struct {
	Ratio Value
	// Low and High are its range: one end of the target's range over the other end of the baseline's.
	Low, High Value
	// TargetAtLeast and BaseAtLeast say that something else than the target, or the baseline, ended its search, so that its capacity may be higher.
	TargetAtLeast, BaseAtLeast bool
}

func capacity(run *result.Run) *Capacity {
	c := &Capacity{Found: make([]*result.Capacity, len(run.Targets)), Ratios: make([]CapacityRatio, len(run.Targets))}
	some := false
	for i := range run.Targets {
		c.Found[i] = run.Targets[i].Capacity
		some = some || c.Found[i] != nil
	}
	if !some {
		return nil
	}
	rate := func(key, label string, better Direction, of func(*result.Capacity) *float64) {
		c.Rows = append(c.Rows, pick(Metric{key, label, PerSecond, better}, c.Found, func(f *result.Capacity) Value { return optional(of(f)) }))
	}
	rate("kept", "Highest rate that kept it", Higher, func(f *result.Capacity) *float64 { return f.KeptRPS })
	rate("missed", "Lowest rate that missed it", Neither, func(f *result.Capacity) *float64 { return f.MissedRPS })
	rate("low", "Range, from", Neither, func(f *result.Capacity) *float64 { return f.LowRPS })
	rate("high", "Range, to", Neither, func(f *result.Capacity) *float64 { return f.HighRPS })
	c.Rows = append(c.Rows, pick(Metric{"trials", "Trials", Count, Neither}, c.Found, func(f *result.Capacity) Value { return Known(float64(len(f.Trials))) }))
	base := c.Found[0]
	for i, f := range c.Found {
		if i == 0 || f == nil || base == nil {
			continue
		}
		c.Ratios[i] = CapacityRatio{
			Ratio: optional(f.KeptRPS).Over(optional(base.KeptRPS)),
			Low:   optional(f.LowRPS).Over(optional(base.HighRPS)), High: optional(f.HighRPS).Over(optional(base.LowRPS)),
			TargetAtLeast: f.LimitedBy != result.LimitTarget, BaseAtLeast: base.LimitedBy != result.LimitTarget,
		}
		kept := &c.Rows[0].Cells[i]
		kept.Standing = c.Ratios[i].standing(kept.Standing)
	}
	return c
}

// standing is what is left of that of the two rates alone: a capacity that may be higher is not the lower one, and of ranges that overlap
// neither is.
func (r *CapacityRatio) standing(alone Standing) Standing {
	switch {
	case alone == Unrated:
		return Unrated
	case r.TargetAtLeast && alone != Better, r.BaseAtLeast && alone != Worse:
		return Undecided
	}
	low, lowKnown := r.Low.Get()
	high, highKnown := r.High.Get()
	if alone == Better && lowKnown && low <= 1 || alone == Worse && highKnown && high >= 1 {
		return Undecided
	}
	return alone
}
