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
)

// TestEmulate serves the project's own bootstrap behind every front door, by the command.
func TestEmulate(t *testing.T) {
	t.Parallel()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", bootstrap, "../adapters/lambda")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := start(t, []string{"REDIS_URL=redis://127.0.0.1:1"}, "emulate", "--env", "REDIS_URL",
		"--front-door", strings.Join(doorNames(), ","), "--", bootstrap)
	eventually(t, "bench emulate prints its line", func() bool { return strings.HasSuffix(r.stdout.String(), "\n") })
	var doors map[string]string
	if err := json.Unmarshal([]byte(r.stdout.String()), &doors); err != nil {
		t.Fatalf("%v in %q", err, r.stdout.String())
	}
	if len(doors) != len(doorNames()) {
		t.Errorf("doors are %v", doors)
	}
	for _, door := range []string{"function_url", "http_api"} { // the others need more than one adapter
		resp, err := http.Get(doors[door] + "/") //nolint:noctx // a local server
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil || string(body) != "alive" {
			t.Errorf("%s answers %q (%v), expected alive", door, body, err)
		}
	}
	r.signal(os.Interrupt)
	r.wait(exitDone)
	r.wantNoTempFiles()
}
