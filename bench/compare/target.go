package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

const nginxConfig = `daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  default_type text/plain;
  server {
    listen %s;
    location / { return 200 "` + answer + `"; }
  }
}
`

// static starts the fastest server there is: nginx with an answer from its configuration, or our own.
func (m *machine) static(ctx context.Context) (*server, error) {
	// Debian keeps it where only root looks.
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		s, err := m.nginx(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("starting nginx: %w", err)
		}
		return s, nil
	}
	s, err := m.serve(ctx, staticName)
	if err != nil {
		return nil, fmt.Errorf("starting the static server: %w", err)
	}
	s.name = "a static server on fasthttp (nginx is not installed)"
	return s, nil
}

func (m *machine) nginx(ctx context.Context, path string) (*server, error) {
	dir, err := m.group.TempDir("crossover-compare-nginx-")
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, address), 0o644); err != nil {
		return nil, err
	}
	cmd := command(m.serverCPU, []string{path, "-e", "stderr", "-p", dir, "-c", config})
	cmd.Stderr = os.Stderr
	child, err := m.group.Start(cmd)
	if err != nil {
		return nil, err
	}
	s := &server{
		url: "http://" + address, name: "nginx " + versionOf(ctx, path, "-v"),
		stop: sync.OnceFunc(func() { _ = child.Stop(5 * time.Second) }),
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("it does not answer"))
	defer cancel()
	for {
		err := answers200(ctx, s.url)
		if err == nil {
			return s, nil
		}
		pause := time.NewTimer(20 * time.Millisecond)
		select {
		case <-pause.C:
		case <-child.Done():
			return nil, fmt.Errorf("it ended: %w", child.Err())
		case <-ctx.Done():
			s.stop()
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// freeAddress is one that nobody listens on right now. nginx cannot choose a port by itself.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// answers200 demands of a server what the comparison relies on.
func answers200(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err == nil && (resp.StatusCode != http.StatusOK || string(body) != answer) {
		err = fmt.Errorf("it answers %s %q", resp.Status, body)
	}
	return err
}
