package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// TestEmulateConfig serves two functions from one file, by the command: through the Invoke API, and through routes.
func TestEmulateConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", filepath.Join(dir, "bootstrap"), "../adapters/lambda")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file := filepath.Join(dir, "lambda.yaml")
	if err := os.WriteFile(file, []byte(`functions:
  - {name: one, bootstrap: bootstrap, env: {REDIS_URL}, front_doors: [function_url]}
  - {name: two, bootstrap: bootstrap, env: {REDIS_URL}, reserved_concurrency: 0}
apis:
  - name: main
    type: http_api
    routes: {GET /: one, "ANY /{proxy+}": two}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, []string{"REDIS_URL=redis://127.0.0.1:1"}, "emulate", "--config", file)
	eventually(t, "bench emulate prints its line", func() bool { return strings.HasSuffix(r.stdout.String(), "\n") })
	var urls struct {
		Invoke    string
		Functions map[string]map[string]string
		APIs      map[string]string
	}
	if err := json.Unmarshal([]byte(r.stdout.String()), &urls); err != nil {
		t.Fatalf("%v in %q", err, r.stdout.String())
	}
	invoke := urls.Invoke + "/2015-03-31/functions/one/invocations"
	event := `{"version":"2.0","rawPath":"/","headers":{},"requestContext":{"http":{"method":"GET","path":"/"}}}`
	for _, tt := range []struct {
		method, url, body string
		status            int
		want              string
	}{
		{http.MethodGet, urls.Functions["one"]["function_url"] + "/", "", 200, "alive"},
		{http.MethodGet, urls.APIs["main"] + "/", "", 200, "alive"},
		{http.MethodGet, urls.APIs["main"] + "/other", "", 500, "Internal Server Error"}, // throttled
		{http.MethodPost, invoke, event, 200, `"body":"alive"`},
		{http.MethodPost, strings.Replace(invoke, "one", "two", 1), event, 429, "ReservedFunctionConcurrentInvocationLimitExceeded"},
		{http.MethodPost, strings.Replace(invoke, "one", "three", 1), event, 404, "Function not found"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, tt.url, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil || resp.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
			t.Errorf("%s %s: %d %q (%v), expected %d with %s", tt.method, tt.url, resp.StatusCode, body, err, tt.status, tt.want)
		}
	}
	r.signal(os.Interrupt)
	r.wait(exitDone)
	r.wantNoTempFiles()
	for _, want := range []string{"one | START RequestId: ", "one | REPORT RequestId: ", `msg="request failed" function=two `} {
		if !strings.Contains(r.stderr.String(), want) {
			t.Errorf("standard error does not say %q:\n%s", want, r.stderr.String())
		}
	}
}

// Lines have the name of their function before them where functions meet, and nothing else is changed.
func TestLabelLogs(t *testing.T) {
	var out strings.Builder
	functions := []emulator.Config{
		{FunctionName: "a", Output: &out},
		{FunctionName: "long", Output: &out, LogFormat: emulator.LogJSON},
		{FunctionName: "mid", Output: &out, LogFormat: emulator.LogText},
	}
	labelLogs(functions[:1])
	_, _ = io.WriteString(functions[0].Output, "alone\n")
	labelLogs(functions)
	for i, text := range []string{"one\n\ntwo\n", "{}\n", "three\n"} {
		if n, err := io.WriteString(functions[i].Output, text); n != len(text) || err != nil {
			t.Errorf("%d of %d bytes, %v", n, len(text), err)
		}
	}
	if got, want := out.String(), "alone\na    | one\na    | \na    | two\n{}\nmid  | three\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
