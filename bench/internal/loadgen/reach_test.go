package loadgen_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// runWith does one round on one target.
func runWith(t *testing.T, s *scenario.Scenario, target loadgen.Target, o loadgen.Options) ([]turn, *loadgen.Generator) {
	t.Helper()
	before := runtime.NumGoroutine()
	g, err := loadgen.New(s, []loadgen.Target{target}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Close()
		eventually(t, "all goroutines of the run have ended", func() bool { return runtime.NumGoroutine() <= before })
	})
	seen := &observer{}
	if whole, err := g.Run(t.Context(), nil, 1, seen); err != nil || !whole {
		t.Fatalf("Run returned %v, %v", whole, err)
	}
	return seen.turns, g
}

// authority signs certificates.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a := &authority{key: newKey(t)}
	a.certificate = sign(t, template, template, a.key, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serve makes a server with a certificate of the authority.
func (a *authority) serve(t *testing.T, change func(*x509.Certificate)) (url string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	change(template)
	key := newKey(t)
	c := sign(t, template, a.certificate, key, a.key)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.Raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestCertificates(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	trusted := x509.NewCertPool()
	trusted.AddCert(ours.certificate)
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	misnamed := func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.test"} }
	tests := []struct {
		name     string
		url      string
		insecure bool
		detail   string // empty: it is trusted
	}{
		{"trusted", ours.serve(t, func(*x509.Certificate) {}), false, ""},
		{"expired", ours.serve(t, expired), false, "the certificate of 127.0.0.1 has expired or is not valid yet: renew it, or set this machine's clock; --insecure measures without any check: "},
		{"not valid yet", ours.serve(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), false, "has expired or is not valid yet"},
		{"wrong name", ours.serve(t, misnamed), false, "the certificate is not for 127.0.0.1: use a name that it has in the target's URL"},
		{"unknown authority", others.serve(t, func(*x509.Certificate) {}), false, "is by an authority that this machine does not trust: name the authority's file with --ca-cert"},
		{"expired, not checked", ours.serve(t, expired), true, ""},
		{"wrong name, not checked", ours.serve(t, misnamed), true, ""},
		{"unknown authority, not checked", others.serve(t, func(*x509.Certificate) {}), true, ""},
	}
	for _, tt := range tests {
		for _, protocol := range []string{"http1", "http2"} {
			t.Run(tt.name+" "+protocol, func(t *testing.T) {
				s := plan(t, "protocol: "+protocol+"\nworkers: 1\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 2}]")
				turns, _ := runWith(t, s, loadgen.Target{Name: "a", URL: tt.url}, loadgen.Options{RootCAs: trusted, Insecure: tt.insecure})
				got, want := turns[0].stats(), map[string]int64{}
				if tt.detail != "" {
					want["tls"] = 2
				}
				if d := cmp.Diff(want, got.Errors); d != "" || got.Successes+want["tls"] != 2 {
					t.Errorf("%d successes; errors: -want +got:\n%s\n%v", got.Successes, d, turns[0].Failures)
				}
				if tt.detail != "" && (len(turns[0].Failures) != 1 || !strings.Contains(turns[0].Failures[0].Detail, tt.detail)) {
					t.Errorf("examples %v, want %q", turns[0].Failures, tt.detail)
				}
			})
		}
	}
}

// TestSlowHandshake is a server that sends a TLS record byte by byte.
func TestSlowHandshake(t *testing.T) {
	address := listen(t, func(c net.Conn) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		hello := append([]byte{22, 3, 3, 0x40, 0}, make([]byte, 0x4000)...)
		for i := range hello {
			if _, err := c.Write(hello[i : i+1]); err != nil {
				return
			}
			<-tick.C
		}
	})
	s := plan(t, "workers: 1\ntimeout: 200ms\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 2}]")
	got := runAll(t, s, "https://"+address)[0].stats()
	if d := cmp.Diff(map[string]int64{"timeout": 2}, got.Errors); d != "" {
		t.Errorf("errors: -want +got:\n%s", d)
	}
}

// names is a resolver and a dialer for a test: all addresses lead to one server, and it is noted which were dialed.
type names struct {
	server string

	mu     sync.Mutex
	list   []string
	err    error
	asked  int
	dialed map[string]int
	down   map[string]bool
}

func (n *names) take() (dialed map[string]int, asked int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	dialed, n.dialed = n.dialed, nil
	return dialed, n.asked
}

func (n *names) lookup(_ context.Context, network, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	if network != "ip" || host != "balancer.test" {
		return nil, fmt.Errorf("asked for %s %s", network, host)
	}
	var all []netip.Addr
	for _, text := range n.list {
		all = append(all, netip.MustParseAddr(text))
	}
	return all, n.err
}

func (n *names) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port != "81" {
		return nil, fmt.Errorf("dialing %s: %w", address, err)
	}
	n.mu.Lock()
	if n.dialed == nil {
		n.dialed = map[string]int{}
	}
	n.dialed[host]++
	down := n.down[host]
	n.mu.Unlock()
	if down {
		return nil, errors.New("down")
	}
	var d net.Dialer
	return d.DialContext(ctx, network, n.server)
}

