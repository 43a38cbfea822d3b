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

// KindGenerator is the kind of requests that failed for lack of something on the generator's own side: file descriptors,
// ports, socket memory. They say nothing of the target.
const KindGenerator = "generator"

func statusKind(status int) string { return "status_" + strconv.Itoa(status) }

const (
	maxBody    = 64 << 20
	headBuffer = 16 << 10 // the longest head of an answer
)

// conn is one worker's keep-alive connection to one target. It is used by one goroutine; close may be called by another.
type conn struct {
	endpoint endpoint
	timeout  time.Duration

	mu     sync.Mutex // guards nc against close
	nc     net.Conn
	closed bool

	reader  *bufio.Reader
	readErr error // what the socket said last: fasthttp's errors hide it
	resp    fasthttp.Response
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

// open makes sure that there is a living connection, and says how long a new one took; 0 if there was one. Servers close
// connections that rest while other targets have their turn, and that is no failure: so it looks before it trusts one.
func (c *conn) open(ctx context.Context) (took time.Duration, _ *failure) {
	if c.nc != nil {
		if alive(c.nc) {
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
	c.nc = nc
	c.reader.Reset(c)
	return took, nil
}

func dialKind(err error) string {
	for _, own := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, own) {
			return KindGenerator
		}
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return kindTimeout
	}
	return kindConnect
}

// send puts r on the wire and reads the whole answer into c.resp, which is valid until the next send. It needs an open
// connection. start is just before the first byte is written, took ends just after the last byte of the answer was read. After a
// failure, or when the server asks for it, the connection is gone.
func (c *conn) send(r *request) (start time.Time, took time.Duration, _ *failure) {
	start = time.Now()
	fail := c.exchange(start, r)
	took = time.Since(start)
	if fail != nil || c.resp.ConnectionClose() {
		c.drop()
	}
	return start, took, fail
}

func (c *conn) exchange(start time.Time, r *request) *failure {
	c.readErr = nil
	if err := c.nc.SetDeadline(start.Add(c.timeout)); err != nil {
		return &failure{kindClosed, err}
	}
	_, writeErr := c.nc.Write(r.wire)
	if errors.Is(writeErr, os.ErrDeadlineExceeded) {
		return &failure{kindTimeout, fmt.Errorf("the request was not taken within %s", c.timeout)}
	}
	// After another write error there may still be an answer that says why, such as a 413.
	c.resp.SkipBody = r.head
	err := c.resp.ReadLimitBody(c.reader, maxBody)
	if err == nil && c.reader.Buffered() == 0 {
		return nil
	}
	return c.readFailure(err, writeErr)
}

// readFailure sorts out why there is no answer, or more than one.
func (c *conn) readFailure(err, writeErr error) *failure {
	var head *fasthttp.ErrSmallBuffer
	switch {
	case err == nil:
		return &failure{kindProtocol, fmt.Errorf("expected nothing after the end of the answer, got %d bytes", c.reader.Buffered())}
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return &failure{kindTooLarge, fmt.Errorf("expected a body of at most %d bytes, got more", maxBody)}
	case errors.As(err, &head):
		return &failure{kindProtocol, fmt.Errorf("expected the head of an answer to end within %d bytes", headBuffer)}
	case errors.Is(c.readErr, os.ErrDeadlineExceeded):
		return &failure{kindTimeout, fmt.Errorf("expected an answer within %s, got none or a part", c.timeout)}
	case c.readErr != nil:
		cause := c.readErr
		if writeErr != nil {
			cause = writeErr // it came first
		}
		return &failure{kindClosed, fmt.Errorf("expected an answer, but the connection was closed before it was whole: %w", cause)}
	default:
		return &failure{kindProtocol, fmt.Errorf("expected an HTTP/1.1 answer: %w", err)}
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
