package loadgen_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
)

// journal is a handler that notes what came on which connection.
type journal struct {
	mu     sync.Mutex
	byConn map[string][]string
	answer http.HandlerFunc
}

func (j *journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	j.mu.Lock()
	if j.byConn == nil {
		j.byConn = map[string][]string{}
	}
	j.byConn[r.RemoteAddr] = append(j.byConn[r.RemoteAddr], strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(body)))
	j.mu.Unlock()
	if j.answer != nil {
		j.answer(w, r)
	}
}

func (j *journal) requests() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, lines := range j.byConn {
		n += len(lines)
	}
	return int64(n)
}

func (j *journal) serve(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(j)
	t.Cleanup(s.Close)
	return s.URL
}

const twoPhases = `
workers: 4
steps:
  - {name: post, method: POST, path: /p, body: "123"}
  - {name: get, path: /g}
phases:
  - {name: one, workers: 2, iterations: 3}
  - {name: two, iterations: 2}
order: `

func TestCountsOrderAndConnections(t *testing.T) {
	const post, get = "POST /p 123", "GET /g"
	tests := []struct {
		order    string
		one, two []string // of one worker
	}{
		{"blocks", []string{post, post, post, get, get, get}, []string{post, post, get, get}},
		{"interleaved", []string{post, get, post, get, post, get}, []string{post, get, post, get}},
	}
	for _, tt := range tests {
		t.Run(tt.order, func(t *testing.T) {
			j := &journal{}
			turns := runAll(t, plan(t, twoPhases+tt.order), j.serve(t))
			for i, want := range []struct{ requests, connections int64 }{{2 * 3 * 2, 2}, {4 * 2 * 2, 2}} {
				s := turns[i].stats()
				if s.Requests != want.requests || s.Successes != want.requests || s.ConnectTime.Count != want.connections {
					t.Errorf("phase %d: %d requests, %d successes, %d connections, want %d, all, %d",
						i, s.Requests, s.Successes, s.ConnectTime.Count, want.requests, want.connections)
				}
				if s.WallS == nil || s.ThroughputRPS == nil || *s.ResponseTime.Max/1e6 > *s.WallS+1e-6 {
					t.Errorf("phase %d: wall time %v s with a request of %v µs", i, s.WallS, *s.ResponseTime.Max)
				}
				for step := range turns[i].Steps {
					if n := turns[i].Steps[step].Stats().Requests; n != want.requests/2 {
						t.Errorf("phase %d: step %d has %d requests, want %d", i, step, n, want.requests/2)
					}
				}
			}
			var got [][]string
			for _, lines := range j.byConn {
				got = append(got, lines)
			}
			slices.SortFunc(got, func(a, b []string) int { return len(b) - len(a) })
			both := slices.Concat(tt.one, tt.two)
			if d := cmp.Diff([][]string{both, both, tt.two, tt.two}, got); d != "" {
				t.Errorf("requests by connection: -want +got:\n%s", d)
			}
		})
	}
}

