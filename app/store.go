package app

import (
	"context"
	"errors"
)

var (
	// ErrNotFound is what a [Store] answers for a text that is not there: never
	// stored, or expired.
	ErrNotFound = errors.New("text not found")

	// ErrUnavailable is what a [Store] answers when it cannot do its work now:
	// not reachable, too slow, or refusing. The caller may try again later.
	ErrUnavailable = errors.New("store unavailable")
)

// Text is one stored text.
type Text struct {
	// ID names the text; see [NewID].
	ID string
	// Body is the text itself, valid UTF-8, at most [MaxBodyBytes] long. A store
	// neither changes it nor keeps it after Put has returned.
	Body []byte
	// Characters is the number of Unicode code points in Body.
	Characters int
}

// Stats are totals over all texts ever stored, expired ones included. They never
// shrink.
type Stats struct {
	// Texts is the number of texts stored.
	Texts int64 `json:"texts"`
	// Characters is the sum of their lengths in Unicode code points.
	Characters int64 `json:"characters"`
}

// Store keeps texts. Implementations are safe for concurrent use, make one
// network round trip an operation, and end each within a bounded time even when
// ctx has no deadline. Errors wrap [ErrUnavailable] or [ErrNotFound]; when the
// caller's own context ended the operation they also wrap that context's error.
//
// The contract is executable: see package storetest.
type Store interface {
	// Put stores t and adds it to the totals. A Put that failed may have been
	// carried out all the same; it is never carried out twice.
	Put(ctx context.Context, t Text) error
	// Get returns the body of the text with that ID, or ErrNotFound.
	Get(ctx context.Context, id string) ([]byte, error)
	// Stats returns the totals, zero when nothing was ever stored.
	Stats(ctx context.Context) (Stats, error)
	// Ping answers nil when the store can be reached.
	Ping(ctx context.Context) error
}
