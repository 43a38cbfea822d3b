package loadgen

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// memory is a server in memory, so that the clock can be virtual.
type memory struct {
	serving sync.WaitGroup
	handle  func(*http.Request) (status string)

	mu     sync.Mutex
	dialed map[string]int
	open   map[string]int
}

func (m *memory) dial(_ context.Context, _, address string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	m.count(address, 1)
	m.serving.Go(func() {
		defer m.count(address, -1)
		defer func() { _ = theirs.Close() }()
		r := bufio.NewReader(theirs)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			status := "200 OK"
			if m.handle != nil {
				status = m.handle(req)
			}
			if _, err := io.WriteString(theirs, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n"); err != nil {
				return
			}
		}
	})
	return ours, nil
}

func (m *memory) count(address string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dialed == nil {
		m.dialed, m.open = map[string]int{}, map[string]int{}
	}
	if n > 0 {
		m.dialed[address]++
	}
	if m.open[address] += n; m.open[address] == 0 {
		delete(m.open, address)
	}
}

func (m *memory) connections() (dialed, open map[string]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.dialed), maps.Clone(m.open)
}

// polite is a closed load of workers that rest between two requests.
func polite(t *testing.T, workers, think, lasts string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("test.yaml", []byte("name: test\nworkers: "+workers+
		"\nsteps: [{name: get, path: /, think_time: "+think+"}]\nphases: [{name: all, duration: "+lasts+"}]"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNamesAreLookedUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, lookups := time.Now(), 0
		lookup := func(context.Context, string, string) ([]netip.Addr, error) {
			lookups++
			a, b, c := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
			switch now := time.Since(begin); {
			case now < 7*time.Second:
				return []netip.Addr{b, a}, nil
			case now < 18*time.Second: // at 10 and 15 s
				return nil, errors.New("server misbehaving")
			case now < 28*time.Second:
				return []netip.Addr{b, c}, nil
			}
			return []netip.Addr{a, b, c}, nil
		}
		m := &memory{}
		at := map[time.Duration]map[string]int{}
		k := &kept{each: func(i Interval) {
			if s := i.To.Round(time.Second); s == 17*time.Second || s == 24*time.Second || s == 34*time.Second {
				_, at[s] = m.connections()
			}
		}}
		g, err := New(polite(t, "6", "300ms", "38s"), []Target{{Name: "a", URL: "http://balancer.test"}}, Options{Dial: m.dial, Lookup: lookup})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Run(t.Context(), nil, 1, k); err != nil {
			t.Fatal(err)
		}
		g.Close()
		m.serving.Wait()
		want := map[time.Duration]map[string]int{
			17 * time.Second: {"10.0.0.1:80": 3, "10.0.0.2:80": 3},
			24 * time.Second: {"10.0.0.2:80": 3, "10.0.0.3:80": 3},
			34 * time.Second: {"10.0.0.1:80": 2, "10.0.0.2:80": 2, "10.0.0.3:80": 2},
		}
		if d := cmp.Diff(want, at); d != "" {
			t.Errorf("connections: -want +got:\n%s", d)
		}
		dialed, _ := m.connections()
		if d := cmp.Diff(map[string]int{"10.0.0.1:80": 5, "10.0.0.2:80": 3, "10.0.0.3:80": 3}, dialed); d != "" {
			t.Errorf("dialed: -want +got:\n%s", d)
		}
		if st := k.turns[0].Overall.Stats(); st.Requests != st.Successes || st.ConnectTime.Count != 11 {
			t.Errorf("%d of %d requests succeeded on %d connections: %v", st.Successes, st.Requests, st.ConnectTime.Count, k.turns[0].Failures)
		}
		wantWarning := []string{"a: 2 of 7 lookups of balancer.test while load ran failed, the addresses known before were kept: looking up balancer.test: server misbehaving."}
		if d := cmp.Diff(wantWarning, g.Warnings()); d != "" || lookups != 8 {
			t.Errorf("%d lookups; warnings: -want +got:\n%s", lookups, d)
		}
	})
}

// rotating gives new credentials every ten minutes, and fails in between for a while.
type rotating struct{ begin time.Time }

