//go:build race

package rawconn

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// call makes an ordinary system call: from those the race detector learns that what is read has been written before, and what the kernel
// has written to.
func call(trap, fd uintptr, p []byte) (n int, errno syscall.Errno) {
	do := syscall.Read
	if trap == unix.SYS_WRITE {
		do = syscall.Write
	}
	for {
		n, err := do(int(fd), p)
		if err == nil {
			return n, 0
		}
		if errno, _ = err.(syscall.Errno); errno != unix.EINTR { //nolint:errorlint // as syscall returns it
			return 0, errno
		}
	}
}
