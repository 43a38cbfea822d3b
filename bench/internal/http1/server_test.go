package http1_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/http1"
)

const limit = time.Minute

// echo does what the path of a request says.
func echo(w http.ResponseWriter, r *http.Request) {
	switch what := strings.Trim(r.URL.Path, "/"); what {
	case "panic":
		panic("deliberate")
	case "abort":
		_, _ = io.WriteString(w, "begun")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "nothing":
	case "unread":
		_, _ = io.WriteString(w, "ok")
	case "flush":
		for _, part := range []string{"a", "", "bc"} {
			_, _ = io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
		}
	case "flushfirst":
		_ = http.NewResponseController(w).Flush()
	case "headers":
		h := w.Header()
		h["X-Two"] = []string{"a", "b"}
		h.Set("X-Lines", "a\r\nb: c")
		h.Set("Bad Name", "x")
		h.Set("Date", "today")
		h["Content-Type"] = nil
		w.WriteHeader(http.StatusTeapot)
		h.Set("X-Late", "x")
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, "<html>")
	case "encoded":
		w.Header().Set("Content-Encoding", "br")
		_, _ = io.WriteString(w, "<html>")
	case "close":
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "bye")
	case "short":
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "short")
	case "long":
		w.Header().Set("Content-Length", "2")
		_, err := io.WriteString(w, "long")
		if !errors.Is(err, http.ErrContentLength) {
			panic(err)
		}
		_, _ = io.WriteString(w, "lo")
	case "exact":
		w.Header().Set("Content-Length", "3")
		_, _ = io.WriteString(w, "abc")
	default:
		if n, err := strconv.Atoi(what); err == nil && n >= 200 && n < 1000 {
			w.Header().Set("Content-Length", "3")
			w.Header().Set("Content-Type", "a/b")
			w.WriteHeader(n)
			_, _ = io.WriteString(w, "abc")
			return
		}
		if n, err := strconv.Atoi(strings.TrimPrefix(what, "n")); err == nil { // so many bytes, in parts of a thousand
			part := bytes.Repeat([]byte("0123456789"), 100)
			for range n / 1000 {
				_, _ = w.Write(part)
			}
			_, _ = w.Write(part[:n%1000])
			return
		}
		body, err := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s %q %v %d %v %v", r.Method, r.RequestURI, r.Host, body, err, r.ContentLength, r.Close, r.Header) //nolint:gosec // no browser looks at it
	}
}

// server is either of the two.
type server interface {
	Serve(l net.Listener) error
	Shutdown(ctx context.Context) error
	Close() error
}

func listen(t testing.TB, s server) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

func standard(h http.HandlerFunc) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: limit, MaxHeaderBytes: 1 << 20, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
}

func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(limit))
	return conn.(*net.TCPConn) //nolint:forcetypeassert // it is
}

var dates = regexp.MustCompile(`Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`)

// exchange sends all parts, one after the other, and returns all that comes back until the server or the client is done, without
// dates and with the lines of each head in order.
func exchange(t testing.TB, addr string, parts ...string) string {
	t.Helper()
	conn := dial(t, addr)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for _, part := range parts {
			if _, err := io.WriteString(conn, part); err != nil {
				return // the server has had enough
			}
		}
		_ = conn.CloseWrite()
	}()
	all, _ := io.ReadAll(conn) // what has come before a reset counts
	<-sent
	all = dates.ReplaceAll(all, []byte("Date: then"))
	var text strings.Builder
	r := bufio.NewReader(bytes.NewReader(all))
	for {
		head, err := r.ReadString('\n')
		if err != nil || !strings.HasPrefix(head, "HTTP/") {
			text.WriteString(head)
			break
		}
		var lines []string
		for line := ""; err == nil && line != "\r\n"; {
			line, err = r.ReadString('\n')
			lines = append(lines, line)
		}
		slices.Sort(lines)
		length := 0
		for _, line := range lines {
			if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
				length, _ = strconv.Atoi(strings.TrimSpace(n))
			}
		}
		body, _ := io.ReadAll(io.LimitReader(r, int64(length))) // what comes after chunks, or after an answer to HEAD, is compared as it is
		text.WriteString(head + strings.Join(lines, "") + string(body))
	}
	rest, _ := io.ReadAll(r)
	return text.String() + string(rest)
}

