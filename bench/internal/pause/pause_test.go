package pause_test

import (
	"context"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/pause"
)

func TestFor(t *testing.T) {
	t.Parallel()
	if !pause.For(t.Context(), time.Microsecond) {
		t.Error("nothing has ended it, and it says so")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, d := range []time.Duration{time.Hour, 0, -1} {
		for range 100 { // with both ready select takes either
			if pause.For(ctx, d) {
				t.Fatalf("it was let wait for %s by a context that has ended", d)
			}
		}
	}
}
