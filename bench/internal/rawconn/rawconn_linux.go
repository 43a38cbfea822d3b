package rawconn

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// New returns c with Read and Write by raw system calls, or c itself if it is not a [net.TCPConn]. Both may be used at once, also by
// several goroutines, as those of c.
func New(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil { // never, of a connection that is not nil
		return c
	}
	w := &conn{TCPConn: tcp, in: transfer{raw: raw.Read, trap: unix.SYS_READ}, out: transfer{raw: raw.Write, trap: unix.SYS_WRITE, all: true}}
	w.in.try, w.out.try = w.in.once, w.out.once // made here: it would be an allocation a call
	return w
}

type conn struct {
	*net.TCPConn
	in, out transfer
}

// Read is that of [net.Conn].
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.in.move(p)
	if err != nil {
		return n, c.failed("read", err)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Write is that of [net.Conn].
func (c *conn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.out.move(p)
	if err != nil {
		return n, c.failed("write", err)
	}
	return n, nil
}

// failed makes an error as net makes it.
func (c *conn) failed(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok { //nolint:errorlint // as transfer returns it
		return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, errno)}
	}
	return err // of net already
}

// transfer moves bytes in one direction.
type transfer struct {
	raw  func(try func(fd uintptr) (done bool)) error // calls try until it is done, each time when the socket may be ready
	trap uintptr
	all  bool // not done before all has been moved

	mu    sync.Mutex
	try   func(fd uintptr) (done bool) // once
	rest  []byte
	moved int
	errno syscall.Errno
}

// move moves bytes from or to p, which has some, and returns how many.
func (t *transfer) move(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest, t.moved, t.errno = p, 0, 0
	err := t.raw(t.try)
	t.rest = nil
	if err == nil && t.errno != 0 {
		err = t.errno
	}
	return t.moved, err
}

// once moves what can be moved now. It tells whether that was all.
func (t *transfer) once(fd uintptr) (done bool) {
	for {
		n, errno := call(t.trap, fd, t.rest)
		switch {
		case errno == unix.EAGAIN:
			return false
		case errno != 0:
			t.errno = errno
			return true
		}
		t.moved += n
		t.rest = t.rest[n:]
		if !t.all || len(t.rest) == 0 {
			return true
		}
	}
}

// Read reads from a descriptor that does not block, as in [syscall.RawConn.Read]. At the end n is 0; without data err is [syscall.EAGAIN].
func Read(fd uintptr, p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, errno := call(unix.SYS_READ, fd, p)
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}
