// Package pause waits for a time that may end early.
package pause

import (
	"context"
	"time"
)

// For waits for d, which may be 0 or less, and says whether ctx let it.
func For(ctx context.Context, d time.Duration) bool {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-late.C:
		return ctx.Err() == nil // both may have come
	case <-ctx.Done():
		return false
	}
}
