package loadgen

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// Kinds of failed requests, beside status_NNN.
const (
	kindTimeout  = "timeout"   // no whole answer within the scenario's timeout
	kindConnect  = "connect"   // no connection: refused, unreachable, name not found
	kindTLS      = "tls"       // no TLS session: certificate, protocol
	kindClosed   = "closed"    // the server closed or reset the connection before the answer was whole
	kindProtocol = "protocol"  // the answer is not HTTP/1.1
	kindTooLarge = "too_large" // the answer's body is longer than maxBody
	kindMismatch = "mismatch"  // an answer, but not the expected one
)

func statusKind(status int) string { return "status_" + strconv.Itoa(status) }

const (
	maxBody    = 64 << 20
	headBuffer = 16 << 10 // the longest head of an answer
	// stale is how long a connection may rest before it is probed. Within a phase a worker is never that slow.
	stale = time.Second
)

// conn is one worker's keep-alive connection to one target. It is used by one goroutine; close may be called by another.
type conn struct {
	endpoint endpoint
	timeout  time.Duration

	mu     sync.Mutex // guards nc against close
	nc     net.Conn
	closed bool

	reader   *bufio.Reader
	readErr  error // what the socket said last: fasthttp's errors hide it
	resp     fasthttp.Response
	lastUsed time.Time
}

func newConn(e endpoint, timeout time.Duration) *conn {
	c := &conn{endpoint: e, timeout: timeout}
	c.reader = bufio.NewReaderSize(c, headBuffer)
	// An answer without a type has none; fasthttp would say text/plain.
	c.resp.Header.SetNoDefaultContentType(true)
	return c
}

// Read reads from the socket and keeps its error.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.nc.Read(p)
	c.readErr = err
	return n, err
}

// failure is a request that failed: its kind, and words for people.
type failure struct {
	kind string
	err  error
}

func (f *failure) Error() string { return f.err.Error() }

var errAborted = errors.New("aborted")

// open makes sure that there is a living connection, and says how long a new one took; 0 if there was one.
func (c *conn) open(ctx context.Context) (took time.Duration, _ *failure) {
	if c.nc != nil {
		if time.Since(c.lastUsed) < stale || alive(c.nc) {
			return 0, nil
		}
		c.drop()
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	start := time.Now()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", c.endpoint.address)
	if err != nil {
		return 0, &failure{dialKind(err), fmt.Errorf("connecting: %w", err)}
	}
	if c.endpoint.tls {
		session := tls.Client(nc, &tls.Config{
			ServerName: c.endpoint.serverName, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12,
		})
		if err := session.HandshakeContext(ctx); err != nil {
			_ = nc.Close()
			kind := kindTLS
			if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
				kind = kindTimeout
			}
			return 0, &failure{kind, fmt.Errorf("TLS handshake: %w", err)}
		}
		nc = session
	}
	took = max(time.Since(start), 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = nc.Close()
		return 0, &failure{kindConnect, errAborted}
	}
	c.nc, c.lastUsed = nc, time.Now()
	c.reader.Reset(c)
	return took, nil
}

func dialKind(err error) string {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return kindTimeout
	}
	return kindConnect
}

// send puts r on the wire and reads the whole answer into c.resp, which is valid until the next send. After a failure the
// connection is gone.
func (c *conn) send(r *request) (start time.Time, took time.Duration, _ *failure) {
	start = time.Now()
	fail := c.exchange(start, r)
	end := time.Now()
	c.lastUsed = end
	if fail != nil || c.resp.ConnectionClose() {
		c.drop()
	}
	return start, end.Sub(start), fail
}

func (c *conn) exchange(start time.Time, r *request) *failure {
	c.readErr = nil
	if err := c.nc.SetDeadline(start.Add(c.timeout)); err != nil {
		return &failure{kindClosed, err}
	}
	_, writeErr := c.nc.Write(r.wire)
	if writeErr != nil && errors.Is(writeErr, os.ErrDeadlineExceeded) {
		return &failure{kindTimeout, fmt.Errorf("sending: no progress for %s", c.timeout)}
	}
	// After another write error there may still be an answer that says why, such as a 413.
	c.resp.SkipBody = r.head
	err := c.resp.ReadLimitBody(c.reader, maxBody)
	switch {
	case err == nil && c.reader.Buffered() > 0:
		return &failure{kindProtocol, fmt.Errorf("%d bytes after the end of the answer", c.reader.Buffered())}
	case err == nil:
		return nil
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return &failure{kindTooLarge, fmt.Errorf("the answer's body is longer than %d bytes", maxBody)}
	case errors.Is(c.readErr, os.ErrDeadlineExceeded):
		return &failure{kindTimeout, fmt.Errorf("no whole answer within %s", c.timeout)}
	case c.readErr != nil:
		return &failure{kindClosed, fmt.Errorf("connection closed before the answer was whole: %w", errors.Join(writeErr, c.readErr))}
	default:
		return &failure{kindProtocol, fmt.Errorf("reading the answer: %w", err)}
	}
}

// drop closes the connection; the next open dials again.
func (c *conn) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nc != nil {
		_ = c.nc.Close()
		c.nc = nil
	}
}

// close ends the connection for good; a request in flight fails at once. It may be called from any goroutine.
func (c *conn) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.nc != nil {
		_ = c.nc.Close()
	}
}

// alive asks the socket whether the server has closed it, without waiting and without taking data from it.
func alive(nc net.Conn) bool {
	if session, ok := nc.(*tls.Conn); ok {
		nc = session.NetConn()
	}
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	living := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		// Nothing to read yet is how a resting connection should be. On TLS a waiting record may be a session ticket.
		living = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK) || err == nil && n > 0
		return true
	})
	return err == nil && living
}
