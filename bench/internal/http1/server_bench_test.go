package http1_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/http1"
)

// BenchmarkServe sends requests one after the other to this server and to net/http's in turns. It reports the share of the time of
// net/http, the client's included:
//
//	go test ./bench/internal/http1 -run '^$' -bench Serve -benchtime 20000x
func BenchmarkServe(b *testing.B) {
	// As many as the local Lambda has of two: a goroutine that net/http starts finds no other processor then.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	// A handler that waits for another goroutine, as one that waits for a function.
	work := make(chan chan string)
	defer close(work)
	go func() {
		for reply := range work {
			reply <- "hello"
		}
	}()
	hello := func(w http.ResponseWriter, _ *http.Request) {
		reply := make(chan string)
		work <- reply
		_, _ = io.WriteString(w, <-reply)
	}
	var took [2]time.Duration
	var conns [2]net.Conn
	var readers [2]*bufio.Reader
	for i, s := range []server{http1.New(standard(hello)), standard(hello)} {
		conn := dial(b, listen(b, s))
		_ = conn.SetDeadline(time.Time{})
		conns[i], readers[i] = conn, bufio.NewReader(conn)
	}
	for i := range 2 * b.N {
		turn := (i/100 + i/200) % 2 // A B, B A
		began := time.Now()
		_, _ = io.WriteString(conns[turn], plain["GET"])
		resp, err := http.ReadResponse(readers[turn], nil)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		took[turn] += time.Since(began)
	}
	b.ReportMetric(float64(took[0])/float64(took[1]), "of_net/http")
	b.ReportMetric(0, "ns/op") // of both together, says nothing
}
