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
	kindCapture  = "capture"   // a right answer without a part that later steps need
	kindRequest  = "request"   // a request that cannot be sent with the values it would have
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

	used    time.Time // when the last answer was read
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

// restsLong is from when on a connection that was not used is looked at before it is used again.
const restsLong = time.Second

// ready implements link. Servers close connections that rest, and that is no failure: so one that rested is not trusted.
func (c *conn) ready() bool {
	return c.nc != nil && (time.Since(c.used) < restsLong || alive(c.nc))
}

// open implements link.
func (c *conn) open(ctx context.Context) (o opened, _ *failure) {
	if c.nc != nil {
		if alive(c.nc) {
			return o, nil
		}
		c.drop()
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	start := time.Now()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", c.endpoint.address)
	if err != nil {
		return o, &failure{dialKind(err), fmt.Errorf("connecting: %w", err)}
	}
	if c.endpoint.tls {
		shaken := time.Now()
		session := tls.Client(nc, &tls.Config{
			ServerName: c.endpoint.serverName, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12,
		})
		if err := session.HandshakeContext(ctx); err != nil {
			_ = nc.Close()
			kind := kindTLS
			if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
				kind = kindTimeout
			}
			return o, &failure{kind, fmt.Errorf("TLS handshake: %w", err)}
		}
		o.handshake = max(time.Since(shaken), 1)
		nc = session
	}
	o.took = max(time.Since(start), 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = nc.Close()
		return o, &failure{kindConnect, errAborted}
	}
	c.nc = nc
	c.used = time.Now()
	c.reader.Reset(c)
	return o, nil
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

// send implements link. It needs an open connection. After a failure, or when the server asks for it, the connection is gone.
func (c *conn) send(m *message) (start time.Time, took time.Duration, _ *failure) {
	start = time.Now()
	fail := c.exchange(start, m)
	took = time.Since(start)
	c.used = start.Add(took)
	if fail != nil || c.resp.ConnectionClose() {
		c.drop()
	}
	return start, took, fail
}

func (c *conn) answer() *fasthttp.Response { return &c.resp }

func (c *conn) exchange(start time.Time, m *message) *failure {
	if m.err != nil {
		return &failure{kindRequest, m.err}
	}
	c.readErr = nil
	if err := c.nc.SetDeadline(start.Add(c.timeout)); err != nil {
		return &failure{kindClosed, err}
	}
	_, writeErr := c.nc.Write(m.wire)
	if errors.Is(writeErr, os.ErrDeadlineExceeded) {
		return &failure{kindTimeout, fmt.Errorf("the request was not taken within %s", c.timeout)}
	}
	// After another write error there may still be an answer that says why, such as a 413.
	c.resp.SkipBody = m.method == "HEAD"
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
