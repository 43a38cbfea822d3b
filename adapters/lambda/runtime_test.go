package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// limit ends what hangs; nothing in the tests depends on how long things take.
const limit = 2 * time.Minute

// Both are built the way that functions are deployed.
var bootstrapBinary, minimalBinary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lambda")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bootstrapBinary, minimalBinary = filepath.Join(dir, "bootstrap"), filepath.Join(dir, "minimal")
	code := 1
	if err := build(bootstrapBinary, "."); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else if err := build(minimalBinary, "./testdata/minimal"); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(output, pkg string) error {
	cmd := exec.Command("go", "build", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", output, pkg) //nolint:noctx,gosec // before any test; all arguments are ours
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w: %s", pkg, err, out)
	}
	return nil
}

// invocation is what a function gets, and what it made of it.
type invocation struct {
	id     string
	event  []byte
	failed bool
	result []byte
}

// runtimeAPI is a Lambda Runtime API: what happens behind it is the test's.
type runtimeAPI struct {
	*httptest.Server
	asked   chan time.Time     // one a request for work, when it came
	pending chan invocation    // work
	done    chan invocation    // answers
	stop    context.CancelFunc // ends requests for work that wait
}

func startRuntimeAPI(t testing.TB) *runtimeAPI {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	api := &runtimeAPI{
		asked: make(chan time.Time, 100), pending: make(chan invocation), done: make(chan invocation, 1), stop: cancel,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		api.asked <- time.Now()
		select {
		case inv := <-api.pending:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", inv.id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(limit).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:app")
			_, _ = w.Write(inv.event)
		case <-r.Context().Done():
		case <-ctx.Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{what}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		api.done <- invocation{id: r.PathValue("id"), failed: r.PathValue("what") != "response", result: body}
	})
	api.Server = httptest.NewServer(mux)
	t.Cleanup(func() { cancel(); api.Close() })
	return api
}

// host is where the Runtime API listens.
func (api *runtimeAPI) host() string { return strings.TrimPrefix(api.URL, "http://") }

// invoke has one event answered.
func (api *runtimeAPI) invoke(t testing.TB, id string, event any) invocation {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	timeout := time.After(limit)
	select {
	case api.pending <- invocation{id: id, event: payload}:
	case <-timeout:
		t.Fatal("nobody asks for work")
	}
	select {
	case inv := <-api.done:
		if inv.id != id {
			t.Fatalf("answer to %q; want %q", inv.id, id)
		}
		return inv
	case <-timeout:
		t.Fatal("no answer")
		return invocation{}
	}
}

// function is a running bootstrap.
type function struct {
	cmd    *exec.Cmd
	exited chan struct{}
	lines  chan string
}

func launch(t testing.TB, binary string, env ...string) *function {
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
	f := &function{cmd: cmd, exited: make(chan struct{}), lines: make(chan string, 1000)}
	go func() {
		defer close(f.exited)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			f.lines <- s.Text()
		}
		close(f.lines)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-f.exited
	})
	return f
}

// exit waits for the end of the process; it returns its code and its log.
func (f *function) exit(t testing.TB) (int, []string) {
	t.Helper()
	select {
	case <-f.exited:
	case <-time.After(limit):
		t.Fatal("the process does not end")
	}
	var log []string
	for line := range f.lines {
		log = append(log, line)
	}
	return f.cmd.ProcessState.ExitCode(), log
}
