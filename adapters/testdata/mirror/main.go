// Command mirror is an Echo app that answers with what its handlers see of a request, and that uses net/http and Echo in
// the ways that web apps do. It is what the parity suite compares hosts with: started as it is it serves HTTP on HOST and
// PORT, with AWS_LAMBDA_RUNTIME_API in its environment it is a Lambda function, through package httpevent or, with
// LAMBDA_ADAPTER=api-proxy, through the Echo adapters of aws-lambda-go-api-proxy. LAMBDA_RESPONSE_MODE=stream streams.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	slog.SetDefault(logger)
	if err := run(logger); err != nil {
		logger.Error("stopped with an error", "error", err.Error())
		os.Exit(1)
	}
}

func run(logger *slog.Logger) error {
	e := newApp()
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		return startLambda(e, os.Getenv("LAMBDA_ADAPTER"), os.Getenv("LAMBDA_RESPONSE_MODE"))
	}
	return serve(e, logger)
}

// serve is the way of a virtual machine: a plain http.Server until SIGTERM.
func serve(h http.Handler, logger *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT")))
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 1 << 20,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	logger.Info("listening", "addr", ln.Addr().String())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	within, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(within); err != nil {
		return errors.Join(fmt.Errorf("stopping: %w", err), srv.Close())
	}
	return nil
}
