package loadgen

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestTurnsAreFair counts the orders that many seeds, rounds and phases give.
func TestTurnsAreFair(t *testing.T) {
	const n = 3
	seen, all := map[string]int{}, 0
	for seed := range uint64(100) {
		for round := 1; round <= 5; round++ {
			for phase := range 4 {
				order := turns(seed, round, phase, n)
				sorted := slices.Sorted(slices.Values(order))
				if !slices.Equal(sorted, []int{0, 1, 2}) {
					t.Fatalf("seed %d round %d phase %d: %v is not each target once", seed, round, phase, order)
				}
				if !slices.Equal(order, turns(seed, round, phase, n)) {
					t.Fatalf("seed %d round %d phase %d: another order when asked again", seed, round, phase)
				}
				seen[fmt.Sprint(order)]++
				all++
			}
		}
	}
	// 2,000 draws from 6 orders: 333 each, with a standard deviation of 17.
	for order, times := range seen {
		if times < 250 || times > 416 {
			t.Errorf("%s came %d times of %d", order, times, all)
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d orders of 6 occur", len(seen))
	}
}

func TestSpan(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(1000+int64(s), 0) }
	tests := []struct {
		name    string
		workers []*worker
		want    time.Duration
	}{
		{"no worker sent", []*worker{{}, {}}, 0},
		{"one", []*worker{{first: at(1), last: at(3)}}, 2 * time.Second},
		{"first and last of different workers", []*worker{{first: at(2), last: at(9)}, {}, {first: at(1), last: at(4)}}, 8 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, last := ran(tt.workers)
			if got := (&closedPace{}).span(first, last); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
