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
	if pause.For(ctx, time.Hour) {
		t.Error("it waited for an hour")
	}
}
