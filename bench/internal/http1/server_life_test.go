package http1_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/http1"
)

// slow tells entered, and answers when it may go on.
func slow(entered chan<- struct{}, leave <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		entered <- struct{}{}
		<-leave
		_, _ = io.WriteString(w, "done")
	}
}

// Shutdown ends connections that wait at once, and others with their answer.
func TestShutdown(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := http1.New(standard(slow(entered, leave)))
	addr := listen(t, s)
	idle, busy, other := dial(t, addr), dial(t, addr), dial(t, addr)
	_, _ = io.WriteString(busy, plain["GET"])
	<-entered
	_, _ = io.WriteString(other, odd["chunks"]) // with net/http
	<-entered
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	if n, err := idle.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a connection that waits reads %d bytes, %v", n, err)
	}
	close(leave)
	for _, conn := range []net.Conn{busy, other} {
		if all, err := io.ReadAll(conn); !strings.HasSuffix(string(all), "done") || err != nil {
			t.Errorf("answer = %q, %v", all, err)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr); err == nil {
		_ = conn.Close()
		t.Error("it still listens")
	}
}

// Shutdown does not wait longer than its context, and Close does not wait.
func TestClose(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := http1.New(standard(slow(entered, leave)))
	addr := listen(t, s)
	conn := dial(t, addr)
	_, _ = io.WriteString(conn, plain["GET"])
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
	close(leave)
}

// A client that says nothing is not waited for.
func TestSilentClient(t *testing.T) {
	base := standard(echo)
	base.ReadHeaderTimeout = time.Millisecond
	conn := dial(t, listen(t, http1.New(base)))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("it reads %d bytes, %v", n, err)
	}
}

// A client that sends no more of its body is not waited for, here nor by net/http. One that has sent it has any time for more.
func TestStalledBody(t *testing.T) {
	t.Parallel()
	base := standard(echo)
	base.ReadTimeout, base.IdleTimeout = 2*time.Second, -1 // the whole requests below must come within it
	addr := listen(t, http1.New(base))
	for name, head := range map[string]string{"plain": "Content-Length: 10", "chunked": "Transfer-Encoding: chunked"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, addr)
			_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\n"+head+"\r\n\r\n5\r\n")
			if all, err := io.ReadAll(conn); !strings.Contains(string(all), "timeout") || err != nil {
				t.Errorf("answer = %q, %v", all, err)
			}
		})
	}
	conn := dial(t, addr)
	r := bufio.NewReader(conn)
	for range 2 {
		_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
		_, _ = io.WriteString(conn, "b")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if all, err := io.ReadAll(resp.Body); !strings.Contains(string(all), `"ab" <nil>`) || err != nil {
			t.Errorf("answer = %q, %v", all, err)
		}
		_ = resp.Body.Close()
		_ = conn.SetReadDeadline(time.Now().Add(base.ReadTimeout + base.ReadTimeout/4))
		if _, err := r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("it reads on: %v", err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(limit))
	}
}

// A client that has had an answer may be silent as long as it likes.
func TestIdleClient(t *testing.T) {
	t.Parallel()
	base := standard(echo)
	base.ReadHeaderTimeout = 2 * time.Second // the first request must come within it
	conn := dial(t, listen(t, http1.New(base)))
	r := bufio.NewReader(conn)
	for i := range 2 {
		_, _ = io.WriteString(conn, plain["GET"])
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if i == 0 { // longer than the deadline
			_ = conn.SetReadDeadline(time.Now().Add(base.ReadHeaderTimeout + base.ReadHeaderTimeout/4))
			if _, err := r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("it reads on: %v", err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(limit))
		}
	}
}
