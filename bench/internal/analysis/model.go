// Package analysis turns the result of a run into a side-by-side model of its targets: what differs, by how much, and
// what these figures cannot say.
//
// It is pure. Figures are in base units (microseconds, per second); scaling and rounding is the report's.
package analysis

import (
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Model is a run seen side by side. The first target is the baseline of every ratio.
type Model struct {
	// Run is what the model was made of; readers must not change it.
	Run     *result.Run
	prices  *cost.Table
	Targets []Target
	// Unequal is true when the targets did not run the same phases, as in an interrupted run. Totals and steps then have
	// no ratios, and there are no facts: they would compare one load with another. Nor had they the same load where each was
	// measured at its capacity.
	Unequal bool
	// Totals are over all phases that count.
	Totals []Row
	// Phases are in the scenario's order, each over all rounds; also those that did not run.
	Phases []Section
	// Steps are over all phases that count.
	Steps []Section
	// Thresholds are the limits of the SLO, those of the total first; empty without an SLO.
	Thresholds []Threshold
	// Capacity is what a search for it found; nil in runs that did not search. The figures are then of each target at its own
	// capacity, so that Unequal is true.
	Capacity *Capacity
	// Waits name targets whose requests waited for a free connection, in an open load.
	Waits []Wait
	// Unsent is about requests that were due and never sent, which are among the errors; empty where all were sent.
	Unsent []Row
	// Errors are by kind, most frequent first, without those of Unsent; empty when no request failed otherwise.
	Errors []ErrorKind
	// ErrorTimes say how long failed requests took to fail; empty when none failed.
	ErrorTimes []Row
	// ColdStarts is empty when no target reports them.
	ColdStarts []Row
	// Lambda is what functions were billed, by AWS's log, or would be billed, by what the local Lambda service counted; empty where
	// neither is known of any target.
	Lambda []Row
	// Instances are CPU and CPU credits of targets on EC2; empty where they are not known.
	Instances []Row
	// Connections says how many were opened and how long that took.
	Connections []Row
	// Generator is how the load generator itself did; its rows have one cell.
	Generator []Row
	// Shapes are the distributions of the times in the totals; empty without a success.
	Shapes []Shape
	// Timeline is nil where the intervals of the run are not known. Compare does not know them: NewTimeline makes it of a journal.
	Timeline *Timeline
	// BreakEven and Bills are nil, and Waterfalls are empty, where they are not known.
	BreakEven  *BreakEven
	Bills      *Bills
	Waterfalls []Waterfall
	// ColdWarm splits the times of targets that report cold starts.
	ColdWarm []ColdWarm
	// Verdict is nil where there is no function, or nothing else.
	Verdict *Verdict
	// Rounds has each round by itself, over its phases that count; empty when there is one round.
	Rounds []Round
	// Spread is the lowest, the middle and the highest round of a metric; empty when there is one round.
	Spread []Spread
	// Comparisons say, for each metric of each target but the baseline, what the rounds tell. Empty where the targets had not the same
	// load.
	Comparisons []Comparison
	// Turns is the order in which the targets ran each phase.
	Turns []Turn
	Facts []Fact
	Flips []Flip
	// Caveats are what these figures cannot say, in sentences.
	Caveats []string
	// Published are earlier runs of the same workload; nil for other workloads.
	Published *PublishedComparison

	groups []*phaseGroup
	// every round, also the only one
	every []Round
}

// Target is how one column came about.
type Target struct {
	Name       string
	Kind       string
	URL        string
	Provenance result.Provenance
	Spec       result.Spec
	// Local is true when the target was called over the loopback interface.
	Local bool
	// Opaque is true when bench was only given the target's loopback URL: what answers there is not known, and may be an
	// emulator or the end of a tunnel.
	Opaque bool
}

// Section is a phase or a step.
type Section struct {
	Name   string
	Warmup bool
	// Workers of a closed phase; 0 when not known or not a phase.
	Workers int
	// Rate of an open phase; nil when not known or not a phase.
	Rate *scenario.Rate
	// Ran is false when no target has sent a request in it.
	Ran  bool
	Rows []Row
}

// ErrorKind is one kind of failure.
type ErrorKind struct {
	Kind string
	// Counts and Shares (of the target's requests, 0 to 1) are by target.
	Counts []int64
	Shares []Value
	// Examples have the first of its kind by target; nil where there is none.
	Examples []*result.ErrorSample
}

// Round is one round by itself.
type Round struct {
	// Number counts from 1.
	Number int
	Rows   []Row
}

// Spread is how far the rounds of one metric lie apart, by target.
type Spread struct {
	Metric                  Metric
	Lowest, Middle, Highest []Value
}

// Turn is the order in which the targets ran one phase in one round, as indexes of targets.
type Turn struct {
	Round int
	Phase string
	Order []int
}

// Fact is one figure of one target beside the baseline's.
type Fact struct {
	Metric Metric
	// Target is an index of Model.Targets, never 0.
	Target int
	Base   Value
	Cell
}

// Flip says that a target is ahead of the baseline in some phases and behind in others.
type Flip struct {
	Metric Metric
	Target int
	// Better and Worse are names of phases.
	Better, Worse []string
}

// Find gives the row of a metric's key, and false where there is none.
func Find(rows []Row, key string) (Row, bool) {
	for _, r := range rows {
		if r.Metric.Key == key {
			return r, true
		}
	}
	return Row{}, false
}
