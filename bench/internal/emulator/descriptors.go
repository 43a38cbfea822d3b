package emulator

import (
	"net"
	"net/http"
	"sync"
	"syscall"

	"github.com/crossover-bench/crossover/bench/internal/rawconn"
)

// What takes descriptors of this process: 15 were open in a service without environments, and an environment took 6, and one more for the
// client whose request it has. Starting one takes a few for a moment.
const (
	filesReserved       = 16
	filesPerEnvironment = 6
	connsPerEnvironment = 2 // of those: connections to its Runtime API
)

// descriptors shares the descriptors of this process out to clients of all front doors and to environments of all functions, so that
// neither keeps the other from going on: without it clients take them all, and then no function reaches its Runtime API.
//
// Clients have half of them at most, and less when environments need more. One that comes beyond that waits, its connection not
// served, until another one ends. An environment beyond that is not started: its request is throttled. golang.org/x/net/netutil bounds
// one listener by itself; here many share one bound, which moves.
type descriptors struct {
	most int // to be shared out

	mu                    sync.Mutex
	freed                 sync.Cond // when there may be room for another client
	clients, environments int
	conns                 int // of environments, beyond connsPerEnvironment of each
}

// files are the descriptors of this process.
var files = sync.OnceValue(func() *descriptors {
	const noLimit = 1 << 30
	limit := uint64(noLimit)
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) == nil {
		limit = min(limit, uint64(r.Cur)) //nolint:unconvert // it is signed on some platforms
	}
	d := &descriptors{most: max(0, int(limit)-filesReserved)}
	d.freed.L = &d.mu
	return d
})

// RoomForEnvironments is how many environments of all functions of this process may exist at once, each with a request in work, for there
// are no open files for more. Others are throttled.
func RoomForEnvironments() int { return max(1, files().most/(filesPerEnvironment+1)) }

// clientRoom is how many clients may be served; d.mu is held.
func (d *descriptors) clientRoom() int {
	return max(1, min(d.most/2, d.most-filesPerEnvironment*d.environments-d.conns))
}

// tryEnvironment takes room for an environment, if there is any. It leaves room for one more client.
func (d *descriptors) tryEnvironment() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.environments + 1
	if n > 1 && max(n, d.clients+1)+filesPerEnvironment*n+d.conns > d.most {
		return false
	}
	d.environments = n
	return true
}

// addEnvironments takes room for n environments, there or not; it gives it back if n is negative.
func (d *descriptors) addEnvironments(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.environments += n
	d.freed.Broadcast()
}

// tryConn takes room for one more connection to a Runtime API, if there is any, or there or not if it is needed. It leaves room for one
// more client.
func (d *descriptors) tryConn(needed bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !needed && max(d.environments, d.clients+1)+filesPerEnvironment*d.environments+d.conns+1 > d.most {
		return false
	}
	d.conns++
	return true
}

// freeConn gives it back.
func (d *descriptors) freeConn() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns--
	d.freed.Broadcast()
}

// crowded tells whether more than half of the clients are there that may be. From then on a connection ends with the answer that it gets,
// so that clients which keep theirs for later do not keep others out.
func (d *descriptors) crowded() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clients > d.clientRoom()/2
}

// handler ends connections with their answers while there are many.
func (d *descriptors) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.crowded() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// listener accepts from l the connections that there is room for.
func (d *descriptors) listener(l net.Listener) net.Listener { return &doorway{Listener: l, files: d} }

// doorway is a listener that shares descriptors. It accepts before it waits for room, or doors at which nobody comes would take room.
type doorway struct {
	net.Listener
	files  *descriptors
	closed bool // guarded by files.mu
}

// Accept returns the next connection when there is room for it.
func (w *doorway) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // net/http looks at it
	}
	d := w.files
	d.mu.Lock()
	defer d.mu.Unlock()
	for !w.closed && d.clients >= d.clientRoom() {
		d.freed.Wait()
	}
	if w.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	d.clients++
	return &client{Conn: rawconn.New(conn), files: d}, nil
}

// Close ends Accept.
func (w *doorway) Close() error {
	w.files.mu.Lock()
	w.closed = true
	w.files.freed.Broadcast()
	w.files.mu.Unlock()
	return w.Listener.Close()
}

// client is a connection of a doorway. It gives its room back when it is closed.
type client struct {
	net.Conn
	files *descriptors
	once  sync.Once
}

// Close ends the connection.
func (c *client) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.files.mu.Lock()
		defer c.files.mu.Unlock()
		c.files.clients--
		c.files.freed.Broadcast()
	})
	return err //nolint:wrapcheck // a pure pass-through
}

// CloseWrite lets an answer end while the client still sends.
func (c *client) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite() //nolint:wrapcheck // a pure pass-through
	}
	return nil
}
