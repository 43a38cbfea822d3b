package loadgen

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// state is what a connection has to say.
type state int

const (
	silent  state = iota // open, and nothing to read
	waiting              // something to read
	ended                // closed by the other side, or broken
)

// probe tells the state of a connection between two requests without waiting, and without allocating. What waits then was asked for
// by nobody, and the next request would take it for its answer.
type probe struct {
	nc      net.Conn
	session *tls.Conn // nil without TLS
	socket  *socket
	first   [16]byte // of what waits
}

func newProbe(nc net.Conn) *probe {
	p := &probe{nc: nc}
	if session, ok := nc.(*tls.Conn); ok {
		p.session = session
		return p
	}
	p.socket = newSocket(nc)
	return p
}

// state of the connection. If it is waiting, the connection is of no use after.
func (p *probe) state() state {
	if p.session == nil {
		return p.socket.peek()
	}
	below, ok := p.session.NetConn().(*polled)
	if !ok {
		return silent
	}
	// What has arrived may be a session ticket, which is in order, or the goodbye that a server sends before it closes. And an answer
	// may have arrived already with the bytes of another. Only reading tells.
	below.poll = true
	n, err := p.session.Read(p.first[:])
	below.poll = false
	switch {
	case n > 0 && !saysClosed(p.first[:n]):
		return waiting
	case n > 0:
		return ended
	case errors.Is(err, os.ErrDeadlineExceeded):
		return silent
	}
	return ended
}

// polled is a connection below a TLS session. While poll is set, reading takes what has arrived and waits for nothing.
type polled struct {
	net.Conn
	socket *socket
	poll   bool
}

// Read implements net.Conn.
func (p *polled) Read(b []byte) (int, error) {
	if p.poll {
		if p.socket == nil {
			p.socket = newSocket(p.Conn)
		}
		if p.socket.peek() == silent {
			return 0, os.ErrDeadlineExceeded // which the session takes as passing
		}
		// That of the last request may be over, and then nothing would be read.
		if err := p.SetReadDeadline(time.Time{}); err != nil {
			return 0, err
		}
	}
	return p.Conn.Read(b)
}

// socket is looked at without waiting and without taking anything from it.
type socket struct {
	raw  syscall.RawConn
	look func(fd uintptr)
	b    [1]byte
	n    int
	err  error
}

// newSocket is nil for connections that have none, such as those in memory.
func newSocket(nc net.Conn) *socket {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	s := &socket{raw: raw}
	s.look = func(fd uintptr) {
		s.n, _, s.err = syscall.Recvfrom(int(fd), s.b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}
	return s
}

func (s *socket) peek() state {
	if s == nil {
		return silent
	}
	switch err := s.raw.Control(s.look); {
	case err != nil:
		return ended
	case errors.Is(s.err, syscall.EAGAIN), errors.Is(s.err, syscall.EINTR):
		return silent
	case s.err != nil || s.n == 0:
		return ended
	}
	return waiting
}
