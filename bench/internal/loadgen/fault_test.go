package loadgen_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

const goodAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

// untilClosed waits until the other side closes.
func untilClosed(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func say(c net.Conn, text string) { _, _ = io.WriteString(c, text) }

// TestFailures runs three requests against a server that fails the second one in its own way.
func TestFailures(t *testing.T) {
	trapped := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer trapped.Close()
	const cut = "expected an answer, but the connection was closed before it was whole: "
	tests := []failing{
		{"closes before the answer", func(net.Conn) {}, false, "closed", cut + "EOF"},
		{"closes in the head", func(c net.Conn) { say(c, goodAnswer[:20]) }, false, "closed", cut + "EOF"},
		{"closes in the body", func(c net.Conn) { say(c, goodAnswer[:len(goodAnswer)-1]) }, false, "closed", cut + "EOF"},
		{
			"closes in a chunk", func(c net.Conn) { say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab") }, false,
			"closed", cut + "EOF",
		},
		{"closes between chunks", func(c net.Conn) {
			say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
		}, false, "closed", cut + "EOF"},
		{"resets", func(c net.Conn) {
			if err := c.(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
		}, false, "closed", cut + "read: connection reset"},
		{"is no HTTP server", func(c net.Conn) { say(c, "SSH-2.0-OpenSSH_9.9\r\n\r\n"); untilClosed(c) }, false, "protocol", "expected an HTTP/1.1 answer"},
		{"has no length that is a number", func(c net.Conn) {
			say(c, "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")
			untilClosed(c)
		}, false, "protocol", "expected an HTTP/1.1 answer"},
		{"has no chunk size that is a number", func(c net.Conn) {
			say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n")
			untilClosed(c)
		}, false, "protocol", "expected an HTTP/1.1 answer"},
		{"never ends the head", func(c net.Conn) {
			for _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n"); err == nil; {
				_, err = io.WriteString(c, "X-More: and more\r\n")
			}
		}, false, "protocol", "expected the head of an answer to end within 16384 bytes"},
		{"never ends the line", func(c net.Conn) {
			for _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nX-More: "); err == nil; {
				_, err = io.WriteString(c, "and more and more")
			}
		}, false, "protocol", "expected the head of an answer to end within 16384 bytes"},
		{"never ends the body", func(c net.Conn) {
			chunk := "10000\r\n" + strings.Repeat("x", 0x10000) + "\r\n"
			for _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); err == nil; {
				_, err = io.WriteString(c, chunk)
			}
		}, false, "too_large", "expected a body of at most 67108864 bytes, got more"},
		{"never ends a body without a length", func(c net.Conn) {
			more := strings.Repeat("x", 0x10000)
			for _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); err == nil; {
				_, err = io.WriteString(c, more)
			}
		}, false, "too_large", "expected a body of at most 67108864 bytes, got more"},
		{"never comes to the answer", func(c net.Conn) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
			}
		}, false, "protocol", "expected an HTTP/1.1 answer"},
		{"answers twice at once", func(c net.Conn) { say(c, goodAnswer+goodAnswer); untilClosed(c) }, false, "protocol", "expected nothing after the end of the answer"},
		{"announces too little", func(c net.Conn) {
			say(c, strings.Replace(goodAnswer, "Length: 2", "Length: 1", 1))
			untilClosed(c)
		}, false, "protocol", "expected nothing after the end of the answer, got 1 bytes"},
		{"announces more than it says", func(c net.Conn) {
			say(c, strings.Replace(goodAnswer, "Length: 2", "Length: 3", 1))
			untilClosed(c)
		}, false, "timeout", "expected an answer within 1s, got none or a part"},
		{"has two lengths", func(c net.Conn) {
			say(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok")
			untilClosed(c)
		}, false, "protocol", "expected an HTTP/1.1 answer"},
		{"half-closes and does not answer", func(c net.Conn) {
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
			untilClosed(c)
		}, false, "closed", cut + "EOF"},
		{"says more than the answer", func(c net.Conn) { say(c, goodAnswer+"more"); untilClosed(c) }, false, "protocol", "expected nothing after the end of the answer, got 4 bytes"},
		{"announces too much", func(c net.Conn) {
			say(c, "HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n")
			untilClosed(c)
		}, false, "too_large", "expected a body of at most 67108864 bytes, got more"},
		{"does not answer", untilClosed, false, "timeout", "expected an answer within 1s, got none or a part"},
		{"answers byte by byte", func(c net.Conn) {
			say(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for _, err := c.Write([]byte{'a'}); err == nil; _, err = c.Write([]byte{'a'}) {
				<-tick.C
			}
		}, false, "timeout", "expected an answer within 1s, got none or a part"},
		{"answers another status", func(c net.Conn) {
			say(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy")
		}, true, "status_503", `expected status 200, got 503 with body "busy"`},
		{"redirects", func(c net.Conn) {
			say(c, "HTTP/1.1 302 Found\r\nLocation: "+trapped.URL+"\r\nContent-Length: 0\r\n\r\n")
		}, true, "status_302", `expected status 200, got 302 with body ""`},
		{"answers another body", func(c net.Conn) { say(c, strings.Replace(goodAnswer, "\r\nok", "\r\nno", 1)) }, true, "mismatch", `expected body "ok", got "no"`},
		{"answers a long body", func(c net.Conn) {
			say(c, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"+strings.Repeat("x", 5000))
		}, true, "mismatch", `expected body "ok", got "` + strings.Repeat("x", 200) + `"… (5000 bytes)`},
		{"answers another type", func(c net.Conn) { say(c, strings.Replace(goodAnswer, "text/plain", "text/html", 1)) }, true, "mismatch", `expected content type text/plain, got "text/html"`},
		{"answers without a type", func(c net.Conn) { say(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }, true, "mismatch", `expected content type text/plain, got ""`},
	}
	const step = "steps: [{name: get, path: /, expect: {status: 200, body: ok, content_type: text/plain}}]\n"
	loads := map[string]string{
		"closed": step + "workers: 1\nphases: [{name: all, iterations: 3}]",
		"open":   step + "load: open\nconnections: 1\ngrace: 1h\nphases: [{name: all, rate: 100/s, duration: 30ms}]",
	}
	for _, tt := range tests {
		timeout := "timeout: 60s\n"
		if tt.kind == "timeout" {
			timeout = "timeout: 1s\n"
		}
		for load, text := range loads {
			t.Run(tt.name+" "+load, func(t *testing.T) { runFailure(t, plan(t, timeout+text), &tt) })
		}
	}
}

// failing is a server that fails a request in its own way.
type failing struct {
	name   string
	fail   func(c net.Conn) // after it the connection is closed
	stays  bool             // or is not
	kind   string
	detail string // is part of the example's
}

// runFailure sends three requests, of which the second fails.
func runFailure(t *testing.T, s *scenario.Scenario, tt *failing) {
	t.Helper()
	var requests, connections atomic.Int64
	address := listen(t, func(c net.Conn) {
		connections.Add(1)
		r := bufio.NewReader(c)
		for {
			if !readRequest(r) {
				return
			}
			if requests.Add(1) != 2 {
				say(c, goodAnswer)
				continue
			}
			if tt.fail(c); !tt.stays {
				return
			}
		}
	})
	turns := runAll(t, s, "http://"+address)
	got := turns[0].stats()
	if d := cmp.Diff(map[string]int64{tt.kind: 1}, got.Errors); d != "" {
		t.Errorf("errors: -want +got:\n%s", d)
	}
	if got.Requests != 3 || got.Successes != 2 || got.ResponseTime.Count != 2 || got.ErrorTime.Count != 1 || requests.Load() != 3 {
		t.Errorf("%d requests (the server saw %d), %d successes, %d times, %d times to fail, want 3, 2, 2, 1",
			got.Requests, requests.Load(), got.Successes, got.ResponseTime.Count, got.ErrorTime.Count)
	}
	wantConnections := int64(2)
	if tt.stays {
		wantConnections = 1
	}
	if got.ConnectTime.Count != wantConnections || connections.Load() != wantConnections {
		t.Errorf("%d connections recorded, %d seen, want %d", got.ConnectTime.Count, connections.Load(), wantConnections)
	}
	if f := turns[0].Failures; len(f) != 1 || f[0].Kind != tt.kind || !strings.Contains(f[0].Detail, tt.detail) {
		t.Errorf("examples %+v, want %q with %q", f, tt.kind, tt.detail)
	}
	if min := got.ErrorTime.Min; tt.kind == "timeout" && (min == nil || *min < 1_000_000) {
		t.Errorf("a timeout of 1 s took %v µs", *min)
	}
}

// closedPort is an address on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l := httptest.NewServer(http.NotFoundHandler())
	defer l.Close()
	return l.URL
}

func TestCannotConnect(t *testing.T) {
	plainServer := httptest.NewServer(http.NotFoundHandler())
	defer plainServer.Close()
	unknown := listen(t, func(c net.Conn) {
		session := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}, MinVersion: tls.VersionTLS12})
		_ = session.HandshakeContext(t.Context())
	})
	silent := listen(t, untilClosed)
	tests := []struct{ name, url, kind, detail string }{
		{"refused", closedPort(t), "connect", "connecting: "},
		{"certificate that signed itself", "https://" + unknown, "tls", "TLS handshake: the certificate of 127.0.0.1 is self-signed: name its file with --ca-cert"},
		{"TLS with a plain server", "https" + strings.TrimPrefix(plainServer.URL, "http"), "tls", "TLS handshake: tls: first record does not look like a TLS handshake"},
		{"TLS with a silent server", "https://" + silent, "timeout", "TLS handshake: context deadline exceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timeout := "60s"
			if tt.kind == "timeout" {
				timeout = "1s"
			}
			s := plan(t, "workers: 2\ntimeout: "+timeout+"\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 2}]")
			got := runAll(t, s, tt.url)[0]
			if d := cmp.Diff(map[string]int64{tt.kind: 4}, got.stats().Errors); d != "" {
				t.Errorf("errors: -want +got:\n%s", d)
			}
			if f := got.Failures; len(f) != 1 || !strings.Contains(f[0].Detail, tt.detail) {
				t.Errorf("examples %+v, want %q", f, tt.detail)
			}
			if st := got.stats(); st.Successes != 0 || st.ErrorTime.Count != 4 || st.ConnectTime.Count != 0 {
				t.Errorf("%d successes, %d times to fail, %d connections, want 0, 4, 0", st.Successes, st.ErrorTime.Count, st.ConnectTime.Count)
			}
		})
	}
}

