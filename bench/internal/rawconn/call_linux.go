//go:build !race

package rawconn

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call makes a system call with p, which is not empty, again if a signal interrupts it.
func call(trap, fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall(trap, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p))) //nolint:gosec // p lives as long as the call
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
