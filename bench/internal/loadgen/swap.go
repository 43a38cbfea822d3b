package loadgen

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// What a connection may turn out to be before anything was sent on it.
var (
	errGone  = errors.New("the server had closed the connection before the request was sent")
	errEarly = errors.New("expected nothing before the request was sent, got bytes that nobody asked for")
)

// swap writes a request to a socket and reads the first bytes of its answer, and makes sure that there were none before: bytes left
// over from one answer must not be taken for the next one. That costs nothing, as it is the look at the socket with which any
// wait for an answer begins.
type swap struct {
	raw    syscall.RawConn
	step   func(fd uintptr) (done bool)
	wire   []byte // of the request; what is left of it
	into   []byte // where the answer goes
	looked bool

	n        int
	err      error // of looking or reading
	writeErr error
}

// newSwap is nil for connections without a socket of their own, such as those of TLS.
func newSwap(nc net.Conn) *swap {
	sock := newSocket(nc)
	if sock == nil {
		return nil
	}
	s := &swap{raw: sock.raw}
	s.step = s.next
	return s
}

// do gives the number of bytes that were read. If it could not write all, it reads nothing, and wire is the rest.
func (s *swap) do(wire, into []byte) (int, error) {
	s.wire, s.into, s.looked, s.n, s.err, s.writeErr = wire, into, false, 0, nil, nil
	if err := s.raw.Read(s.step); err != nil {
		return 0, err
	}
	return s.n, s.err
}

// next is called when the socket may have something to say. It returns false to wait until it does.
func (s *swap) next(fd uintptr) (done bool) {
	n, err := readSocket(fd, s.into)
	if s.looked {
		if errors.Is(err, syscall.EAGAIN) {
			return false
		}
		s.n, s.err = n, err
		return true
	}
	s.looked = true
	switch {
	case errors.Is(err, syscall.EAGAIN): // as it should be
	case err != nil: // also of a socket that is broken
		s.err = errGone
		return true
	default:
		s.err = errEarly
		if saysClosed(s.into[:n]) {
			s.err = errGone
		}
		return true
	}
	written, err := writeSocket(fd, s.wire)
	s.wire = s.wire[written:]
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return true
	case err != nil:
		// There may still be an answer that says why, such as a 413.
		s.wire, s.writeErr = nil, os.NewSyscallError("write", err)
	}
	return len(s.wire) > 0
}

// saysClosed knows the answer that a server may give to nothing before it closes a connection that rests: RFC 9110, section 15.5.9.
func saysClosed(b []byte) bool { return bytes.HasPrefix(b, []byte("HTTP/1.1 408 ")) }

func readSocket(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), b)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return 0, err
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func writeSocket(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), b)
		if !errors.Is(err, syscall.EINTR) {
			return max(n, 0), err
		}
	}
}
