// Package http1 serves HTTP/1.1 to handlers that do not ask whether their client is still there.
//
// net/http tells a handler by the context of its request when the client goes. For that it starts a goroutine with each request which
// reads ahead, and stops it again at the end. Here the goroutine of a connection reads, handles and writes, one after the other: a
// request over the loopback takes 0.72 to 0.79 of the time, that of the client included (BenchmarkServe). It does so with plain
// requests alone. With the first one that is not plain, whatever is odd or wrong with it, the connection goes over to net/http for the
// rest of its life. So nothing of what makes a server of HTTP difficult is here.
package http1

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves plain requests itself and leaves all others to an [http.Server]. Its methods are safe for concurrent use.
type Server struct {
	other    *http.Server
	handover *handover
	closing  atomic.Bool

	mu        sync.Mutex
	listener  net.Listener
	conns     map[*conn]struct{}
	connsGone sync.WaitGroup
}

// New makes a server with the handler and the time-outs for reading of other, which serves the connections on which requests come that
// are not plain. The context of a plain request is [context.Background].
func New(other *http.Server) *Server {
	return &Server{other: other, handover: &handover{conns: make(chan net.Conn), closed: make(chan struct{})}, conns: map[*conn]struct{}{}}
}

// Serve serves the connections that l accepts until Shutdown or Close, and returns [http.ErrServerClosed] then. It is called once.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.listener = l
	s.mu.Unlock()
	if s.closing.Load() {
		_ = l.Close()
	}
	s.handover.addr = l.Addr()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.other.Serve(s.handover) // ends with ErrServerClosed
	}()
	for {
		nc, err := Accept(l)
		if err != nil {
			<-ended
			return http.ErrServerClosed
		}
		s.open(nc)
	}
}

// open serves a connection.
func (s *Server) open(nc net.Conn) {
	c := &conn{server: s, Conn: nc, reader: bufio.NewReader(nc), remote: nc.RemoteAddr().String()}
	c.resp = response{out: bufio.NewWriter(nc), header: http.Header{}}
	c.idle.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		_ = nc.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.connsGone.Go(c.serve)
}

// stop ends the listener and, of the connections, those that are idle, or all.
func (s *Server) stop(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	if s.listener != nil {
		_ = s.listener.Close()
	}
	for c := range s.conns {
		if c.idle.CompareAndSwap(true, false) || all {
			_ = c.Close()
		}
	}
}

// Shutdown accepts no more connections, ends those that are idle, and waits for the requests in work until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(false)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		s.connsGone.Wait()
	}()
	select {
	case <-gone:
	case <-ctx.Done():
		return fmt.Errorf("shutting down: %w", ctx.Err())
	}
	if err := s.other.Shutdown(ctx); err != nil {
		return fmt.Errorf("shutting down: %w", err)
	}
	return nil
}

// Close ends all connections. It does not wait for the handlers.
func (s *Server) Close() error {
	s.stop(true)
	if err := s.other.Close(); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	return nil
}

// conn is a connection whose requests were plain so far.
type conn struct {
	net.Conn
	server *Server
	remote string
	reader *bufio.Reader
	resp   response
	idle   atomic.Bool // it waits for a request, and who sets this to false may close it
}

// serve answers requests until the connection ends or goes over to net/http.
func (c *conn) serve() {
	ours := true
	defer func() {
		if fault := recover(); fault != nil && fault != http.ErrAbortHandler { //nolint:errorlint,err113 // as net/http compares it
			c.server.logf("panic serving %s: %v\n%s", c.remote, fault, debug.Stack())
		}
		if ours { // while Close may still break it off
			_ = c.resp.out.Flush()
			_ = c.Close()
		}
		s := c.server
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	for c.await() {
		req, plain := ReadPlain(c.reader)
		if !plain {
			ours = !c.server.handover.take(c)
			return
		}
		req.RemoteAddr = c.remote
		c.resp.reset(req, c.server.closing.Load())
		limit := c.server.other.ReadTimeout
		limited := limit > 0 && req.ContentLength > int64(c.reader.Buffered())
		if limited {
			_ = c.SetReadDeadline(time.Now().Add(limit))
		}
		c.server.other.Handler.ServeHTTP(&c.resp, req)
		if !c.resp.end() {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		if limited {
			_ = c.SetReadDeadline(time.Time{})
		}
		c.idle.Store(true)
	}
}

// await waits for the beginning of a request. A connection that has not had one yet has a deadline for it.
func (c *conn) await() bool {
	if c.server.closing.Load() {
		return false
	}
	first, limit := c.resp.req == nil, c.server.other.ReadHeaderTimeout
	if first && limit > 0 {
		_ = c.SetReadDeadline(time.Now().Add(limit))
	}
	if _, err := c.reader.Peek(1); err != nil {
		return false
	}
	if first && limit > 0 {
		_ = c.SetReadDeadline(time.Time{})
	}
	return c.idle.CompareAndSwap(true, false)
}

func (s *Server) logf(format string, values ...any) {
	if s.other.ErrorLog != nil {
		s.other.ErrorLog.Printf("http: "+format, values...)
	}
}

// handover is a listener that accepts connections of which something has been read already.
type handover struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// take hands c over. It tells whether c is in other hands now.
func (h *handover) take(c *conn) bool {
	select {
	case h.conns <- &readAhead{Conn: c.Conn, reader: c.reader}:
		return true
	case <-h.closed:
		return false
	}
}

// Accept returns the next connection.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr is that of the real listener.
func (h *handover) Addr() net.Addr { return h.addr }

// readAhead is a connection of which the next bytes have been read already.
type readAhead struct {
	net.Conn
	reader *bufio.Reader
}

// Read reads on.
func (c *readAhead) Read(p []byte) (int, error) {
	if c.reader.Buffered() > 0 {
		return c.reader.Read(p) //nolint:wrapcheck // net/http looks at it
	}
	return c.Conn.Read(p) //nolint:wrapcheck // net/http looks at it
}

// CloseWrite lets net/http end an answer to a client that still sends.
func (c *readAhead) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite() //nolint:wrapcheck // a pure pass-through
	}
	return nil
}
