package emulator_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/process"
)

// programs are the bootstraps, built once, and group starts their processes, for all tests.
var (
	programs struct{ fn, raw, ext string }
	group    *process.Group
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "reap":
			process.Reap(os.Stdin)
			return
		case "keep":
			os.Exit(keep(os.Args[2]))
		case "serve":
			fmt.Fprintln(os.Stderr, serve(os.Args[2]))
			os.Exit(1)
		case "cage":
			os.Exit(serveLimited(os.Args[2]))
		case "crowd":
			os.Exit(crowd(os.Args[2], os.Args[3]))
		}
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "emulator-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder for temporary files
	programs.fn, programs.raw, programs.ext = filepath.Join(dir, "fn"), filepath.Join(dir, "raw"), filepath.Join(dir, "ext")
	for _, path := range []string{programs.fn, programs.raw, programs.ext} {
		build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", path, "./testdata/"+filepath.Base(path))
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", path, err, out)
			return 1
		}
	}
	group, err = process.NewGroup(os.Args[0], "reap")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := group.Close(0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// brief is the time-out of a function that is to exceed it with one request, and is to answer others within it.
const brief = 2 * time.Second

// start starts a service for a test; configure changes what it must. At the end no process of it may be left. In a test
// requests that follow each other have the same environment, however long it takes to ask for its next event.
func start(tb testing.TB, configure func(*emulator.Config)) *emulator.Service {
	tb.Helper()
	closed := opened()
	cfg := emulator.Config{Bootstrap: programs.fn, Group: group, Timeout: 60 * time.Second, InitTimeout: 60 * time.Second}
	if configure != nil {
		configure(&cfg)
	}
	s, err := emulator.Start(tb.Context(), cfg)
	if err != nil {
		closed()
		tb.Fatal(err)
	}
	if _, test := tb.(*testing.T); test {
		s.SetSettle(patience)
	}
	tb.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Close(2 * time.Second); err != nil {
			tb.Errorf("closing the service: %v", err)
		}
		if m := s.Meter(); m.Environments != 0 {
			tb.Errorf("%d environments are left after Close", m.Environments)
		}
		if before, last := closed(); last {
			eventually(tb, "goroutines are left", func() bool { return runtime.NumGoroutine() <= before })
		}
	})
	return s
}

// services are those that run now. While one does, goroutines come with its environments, so that they are counted when the last is closed.
var services struct {
	mu     sync.Mutex
	open   int
	before int // goroutines, when there was none
}

// opened counts a service. closed tells whether it was the last, and how many goroutines there were before the first.
func opened() (closed func() (before int, last bool)) {
	services.mu.Lock()
	defer services.mu.Unlock()
	if services.open == 0 {
		services.before = runtime.NumGoroutine()
	}
	services.open++
	return func() (int, bool) {
		services.mu.Lock()
		defer services.mu.Unlock()
		services.open--
		return services.before, services.open == 0
	}
}

// patience is a time that no machine needs.
const patience = time.Minute

// eventually waits for cond; it fails the test only if it does not come true in the end.
func eventually(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	patiently(tb, cond, func() {
		tb.Helper()
		buf := make([]byte, 1<<20)
		tb.Fatalf("%s\n%s", what, buf[:runtime.Stack(buf, true)])
	})
}

// patiently calls otherwise if done does not come true.
func patiently(tb testing.TB, done func() bool, otherwise func()) {
	tb.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			otherwise()
			return
		}
	}
}

// reply is what a client sees.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends one request.
func send(tb testing.TB, s *emulator.Service, method, target, body string, header http.Header) reply {
	tb.Helper()
	r, err := try(tb.Context(), s, method, target, body, header)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// get sends a GET.
func get(tb testing.TB, s *emulator.Service, target string) reply {
	tb.Helper()
	return send(tb, s, http.MethodGet, target, "", nil)
}

func try(ctx context.Context, s *emulator.Service, method, target, body string, header http.Header) (reply, error) {
	return tryURL(ctx, method, s.URL(emulator.DoorFunctionURL)+target, body, header)
}

// sendTo sends one request to one front door.
func sendTo(tb testing.TB, s *emulator.Service, door emulator.FrontDoor, method, target, body string, header http.Header) reply {
	tb.Helper()
	r, err := tryURL(tb.Context(), method, s.URL(door)+target, body, header)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func tryURL(ctx context.Context, method, url, body string, header http.Header) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	maps.Copy(req.Header, header)
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b)}, err
}

// expect compares status and body.
func (r reply) expect(tb testing.TB, status int, body string) {
	tb.Helper()
	if r.status != status || r.body != body {
		tb.Errorf("answer is %d %.300q, want %d %.300q", r.status, r.body, status, body)
	}
}

// settled waits until n environments exist and are idle.
func settled(tb testing.TB, s *emulator.Service, n int) {
	tb.Helper()
	eventually(tb, "environments do not come to rest", func() bool {
		m := s.Meter()
		return m.Idle == n && m.Environments == n
	})
}

// output is a writer that tests can look into.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