// exchanges are the parts that a client sends, in as many packets.
func exchanges() map[string][]string {
	const host = " HTTP/1.1\r\nHost: h\r\n"
	all := map[string][]string{
		"after something odd": {odd["chunks"], plain["GET"], plain["body"]},
		"odd after plain":     {plain["GET"], odd["chunks"], plain["body"]},
		"pipelined":           {plain["GET"] + plain["body"] + plain["query"] + plain["last"] + plain["GET"]},
		"head in two parts":   {"GET / HTTP/1.1\r\nHo", "st: h\r\n\r\n" + plain["GET"]},
		"body breaks off":     {"POST /" + host + "Content-Length: 5\r\n\r\nabc"},
		"unread":              {"POST /unread" + host + "Content-Length: 5\r\n\r\nabcde" + plain["GET"]},
		"unread and great":    {"POST /unread" + host + "Content-Length: 60000\r\n\r\n", strings.Repeat("x", 60000) + plain["GET"]},
	}
	for _, path := range []string{
		"nothing", "flush", "flushfirst", "headers", "encoded", "close", "short", "long", "exact", "panic", "abort",
		"200", "204", "304", "404", "599", "799", "n1", "n2048", "n2049", "n10000", "n100000",
	} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			all[method+" "+path] = []string{method + " /" + path + host + "\r\n" + plain["GET"]}
		}
		all["last "+path] = []string{"GET /" + path + host + "Connection: close\r\n\r\n" + plain["GET"]}
	}
	for name, raw := range plain {
		all["plain, "+name] = []string{raw}
	}
	for name, raw := range odd {
		all["odd, "+name] = []string{raw}
	}
	return all
}

// To every client it does what net/http does.
func TestAgainstNetHTTP(t *testing.T) {
	ours, theirs := listen(t, http1.New(standard(echo))), listen(t, standard(echo))
	for name, parts := range exchanges() {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(exchange(t, theirs, parts...), exchange(t, ours, parts...)); diff != "" {
				t.Errorf("(-net/http +http1):\n%s", diff)
			}
		})
	}
}

// The answer comes before what the handler has left of the body, where net/http waits for that first.
func TestUnreadBody(t *testing.T) {
	conn := dial(t, listen(t, http1.New(standard(echo))))
	_, _ = io.WriteString(conn, "POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc")
	r := bufio.NewReader(conn)
	for _, next := range []string{"de" + plain["last"], ""} {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		_, _ = io.WriteString(conn, next)
	}
}

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

// BenchmarkServe sends requests one after the other to this server and to net/http's in turns. It reports the share of the time of
// net/http, the client's included:
//
//	go test ./bench/internal/http1 -run '^$' -bench Serve -benchtime 20000x
func BenchmarkServe(b *testing.B) {
	// As many as the local Lambda has of two: a goroutine that net/http starts finds no other processor then.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	// A handler that waits for another goroutine, as one that waits for a function.
	work := make(chan chan string)
	defer close(work)
	go func() {
		for reply := range work {
			reply <- "hello"
		}
	}()
	hello := func(w http.ResponseWriter, _ *http.Request) {
		reply := make(chan string)
		work <- reply
		_, _ = io.WriteString(w, <-reply)
	}
	var took [2]time.Duration
	var conns [2]net.Conn
	var readers [2]*bufio.Reader
	for i, s := range []server{http1.New(standard(hello)), standard(hello)} {
		conn := dial(b, listen(b, s))
		_ = conn.SetDeadline(time.Time{})
		conns[i], readers[i] = conn, bufio.NewReader(conn)
	}
	for i := range 2 * b.N {
		turn := (i/100 + i/200) % 2 // A B, B A
		began := time.Now()
		_, _ = io.WriteString(conns[turn], plain["GET"])
		resp, err := http.ReadResponse(readers[turn], nil)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		took[turn] += time.Since(began)
	}
	b.ReportMetric(float64(took[0])/float64(took[1]), "of_net/http")
	b.ReportMetric(0, "ns/op") // of both together, says nothing
}
