package loadgen

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Kinds of failed requests, beside status_NNN.
const (
	kindTimeout  = "timeout"   // no whole answer within the scenario's timeout
	kindDNS      = "dns"       // the target's name has no address
	kindConnect  = "connect"   // no connection: refused, unreachable
	kindTLS      = "tls"       // no TLS session: certificate, version
	kindClosed   = "closed"    // the server closed or reset the connection, or the stream, before the answer was whole
	kindProtocol = "protocol"  // the answer is not HTTP as it was asked for, or there is more than one
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

// conn is one worker's connection to one target. It is used by one goroutine; close may be called by another.
type conn struct {
	route *route
	seat  seat

	mu     sync.Mutex // guards nc against close
	nc     net.Conn
	closed bool

	// How nc is looked at. Where swap can be used, sending does it; otherwise it is done before.
	probe  *probe
	swap   *swap
	looked bool // since nc was opened
	early  bool // nc has bytes that nobody asked for

	used     time.Time // when the last answer was read
	deadline time.Time // of nc, where swap can be used
	reader   *bufio.Reader
	unsent   []byte // the request, which is sent when its answer is read
	writeErr error
	read     int64 // bytes since nc was opened
	readErr  error // what the socket said last: fasthttp's errors hide it
	resp     fasthttp.Response
}

func newConn(r *route, number int) *conn {
	c := &conn{route: r, seat: seat{number: number}}
	c.reader = bufio.NewReaderSize(c, headBuffer)
	// An answer without a type has none; fasthttp would say text/plain.
	c.resp.Header.SetNoDefaultContentType(true)
	return c
}

// Read reads from the socket and keeps its error. What is to be sent is sent first.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.receive(p)
	c.readErr = err
	c.read += int64(n)
	return n, err
}

func (c *conn) receive(p []byte) (int, error) {
	if wire := c.unsent; wire != nil {
		c.unsent = nil
		if c.swap != nil {
			n, err := c.swap.do(wire, p)
			c.writeErr = c.swap.writeErr
			if wire = c.swap.wire; len(wire) == 0 || err != nil {
				return n, err
			}
		}
		if _, c.writeErr = c.nc.Write(wire); errors.Is(c.writeErr, os.ErrDeadlineExceeded) {
			return 0, c.writeErr
		}
		// After another write error there may still be an answer that says why, such as a 413.
	}
	return c.nc.Read(p)
}

// failure is a request that failed: its kind, and words for people.
type failure struct {
	kind string
	err  error
	// dead is a server that took the connection and closed it without a word, as one that is overloaded or broken does.
	dead bool
	// unseen is a request that was surely not looked at, as the server had closed the connection: it is sent again on another.
	unseen bool
}

func (f *failure) Error() string { return f.err.Error() }

var errAborted = errors.New("aborted")

// restsLong is from when on a server may say that it will close a connection that is not used, which is no failure.
const restsLong = time.Second

// ready implements link. Servers close connections that rest, and that is no failure: so one that rested is not trusted.
func (c *conn) ready() bool {
	if c.nc == nil {
		return false
	}
	if !c.route.addresses.keeps(&c.seat) {
		c.drop()
		return false
	}
	if c.early {
		return true
	}
	c.bind()
	rested := time.Since(c.used)
	if c.swap != nil && rested < restsLong {
		return true
	}
	c.looked = true
	switch c.probe.state() {
	case silent:
		return true
	case waiting:
		c.early = rested < restsLong
		return c.early
	case ended:
	}
	return false
}

// bind makes what looks at nc.
func (c *conn) bind() {
	if c.probe == nil || c.probe.nc != c.nc {
		c.probe, c.swap = newProbe(c.nc), newSwap(c.nc)
	}
}

// prepare implements link.
func (c *conn) prepare(ctx context.Context) (o opened, _ *failure) {
	if c.route.fresh {
		return o, nil
	}
	return c.open(ctx)
}

