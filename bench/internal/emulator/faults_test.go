package emulator_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// bystanders send requests as long as a fault is being played, and fail the test if one of them is hurt by it.
func bystanders(t *testing.T, s *emulator.Service) (stop func()) {
	t.Helper()
	var ended atomic.Bool
	done := make(chan struct{})
	const n = 3
	for range n {
		go func() {
			for !ended.Load() {
				if r, err := try(t.Context(), s, http.MethodPost, "/body", "unhurt", http.Header{"Content-Type": {"text/plain"}}); err != nil || r.status != http.StatusOK || r.body != "unhurt" {
					t.Errorf("another request is answered %d %q (%v)", r.status, r.body, err)
					break
				}
			}
			done <- struct{}{}
		}()
	}
	return func() {
		ended.Store(true)
		for range n {
			<-done
		}
	}
}

// Each ends the environment, costs its own request and no other, and is an error of the function for its caller
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Failures during the invoke phase").
func TestFaultsHurtNobodyElse(t *testing.T) {
	for _, target := range []string{"/exit-zero", "/exit", "/kill", "/panic", "/exit-mid", "/big?n=7000000"} {
		t.Run(target[1:], func(t *testing.T) {
			s := start(t, nil)
			stop := bystanders(t, s)
			for range 3 {
				get(t, s, target).expect(t, http.StatusBadGateway, "Internal Server Error")
			}
			stop()
			eventually(t, "environments do not come to rest", func() bool { m := s.Meter(); return m.Idle == m.Environments })
			if m := s.Meter(); m.Errors != 3 || m.Throttles != 0 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

func TestCrashAtTheThirdRequest(t *testing.T) {
	s := start(t, nil)
	for i, want := range []int{200, 200, 502, 200, 200, 502} {
		if r := get(t, s, "/third"); r.status != want {
			t.Errorf("request %d is answered %d %q, want %d", i+1, r.status, r.body, want)
		}
		eventually(t, "the environment does not come to rest", func() bool { m := s.Meter(); return m.Idle == m.Environments })
	}
	if m := s.Meter(); m.Exits != 2 || m.ColdStarts != 2 || m.Environments != 0 {
		t.Errorf("meter: %+v", m)
	}
}

// The descriptors that a function leaks are its own, and gone with it.
func TestLeakedDescriptors(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("open files are counted in /proc")
	}
	s := start(t, nil)
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	get(t, s, "/pid")
	settled(t, s, 1)
	before := open()
	for _, target := range []string{"/leak", "/leak-api"} { // those of the second have another end here
		for try := range 3 {
			if r := get(t, s, target); r.status != http.StatusOK || r.body == "0" {
				t.Errorf("%s %d is answered %d %q", target, try+1, r.status, r.body)
			}
			settled(t, s, 1)
		}
		// The least that has room for ten extensions and a few more.
		if n := open(); n > before+40 || target == "/leak" && n > before+10 {
			t.Errorf("after %s %d descriptors are open, %d were before", target, n, before)
		}
	}
}

// What a function has forked lives as long as its environment and no longer, be it that the function exits or that the service does, and
// be it in a session of its own.
func TestForksHurtNobodyElse(t *testing.T) {
	for name, limits := range map[string]bool{"in cgroups if there can be some": true, "without cgroups": false} {
		for _, query := range []string{"", "?session=1"} {
			t.Run(name+query, func(t *testing.T) {
				if query != "" && runtime.GOOS != "linux" {
					t.Skip("nothing finds what has left its process group")
				}
				testForks(t, limits, query)
			})
		}
	}
}

func testForks(t *testing.T, limits bool, query string) {
	t.Helper()
	var out output
	s := start(t, func(c *emulator.Config) { c.Output, c.Limits, c.Freeze = &out, limits, limits })
	stop := bystanders(t, s)
	var stay []string
	for range 3 {
		r := get(t, s, "/fork"+query)
		if r.status != http.StatusOK || !alive(t, r.body) {
			t.Errorf("answer is %d %q, or that process does not run", r.status, r.body)
		}
		stay = append(stay, r.body)
		get(t, s, "/fork-exit"+query).expect(t, http.StatusBadGateway, "Internal Server Error")
	}
	stop()
	forked := regexp.MustCompile(`forked ([0-9]+)\n`)
	eventually(t, "three do not say what they have forked", func() bool { return len(forked.FindAllString(out.String(), -1)) == 3 })
	for _, m := range forked.FindAllStringSubmatch(out.String(), -1) {
		eventually(t, "a forked process outlives its environment", func() bool { return !alive(t, m[1]) })
	}
	if err := s.Close(time.Second); err != nil {
		t.Fatal(err)
	}
	for _, pid := range stay {
		eventually(t, "a forked process outlives the service", func() bool { return !alive(t, pid) })
	}
}

// A function that ignores SIGTERM, which an environment with extensions gets before its end, is killed.
func TestIgnoresSIGTERM(t *testing.T) {
	var notes func() []extensionNote
	s := start(t, func(c *emulator.Config) {
		notes = withExtensions(t, c, map[string]string{"IGNORE_TERM": "1"}, "ext")
		c.Timeout = 3 * time.Second // also for the others
	})
	stop := bystanders(t, s)
	get(t, s, "/forever").expect(t, http.StatusBadGateway, "Internal Server Error")
	stop()
	eventually(t, "the function stays", func() bool { m := s.Meter(); return m.Environments == m.Idle })
	if m := s.Meter(); m.Timeouts != 1 || m.Errors != 1 {
		t.Errorf("meter: %+v", m)
	}
	if err := s.Close(50 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	gone(t, notes())
}

// Clients that go in the middle of their request cause no invocation; those that go after it, or in the middle of the answer, let it
// run to its end.
func TestClientsThatDisconnect(t *testing.T) {
	s := start(t, nil)
	stop := bystanders(t, s)
	const n = 5
	g := newGate(t, n)
	dial := func(head string) net.Conn {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL(emulator.DoorFunctionURL), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	for range n {
		_ = dial("POST /exit HTTP/1.1\r\nHost: x\r\nContent-Le").Close()
		_ = dial("POST /exit HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf").Close()
		_ = dial("POST /exit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").Close()

		late := dial("GET " + g.url + " HTTP/1.1\r\nHost: x\r\n\r\n")
		<-g.waiting
		_ = late.Close()

		reading := dial("GET /big?n=5000000 HTTP/1.1\r\nHost: x\r\n\r\n")
		if line, err := bufio.NewReader(reading).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
			t.Errorf("answer begins with %q (%v)", line, err)
		}
		_ = reading.Close()
	}
	stop()
	eventually(t, "the others do not come to rest", func() bool { m := s.Meter(); return m.Environments-m.Idle == n })
	close(g.open)
	eventually(t, "those whose clients have gone do not come to an end", func() bool { m := s.Meter(); return m.Environments == m.Idle })
	if m := s.Meter(); m.Errors != 0 || m.Exits != 0 || m.InvalidAnswers != 0 {
		t.Errorf("meter: %+v", m)
	}
}
