package http1_test

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/crossover-bench/crossover/bench/internal/http1"
)

// failing is a listener whose tries to accept end with these errors, and then with a connection.
type failing struct {
	net.Listener
	errs []error
	conn net.Conn
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) == 0 {
		return f.conn, nil
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

func TestAccept(t *testing.T) {
	full, gone := &net.OpError{Op: "accept", Err: syscall.EMFILE}, &net.OpError{Op: "accept", Err: syscall.ECONNABORTED}
	closed := fmt.Errorf("accepting: %w", net.ErrClosed)
	for name, tt := range map[string]struct {
		errs []error
		left int
		want error
	}{
		"at once":                       {nil, 0, nil},
		"after there was no room":       {[]error{full, gone, full}, 0, nil},
		"closed":                        {[]error{closed, full}, 1, net.ErrClosed},
		"closed while there is no room": {[]error{full, closed, full}, 1, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer near.Close() //nolint:errcheck // nothing is sent
				defer far.Close()  //nolint:errcheck // nothing is sent
				l := &failing{errs: tt.errs, conn: near}
				conn, err := http1.Accept(l)
				if !errors.Is(err, tt.want) || (conn == near) != (tt.want == nil) || len(l.errs) != tt.left {
					t.Errorf("it returns %v, %v with %d tries left, want %v with %d", conn, err, len(l.errs), tt.want, tt.left)
				}
			})
		})
	}
}