// open implements link.
func (c *conn) open(ctx context.Context) (o opened, _ *failure) {
	if c.ready() {
		return o, nil
	}
	c.drop()
	nc, o, fail := c.route.connect(ctx, &c.seat)
	if fail != nil {
		return o, fail
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = nc.Close()
		return opened{}, &failure{kind: kindConnect, err: errAborted}
	}
	c.nc, c.looked, c.early, c.read = nc, false, false, 0
	c.used, c.deadline = time.Now(), time.Time{}
	c.reader.Reset(c)
	return o, nil
}

// send implements link. It needs an open connection. After a failure, or when the server asks for it, the connection is gone.
func (c *conn) send(m *message) (start time.Time, took time.Duration, _ *failure) {
	start = time.Now()
	fail := c.exchange(start, m)
	took = time.Since(start)
	c.used = start.Add(took)
	if fail != nil || c.route.fresh || c.resp.ConnectionClose() {
		c.drop()
	}
	return start, took, fail
}

func (c *conn) answer() *fasthttp.Response { return &c.resp }

func (c *conn) exchange(start time.Time, m *message) *failure {
	if m.err != nil {
		return &failure{kind: kindRequest, err: m.err}
	}
	c.bind()
	if c.swap == nil && !c.looked {
		c.looked, c.early = true, c.probe.state() == waiting
	}
	if c.early {
		c.early = false
		return &failure{kind: kindProtocol, err: errEarly}
	}
	c.readErr, c.writeErr = nil, nil
	if err := c.limit(start); err != nil {
		return &failure{kind: kindClosed, err: err}
	}
	c.unsent = m.wire
	c.resp.SkipBody = m.method == "HEAD"
	err := c.resp.ReadLimitBody(c.reader, maxBody)
	if err == nil && c.reader.Buffered() == 0 {
		return nil
	}
	return c.readFailure(err)
}

// limit sets the time at which an exchange that begins at start has failed. On plain connections, whose timer nothing else touches, it
// is moved only when less than the timeout is left, and then a sixteenth beyond it: to move it for each request would take longer
// than to record one.
func (c *conn) limit(start time.Time) error {
	if c.swap == nil {
		return c.nc.SetDeadline(start.Add(c.route.timeout))
	}
	if c.deadline.Sub(start) >= c.route.timeout {
		return nil
	}
	c.deadline = start.Add(c.route.timeout + c.route.timeout/16)
	return c.nc.SetDeadline(c.deadline)
}

// readFailure sorts out why there is no answer, or more than one.
func (c *conn) readFailure(err error) *failure {
	var head *fasthttp.ErrSmallBuffer
	switch {
	case err == nil:
		return &failure{kind: kindProtocol, err: fmt.Errorf("expected nothing after the end of the answer, got %d bytes", c.reader.Buffered())}
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return &failure{kind: kindTooLarge, err: fmt.Errorf("expected a body of at most %d bytes, got more", maxBody)}
	case errors.As(err, &head):
		return &failure{kind: kindProtocol, err: fmt.Errorf("expected the head of an answer to end within %d bytes", headBuffer)}
	case errors.Is(c.readErr, errEarly):
		return &failure{kind: kindProtocol, err: errEarly}
	case errors.Is(c.writeErr, os.ErrDeadlineExceeded):
		return &failure{kind: kindTimeout, err: fmt.Errorf("the request was not taken within %s", c.route.timeout)}
	case errors.Is(c.readErr, os.ErrDeadlineExceeded):
		return &failure{kind: kindTimeout, err: fmt.Errorf("expected an answer within %s, got none or a part", c.route.timeout)}
	case c.readErr != nil:
		cause := c.readErr
		if c.writeErr != nil {
			cause = c.writeErr // it came first
		}
		return &failure{
			kind: kindClosed, err: fmt.Errorf("expected an answer, but the connection was closed before it was whole: %w", cause),
			dead: c.read == 0, unseen: c.read > 0 && errors.Is(c.readErr, errGone),
		}
	default:
		return &failure{kind: kindProtocol, err: fmt.Errorf("expected an HTTP/1.1 answer: %w", err)}
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
	c.route.addresses.leave(&c.seat)
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