func (n *names) options() loadgen.Options { return loadgen.Options{Lookup: n.lookup, Dial: n.dial} }

func answering(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Host != "balancer.test:81" {
			t.Errorf("host %s", r.Host)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestConnectionsAreSpread(t *testing.T) {
	tests := []struct {
		name string
		more string
		list []string
		down map[string]bool
		want map[string]int
	}{
		{"evenly", "workers: 6", []string{"10.0.0.3", "10.0.0.1", "::1", "10.0.0.1"}, nil, map[string]int{"10.0.0.1": 2, "10.0.0.3": 2, "::1": 2}},
		{"one address", "workers: 3", []string{"10.0.0.1"}, nil, map[string]int{"10.0.0.1": 3}},
		{"mapped addresses are no others", "workers: 2", []string{"10.0.0.1", "::ffff:10.0.0.1"}, nil, map[string]int{"10.0.0.1": 2}},
		{"more addresses than connections", "workers: 2", []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, nil, map[string]int{"10.0.0.1": 1, "10.0.0.2": 1}},
		{"fresh ones go round", "workers: 1\nfresh_connections: true", []string{"10.0.0.1", "10.0.0.2"}, nil, map[string]int{"10.0.0.1": 5, "10.0.0.2": 5}},
		{"the others, if one is down", "workers: 2", []string{"10.0.0.1", "10.0.0.2"}, map[string]bool{"10.0.0.1": true}, map[string]int{"10.0.0.2": 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := &names{server: answering(t).Listener.Addr().String(), list: tt.list, down: tt.down}
			s := plan(t, tt.more+"\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 10}]")
			turns, g := runWith(t, s, loadgen.Target{Name: "a", URL: "http://balancer.test:81"}, n.options())
			if st := turns[0].stats(); st.Requests != st.Successes {
				t.Errorf("%d of %d succeeded: %v", st.Successes, st.Requests, turns[0].Failures)
			}
			dialed, asked := n.take()
			for down := range tt.down {
				delete(dialed, down) // it was tried once or twice
			}
			if d := cmp.Diff(tt.want, dialed); d != "" || asked != 1 {
				t.Errorf("asked %d times; dialed: -want +got:\n%s", asked, d)
			}
			if w := g.Warnings(); len(w) > 0 {
				t.Errorf("warnings %q", w)
			}
		})
	}
}

func TestNoSuchName(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		detail string
	}{
		{"not found", &net.DNSError{Err: "no such host", Name: "balancer.test", IsNotFound: true}, "looking up balancer.test: lookup balancer.test: no such host"},
		{"no address", nil, "looking up balancer.test: the name has no address"},
	}
	for _, tt := range tests {
		for _, protocol := range []string{"http1", "http2"} {
			t.Run(tt.name+" "+protocol, func(t *testing.T) {
				n := &names{err: tt.err}
				s := plan(t, "protocol: "+protocol+"\nworkers: 2\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 2}]")
				turns, _ := runWith(t, s, loadgen.Target{Name: "a", URL: "http://balancer.test:81"}, n.options())
				got := turns[0].stats()
				if d := cmp.Diff(map[string]int64{"dns": 4}, got.Errors); d != "" || got.Successes != 0 || got.ConnectTime.Count != 0 {
					t.Errorf("errors: -want +got:\n%s", d)
				}
				if f := turns[0].Failures; len(f) != 1 || !strings.HasPrefix(f[0].Detail, tt.detail) {
					t.Errorf("examples %v, want %q", f, tt.detail)
				}
			})
		}
	}
}

// TestLiteralsAreNotLookedUp also holds for a dialer that resolves names itself.
func TestLiteralsAreNotLookedUp(t *testing.T) {
	server := answering(t)
	for _, url := range []string{"http://127.0.0.1:81", "http://[::1]:81"} {
		s := plan(t, "workers: 1\nsteps: [{name: get, path: /, headers: {host: balancer.test:81}}]\nphases: [{name: all, iterations: 1}]")
		n := &names{server: server.Listener.Addr().String()}
		turns, _ := runWith(t, s, loadgen.Target{Name: "a", URL: url}, n.options())
		if _, asked := n.take(); asked != 0 || turns[0].stats().Successes != 1 {
			t.Errorf("%s: looked up %d times: %v", url, asked, turns[0].Failures)
		}
	}
}

// TestOwnLimits are the generator's own troubles, which say nothing of the target.
func TestOwnLimits(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EADDRNOTAVAIL, syscall.EMFILE, syscall.ENOBUFS} {
		for _, url := range []string{"http://127.0.0.1:81", "http://balancer.test:81"} {
			n := &names{list: []string{"10.0.0.1", "10.0.0.2"}}
			o := n.options()
			o.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
			}
			s := plan(t, "fresh_connections: true\nworkers: 1\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 2}]")
			turns, _ := runWith(t, s, loadgen.Target{Name: "a", URL: url}, o)
			if d := cmp.Diff(map[string]int64{loadgen.KindGenerator: 2}, turns[0].stats().Errors); d != "" {
				t.Errorf("%v: errors: -want +got:\n%s", errno, d)
			}
		}
	}
}

