package storetest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startLimit is how long a server may take to come up.
const startLimit = time.Minute

// Server is a real redis-server (or valkey-server) without persistence on a free
// loopback port. It is gone when the test ends.
type Server struct {
	// Addr is its host:port. It stays the same over Stop and Start.
	Addr string

	program string
	args    []string
	cluster bool
	cmd     *exec.Cmd
}

// StartRedis starts a standalone server. The test is skipped when none is on PATH.
func StartRedis(t testing.TB) *Server {
	t.Helper()
	return start(t, false)
}

// StartCluster starts a cluster of one node that owns all slots. The test is
// skipped when no server is on PATH.
func StartCluster(t testing.TB) *Server {
	t.Helper()
	return start(t, true)
}

func start(t testing.TB, cluster bool) *Server {
	t.Helper()
	program := findServer()
	if program == "" {
		t.Skip("neither redis-server nor valkey-server is on PATH")
	}
	s := &Server{program: program, cluster: cluster}
	t.Cleanup(func() { s.Stop(t) })
	dir := t.TempDir()
	// Between finding a free port and using it, somebody else may take it.
	var err error
	for range 5 {
		port, bus := freePort(t), freePort(t)
		s.Addr = net.JoinHostPort("127.0.0.1", port)
		s.args = []string{
			"--bind", "127.0.0.1", "--port", port, "--dir", dir,
			"--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "notice",
		}
		if cluster {
			s.args = append(s.args, "--cluster-enabled", "yes", "--cluster-port", bus,
				"--cluster-config-file", "nodes-"+port+".conf")
		}
		if err = s.start(); err == nil {
			return s
		}
	}
	t.Fatalf("starting %s: %v", program, err)
	return nil
}

// HasServer tells whether a server is on PATH, for callers with something to fall
// back on.
func HasServer() bool { return findServer() != "" }

func findServer() string {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func freePort(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	defer func() { _ = ln.Close() }()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

// Start starts the server again, empty, after Stop.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatalf("starting %s again: %v", s.program, err)
	}
}

// Stop kills the server as a crash would. It does nothing when it does not run.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

func (s *Server) start() error {
	cmd := exec.CommandContext(context.Background(), s.program, s.args...) //nolint:gosec // found on PATH
	cmd.SysProcAttr = dieWithParent()
	var out bytes.Buffer
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("piping output: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	s.cmd = cmd
	watchdog := time.AfterFunc(startLimit, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		out.WriteString(line)
		if err != nil {
			_ = cmd.Wait()
			s.cmd = nil
			return fmt.Errorf("it did not come up: %s", out.String())
		}
		if strings.Contains(line, "Ready to accept connections") {
			break
		}
	}
	// Read on, so that the server never blocks on a full pipe; ends with it.
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	if s.cluster {
		return s.takeSlots()
	}
	return nil
}

// takeSlots makes a single node the whole cluster, and waits until it says so.
func (s *Server) takeSlots() error {
	if reply, err := s.Do("CLUSTER ADDSLOTSRANGE 0 16383"); err != nil || strings.HasPrefix(reply, "-") &&
		!strings.Contains(reply, "already busy") {
		return fmt.Errorf("taking all slots: %s, %w", reply, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		reply, err := s.Do("CLUSTER INFO")
		if err != nil {
			return fmt.Errorf("asking for the cluster's state: %w", err)
		}
		if strings.Contains(reply, "cluster_state:ok") {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("the cluster did not become ok: %s", reply)
		}
	}
}

// Do sends one command without quoted arguments over a connection of its own and
// returns the raw first line of the reply, or the body of a bulk reply.
func (s *Server) Do(command string) (string, error) {
	var d net.Dialer
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return "", fmt.Errorf("dialling: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(startLimit))
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		return "", fmt.Errorf("sending %s: %w", command, err)
	}
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("reading the reply to %s: %w", command, err)
	}
	line = strings.TrimRight(line, "\r\n")
	n, err := strconv.Atoi(strings.TrimPrefix(line, "$"))
	if !strings.HasPrefix(line, "$") || err != nil || n < 0 {
		return line, nil
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return "", fmt.Errorf("reading the reply to %s: %w", command, err)
	}
	return string(body), nil
}
