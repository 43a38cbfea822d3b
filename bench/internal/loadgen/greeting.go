package loadgen

import (
	"fmt"
	"net"
	"sync/atomic"
)

// Frames of HTTP/2, RFC 9113, section 6.
const (
	frameHead     = 9
	frameSettings = 4
	frameGoAway   = 7
)

// watched is a connection that speaks HTTP/2. What it reads goes to net/http, which does not tell when the server has sent its
// settings, without which nobody knows how many streams it takes, nor when it has said that it will close the connection.
type watched struct {
	net.Conn
	settled chan struct{} // closed when the settings have been read and taken notice of
	broken  chan struct{} // closed when there is no more to read, or it is not HTTP/2
	leaving atomic.Bool   // the server takes no more streams
	http1   atomic.Bool   // it answers in HTTP/1.1

	head          [frameHead]byte
	have          int // bytes of head
	skip          int // bytes of the frame that are still to come
	greeted, done bool
	ended         bool
}

func newWatched(nc net.Conn) *watched {
	return &watched{Conn: nc, settled: make(chan struct{}), broken: make(chan struct{})}
}

// Read implements net.Conn. It is called by one goroutine.
func (w *watched) Read(b []byte) (int, error) {
	if w.greeted && !w.done {
		w.done = true
		close(w.settled) // who reads again has done all that was read before
	}
	n, err := w.Conn.Read(b)
	if !w.ended {
		w.see(b[:n])
	}
	if err != nil {
		w.end()
	}
	return n, err
}

func (w *watched) end() {
	if !w.ended {
		w.ended = true
		close(w.broken)
	}
}

// see goes through frames.
func (w *watched) see(b []byte) {
	for len(b) > 0 {
		if w.skip > 0 {
			n := min(w.skip, len(b))
			w.skip -= n
			b = b[n:]
			continue
		}
		n := copy(w.head[w.have:], b)
		w.have += n
		b = b[n:]
		if w.have < frameHead {
			return
		}
		w.have = 0
		w.skip = int(w.head[0])<<16 | int(w.head[1])<<8 | int(w.head[2])
		switch kind := w.head[3]; {
		case !w.greeted && kind == frameSettings:
			w.greeted = true
		case !w.greeted: // the first frame is that of the settings
			w.http1.Store(string(w.head[:5]) == "HTTP/")
			w.end()
			return
		case kind == frameGoAway:
			w.leaving.Store(true)
		}
	}
}

// notHTTP2 says what came instead of the settings.
func (w *watched) notHTTP2() error {
	what := "got something else"
	switch {
	case w.http1.Load():
		what = "the server answers in HTTP/1.1"
	case w.have == 0 && w.skip == 0:
		what = "the server closed the connection"
	}
	return fmt.Errorf("expected HTTP/2, but %s: does it speak that, without TLS too? (protocol: http1)", what)
}
