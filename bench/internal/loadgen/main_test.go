package loadgen_test

import (
	"bufio"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// patience bounds every wait for what should come soon; only a failing test uses it up.
const patience = time.Minute

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run makes the system trust the certificate of net/http/httptest, where the system asks a file (Linux).
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "loadgen-test-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	roots := filepath.Join(dir, "roots.pem")
	err = os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600)
	s.Close()
	if err != nil {
		panic(err)
	}
	if err := os.Setenv("SSL_CERT_FILE", roots); err != nil {
		panic(err)
	}
	return m.Run()
}

// plan parses a scenario; whole is its text without the name.
func plan(tb testing.TB, whole string) *scenario.Scenario {
	tb.Helper()
	s, err := scenario.Parse("test.yaml", []byte("name: test\n"+whole), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// turn is what the observer saw of one.
type turn struct {
	loadgen.Turn
	recorder.Phase
}

func (t turn) stats() result.Stats { return t.Overall.Stats() }

// observer keeps all turns.
type observer struct {
	turns    []turn
	onEnded  func(loadgen.Turn)
	progress func() recorder.Progress
	parts    []recorder.Phase // sums of the intervals, by turn
}

func (o *observer) Started(_ loadgen.Turn, progress func() recorder.Progress) {
	o.progress = progress
	o.parts = append(o.parts, recorder.Phase{})
}

func (o *observer) Interval(_ loadgen.Turn, i loadgen.Interval) {
	part := &o.parts[len(o.parts)-1]
	if part.Steps == nil {
		part.Steps = make([]recorder.Set, len(i.Recorded.Steps))
	}
	part.Merge(i.Recorded)
}

func (o *observer) Ended(t loadgen.Turn, p recorder.Phase, _ time.Duration) {
	o.turns = append(o.turns, turn{t, p})
	if o.onEnded != nil {
		o.onEnded(t)
	}
}

// generator makes one that leaves neither connections nor goroutines.
func generator(tb testing.TB, s *scenario.Scenario, urls ...string) *loadgen.Generator {
	tb.Helper()
	return seeded(tb, 1, s, urls...)
}

func seeded(tb testing.TB, seed uint64, s *scenario.Scenario, urls ...string) *loadgen.Generator {
	tb.Helper()
	var targets []loadgen.Target
	for i, u := range urls {
		targets = append(targets, loadgen.Target{Name: fmt.Sprintf("target-%d", i+1), URL: u})
	}
	before := runtime.NumGoroutine()
	g, err := loadgen.New(s, targets, loadgen.Options{Seed: seed})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		g.Close()
		eventually(tb, "all goroutines of the run have ended", func() bool { return runtime.NumGoroutine() <= before })
	})
	return g
}

// runAll does one round on all targets and expects to do all of it.
func runAll(t *testing.T, s *scenario.Scenario, urls ...string) []turn {
	t.Helper()
	o := &observer{}
	whole, err := generator(t, s, urls...).Run(t.Context(), nil, 1, o)
	if err != nil || !whole {
		t.Fatalf("Run returned %v, %v", whole, err)
	}
	return o.turns
}

// eventually polls until done says so.
func eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			tb.Fatalf("after %s still not: %s", patience, what)
		}
	}
}

// listen accepts connections on a loopback port until the test ends, and gives each to serve in a goroutine of its own.
func listen(tb testing.TB, serve func(net.Conn)) (address string) {
	tb.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return serveOn(tb, l, serve)
}

func serveOn(tb testing.TB, l net.Listener, serve func(net.Conn)) (address string) {
	tb.Helper()
	var mu sync.Mutex
	var conns []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() {
				serve(c)
				_ = c.Close()
			})
		}
	})
	tb.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// readRequest reads one request with its body; false when the connection ends.
func readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}
