package loadgen

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// A turn that ends just after a tick has no last interval in which nothing was.
func TestLastInterval(t *testing.T) {
	for lasts, want := range map[time.Duration]int{
		50 * time.Millisecond: 1, 2050 * time.Millisecond: 2, 2400 * time.Millisecond: 3, // of one request at 0 s
		2520 * time.Millisecond: 3, 5020 * time.Millisecond: 6, // with others at 2.5 s and 5 s
	} {
		synctest.Test(t, func(t *testing.T) {
			k, n, all := &kept{}, 0, int64(0)
			k.each = func(i Interval) {
				n++
				all += i.Recorded.Overall.Stats().Requests
			}
			virtual(t, openScenario(1, openPhase(0.4, 0.4, lasts, scenario.Constant)), 1, steady(time.Millisecond), nil, k)
			if got := k.turns[0].Overall.Stats().Requests; n != want || all != got {
				t.Errorf("%s: %d intervals with %d of %d requests, want %d", lasts, n, all, got, want)
			}
		})
	}
}
