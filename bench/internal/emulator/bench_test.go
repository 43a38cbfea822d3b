package emulator_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/http1"
)

// benchEvent is the event that the bare server gives, as long as those of the front door.
var benchEvent = `{"version":"2.0","routeKey":"$default","rawPath":"/","rawQueryString":"","headers":{"host":"127.0.0.1:40000","x-amzn-trace-id":` +
	`"Root=1-5e1b4151-5ac6c58f3e8ab1b2c3d4e5f6","x-forwarded-for":"127.0.0.1","x-forwarded-port":"40000","x-forwarded-proto":"http"},"requestContext":` +
	`{"accountId":"anonymous","apiId":"127","domainName":"127.0.0.1:40000","domainPrefix":"127","http":{"method":"GET","path":"/","protocol":"HTTP/1.1",` +
	`"sourceIp":"127.0.0.1"},"requestId":"8c0a4d8e-0000-4000-8000-000000000000","routeKey":"$default","stage":"$default","time":` +
	`"12/Mar/2020:19:03:58 +0000","timeEpoch":1583348638390},"isBase64Encoded":false}`

// bare is a Runtime API with nothing around it: it always has an event, as long as the round lasts.
type bare struct {
	mu    sync.Mutex
	more  *sync.Cond
	left  int // events to be given in this round
	open  int // answers to come in this round
	ended chan struct{}
	done  bool
}

func newBare(b *testing.B, bootstraps int) *bare {
	b.Helper()
	s := &bare{ended: make(chan struct{}, 1)}
	s.more = sync.NewCond(&s.mu)
	srv := httptest.NewServer(s)
	b.Cleanup(func() {
		s.mu.Lock()
		s.done = true
		s.mu.Unlock()
		s.more.Broadcast()
		srv.Close()
	})
	for range bootstraps {
		cmd := exec.CommandContext(context.WithoutCancel(b.Context()), programs.fn)
		cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(srv.URL, "http://")}
		child, err := group.Start(cmd)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = child.Stop(0) })
	}
	s.round(bootstraps) // all are up, or nearly so
	return s
}

// round gives n events and returns when all are answered.
func (s *bare) round(n int) {
	s.mu.Lock()
	s.left, s.open = n, n
	s.mu.Unlock()
	s.more.Broadcast()
	<-s.ended
}

func (s *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		s.mu.Lock()
		if s.open--; s.open == 0 {
			s.ended <- struct{}{}
		}
		s.mu.Unlock()
		return
	}
	s.mu.Lock()
	for s.left == 0 && !s.done {
		s.more.Wait()
	}
	s.left--
	s.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", "8c0a4d8e-0000-4000-8000-000000000000")
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
	_, _ = io.WriteString(w, benchEvent)
}

// client sends the same request again and again on one connection.
type client struct{ *http1.Client }

func dial(b *testing.B, url string) client {
	b.Helper()
	c, err := http1.Dial(b.Context(), strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return client{c}
}

var benchRequest = []byte("GET / HTTP/1.1\r\nHost: 127.0.0.1:40000\r\n\r\n")

func (c client) get() error {
	status, body, err := c.Do(benchRequest)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("answer is %d %q", status, body)
	}
	return err
}

func BenchmarkSequential(b *testing.B) { compare(b, 1) }
func Benchmark64InFlight(b *testing.B) { compare(b, 64) }

// compare sends b.N requests through the front door and gives as many events to the same program without one, in turns, so
// that what else the machine does meets both. It reports the share of the bare rate that the service reaches.
func compare(b *testing.B, inFlight int) {
	b.Helper()
	s := start(b, nil)
	bareAPI := newBare(b, inFlight)
	clients := make([]client, inFlight)
	for i := range clients {
		clients[i] = dial(b, s.URL(emulator.DoorFunctionURL))
	}
	through := func(n int) {
		var wg sync.WaitGroup
		for i, c := range clients {
			wg.Go(func() {
				for range n*(i+1)/inFlight - n*i/inFlight {
					if err := c.get(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	through(4 * inFlight)
	const rounds = 10
	var service, naked time.Duration
	b.ResetTimer()
	for i := range rounds {
		n := b.N*(i+1)/rounds - b.N*i/rounds
		if n == 0 {
			continue
		}
		began := time.Now()
		through(n)
		service += time.Since(began)
		began = time.Now()
		bareAPI.round(n)
		naked += time.Since(began)
	}
	b.StopTimer()
	b.ReportMetric(float64(naked)/float64(service), "of_bare")
	b.ReportMetric(float64(b.N)/service.Seconds(), "req/s")
	b.ReportMetric(float64(s.Meter().ColdStarts), "environments")
	b.ReportMetric(0, "ns/op") // of both together, says nothing
}
