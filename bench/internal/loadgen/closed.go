package loadgen

import (
	"sync/atomic"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// closedPace lets each worker begin its next iteration when it has done the last.
type closedPace struct {
	each  int       // iterations of a worker; 0: until
	until time.Time // zero: no limit
	stop  *stop
	cut   atomic.Bool // stopped with iterations left

	steps  int
	block  int // so many iterations of one step, then of the next; 0: steps take turns
	chain  bool
	weight bool
}

func newClosedPace(s *scenario.Scenario, p scenario.Phase, start time.Time, stop *stop) *closedPace {
	c := &closedPace{stop: stop, each: p.Iterations, steps: len(s.Steps), chain: s.Chained(), weight: s.Weighted()}
	if !c.chain {
		c.each *= c.steps
	}
	if s.Order == scenario.Blocks {
		// A phase bounded by time has no blocks: which step the time ran out in would be chance.
		c.block = p.Iterations
	}
	if p.Duration > 0 {
		c.until = start.Add(time.Duration(p.Duration))
	}
	return c
}

// next implements pace.
func (c *closedPace) next(w *worker, prepare func(n uint64, step int)) (time.Time, bool) {
	if c.each > 0 && w.begun == c.each || !c.until.IsZero() && !time.Now().Before(c.until) {
		return time.Time{}, false
	}
	if c.stop.flag.Load() {
		c.cut.Store(true)
		return time.Time{}, false
	}
	// Each worker draws from numbers of its own.
	prepare(uint64(w.number)<<40|uint64(w.begun), c.step(w.begun)) //nolint:gosec // both count up from 0
	w.begun++
	return time.Time{}, true
}

// step of a worker's n-th iteration, from 0.
func (c *closedPace) step(n int) int {
	switch {
	case c.chain:
		return 0
	case c.weight:
		return drawn
	case c.block > 0:
		return n / c.block
	}
	return n % c.steps
}

func (c *closedPace) queued() int64                            { return 0 }
func (c *closedPace) finish(*worker) bool                      { return c.cut.Load() }
func (c *closedPace) span(first, last time.Time) time.Duration { return last.Sub(first) }
