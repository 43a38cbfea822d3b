package main

import (
	"net/http"
	"sync"
	"sync/atomic"
)

// drainer counts requests in flight and tells when there are none any more.
type drainer struct {
	next     http.Handler
	n        atomic.Int64
	draining atomic.Bool
	once     sync.Once
	idle     chan struct{}
}

func newDrainer(next http.Handler) *drainer {
	return &drainer{next: next, idle: make(chan struct{})}
}

func (d *drainer) inFlight() int64 { return d.n.Load() }

// drain starts to send clients away and returns a channel that is closed as soon
// as nothing is in flight.
func (d *drainer) drain() <-chan struct{} {
	d.draining.Store(true)
	d.check()
	return d.idle
}

func (d *drainer) check() {
	if d.n.Load() == 0 {
		d.once.Do(func() { close(d.idle) })
	}
}

// ServeHTTP serves one request and counts it.
func (d *drainer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.n.Add(1)
	defer func() {
		d.n.Add(-1)
		if d.draining.Load() {
			d.check()
		}
	}()
	if d.draining.Load() {
		// Ends the connection after this answer; HTTP/2 sends GOAWAY.
		w.Header().Set("Connection", "close")
	}
	d.next.ServeHTTP(w, r)
}
