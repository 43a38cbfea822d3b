package main

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// TestMain lets the test binary be bench itself, and the small app that scripts compare, so that the tests run real
// processes.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bench": main, "testapp": testapp, "weighed": weighed})
}

// weighedPrefix is before the figure on the last line of standard error.
const weighedPrefix = "weighed: "

// weighed runs a program and says how large it was at most, in the system's unit, bytes on Linux. It is a process of its own because a
// program begins with the size of the one that started it, and tests are large.
func weighed() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...) //nolint:noctx // it ends by itself
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitFailed)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		size := usage.Maxrss
		if runtime.GOOS == "linux" {
			size <<= 10
		}
		fmt.Fprintf(os.Stderr, "%s%d\n", weighedPrefix, size)
	}
	if err != nil {
		os.Exit(exitFailed)
	}
}

func TestScripts(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			bench, err := exec.LookPath("bench")
			if err != nil {
				return err
			}
			e.Setenv("ROOT", root)
			// Two servers for scripts that compare running targets: a good one and one that answers wrongly.
			for name, mode := range map[string]string{"ONE": "", "TWO": "wrong"} {
				server := httptest.NewServer(testHandler(mode))
				e.Defer(server.Close)
				e.Setenv(name, server.URL)
			}
			secure := httptest.NewUnstartedServer(testHandler(""))
			secure.EnableHTTP2 = true
			secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
			secure.StartTLS()
			e.Defer(secure.Close)
			e.Setenv("SECURE", secure.URL)
			certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
			if err := os.WriteFile(filepath.Join(e.WorkDir, "ca.pem"), certificate, 0o600); err != nil {
				return err
			}
			e.Setenv("BENCH", bench)
			for _, line := range toolchainEnv(t) {
				name, value, _ := strings.Cut(line, "=")
				e.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":  scriptStatus,
			"check":   scriptCheck,
			"hasfile": scriptHasFile,
		},
	})
}

// toolchainEnv is what `go build` needs where HOME is not the user's.
func toolchainEnv(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	return []string{"GOCACHE=" + values[0], "GOMODCACHE=" + values[1], "GOFLAGS=" + values[2], "GOPROXY=" + values[3]}
}

// scriptStatus runs a command and demands an exit status: status N COMMAND [ARG ...].
func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND [ARG ...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("running %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit status %d, expected %d", got, want)
	}
}

// scriptCheck reads DIR/result.json and demands that each target has exactly REQUESTS requests, SUCCESSES of them right:
// check DIR REQUESTS SUCCESSES.
func scriptCheck(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: check DIR REQUESTS SUCCESSES")
	}
	r, err := result.Load(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(r.Targets) == 0 {
		ts.Fatalf("no targets in the result")
	}
	for _, t := range r.Targets {
		if got := fmt.Sprint(t.Overall.Requests, " ", t.Overall.Successes); got != args[1]+" "+args[2] {
			ts.Fatalf("target %s: requests and successes are %s, expected %s %s", t.Name, got, args[1], args[2])
		}
	}
}

// scriptHasFile demands that a pattern matches a number of files: hasfile N PATTERN.
func scriptHasFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: hasfile N PATTERN")
	}
	found, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if fmt.Sprint(len(found)) != args[0] {
		ts.Fatalf("%d files match %s, expected %s: %v", len(found), args[1], args[0], found)
	}
}

// testapp is a small server for the scripts. Its first argument is how it misbehaves, if it does.
func testapp() {
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if mode == "broken" {
		fmt.Fprintln(os.Stderr, "testapp: cannot find its shoes")
		os.Exit(3)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT"))) //nolint:noctx // it does not wait
	if err != nil {
		fmt.Fprintln(os.Stderr, "testapp:", err)
		os.Exit(1)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() { _ = http.Serve(l, testHandler(mode)) }() //nolint:gosec // a test server on loopback
	<-signals
}

func testHandler(mode string) http.Handler {
	served := make(chan struct{}, 1<<20)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		served <- struct{}{}
		switch {
		case mode == "wrong":
			_, _ = io.WriteString(w, "surprise")
			return
		case mode == "failing":
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		case mode == "dying" && len(served) > 100:
			fmt.Fprintln(os.Stderr, "testapp: enough is enough")
			os.Exit(4)
		case mode == "stuck" && len(served) > 20:
			_ = os.WriteFile(os.Getenv("STUCK_FILE"), nil, 0o600)
			<-r.Context().Done()
		case mode == "slow":
			time.Sleep(20 * time.Millisecond) // the work of a slow app
		}
		_, _ = fmt.Fprint(w, len(body))
	})
	mux.HandleFunc("GET /env", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"color": os.Getenv("COLOR")})
	})
	return mux
}
