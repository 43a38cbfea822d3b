package loadgen

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// alive says whether a resting connection can be used: the server has not closed it, and nothing that nobody asked for waits to
// be read, which the next request would take for its answer.
func alive(nc net.Conn) bool {
	session, ok := nc.(*tls.Conn)
	if !ok {
		return peek(nc) == silent
	}
	for {
		switch peek(session.NetConn()) {
		case silent:
			return true
		case ended:
			return false
		case waiting:
		}
		// It may be a session ticket, which is in order, or the goodbye that a server sends before it closes. Only reading tells.
		if err := session.SetReadDeadline(time.Now().Add(probePatience)); err != nil {
			return false
		}
		if _, err := session.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
	}
}

// probePatience is how long alive waits for the rest of a TLS record of which a part has come.
const probePatience = 5 * time.Millisecond

// state is what a socket has to say.
type state int

const (
	silent  state = iota // open, and nothing to read
	waiting              // something to read
	ended                // closed by the other side, or broken
)

// peek looks at a socket without waiting and without taking anything from it.
func peek(nc net.Conn) state {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return silent
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return ended
	}
	var n int
	var peekErr error
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, peekErr = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	switch {
	case err != nil:
		return ended
	case errors.Is(peekErr, syscall.EAGAIN), errors.Is(peekErr, syscall.EINTR):
		return silent
	case peekErr != nil || n == 0:
		return ended
	}
	return waiting
}