// TestDeadServerIsNotAskedAsFastAsPossible bounds the tries by the time they took.
func TestDeadServerIsNotAskedAsFastAsPossible(t *testing.T) {
	s := plan(t, "workers: 3\nsteps: [{name: get, path: /}]\nphases: [{name: all, duration: 1s}]")
	got := runAll(t, s, closedPort(t))[0].stats()
	// A worker rests 10 ms between two tries.
	if most := 3 * int64(*got.WallS*100+1); got.Requests == 0 || got.Requests > most {
		t.Errorf("%d tries in %v s, want 1 to %d", got.Requests, *got.WallS, most)
	}
}

// selfSigned makes a certificate that nobody trusts.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Error(err)
		return tls.Certificate{}
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Error(fmt.Errorf("making a certificate: %w", err))
		return tls.Certificate{}
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestLargeRequests are too large to be sent at once, so that the server may say something before it has read them.
func TestLargeRequests(t *testing.T) {
	const size = 6 << 20
	over := make(chan struct{})
	tests := []struct {
		name   string
		serve  func(c net.Conn, r *bufio.Reader, req *http.Request) (goOn bool)
		kind   string // empty: none fails
		detail string
	}{
		{"are read", func(c net.Conn, _ *bufio.Reader, req *http.Request) bool {
			if n, err := io.Copy(io.Discard, req.Body); n != size || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			say(c, goodAnswer)
			return true
		}, "", ""},
		{"are answered before they are read", func(c net.Conn, _ *bufio.Reader, req *http.Request) bool {
			say(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
			_, _ = io.Copy(io.Discard, req.Body)
			return true
		}, "status_413", "got 413"},
		{"are not read", func(c net.Conn, _ *bufio.Reader, _ *http.Request) bool {
			if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
				t.Error(err)
			}
			<-over
			return false
		}, "timeout", "the request was not taken within 1s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timeout := "60s"
			if tt.kind == "timeout" {
				timeout = "1s"
			}
			address := listen(t, func(c net.Conn) {
				r := bufio.NewReader(c)
				for req, err := http.ReadRequest(r); err == nil && tt.serve(c, r, req); req, err = http.ReadRequest(r) {
				}
			})
			text := "name: test\nworkers: 1\ntimeout: " + timeout + "\nsteps: [{name: put, method: PUT, path: /, body_file: x}]\nphases: [{name: all, iterations: 2}]"
			s, err := scenario.Parse("test.yaml", []byte(text), func(string) ([]byte, error) { return make([]byte, size), nil })
			if err != nil {
				t.Fatal(err)
			}
			turn, want := runAll(t, s, "http://"+address)[0], map[string]int64{}
			if tt.kind == "timeout" {
				close(over)
			}
			if tt.kind != "" {
				want[tt.kind] = 2
			}
			if d := cmp.Diff(want, turn.stats().Errors); d != "" || turn.stats().Successes+want[tt.kind] != 2 {
				t.Errorf("errors: -want +got:\n%s", d)
			}
			if f := turn.Failures; tt.kind != "" && (len(f) != 1 || !strings.Contains(f[0].Detail, tt.detail)) {
				t.Errorf("examples %v, want %q", f, tt.detail)
			}
		})
	}
}
