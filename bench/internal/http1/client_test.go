package http1_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/http1"
)

func TestClient(t *testing.T) {
	answers := func(w http.ResponseWriter, r *http.Request) {
		all, _ := io.ReadAll(r.Body)
		w.WriteHeader(len(all) + 200)
		_, _ = w.Write(all)
	}
	for name, s := range map[string]server{"of this package": http1.New(standard(answers)), "of net/http": standard(answers)} {
		t.Run(name, func(t *testing.T) {
			c, err := http1.Dial(t.Context(), listen(t, s))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close() //nolint:errcheck // all has been read
			for _, text := range []string{"abc", "", strings.Repeat("long", 100), "a"} {
				request := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
				if status, body, err := c.Do(request); status != len(text)+200 || string(body) != text || err != nil {
					t.Errorf("answer is %d %q, %v, want %d %q", status, body, err, len(text)+200, text)
				}
			}
		})
	}
}

// What it cannot read is an error, not an answer that looks like one.
func TestClientRefuses(t *testing.T) {
	for answer, want := range map[string]string{
		"":                                "EOF",
		"HTTP/1.1 200":                    "EOF",
		"HTTP/1.0 200 OK\r\n":             "no status line",
		"HTTP/1.1 OK\r\n":                 "no status line",
		"HTTP/1.1 2\r\n":                  "no status line",
		"HTTP/1.1 200 OK\r\nA: b\r\n":     "EOF",
		"HTTP/1.1 200 OK\r\nA: b\r\n\r\n": "no Content-Length",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n":                        "length of the body",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc":                      "unexpected EOF",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n": "no Content-Length",
		"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 5000) + "\r\n\r\n":      "buffer full",
	} {
		far, near := net.Pipe()
		go func() {
			_, _ = io.ReadFull(far, make([]byte, len(plain["GET"])))
			_, _ = io.WriteString(far, answer)
			_ = far.Close()
		}()
		status, body, err := http1.NewClient(near).Do([]byte(plain["GET"]))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of %q it makes %d %q, %v, want %q", answer, status, body, err, want)
		}
		_ = near.Close()
	}
}