func (r rotating) Retrieve(context.Context) (aws.Credentials, error) {
	switch now := time.Since(r.begin); {
	case now < 10*time.Minute:
		return aws.Credentials{AccessKeyID: "first", SecretAccessKey: "secret1", SessionToken: "token1"}, nil
	case now < 12*time.Minute: // at 10 and 11 minutes
		return aws.Credentials{}, errors.New("no answer")
	}
	return aws.Credentials{AccessKeyID: "second", SecretAccessKey: "secret2", SessionToken: "token2"}, nil
}

// TestSignaturesStayFresh runs for twenty minutes of virtual time.
func TestSignaturesStayFresh(t *testing.T) {
	const header = "headers: {x-n: '{{counter}}'}, "
	for name, more := range map[string]string{"static": "", "rendered": header} {
		for _, load := range []string{
			"workers: 1\nsteps: [{name: get, path: /, " + more + "think_time: 500ms}]\nphases: [{name: all, duration: 20m}]",
			// Rendered long before they are due.
			"load: open\nconnections: 2\nsteps: [{name: get, path: /, " + more + "}]\nphases: [{name: all, rate: 0.005/s, duration: 20m}]",
		} {
			synctest.Test(t, func(t *testing.T) {
				begin, keys := time.Now(), map[string]int{}
				m := &memory{handle: func(r *http.Request) string {
					key, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="), "/")
					keys[key]++
					signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
					if age := time.Since(signed); err != nil || age > 3*time.Minute || age < 0 {
						t.Errorf("%s: signed at %v, %v, which was %v ago", name, signed, err, age)
					}
					if now := time.Since(begin); key == "first" && now > 15*time.Minute {
						t.Errorf("%s: old credentials after %v", name, now)
					}
					return "200 OK"
				}}
				s, err := scenario.Parse("test.yaml", []byte("name: test\n"+load), nil)
				if err != nil {
					t.Fatal(err)
				}
				g, err := New(s, []Target{{Name: "a", URL: "http://10.0.0.1", Sign: &Signing{Region: "us-east-1", Service: "lambda", Credentials: rotating{begin}}}},
					Options{Dial: m.dial, newPacer: func() pacer { return virtualPacer{} }})
				if err != nil {
					t.Fatal(err)
				}
				k := &kept{}
				if _, err := g.Run(t.Context(), nil, 1, k); err != nil {
					t.Fatal(err)
				}
				g.Close()
				m.serving.Wait()
				if st := k.turns[0].Overall.Stats(); st.Successes < 5 || st.Successes != st.Requests || keys["first"] == 0 || keys["second"] == 0 || len(keys) != 2 {
					t.Errorf("%s: %d of %d succeeded with %v: %v", name, st.Successes, st.Requests, keys, k.turns[0].Failures)
				}
				if w := g.Warnings(); len(w) != 1 || !strings.HasPrefix(w[0], "a: AWS credentials could not be had 2 of ") || strings.Contains(w[0], "secret") {
					t.Errorf("warnings %q", w)
				}
			})
		}
	}
}

func TestNoCredentials(t *testing.T) {
	s := polite(t, "1", "1ms", "1s")
	provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("none") })
	g, err := New(s, []Target{{Name: "a", URL: "http://127.0.0.1:1", Sign: &Signing{Region: "us-east-1", Service: "lambda", Credentials: provider}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := g.Run(t.Context(), nil, 1, &kept{}); err == nil || err.Error() != "target a: getting AWS credentials: none" {
		t.Errorf("Run returned %v", err)
	}
	if _, err := g.Check(t.Context()); err == nil || err.Error() != "target a: getting AWS credentials: none" {
		t.Errorf("Check returned %v", err)
	}
	s.Steps[0].Headers = map[string]string{"authorization": "Basic x"}
	if _, err := New(s, []Target{{Name: "a", URL: "http://127.0.0.1:1", Sign: &Signing{}}}, Options{}); err == nil || !strings.Contains(err.Error(), "adds the header authorization") {
		t.Errorf("New returned %v", err)
	}
}
