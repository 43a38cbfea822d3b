package http1

import (
	"errors"
	"net"
	"time"
)

// acceptPause is the time between two tries to accept a connection.
const acceptPause = 5 * time.Millisecond

// Accept returns the next connection of l. It tries again when there are no descriptors left, or a client has gone again. The only
// error is [net.ErrClosed], which comes up to 5 ms after the end of l.
func Accept(l net.Listener) (net.Conn, error) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			return conn, nil
		case errors.Is(err, net.ErrClosed):
			return nil, net.ErrClosed
		}
		<-time.After(acceptPause)
	}
}
