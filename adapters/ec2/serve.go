package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/crossover-bench/crossover/adapters/internal/boot"
)

const (
	// readHeaderTimeout bounds how long a client may take over its header.
	readHeaderTimeout = 10 * time.Second
	// readTimeout bounds header and body: 1 MiB at 35 kB/s.
	readTimeout = 30 * time.Second
	// writeTimeout runs from the end of the header to the end of the answer. The
	// longest work, a million rounds of /digest on a slow shared core, takes
	// seconds.
	writeTimeout = 60 * time.Second
	// idleTimeout must be longer than the load balancer's in front, which is 60 s
	// on an ALB: else it sends a request just as the connection is closed, and
	// answers 502.
	idleTimeout = 120 * time.Second
	// maxHeaderBytes is above what an ALB or API Gateway lets through.
	maxHeaderBytes = 64 << 10

	// acceptWindow is how long new requests are still taken after the signal, at
	// most; it ends when nothing is in flight.
	acceptWindow = 5 * time.Second
	// drainLimit is how long requests in flight may take after that. Together they
	// stay below the 30 s after which most supervisors kill.
	drainLimit = 20 * time.Second
)

var errAborted = errors.New("aborted by a second signal")

// newServer returns the HTTP server for h with every limit that it needs in front
// of an untrusted network.
func newServer(h http.Handler, logger *slog.Logger) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           h,
		Protocols:         &protocols,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// serve listens, serves until the first signal, and drains. It returns nil when
// all requests were answered.
func serve(c boot.Config, logger, always *slog.Logger, signals <-chan os.Signal) (err error) {
	a, store := boot.Open(c, logger, &ambient{})
	defer func() { err = errors.Join(err, store.Close()) }()

	addr := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", addr, err)
	}
	d := newDrainer(a)
	srv := newServer(d, logger)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()

	version, commit := boot.Build()
	always.Info("listening", "addr", ln.Addr().String(), "version", version, "commit", commit)

	var idle <-chan struct{}
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case s := <-signals:
		a.Drain()
		idle = d.drain()
		logger.Info("draining", "signal", s.String(), "in_flight", d.inFlight())
	}
	if err := drain(srv, idle, signals); err != nil {
		return err
	}
	logger.Info("drained")
	return nil
}

// drain stops srv: it waits until idle says that nothing is in flight, accepting for
// no longer than acceptWindow, then shuts down within drainLimit.
func drain(srv *http.Server, idle <-chan struct{}, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), acceptWindow+drainLimit)
	defer cancel()
	stopped := make(chan error, 1)
	go func() {
		window := time.NewTimer(acceptWindow)
		defer window.Stop()
		select {
		case <-idle:
		case <-window.C:
		case <-ctx.Done():
		}
		stopped <- srv.Shutdown(ctx)
	}()
	select {
	case err := <-stopped:
		if err != nil {
			return errors.Join(fmt.Errorf("draining for %s: %w", acceptWindow+drainLimit, err), srv.Close())
		}
		return nil
	case <-signals:
		cancel()
		if err := <-stopped; err == nil {
			return nil // it had just finished
		}
		return errors.Join(errAborted, srv.Close())
	}
}
