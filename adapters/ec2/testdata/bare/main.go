// Command bare does the work of GET / and POST / with net/http and go-redis alone:
// the same server limits, headers, Redis options and commands, and nothing else. It
// is what the EC2 target is measured against.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const timeout = 2 * time.Second

func main() {
	client := redis.NewClient(&redis.Options{
		Addr: os.Getenv("REDIS_ADDR"), Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		DialTimeout:              timeout, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
		ContextTimeoutEnabled: true, PoolSize: 64, PipelinePoolSize: -1,
		ReadBufferSize: 8 << 10, WriteBufferSize: 8 << 10,
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		header(w.Header())
		_, _ = io.WriteString(w, "alive")
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) { post(w, r, client) })

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "{\"msg\":\"listening\",\"addr\":%q}\n", ln.Addr())
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	srv := &http.Server{
		Handler: mux, Protocols: &protocols, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 120 * time.Second, MaxHeaderBytes: 64 << 10,
	}
	fmt.Fprintln(os.Stderr, srv.Serve(ln))
}

func header(h http.Header) {
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Server-Timing", "app;dur=0.000, store;dur=0.000")
}

func post(w http.ResponseWriter, r *http.Request, client *redis.Client) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || !utf8.Valid(body) {
		http.Error(w, "bad body", http.StatusBadRequest)
		return
	}
	n := utf8.RuneCount(body)
	id := rand.Text()
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	p := client.Pipeline()
	p.Set(ctx, "crossover:text:"+id, body, time.Hour)
	p.HIncrBy(ctx, "crossover:totals", "texts", 1)
	p.HIncrBy(ctx, "crossover:totals", "characters", int64(n))
	if _, err := p.Exec(ctx); err != nil {
		http.Error(w, "no store", http.StatusServiceUnavailable)
		return
	}
	header(w.Header())
	w.Header().Set("Location", "/texts/"+id)
	_, _ = io.WriteString(w, strconv.Itoa(n))
}
