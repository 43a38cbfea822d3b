package main_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/adapters/internal/elasticache/elasticachetest"
	"github.com/crossover-bench/crossover/app/storetest"
)

func TestServes(t *testing.T) {
	for name, tt := range map[string]struct {
		protocols func(*http.Protocols)
		want      string
	}{"HTTP/1.1": {http1, "HTTP/1.1"}, "h2c": {h2c, "HTTP/2.0"}} {
		t.Run(name, func(t *testing.T) {
			p, addr := serveOn(t, miniredis.RunT(t).Addr())
			c := client(t, tt.protocols)
			for target, want := range map[string]string{"/": "alive", "/readyz": "ready"} {
				got := get(t, c, "http://"+addr+target)
				if got.status != http.StatusOK || got.body != want || got.proto != tt.want {
					t.Errorf("GET %s = %s %d %q; want %s 200 %q", target, got.proto, got.status, got.body, tt.want, want)
				}
			}
			p.signal(t, syscall.SIGTERM)
			if code := p.exit(t); code != 0 {
				t.Errorf("exit code = %d; want 0: %s", code, p.raw)
			}
		})
	}
}

func TestConnectionsAreKept(t *testing.T) {
	_, addr := serveOn(t, miniredis.RunT(t).Addr())
	c := client(t, http1)
	for i := range 3 {
		var info httptrace.GotConnInfo
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GotConn: func(got httptrace.GotConnInfo) { info = got },
		})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/nope", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if info.Reused != (i > 0) {
			t.Errorf("request %d: connection reused = %t", i, info.Reused)
		}
	}
}

// The whole way from a text to its length, on a real server when there is one.
func TestStoresTexts(t *testing.T) {
	server := storetest.StartRedis(t)
	_, addr := serveOn(t, server.Addr)
	c := client(t, http1)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/", strings.NewReader("世界"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain")
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if got := get(t, c, "http://"+addr+res.Header.Get("Location")); got.body != "世界" {
		t.Errorf("the text came back as %q", got.body)
	}
}

// held is a request that has reached its handler and waits for the rest of its body.
type held struct {
	conn net.Conn
	r    *bufio.Reader
}

// hold sends the header of a request and half of its body. The server's "100
// Continue" tells that the handler has begun to read.
func hold(t *testing.T, addr string) held {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(limit))
	_, _ = io.WriteString(conn, "POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n")
	h := held{conn, bufio.NewReader(conn)}
	for range 2 { // status line and empty line
		line, err := h.r.ReadString('\n')
		if err != nil {
			t.Fatalf("waiting for 100 Continue: %q, %v", line, err)
		}
	}
	_, _ = io.WriteString(conn, "abc")
	return h
}

// finish sends the rest of the body and returns the status of the answer.
func (h held) finish(t *testing.T) int {
	t.Helper()
	_, _ = io.WriteString(h.conn, "def")
	res, err := http.ReadResponse(h.r, nil)
	if err != nil {
		t.Fatalf("the request in flight got no answer: %v", err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestDrain(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			p, addr := serveOn(t, miniredis.RunT(t).Addr())
			slow := hold(t, addr)
			p.signal(t, sig)
			if r := p.wait(t, "draining"); r["in_flight"] != 1.0 {
				t.Errorf("record = %v; want in_flight 1", r)
			}
			// While it runs, load balancers are told to go elsewhere, and those that
			// have not heard it yet are still served.
			c := client(t, http1)
			if got := get(t, c, "http://"+addr+"/readyz"); got.status != http.StatusServiceUnavailable {
				t.Errorf("GET /readyz = %d %q; want 503", got.status, got.body)
			}
			if got := get(t, c, "http://"+addr+"/"); got.status != http.StatusOK || !got.closes {
				t.Errorf("GET / = %d %q, close %t; want 200 and the connection's end", got.status, got.body, got.closes)
			}
			if status := slow.finish(t); status != http.StatusOK {
				t.Errorf("the request in flight was answered %d", status)
			}
			p.wait(t, "drained")
			if code := p.exit(t); code != 0 {
				t.Errorf("exit code = %d; want 0: %s", code, p.raw)
			}
			if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr); err == nil {
				t.Error("the port is still open")
			}
		})
	}
}

func TestIdleConnectionsDoNotHoldTheDrain(t *testing.T) {
	p, addr := serveOn(t, miniredis.RunT(t).Addr())
	get(t, client(t, http1), "http://"+addr+"/")
	get(t, client(t, h2c), "http://"+addr+"/")
	p.signal(t, syscall.SIGTERM)
	if r := p.wait(t, "draining"); r["in_flight"] != 0.0 {
		t.Errorf("record = %v; want in_flight 0", r)
	}
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code = %d; want 0: %s", code, p.raw)
	}
}

func TestSecondSignalAborts(t *testing.T) {
	p, addr := serveOn(t, miniredis.RunT(t).Addr())
	slow := hold(t, addr)
	p.signal(t, syscall.SIGTERM)
	p.wait(t, "draining")
	p.signal(t, syscall.SIGTERM)
	if r := p.wait(t, "stopped with an error"); r["error"] != "aborted by a second signal" {
		t.Errorf("record = %v", r)
	}
	if code := p.exit(t); code != 1 {
		t.Errorf("exit code = %d; want 1", code)
	}
	if line, err := slow.r.ReadString('\n'); err == nil {
		t.Errorf("the request in flight was answered: %s", line)
	}
}

