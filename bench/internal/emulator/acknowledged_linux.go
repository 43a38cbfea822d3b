package emulator

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged tells whether the other side of conn, which is closed, has ended without taking in all of the bytes sent.
func unacknowledged(conn net.Conn, sent int64) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var acked uint64
	known := false
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			acked, known = info.Bytes_acked, true
		}
	})
	return err == nil && known && acked < uint64(sent) //nolint:gosec // a count is not negative
}