func TestOnTheWire(t *testing.T) {
	var mu sync.Mutex
	var got []string
	address := listen(t, func(c net.Conn) {
		var seen bytes.Buffer
		r := bufio.NewReader(io.TeeReader(c, &seen))
		for {
			if !readRequest(r) {
				return
			}
			mu.Lock()
			got = append(got, seen.String())
			mu.Unlock()
			seen.Reset()
			say(c, goodAnswer)
		}
	})
	runAll(t, plan(t, `
workers: 1
steps:
  - {name: get, path: "/a%20b?c=d"}
  - {name: post, method: post, path: /, body: "ä", content_type: "text/plain; charset=utf-8", headers: {X-B: "2 ", x-a: ""}}
  - {name: empty-post, method: POST, path: /}
  - {name: delete, method: DELETE, path: /, headers: {Host: example.com, User-Agent: other}}
  - {name: delete-with-body, method: DELETE, path: /, body: ""}
phases: [{name: all, iterations: 1}]`), "http://"+address+"/base/path/")
	host := "Host: " + address + "\r\nUser-Agent: crossover\r\n"
	want := []string{
		"GET /base/path/a%20b?c=d HTTP/1.1\r\n" + host + "\r\n",
		"POST /base/path/ HTTP/1.1\r\n" + host + "x-a: \r\nx-b: 2 \r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nä",
		"POST /base/path/ HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n",
		"DELETE /base/path/ HTTP/1.1\r\nhost: example.com\r\nuser-agent: other\r\n\r\n",
		"DELETE /base/path/ HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestAnswers are unusual, but right.
func TestAnswers(t *testing.T) {
	tests := []struct {
		name, step, answer string
		connections        int64 // for 3 requests
	}{
		{"HEAD", "method: HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 1},
		{"no content", "expect: {status: 204}", "HTTP/1.1 204 No Content\r\n\r\n", 1},
		{"not modified", "expect: {status: 304}", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", 1},
		{"empty", `expect: {body: ""}`, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1},
		{"interim", "expect: {body: ok}", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + goodAnswer, 1},
		{"chunks", "expect: {body: abcde}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n", 1},
		{"chunks and a trailer", "expect: {body: ab}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n2\r\nab\r\n0\r\nA: b\r\n\r\n", 1},
		{"connection: close", "expect: {body: ok}", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 3},
		{"HTTP/1.0", "expect: {body: ok}", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 3},
		{"ends with the connection", "expect: {body: ok}", "HTTP/1.0 200 OK\r\n\r\nok", 3},
		{"type with parameters", "expect: {content_type: text/plain}", strings.Replace(goodAnswer, "text/plain", "Text/Plain; charset=UTF-8", 1), 1},
		{"type in capitals", "expect: {content_type: TEXT/plain}", goodAnswer, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address := listen(t, func(c net.Conn) {
				r := bufio.NewReader(c)
				for {
					if !readRequest(r) {
						return
					}
					if say(c, tt.answer); tt.connections > 1 {
						return
					}
				}
			})
			got := runAll(t, plan(t, "workers: 1\nsteps: [{name: a, path: /, "+tt.step+"}]\nphases: [{name: p, iterations: 3}]"), "http://"+address)[0]
			if s := got.stats(); s.Successes != 3 || s.Requests != 3 || s.ConnectTime.Count != tt.connections {
				t.Errorf("%d of %d requests succeeded on %d connections, want 3 of 3 on %d: %+v",
					s.Successes, s.Requests, s.ConnectTime.Count, tt.connections, got.Failures)
			}
		})
	}
}

func TestColdStartsAreSeen(t *testing.T) {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Server-Timing", "cdn;dur=1")
		if i := n.Add(1); i%3 == 0 {
			w.Header().Add("Server-Timing", "app;dur=0.2, init;dur=182.5")
		}
		if n.Load() == 6 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer s.Close()
	got := runAll(t, plan(t, "workers: 1\nsteps: [{name: a, path: /}]\nphases: [{name: p, iterations: 10}]"), s.URL)[0]
	// The 3rd, 6th and 9th are cold, the 6th failed.
	if cold := got.Cold.Summary(); cold.Count != 2 || *cold.Max > *got.stats().ResponseTime.Max || got.stats().Successes != 9 {
		t.Errorf("%d cold requests of %d, want 2 of 9", cold.Count, got.stats().Successes)
	}
}

func TestPhaseBoundedByTime(t *testing.T) {
	j := &journal{}
	got := runAll(t, plan(t, `
workers: 2
steps: [{name: a, path: /a}, {name: b, path: /b}]
phases: [{name: p, duration: 1s}]`), j.serve(t))[0]
	s := got.stats()
	if s.Requests == 0 || s.Requests != s.Successes || s.Requests != j.requests() {
		t.Errorf("%d requests, %d successes, the server saw %d", s.Requests, s.Successes, j.requests())
	}
	// Steps take turns on each worker, so they can differ by one a worker.
	if a, b := got.Steps[0].Stats().Requests, got.Steps[1].Stats().Requests; a < b || a > b+2 {
		t.Errorf("%d requests of the first step, %d of the second", a, b)
	}
}

// TestConnectionClosedBetweenPhases has a server that says nothing, or says goodbye, and closes while a connection rests.
func TestConnectionClosedBetweenPhases(t *testing.T) {
	for name, goodbye := range map[string]string{"silently": "", "after a 408": "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			closeNow, closed := make(chan struct{}), make(chan struct{}, 1)
			var connections atomic.Int64
			address := listen(t, func(c net.Conn) {
				first := connections.Add(1) == 1
				r := bufio.NewReader(c)
				for range 2 {
					if !readRequest(r) {
						return
					}
					say(c, goodAnswer)
				}
				if first {
					<-closeNow
					say(c, goodbye)
					_ = c.Close()
					closed <- struct{}{}
					return
				}
				untilClosed(c)
			})
			s := plan(t, `
workers: 1
steps: [{name: a, path: /}]
phases: [{name: one, iterations: 2}, {name: two, iterations: 2}]`)
			o := &observer{}
			o.onEnded = func(turn loadgen.Turn) {
				if turn.Phase == 0 {
					close(closeNow)
					<-closed
				}
			}
			if whole, err := generator(t, s, "http://"+address).Run(t.Context(), nil, 1, o); err != nil || !whole {
				t.Fatalf("Run returned %v, %v", whole, err)
			}
			for i := range o.turns {
				if s := o.turns[i].stats(); s.Successes != 2 || s.Requests != 2 || s.ConnectTime.Count != 1 {
					t.Errorf("phase %d: %d of %d requests succeeded on %d new connections, want 2 of 2 on 1: %+v",
						i, s.Successes, s.Requests, s.ConnectTime.Count, o.turns[i].Failures)
				}
			}
		})
	}
}

func TestDrain(t *testing.T) {
	for name, phases := range map[string]string{
		"in the only phase":     "[{name: one, duration: 1h}]",
		"with phases to follow": "[{name: one, duration: 1h}, {name: two, duration: 1h}]",
	} {
		t.Run(name, func(t *testing.T) {
			entered, release := make(chan struct{}), make(chan struct{})
			var once sync.Once
			j := &journal{answer: func(http.ResponseWriter, *http.Request) {
				once.Do(func() { close(entered) })
				<-release
			}}
			s := plan(t, "workers: 3\nsteps: [{name: a, path: /}]\nphases: "+phases)
			g, o, drain := generator(t, s, j.serve(t)), &observer{}, make(chan struct{})
			go func() {
				<-entered
				close(drain)
				close(release)
			}()
			whole, err := g.Run(t.Context(), drain, 1, o)
			if whole || err != nil {
				t.Fatalf("Run returned %v, %v, want false and no error", whole, err)
			}
			if len(o.turns) != 1 {
				t.Fatalf("%d turns were reported, want the one that was under way", len(o.turns))
			}
			if st := o.turns[0].stats(); st.Requests != j.requests() || st.Successes != st.Requests || st.Requests == 0 {
				t.Errorf("%d requests, %d successes recorded, the server saw %d: what is in flight is to be waited for",
					st.Requests, st.Successes, j.requests())
			}
		})
	}
}

func TestDrainBeforeTheFirstTurn(t *testing.T) {
	j, o, drain := &journal{}, &observer{}, make(chan struct{})
	close(drain)
	g := generator(t, plan(t, twoPhases+"blocks"), j.serve(t))
	if whole, err := g.Run(t.Context(), drain, 1, o); whole || err != nil || len(o.turns) != 0 || j.requests() != 0 {
		t.Errorf("Run returned %v, %v after %d turns and %d requests", whole, err, len(o.turns), j.requests())
	}
}

func TestAbort(t *testing.T) {
	entered := make(chan struct{}, 3)
	var cut atomic.Int64
	j := &journal{answer: func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-r.Context().Done() // ends when the client is gone
		cut.Add(1)
	}}
	url := j.serve(t)
	s := plan(t, "workers: 3\ntimeout: 1h\nsteps: [{name: a, path: /}]\nphases: [{name: one, iterations: 5}]")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := &observer{}
	g := generator(t, s, url)
	go func() {
		for range 3 {
			<-entered
		}
		cancel()
	}()
	whole, err := g.Run(ctx, nil, 1, o)
	if whole || !errors.Is(err, context.Canceled) || len(o.turns) != 0 {
		t.Errorf("Run returned %v, %v and reported %d turns", whole, err, len(o.turns))
	}
	if now := o.progress(); now.Requests != 0 || now.Failed != 0 {
		t.Errorf("%d requests that were cut off are counted, %d as failed", now.Requests, now.Failed)
	}
	eventually(t, "the server has lost all requests", func() bool { return cut.Load() == 3 })
}

