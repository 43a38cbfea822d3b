package emulator

import (
	"testing"
	"time"
)

// There is one line for each kind and complainEvery, and none is lost from the count.
func TestComplaintsAreFew(t *testing.T) {
	var c complaints
	at := time.Unix(1, 0)
	for i, tt := range []struct {
		kind   failure
		after  time.Duration
		untold int
		due    bool
	}{
		{failAnswer, 0, 0, true},
		{failAnswer, 0, 0, false},
		{failFunction, 0, 0, true},
		{failAnswer, complainEvery - 1, 0, false},
		{failAnswer, complainEvery, 2, true},
		{failAnswer, 2*complainEvery - 1, 0, false},
		{failFunction, 2 * complainEvery, 0, true},
		{failAnswer, 2 * complainEvery, 1, true},
	} {
		if untold, due := c.due(tt.kind, at.Add(tt.after)); untold != tt.untold || due != tt.due {
			t.Errorf("%d: got %d, %v", i, untold, due)
		}
	}
}
