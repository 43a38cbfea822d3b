package loadgen

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// shared is the place of one HTTP/2 connection to a target. When the server closes the connection, the next request opens another,
// while streams on the old one may still end.
type shared struct {
	route   *route
	opening chan struct{} // held by who opens

	mu     sync.Mutex
	seat   seat
	now    *session // nil if there is none for new requests
	old    []*session
	closed bool
}

// session is one HTTP/2 connection.
type session struct {
	shared  *shared
	conn    *http.ClientConn
	nc      *watched
	freed   chan struct{} // has a token when a stream may have become free
	users   int           // who reserved or use a stream; guarded by shared.mu
	answers atomic.Int64
}

// newShared is number of count connections.
func newShared(r *route, number, count int) *shared {
	if r.addresses != nil {
		r.addresses.links = count
	}
	return &shared{route: r, opening: make(chan struct{}, 1), seat: seat{number: number}}
}

// current is the session for new requests, or nil.
func (s *shared) current() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return nil
	}
	if !s.now.usable() || !s.route.addresses.keeps(&s.seat) {
		s.retireLocked(s.now)
		return nil
	}
	return s.now
}

// open makes a connection if there is none. Of those who come at once, one opens it, and only that one is told how long it took.
func (s *shared) open(ctx context.Context) (*session, opened, *failure) {
	select {
	case s.opening <- struct{}{}:
	case <-ctx.Done():
		return nil, opened{}, &failure{kind: kindTimeout, err: fmt.Errorf("connecting: %w", ctx.Err())}
	}
	defer func() { <-s.opening }()
	if now := s.current(); now != nil {
		return now, opened{}, nil
	}
	nc, o, fail := s.route.connect(ctx, &s.seat)
	if fail != nil {
		return nil, opened{}, fail
	}
	now, fail := s.begin(ctx, nc)
	if fail != nil {
		_ = nc.Close()
		s.route.addresses.leave(&s.seat)
		return nil, opened{}, fail
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = now.conn.Close()
		return nil, opened{}, &failure{kind: kindConnect, err: errAborted}
	}
	s.now = now
	return now, o, nil
}

// begin speaks HTTP/2 on a connection, and waits until the server has said how many streams it takes.
func (s *shared) begin(ctx context.Context, nc net.Conn) (*session, *failure) {
	if tc, ok := nc.(*tls.Conn); ok {
		if fail := notHTTP2(tc); fail != nil {
			return nil, fail
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.route.timeout)
	defer cancel()
	now := &session{shared: s, nc: newWatched(nc), freed: make(chan struct{}, 1)}
	// The transport is told of no TLS, as there is nothing left for it to do about that.
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	t := &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return now.nc, nil },
		Protocols:   &protocols, DisableCompression: true, MaxResponseHeaderBytes: headBuffer,
		// A connection that has died without a word is found out, and a server that reads nothing.
		HTTP2: &http.HTTP2Config{SendPingTimeout: s.route.timeout, PingTimeout: s.route.timeout, WriteByteTimeout: s.route.timeout},
	}
	var err error
	if now.conn, err = t.NewClientConn(ctx, "http", s.route.endpoint.address); err != nil {
		return nil, &failure{kind: kindClosed, err: fmt.Errorf("beginning HTTP/2: %w", err)}
	}
	now.conn.SetStateHook(func(*http.ClientConn) { now.signal() })
	select {
	case <-now.nc.settled:
		return now, nil
	case <-ctx.Done():
		err = fmt.Errorf("expected HTTP/2, but the server sent no settings within %s", s.route.timeout)
		_ = now.conn.Close()
		return nil, &failure{kind: kindTimeout, err: err}
	case <-now.nc.broken:
		_ = now.conn.Close()
		return nil, &failure{kind: kindProtocol, err: now.nc.notHTTP2()}
	}
}

func (s *shared) retire(old *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retireLocked(old)
}

// retireLocked keeps a session from new requests, and closes it when its last stream has ended.
func (s *shared) retireLocked(old *session) {
	if s.now != old {
		return
	}
	s.now = nil
	s.route.addresses.leave(&s.seat)
	old.signal()
	if old.users == 0 {
		_ = old.conn.Close()
	} else {
		s.old = append(s.old, old)
	}
}

// close ends all connections for good; requests in flight fail at once.
func (s *shared) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, session := range append(s.old, s.now) {
		if session != nil {
			_ = session.conn.Close()
		}
	}
}

// usable says whether the connection is for new requests: it is open, and the server has not said that it will close it.
func (n *session) usable() bool { return !n.nc.leaving.Load() && n.conn.Err() == nil }

// reserve takes a stream for a request, if one is free.
func (n *session) reserve() bool {
	n.shared.mu.Lock()
	defer n.shared.mu.Unlock()
	if n.shared.now != n || !n.usable() || n.conn.Reserve() != nil {
		return false
	}
	n.users++
	return true
}

// done gives back what reserve took, after the request or instead of it.
func (n *session) done() {
	n.shared.mu.Lock()
	defer n.shared.mu.Unlock()
	n.users--
	if n.users == 0 && n.shared.now != n {
		_ = n.conn.Close()
		n.shared.old = slices.DeleteFunc(n.shared.old, func(o *session) bool { return o == n })
	}
}

// wait until a stream may have become free, or the connection is not for new requests anymore.
func (n *session) wait(ctx context.Context) error {
	select {
	case <-n.freed:
		if n.conn.Available() > 1 || n.conn.Err() != nil {
			n.signal() // there is more than one that waits
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *session) signal() {
	select {
	case n.freed <- struct{}{}:
	default:
	}
}