func TestFreshConnections(t *testing.T) {
	for _, load := range []string{"workers: 2\nphases: [{name: all, iterations: 5}]", "load: open\nconnections: 2\nphases: [{name: all, rate: 100/s, duration: 100ms}]"} {
		var connections, closing atomic.Int64
		address := listen(t, func(c net.Conn) {
			connections.Add(1)
			r := bufio.NewReader(c)
			for {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				if req.Close {
					closing.Add(1)
				}
				say(c, goodAnswer) // and does not close
			}
		})
		s := plan(t, "fresh_connections: true\nsteps: [{name: get, path: /}]\n"+load)
		got := runAll(t, s, "http://"+address)[0].stats()
		if got.Successes != 10 || got.ConnectTime.Count != 10 || connections.Load() != 10 || closing.Load() != 10 {
			t.Errorf("%d successes on %d connections (the server saw %d), %d asked to close, want 10 of each",
				got.Successes, got.ConnectTime.Count, connections.Load(), closing.Load())
		}
		// An open loop counts opening from when the request was due, a closed one does not.
		if r, s := *got.ResponseTime.Mean, *got.ServiceTime.Mean; strings.Contains(load, "open") != (r >= s+*got.ConnectTime.Mean) {
			t.Errorf("response time %v µs, service time %v µs, connect time %v µs", r, s, *got.ConnectTime.Mean)
		}
	}
}

// TestServerThatClosesAtOnce bounds the tries by the time they took.
func TestServerThatClosesAtOnce(t *testing.T) {
	for _, protocol := range []string{"http1", "http2"} {
		address := listen(t, func(net.Conn) {})
		s := plan(t, "protocol: "+protocol+"\nworkers: 3\nsteps: [{name: get, path: /}]\nphases: [{name: all, duration: 1s}]")
		got := runAll(t, s, "http://"+address)[0].stats()
		if most := 3 * int64(*got.WallS*100+1); got.Requests == 0 || got.Successes > 0 || got.Requests > most {
			t.Errorf("%s: %d tries in %v s, want 1 to %d", protocol, got.Requests, *got.WallS, most)
		}
	}
}

// TestLeftOver is a server that answers one request twice: the second answer is nobody's, whenever the next request is sent.
func TestLeftOver(t *testing.T) {
	const all = "workers: 1\nphases: [{name: one, iterations: 2}, {name: two, iterations: 3}]"
	// There is time for the second answer before the third request is due.
	const open = "load: open\nconnections: 1\nphases: [{name: one, rate: 4/s, duration: 1250ms}]"
	for name, load := range map[string]string{"a phase later": all, "in an open loop": open} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %v", name, secure), func(t *testing.T) {
				var requests atomic.Int64
				twice := make(chan struct{})
				handler := func(c net.Conn) {
					r := bufio.NewReader(c)
					for readRequest(r) {
						say(c, goodAnswer)
						if requests.Add(1) == 2 {
							say(c, strings.Replace(goodAnswer, "\r\nok", "\r\nno", 1))
							close(twice)
						}
					}
				}
				url := "http://" + listen(t, handler)
				if secure {
					certificate := selfSigned(t)
					url = "https://" + listen(t, func(c net.Conn) {
						handler(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}))
					})
				}
				s := plan(t, "steps: [{name: get, path: /, expect: {body: ok}}]\n"+load)
				g, err := loadgen.New(s, []loadgen.Target{{Name: "a", URL: url}}, loadgen.Options{Insecure: true})
				if err != nil {
					t.Fatal(err)
				}
				defer g.Close()
				o := &observer{onEnded: func(loadgen.Turn) { <-twice }}
				if _, err := g.Run(t.Context(), nil, 1, o); err != nil {
					t.Fatal(err)
				}
				errs, successes := map[string]int64{}, int64(0)
				for _, turn := range o.turns {
					successes += turn.stats().Successes
					for kind, n := range turn.stats().Errors {
						errs[kind] += n
					}
				}
				if d := cmp.Diff(map[string]int64{"protocol": 1}, errs); d != "" || successes != 4 {
					t.Errorf("%d successes, want 4; errors: -want +got:\n%s", successes, d)
				}
			})
		}
	}
}