func TestTurns(t *testing.T) {
	j := &journal{}
	url := j.serve(t)
	s := plan(t, "workers: 1\nsteps: [{name: a, path: /}]\nphases: [{name: one, iterations: 1}, {name: two, iterations: 1}]")
	order := func(seed uint64) []loadgen.Turn {
		o := &observer{}
		if whole, err := seeded(t, seed, s, url, url, url).Run(t.Context(), nil, 4, o); err != nil || !whole {
			t.Fatalf("Run returned %v, %v", whole, err)
		}
		turns := make([]loadgen.Turn, len(o.turns))
		for i := range o.turns {
			turns[i] = o.turns[i].Turn
		}
		return turns
	}
	first := order(42)
	if d := cmp.Diff(first, order(42)); d != "" {
		t.Errorf("the same seed gives another order:\n%s", d)
	}
	if cmp.Equal(first, order(43)) {
		t.Error("another seed gives the same order of 24 turns")
	}
	for i, turn := range first {
		if turn.Round != 1+i/6 || turn.Phase != i/3%2 || turn.Place != 1+i%3 {
			t.Errorf("turn %d is %+v", i, turn)
		}
		for _, other := range first[i-i%3 : i] {
			if other.Target == turn.Target {
				t.Errorf("target %d has phase %d of round %d twice", turn.Target, turn.Phase, turn.Round)
			}
		}
	}
}

func TestNewRefusesURLs(t *testing.T) {
	s := plan(t, twoPhases+"blocks")
	for _, url := range []string{"", "127.0.0.1:80", "ftp://a", "http://", "http://a:b:c", "/path"} {
		if _, err := loadgen.New(s, []loadgen.Target{{Name: "mine", URL: url}}, loadgen.Options{}); err == nil || !strings.HasPrefix(err.Error(), "target mine: ") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
