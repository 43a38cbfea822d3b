package rawconn_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/rawconn"
)

// connect returns both ends of a connection, of which the first is wrapped if that is wanted.
func connect(tb testing.TB, wrapped bool) (near, far net.Conn) {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // one connection is all
	if far, err = new(net.Dialer).DialContext(tb.Context(), "tcp", l.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = far.Close() })
	if near, err = l.Accept(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = near.Close() })
	if wrapped {
		near = rawconn.New(near)
	}
	return near, far
}

// TestAsNet does the same with a connection of net and with a wrapped one, and wants the same of them.
func TestAsNet(t *testing.T) {
	t.Parallel()
	one := []byte{1}
	for name, tt := range map[string]struct {
		do   func(near, far net.Conn) (int, error)
		n    int
		want error // nil, or what errors.Is finds
	}{
		"read": {func(near, far net.Conn) (int, error) {
			_, _ = far.Write([]byte("abc"))
			return near.Read(make([]byte, 8))
		}, 3, nil},
		"read nothing":   {func(near, _ net.Conn) (int, error) { return near.Read(nil) }, 0, nil},
		"read, later":    {func(near, far net.Conn) (int, error) { go far.Write(one); return near.Read(make([]byte, 8)) }, 1, nil}, //nolint:errcheck // read tells
		"end":            {func(near, far net.Conn) (int, error) { _ = far.Close(); return near.Read(make([]byte, 8)) }, 0, io.EOF},
		"write":          {func(near, _ net.Conn) (int, error) { return near.Write([]byte("abc")) }, 3, nil},
		"write nothing":  {func(near, _ net.Conn) (int, error) { return near.Write(nil) }, 0, nil},
		"read, closed":   {func(near, _ net.Conn) (int, error) { _ = near.Close(); return near.Read(make([]byte, 8)) }, 0, net.ErrClosed},
		"write, closed":  {func(near, _ net.Conn) (int, error) { _ = near.Close(); return near.Write(one) }, 0, net.ErrClosed},
		"close wakes":    {func(near, _ net.Conn) (int, error) { go near.Close(); return near.Read(make([]byte, 8)) }, 0, net.ErrClosed}, //nolint:errcheck // read tells
		"read, deadline": {func(near, _ net.Conn) (int, error) { _ = near.SetReadDeadline(time.Unix(1, 0)); return near.Read(one) }, 0, os.ErrDeadlineExceeded},
		"deadline wakes": {func(near, _ net.Conn) (int, error) { go near.SetDeadline(time.Unix(1, 0)); return near.Read(one) }, 0, os.ErrDeadlineExceeded}, //nolint:errcheck // read tells
		"write, deadline": {func(near, _ net.Conn) (int, error) {
			_ = near.SetWriteDeadline(time.Unix(1, 0))
			return near.Write(one)
		}, 0, os.ErrDeadlineExceeded},
		"read, reset": {func(near, far net.Conn) (int, error) {
			_ = far.(*net.TCPConn).SetLinger(0)
			_ = far.Close()
			return near.Read(make([]byte, 8))
		}, 0, syscall.ECONNRESET},
		"write, half closed": {func(near, _ net.Conn) (int, error) {
			_ = near.(interface{ CloseWrite() error }).CloseWrite()
			return near.Write(one)
		}, 0, syscall.EPIPE},
	} {
		for _, wrapped := range []bool{false, true} {
			t.Run(name+map[bool]string{false: ", net", true: ", raw"}[wrapped], func(t *testing.T) {
				t.Parallel()
				n, err := tt.do(connect(t, wrapped))
				if n != tt.n || !errors.Is(err, tt.want) {
					t.Errorf("%d, %v; expected %d, %v", n, err, tt.n, tt.want)
				}
				_, isOp := errors.AsType[*net.OpError](err)
				if want := err != nil && tt.want != io.EOF; isOp != want { //nolint:errorlint // the very value
					t.Errorf("%#v is an error of net: %t, expected %t", err, isOp, want)
				}
				timeout, _ := errors.AsType[net.Error](err)
				if want := errors.Is(tt.want, os.ErrDeadlineExceeded); (timeout != nil && timeout.Timeout()) != want {
					t.Errorf("%v is a time-out: %t, expected %t", err, !want, want)
				}
			})
		}
	}
}

// TestBothWays sends more than the buffers of a socket hold in both directions at once.
func TestBothWays(t *testing.T) {
	t.Parallel()
	near, far := connect(t, true)
	data := make([]byte, 16<<20)
	for i := range data {
		data[i] = byte(i * 7 / 3)
	}
	var all sync.WaitGroup
	for _, c := range []net.Conn{near, far} {
		all.Go(func() {
			if n, err := c.Write(data); n != len(data) || err != nil {
				t.Errorf("%d bytes written, %v", n, err)
			}
		})
		all.Go(func() {
			got := make([]byte, len(data))
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, data) {
				t.Errorf("what was read is not what was written: %v", err)
			}
		})
	}
	all.Wait()
}

// TestWritersTakeTurns has many write at once: what one writes stays together.
func TestWritersTakeTurns(t *testing.T) {
	t.Parallel()
	const writers, times, size = 8, 50, 100_000
	near, far := connect(t, true)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			part := bytes.Repeat([]byte{byte(i)}, size)
			for range times {
				if _, err := near.Write(part); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := make([]int, writers)
	part := make([]byte, size)
	for range writers * times {
		if _, err := io.ReadFull(far, part); err != nil {
			t.Fatal(err)
		}
		if bytes.Count(part, part[:1]) != size {
			t.Fatal("parts of several writers are mixed")
		}
		seen[part[0]]++
	}
	all.Wait()
	for i, n := range seen {
		if n != times {
			t.Errorf("writer %d: %d parts, expected %d", i, n, times)
		}
	}
}

func TestAnotherConn(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	defer a.Close() //nolint:errcheck // memory
	defer b.Close() //nolint:errcheck // memory
	if rawconn.New(a) != a {
		t.Error("what is no TCP connection is wrapped")
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // only read
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	read := func() (n int, err error) {
		if control := raw.Control(func(fd uintptr) { n, err = rawconn.Read(fd, make([]byte, 8)) }); control != nil {
			t.Fatal(control)
		}
		return n, err
	}
	if n, err := read(); n != 0 || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("of an empty pipe: %d, %v", n, err)
	}
	_, _ = w.WriteString("abc")
	if n, err := read(); n != 3 || err != nil {
		t.Errorf("of 3 bytes: %d, %v", n, err)
	}
	_ = w.Close()
	if n, err := read(); n != 0 || err != nil {
		t.Errorf("at the end: %d, %v", n, err)
	}
}
