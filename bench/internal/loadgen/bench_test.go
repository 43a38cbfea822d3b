package loadgen_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
)

// responder answers every request without a body in the same way, as cheaply as a socket allows.
func responder(b *testing.B) string {
	b.Helper()
	return "http://" + listen(b, func(c net.Conn) {
		buffer, answer, end := make([]byte, 4096), []byte(goodAnswer), []byte("\r\n\r\n")
		for have := 0; ; {
			n, err := c.Read(buffer[have:])
			if err != nil {
				return
			}
			if have += n; bytes.HasSuffix(buffer[:have], end) {
				have = 0
				if _, err := c.Write(answer); err != nil {
					return
				}
			}
		}
	})
}

const benchWorkers = 8

// split runs n requests on the workers, each in a loop of its own.
func split(b *testing.B, n int, loop func(worker, n int) error) {
	b.Helper()
	var wg sync.WaitGroup
	for i := range benchWorkers {
		wg.Go(func() {
			if err := loop(i, n/benchWorkers+1); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}

// client runs n requests in closed loops and records how long each took.
type client func(b *testing.B, n int)

func crossoverClient(b *testing.B, url string) client {
	b.Helper()
	return func(b *testing.B, n int) {
		b.Helper()
		s := plan(b, fmt.Sprintf("workers: %d\nsteps: [{name: a, path: /}]\nphases: [{name: p, iterations: %d}]", benchWorkers, n/benchWorkers+1))
		g, err := loadgen.New(s, []loadgen.Target{{Name: "responder", URL: url}}, loadgen.Options{Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		o := &observer{}
		if whole, err := g.Run(b.Context(), nil, 1, o); err != nil || !whole || o.turns[0].stats().Requests < int64(n) {
			b.Fatalf("Run returned %v, %v", whole, err)
		}
	}
}

func fasthttpClient(b *testing.B, url string) client {
	b.Helper()
	c := &fasthttp.HostClient{Addr: url[len("http://"):], MaxConns: benchWorkers}
	b.Cleanup(c.CloseIdleConnections)
	r := recorder.New(benchWorkers, 1)
	return func(b *testing.B, n int) {
		b.Helper()
		split(b, n, func(worker, n int) error {
			req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			req.SetRequestURI(url)
			for range n {
				start := time.Now()
				if err := c.DoTimeout(req, resp, 10*time.Second); err != nil {
					return err
				}
				r.Worker(worker).Success(0, time.Since(start), false)
			}
			return nil
		})
		r.Take(time.Second)
	}
}

func netHTTPClient(b *testing.B, url string) client {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: benchWorkers}
	b.Cleanup(transport.CloseIdleConnections)
	c := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	r := recorder.New(benchWorkers, 1)
	return func(b *testing.B, n int) {
		b.Helper()
		split(b, n, func(worker, n int) error {
			for range n {
				start := time.Now()
				req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, http.NoBody)
				if err != nil {
					return err
				}
				resp, err := c.Do(req)
				if err != nil {
					return err
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					return err
				}
				if err := resp.Body.Close(); err != nil {
					return err
				}
				r.Worker(worker).Success(0, time.Since(start), false)
			}
			return nil
		})
		r.Take(time.Second)
	}
}

var clients = []struct {
	name string
	make func(*testing.B, string) client
}{{"crossover", crossoverClient}, {"fasthttp", fasthttpClient}, {"net_http", netHTTPClient}}

// BenchmarkClosedLoop is a closed loop of eight workers with each client. What the responder costs is the same in all.
func BenchmarkClosedLoop(b *testing.B) {
	for _, c := range clients {
		b.Run(c.name, func(b *testing.B) {
			run := c.make(b, responder(b))
			b.ReportAllocs()
			b.ResetTimer()
			run(b, b.N)
			b.StopTimer()
		})
	}
}

// BenchmarkClosedLoopRatio has the clients take turns, so that a machine that changes its speed does so for all.
func BenchmarkClosedLoopRatio(b *testing.B) {
	const turn = 4000
	url := responder(b)
	runs, spent := make([]client, len(clients)), make([]time.Duration, len(clients))
	for i, c := range clients {
		runs[i] = c.make(b, url)
	}
	b.ResetTimer()
	for range b.N {
		for i, run := range runs {
			start := time.Now()
			run(b, turn)
			spent[i] += time.Since(start)
		}
	}
	b.StopTimer()
	for i, c := range clients {
		b.ReportMetric(float64(spent[i].Nanoseconds())/float64(b.N*turn), c.name+"-ns/req")
		b.ReportMetric(float64(spent[i])/float64(spent[0]), c.name+"/crossover")
	}
}
