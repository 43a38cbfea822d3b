package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/http1"
)

// heavy asks for proofs that take minutes and gigabytes, where the tests have smaller ones.
var heavy = flag.Bool("heavy", false, "a million invocations, and 500 environments at once")

// endLean ends the service, which has taken little memory and leaves nothing behind.
func (e *emulating) endLean() {
	e.t.Helper()
	if most := e.memory("VmHWM"); !raceEnabled && most > maxServiceMB {
		e.t.Errorf("the service itself took %d MiB, want %d at most", most, maxServiceMB)
	}
	e.signal(os.Interrupt)
	for range e.lines {
	}
	_ = e.cmd.Wait()
	e.gone()
}

// figures are what /proc tells of the service: its memory in RAM in MiB, now and at most, and its descriptors.
func (e *emulating) figures() string {
	dir := "/proc/" + strconv.Itoa(e.cmd.Process.Pid)
	files, _ := os.ReadDir(dir + "/fd")
	return fmt.Sprintf("%d MiB now, %d MiB at most, %d descriptors", e.memory("VmRSS"), e.memory("VmHWM"), len(files))
}

func (e *emulating) memory(field string) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(e.cmd.Process.Pid) + "/status")
	_, rest, ok := strings.Cut(string(b), field+":")
	f := strings.Fields(rest)
	if err != nil || !ok || len(f) == 0 {
		e.t.Fatalf("no %s: %v", field, err)
	}
	kb, err := strconv.Atoi(f[0])
	if err != nil {
		e.t.Fatal(err)
	}
	return kb >> 10
}

// maxServiceMB is what the service itself may take, whatever the number of its environments. The race detector alone takes more.
const maxServiceMB = 150

// As many environments as are asked for at once, each with an event in work, and all of them idle and frozen after that. -heavy makes
// it 500.
func TestManyEnvironments(t *testing.T) {
	n := 50
	if *heavy {
		n = 500
	}
	e := startEmulate(t)
	arrived, open := make(chan struct{}, n), make(chan struct{})
	gate := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-open
	})}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = gate.Serve(l) }()
	defer gate.Close() //nolint:errcheck // all its requests have ended
	answers := make(chan error, n)
	for range n {
		go func() {
			resp, err := http.Get(e.url + "/hold?url=http://" + l.Addr().String()) //nolint:noctx // a local server
			if err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					err = fmt.Errorf("status %d", resp.StatusCode)
				}
			}
			answers <- err
		}()
	}
	for range n {
		select {
		case <-arrived:
		case err := <-answers:
			t.Fatalf("a request has ended: %v", err)
		}
	}
	if got := len(e.environments()); got != n {
		t.Errorf("%d events are in work in %d environments", n, got)
	}
	t.Logf("%d environments at work: %s", n, e.figures())
	close(open)
	for range n {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d environments idle: %s", n, e.figures())
	e.endLean()
}

// Invocations without an error, 64 in flight: each has the right answer, and the memory of the service does not grow with their number.
// -heavy makes it a million.
func TestMillion(t *testing.T) {
	n, inFlight := 20_000, 64
	switch {
	case *heavy:
		n = 1_000_000
	case testing.Short():
		n = 2_000
	}
	e := startEmulate(t, "--limits=false", "--freeze=false")
	host := strings.TrimPrefix(e.url, "http://")
	request := []byte("GET /status?n=200 HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
	var wg sync.WaitGroup
	began := time.Now()
	for i := range inFlight {
		wg.Go(func() {
			c, err := http1.Dial(t.Context(), host)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close() //nolint:errcheck // all has been read
			for range n*(i+1)/inFlight - n*i/inFlight {
				_ = c.SetDeadline(time.Now().Add(time.Minute)) // an answer that never comes is an error
				if status, body, err := c.Do(request); err != nil || status != http.StatusOK || string(body) != "some text" {
					t.Errorf("answer is %d %q, %v", status, body, err)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d invocations in %s: %s", n, time.Since(began).Round(time.Millisecond), e.figures())
	e.endLean()
}
