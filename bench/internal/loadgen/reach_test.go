package loadgen_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

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