func TestPortTaken(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	host, port, _ := net.SplitHostPort(ln.Addr().String())
	p := launch(t, ec2Binary, "HOST="+host, "PORT="+port, "REDIS_URL=redis://127.0.0.1:1")
	r := p.wait(t, "stopped with an error")
	if text, _ := r["error"].(string); !strings.Contains(text, "listening on "+ln.Addr().String()) || !strings.Contains(text, "in use") {
		t.Errorf("record = %v", r)
	}
	if code := p.exit(t); code != 1 {
		t.Errorf("exit code = %d; want 1", code)
	}
}

func TestBadEnvironment(t *testing.T) {
	p := launch(t, ec2Binary, "PORT=eighty", "REDIS_URL=http://:secret@h", "TEXT_TTL=soon")
	r := p.wait(t, "configuration is invalid")
	faults, _ := r["faults"].([]any)
	if len(faults) != 3 {
		t.Errorf("record = %v; want three faults", r)
	}
	if code := p.exit(t); code != 2 {
		t.Errorf("exit code = %d; want 2", code)
	}
	if strings.Contains(strings.Join(p.raw, ""), "secret") {
		t.Errorf("a secret is in the log: %s", p.raw)
	}
}

func TestListeningIsLoggedAtAnyLevel(t *testing.T) {
	p, addr := serveOn(t, "127.0.0.1:1", "LOG_LEVEL=error")
	if addr == "" {
		t.Error("no addr")
	}
	p.signal(t, syscall.SIGTERM)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code = %d; want 0", code)
	}
	if len(p.raw) != 1 {
		t.Errorf("log = %s; want the one record", p.raw)
	}
}

func TestPrintConfig(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, ec2Binary, "-print-config")
	cmd.Env = []string{"REDIS_URL=redis://:secret@h"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if diff := cmp.Diff([]string{"REDIS_URL=redis://:xxxxx@h", "REDIS_POOL_SIZE=64"}, []string{lines[2], lines[7]}); diff != "" {
		t.Errorf("output differs (-want +got):\n%s", diff)
	}
}

// The whole way of IAM authentication: keys in the environment, a token at each dial,
// TLS, a real server that knows the user by that token alone.
func TestIAMAuthentication(t *testing.T) {
	keys := elasticachetest.Keys{ID: "AKIDEXAMPLE", Secret: "a-secret-key", Session: "a-session-token"}
	cache := elasticachetest.Start(t, keys)
	start := func(t *testing.T, env ...string) (*process, string) {
		t.Helper()
		p := launch(t, ec2Binary, slices.Concat([]string{"HOST=127.0.0.1", "PORT=0", "LOG_LEVEL=debug", "AWS_EC2_METADATA_DISABLED=true"}, cache.Env(), env)...)
		addr, _ := p.wait(t, "listening")["addr"].(string)
		return p, addr
	}
	end := func(t *testing.T, p *process) {
		t.Helper()
		p.signal(t, syscall.SIGTERM)
		if code := p.exit(t); code != 0 {
			t.Errorf("exit code = %d; want 0", code)
		}
		for _, secret := range []string{keys.Secret, keys.Session, "X-Amz-Signature"} {
			if strings.Contains(strings.Join(p.raw, "\n"), secret) {
				t.Errorf("the log has %q: %s", secret, p.raw)
			}
		}
	}
	t.Run("admitted", func(t *testing.T) {
		p, addr := start(t, keys.Env()...)
		if got := get(t, client(t, http1), "http://"+addr+"/readyz"); got.status != http.StatusOK {
			t.Errorf("/readyz = %d %q; want 200: %v, %s", got.status, got.body, cache.Entries(), p.raw)
		}
		if got := get(t, client(t, http1), "http://"+addr+"/stats"); got.status != http.StatusOK {
			t.Errorf("/stats = %d %q; want 200: %v", got.status, got.body, cache.Entries())
		}
		if entries := cache.Entries(); len(entries) == 0 || errors.Join(entries...) != nil {
			t.Errorf("%d connections: %v", len(entries), errors.Join(entries...))
		}
		end(t, p)
	})
	t.Run("of another principal", func(t *testing.T) {
		other := keys
		other.Secret = "another-secret-key"
		before := len(cache.Entries())
		p, addr := start(t, other.Env()...)
		if got := get(t, client(t, http1), "http://"+addr+"/readyz"); got.status != http.StatusServiceUnavailable {
			t.Errorf("/readyz = %d; want 503", got.status)
		}
		if entries := cache.Entries()[before:]; len(entries) == 0 || !strings.Contains(entries[0].Error(), "the signature is") {
			t.Errorf("the cache says %v", entries)
		}
		end(t, p)
	})
	t.Run("without credentials", func(t *testing.T) {
		before := len(cache.Entries())
		p, addr := start(t)
		if got := get(t, client(t, http1), "http://"+addr+"/stats"); got.status != http.StatusServiceUnavailable || strings.Contains(got.body, "redentials") {
			t.Errorf("/stats = %d %q; want 503 that does not say why", got.status, got.body)
		}
		if r := p.wait(t, "store unavailable"); !strings.Contains(fmt.Sprint(r), "AWS credentials for an ElastiCache token") {
			t.Errorf("the log does not say why: %v", r)
		}
		if n := len(cache.Entries()); n != before {
			t.Errorf("it said something to the cache: %v", cache.Entries()[before:])
		}
		end(t, p)
	})
}
