package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/crossover-bench/crossover/adapters/internal/boot"
)

// healthLimit bounds a health check, connecting included.
const healthLimit = 2 * time.Second

// healthcheck asks a server with the same configuration, on this machine, for
// /healthz. It is for containers, whose images have no shell and no curl. The error
// says what is wrong.
func healthcheck(ctx context.Context, c boot.Config) error {
	if c.Port == 0 {
		return errors.New("PORT=0: a health check needs the port that the server listens on")
	}
	ctx, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	url := "http://" + net.JoinHostPort(healthHost(c.Host), strconv.Itoa(c.Port)) + "/healthz"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("asking %s: %w", url, err)
	}
	// Not the default transport: that one may go through a proxy.
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("asking %s: %w", url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s; want 200", url, resp.Status)
	}
	return nil
}

// healthHost is where a server reaches itself that listens at host.
func healthHost(host string) string {
	if host == "" {
		return "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		if ip.Is4() {
			return "127.0.0.1"
		}
		return "::1"
	}
	return host
}
