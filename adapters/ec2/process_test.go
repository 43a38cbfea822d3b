package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// limit ends what hangs; nothing in the tests depends on how long things take.
const limit = 2 * time.Minute

// ec2Binary is the program under test, built the way that it is deployed.
var ec2Binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ec2")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ec2Binary = filepath.Join(dir, "ec2")
	code := 1
	if err := build(ec2Binary, "."); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(output, pkg string) error {
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", output, pkg) //nolint:noctx,gosec // before any test; all arguments are ours
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w: %s", pkg, err, out)
	}
	return nil
}

type record = map[string]any

// process is a running program and its log.
type process struct {
	cmd     *exec.Cmd
	records chan record
	exited  chan struct{}
	raw     []string
}

// launch starts a program with that environment alone.
func launch(t testing.TB, binary string, env ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = env
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, records: make(chan record, 1000), exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.raw = append(p.raw, lines.Text())
			var r record
			if json.Unmarshal(lines.Bytes(), &r) != nil {
				r = record{"msg": "not JSON", "line": lines.Text()}
			}
			p.records <- r
		}
		close(p.records)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.exited
	})
	return p
}

// wait returns the next record with that message.
func (p *process) wait(t testing.TB, msg string) record {
	t.Helper()
	timeout := time.After(limit)
	for {
		select {
		case r, ok := <-p.records:
			if !ok {
				<-p.exited
				t.Fatalf("the process ended without %q: %s", msg, p.raw)
			}
			if r["msg"] == msg {
				return r
			}
		case <-timeout:
			t.Fatalf("no record %q", msg)
		}
	}
}

func (p *process) signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// exit waits for the end of the process and returns its code.
func (p *process) exit(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		t.Fatal("the process does not end")
		return -1
	}
}

// serveOn starts the EC2 binary on a free port with that Redis.
func serveOn(t testing.TB, redis string, env ...string) (p *process, addr string) {
	t.Helper()
	env = append([]string{"HOST=127.0.0.1", "PORT=0", "REDIS_URL=redis://" + redis}, env...)
	p = launch(t, ec2Binary, env...)
	addr, _ = p.wait(t, "listening")["addr"].(string)
	return p, addr
}

// client returns an HTTP client of its own with those protocols.
func client(t testing.TB, set func(*http.Protocols)) *http.Client {
	t.Helper()
	var protocols http.Protocols
	set(&protocols)
	tr := &http.Transport{Protocols: &protocols}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: limit}
}

func http1(p *http.Protocols) { p.SetHTTP1(true) }
func h2c(p *http.Protocols)   { p.SetUnencryptedHTTP2(true) }

// reply is an answer with its body read.
type reply struct {
	proto  string
	status int
	header http.Header
	body   string
	closes bool // the connection ends with it
}

func get(t testing.TB, c *http.Client, url string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.Proto, res.StatusCode, res.Header, string(body), res.Close}
}
