package loadgen

import (
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// canned is a connection that answers everything at once in the same way.
type canned struct {
	net.Conn
	answer []byte
}

func (c *canned) Read(p []byte) (int, error)     { return copy(p, c.answer), nil }
func (*canned) Write(p []byte) (int, error)      { return len(p), nil }
func (*canned) SetDeadline(time.Time) error      { return nil }
func (*canned) SetReadDeadline(time.Time) error  { return nil }
func (*canned) SetWriteDeadline(time.Time) error { return nil }
func (*canned) Close() error                     { return nil }

const cannedAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nServer-Timing: app;dur=0.012, store;dur=0.101\r\n" +
	"Date: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Length: 1\r\n\r\n3"

// loop is a worker on a canned connection.
func loop(tb testing.TB) (*worker, *recorder.Recorder) {
	tb.Helper()
	body := "3"
	s := &scenario.Scenario{Load: scenario.Closed, Workers: 1, Steps: []scenario.Step{{
		Name: "post", Method: "POST", Path: "/", ContentType: "text/plain", Body: []byte("123"),
		Expect: scenario.Expect{Status: 200, Body: &body},
	}}}
	return loopOf(tb, s)
}

func loopOf(tb testing.TB, s *scenario.Scenario) (*worker, *recorder.Recorder) {
	tb.Helper()
	conn := newConn(&route{timeout: time.Minute}, 0)
	conn.nc = &canned{answer: []byte(cannedAnswer)}
	conn.reader.Reset(conn)
	c := &client{scenario: s, requests: newRequests(&url.URL{Scheme: "http", Host: "example.com"}, s, nil), links: []link{conn}}
	r := recorder.New(1, 1)
	return c.worker(0, r.Worker(0), &stop{}), r
}

func TestRequestDoesNotAllocate(t *testing.T) {
	w, r := loop(t)
	ctx := t.Context()
	ok, due := true, time.Time{}
	n := testing.AllocsPerRun(1000, func() { ok = w.once(ctx, 0, due) && ok })
	if n != 0 {
		t.Errorf("%v allocations a request, want 0", n)
	}
	// A failure would take another path.
	p := r.Take(time.Second)
	if !ok || p.Overall.Stats().Successes != 1001 {
		t.Error("the requests did not succeed")
	}
}

// TestRenderedRequestDoesNotAllocate has values in its path, a header, its body and the expected answer.
func TestRenderedRequestDoesNotAllocate(t *testing.T) {
	s, err := scenario.Parse("test.yaml", []byte(`
name: test
workers: 1
values: {n: "{{random 3 3}}"}
steps: [{name: post, method: POST, path: "/{{counter}}", body: "{{random_text 10}}", headers: {x-id: "{{uuid}}"}, expect: {body: "{{n}}"}}]
phases: [{name: all, iterations: 1}]`), nil)
	if err != nil {
		t.Fatal(err)
	}
	w, r := loopOf(t, s)
	ctx, n := t.Context(), uint64(0)
	ok, due := true, time.Time{}
	allocations := testing.AllocsPerRun(1000, func() {
		n++
		w.iteration(n, 0)
		ok = w.once(ctx, 0, due) && ok
	})
	if allocations != 0 {
		t.Errorf("%v allocations a request, want 0", allocations)
	}
	if p := r.Take(time.Second); !ok || p.Overall.Stats().Successes != 1001 {
		t.Errorf("the requests did not succeed: %v", p.Failures)
	}
}

// TestLoopDoesNotAllocate runs workers with all that is around their requests.
func TestLoopDoesNotAllocate(t *testing.T) {
	const n = 10_000
	tests := []struct {
		name string
		pace func(s *scenario.Scenario, start time.Time) pace
	}{
		{"closed", func(s *scenario.Scenario, start time.Time) pace {
			return newClosedPace(s, scenario.Phase{Workers: 1, Iterations: n}, start, &stop{})
		}},
		{"open", func(s *scenario.Scenario, start time.Time) pace {
			s.Load, s.Grace = scenario.Open, scenario.Duration(time.Hour)
			return newOpenPace(s, openPhase(n, n, time.Second, scenario.Constant), start.Add(-time.Minute), 1, virtualPacer{}, &stop{})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, r := loop(t)
			s := w.client.scenario
			p := tt.pace(s, time.Now()) // AllocsPerRun runs it once more, before, to warm up
			again := tt.pace(s, time.Now())
			ctx := t.Context()
			allocations := testing.AllocsPerRun(1, func() {
				w.begun = 0
				w.run(ctx, p)
				p = again
			})
			// A few for what runs in the background; not one a request.
			most := n / 100.
			if poolsLeak {
				most = n * 3 / 4.
			}
			if allocations > most {
				t.Errorf("%v allocations for %d requests", allocations, n)
			}
			if phase := r.Take(time.Second); phase.Overall.Stats().Successes != 2*n {
				t.Errorf("%d of %d requests succeeded: %v", phase.Overall.Stats().Successes, 2*n, phase.Failures)
			}
		})
	}
}

// BenchmarkRequest is the generator's own work for a request, without a socket.
func BenchmarkRequest(b *testing.B) {
	w, _ := loop(b)
	ctx := b.Context()
	var due time.Time
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if !w.once(ctx, 0, due) {
			b.Fatal("the loop ended")
		}
	}
}
