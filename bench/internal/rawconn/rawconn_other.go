//go:build !linux

package rawconn

import (
	"net"
	"syscall"
)

// New returns c: only Linux has raw system calls that are meant to be used.
func New(c net.Conn) net.Conn { return c }

// Read reads from a descriptor that does not block, as in [syscall.RawConn.Read]. At the end n is 0; without data err is [syscall.EAGAIN].
func Read(fd uintptr, p []byte) (n int, err error) {
	for {
		if n, err = syscall.Read(int(fd), p); err != syscall.EINTR {
			return max(n, 0), err //nolint:wrapcheck // a pure pass-through
		}
	}
}
