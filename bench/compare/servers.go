package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// The servers are hidden commands of this program, each in a process of its own that can be pinned to a CPU. They print their URL
// and serve until their standard input ends.

// answer is what all servers here answer, and what bench demands of each answer.
const answer = "alive"

// serveStatic is what stands in for nginx where there is none.
func serveStatic(std streams) error {
	l, err := listen(std)
	if err != nil {
		return err
	}
	server := fasthttp.Server{
		Handler:         func(c *fasthttp.RequestCtx) { c.SetBodyString(answer) },
		CloseOnShutdown: true,
	}
	go func() {
		_, _ = io.Copy(io.Discard, std.in)
		_ = server.Shutdown()
	}()
	return server.Serve(l)
}

// serveStall answers as text, the JSON of answers, says. Its clock starts with the first request.
func serveStall(std streams, text string) error {
	var a answers
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return fmt.Errorf("reading how to answer: %w", err)
	}
	// A sleep holds a thread, and for a moment the place among running goroutines too: there are more places than sleepers.
	runtime.GOMAXPROCS(64)
	l, err := listen(std)
	if err != nil {
		return err
	}
	s := staller{answers: a}
	server := http.Server{Handler: &s, ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, std.in)
		_ = server.Shutdown(context.Background())
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func listen(std streams) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(std.out, "http://%s\n", l.Addr())
	return l, err
}

type staller struct {
	answers answers
	once    sync.Once
	first   time.Time
}

func (s *staller) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	s.once.Do(func() { s.first = now })
	sleepUntil(s.first.Add(s.answers.answered(now.Sub(s.first))))
	_, _ = io.WriteString(w, answer)
}

// sleepUntil sleeps as exactly as the kernel does. Go's own timers wake up to a millisecond late on Linux, half of an answer's time.
func sleepUntil(at time.Time) {
	for {
		left := time.Until(at)
		if left <= 0 {
			return
		}
		tv := unix.NsecToTimeval(int64(left + time.Microsecond - 1))
		_, _ = unix.Select(0, nil, nil, nil, &tv) // a signal may end it early
	}
}
