package rawconn_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/rawconn"
)

// serveKind makes the test binary a server: "net" or "raw".
const serveKind = "RAWCONN_TEST_SERVE"

func TestMain(m *testing.M) {
	if kind := os.Getenv(serveKind); kind != "" {
		if err := serve(kind); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve echoes what one connection sends. It prints its address, and at the end how much CPU time that took.
func serve(kind string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with its parent
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(os.Stdout, l.Addr())
	c, err := l.Accept()
	if err != nil {
		return err
	}
	if kind == "raw" {
		c = rawconn.New(c)
	}
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	buf := make([]byte, 512)
	for {
		n, err := c.Read(buf)
		if err == io.EOF { //nolint:errorlint // the very value
			break
		}
		if err == nil {
			_, err = c.Write(buf[:n])
		}
		if err != nil {
			return err
		}
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	used := func(r syscall.Rusage) time.Duration { return time.Duration(r.Utime.Nano() + r.Stime.Nano()) }
	_, _ = fmt.Fprintln(os.Stdout, int64(used(after)-used(before)))
	return nil
}

// BenchmarkEcho compares the CPU time of two servers which echo, one by net and one by rawconn, in turns. One iteration is one request to
// each, and a pause as another program needs it to do something with an answer:
//
//	go test ./bench/internal/rawconn -run '^$' -bench Echo -benchtime 20000x
func BenchmarkEcho(b *testing.B) {
	type server struct {
		cmd    *exec.Cmd
		out    *bufio.Reader
		client net.Conn
	}
	servers := make([]server, 2)
	for i, kind := range []string{"net", "raw"} {
		s := &servers[i]
		s.cmd = exec.CommandContext(b.Context(), os.Args[0])
		s.cmd.Env = append(os.Environ(), serveKind+"="+kind)
		s.cmd.Stderr = os.Stderr
		pipe, err := s.cmd.StdoutPipe()
		if err == nil {
			err = s.cmd.Start()
		}
		if err != nil {
			b.Fatal(err)
		}
		s.out = bufio.NewReader(pipe)
		address, err := s.out.ReadString('\n')
		if err == nil {
			s.client, err = new(net.Dialer).DialContext(b.Context(), "tcp", strings.TrimSpace(address))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	request := make([]byte, 512)
	for i := 0; b.Loop(); i++ {
		for j := range servers {
			c := servers[(i+j)%2].client
			if _, err := c.Write(request); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(c, request); err != nil {
				b.Fatal(err)
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
	var used [2]float64
	for i, s := range servers {
		_ = s.client.Close()
		if _, err := fmt.Fscan(s.out, &used[i]); err != nil {
			b.Fatal(err)
		}
		if err := s.cmd.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(used[0]/1e3/float64(b.N), "net_cpu_us")
	b.ReportMetric(used[1]/1e3/float64(b.N), "raw_cpu_us")
	b.ReportMetric(used[1]/used[0], "ratio")
}
