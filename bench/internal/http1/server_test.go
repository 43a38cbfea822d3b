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
	"regexp"
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
