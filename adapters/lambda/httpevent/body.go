package httpevent

import (
	"io"
	"net/http"
	"sync"
)

// requestBody is the body of a request. Its data may be a part of the event, whose memory belongs to the runtime again as
// soon as the invocation has ended; so it only gives out copies, and none after it was closed. That is also why it has no
// WriteTo, which would hand the event itself to writers that may go on after the handler.
type requestBody struct {
	mu     sync.Mutex
	data   []byte
	pos    int
	closed bool
}

// Read copies what comes next.
func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.pos >= len(b.data):
		return 0, io.EOF
	}
	n := copy(p, b.data[b.pos:])
	b.pos += n
	if b.pos == len(b.data) {
		return n, io.EOF
	}
	return n, nil
}

// Close ends all reading.
func (b *requestBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.data = true, nil
	return nil
}
