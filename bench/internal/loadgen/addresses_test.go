package loadgen_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
)

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
