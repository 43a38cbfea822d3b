package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/crossover-bench/crossover/app/storetest"
)

const (
	benchConns = 32  // keep-alive connections, each with one request at a time
	benchBatch = 200 // requests a connection and iteration
)

// BenchmarkAgainstBare measures how much of the throughput of a bare net/http
// server, which does the same Redis commands, is left when Echo and the adapter are
// in between. Both run as processes of their own, on the same Redis (a real one
// when there is one), and are loaded in turn over kept connections by a client that
// does as little as it can. It reports requests a second of both and their ratio,
// which is to stay above 0.85. One iteration is 6,400 requests to each:
//
//	go test ./adapters/ec2 -run '^$' -bench AgainstBare -benchtime 30x
func BenchmarkAgainstBare(b *testing.B) {
	bare := filepath.Join(b.TempDir(), "bare")
	if err := build(bare, "./testdata/bare"); err != nil {
		b.Fatal(err)
	}
	redis := redisForBench(b)
	_, ours := serveOn(b, redis, "TEXT_TTL=1h")
	floor, _ := launch(b, bare, "REDIS_ADDR="+redis).wait(b, "listening")["addr"].(string)
	for name, request := range map[string]string{
		"GET":  "GET / HTTP/1.1\r\nHost: bench\r\n\r\n",
		"POST": "POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n123",
	} {
		b.Run(name, func(b *testing.B) {
			a, z := connect(b, ours, request), connect(b, floor, request)
			a.load(b) // both warm up, and fill their pools
			z.load(b)
			var took, floorTook time.Duration
			n := 0
			for b.Loop() {
				// A B, B A, ...: neither gains by its place.
				if n%2 == 0 {
					took += a.load(b)
					floorTook += z.load(b)
				} else {
					floorTook += z.load(b)
					took += a.load(b)
				}
				n++
			}
			requests := float64(n * benchConns * benchBatch)
			b.ReportMetric(requests/took.Seconds(), "app_rps")
			b.ReportMetric(requests/floorTook.Seconds(), "bare_rps")
			b.ReportMetric(floorTook.Seconds()/took.Seconds(), "ratio")
			b.ReportMetric(0, "ns/op") // an iteration is a batch for each
		})
	}
}

func redisForBench(b *testing.B) string {
	b.Helper()
	if storetest.HasServer() {
		return storetest.StartRedis(b).Addr
	}
	return miniredis.RunT(b).Addr()
}

// loader keeps connections to one server and sends them the same request.
type loader struct {
	request []byte
	conns   []net.Conn
	readers []*bufio.Reader
}

func connect(b *testing.B, addr, request string) *loader {
	b.Helper()
	l := &loader{request: []byte(request)}
	for range benchConns {
		conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		l.conns = append(l.conns, conn)
		l.readers = append(l.readers, bufio.NewReader(conn))
	}
	return l
}

// load sends one batch over each connection and returns how long all of it took.
func (l *loader) load(b *testing.B) time.Duration {
	b.Helper()
	var wg sync.WaitGroup
	start := time.Now()
	for i, conn := range l.conns {
		wg.Go(func() {
			for range benchBatch {
				if _, err := conn.Write(l.request); err != nil {
					b.Error(err)
					return
				}
				if err := readAnswer(l.readers[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

var errNoLength = errors.New("no Content-Length")

// readAnswer reads one answer, which must be 200 and announce its length.
func readAnswer(r *bufio.Reader) error {
	length := -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("answer %q", line) // a benchmark
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return fmt.Errorf("reading Content-Length: %w", err)
			}
		}
		if len(line) == 2 { // the empty line
			break
		}
	}
	if length < 0 {
		return errNoLength
	}
	if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
		return fmt.Errorf("reading a body: %w", err)
	}
	return nil
}
