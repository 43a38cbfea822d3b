package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// running is a bench process under test.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout buffer
	stderr buffer
	lines  chan string // of stderr
	tmp    string      // its TMPDIR
}

// buffer may be read while another goroutine writes.
type buffer struct {
	mu   sync.Mutex
	data []byte
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	return len(p), nil
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.data)
}

// start runs bench in the checkout, so that it finds the sources of the local targets.
func start(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	path, err := exec.LookPath("bench")
	if err != nil {
		t.Fatal(err)
	}
	return startProgram(t, env, path, args...)
}

// startProgram is start for a program that becomes bench.
func startProgram(t *testing.T, env []string, path string, args ...string) *running {
	t.Helper()
	r := &running{t: t, tmp: t.TempDir(), lines: make(chan string, 1000)}
	r.cmd = exec.Command(path, args...) //nolint:noctx // ended by signals, which is what is tested
	r.cmd.Dir = ".."
	r.cmd.Env = append(append(os.Environ(), stepSummary+"=", "TMPDIR="+r.tmp), env...)
	r.cmd.Stdout = &r.stdout
	pipe, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go r.read(pipe)
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	return r
}

func (r *running) read(pipe io.Reader) {
	defer close(r.lines)
	for s := bufio.NewScanner(pipe); s.Scan(); {
		_, _ = r.stderr.Write(append(s.Bytes(), '\n'))
		r.lines <- s.Text()
	}
}

// patience bounds every wait for what should come soon; only a failing test uses it up. What comes may need programs to be built before.
const patience = 3 * time.Minute

// await waits for a line on standard error.
func (r *running) await(text string) {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				r.t.Fatalf("bench ended before it said %q:\n%s", text, r.stderr.String())
			}
			if strings.Contains(line, text) {
				return
			}
		case <-deadline:
			r.t.Fatalf("bench did not say %q:\n%s", text, r.stderr.String())
		}
	}
}

func (r *running) signal(s os.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// wait waits for the end and demands an exit status.
func (r *running) wait(status int) {
	r.t.Helper()
	for range r.lines { // until standard error has ended; Wait must not be called before
	}
	_ = r.cmd.Wait()
	if got := r.cmd.ProcessState.ExitCode(); got != status {
		r.t.Fatalf("exit status %d (%s), expected %d; standard error:\n%s", got, r.cmd.ProcessState, status, r.stderr.String())
	}
}

// wantNoTempFiles demands that nothing of bench is left in its folder for temporary files.
func (r *running) wantNoTempFiles() {
	r.t.Helper()
	eventually(r.t, "temporary files are removed", func() bool {
		left, err := filepath.Glob(filepath.Join(r.tmp, "crossover-*"))
		return err == nil && len(left) == 0
	})
}

// eventually polls for what another process does in its own time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %s", what, patience)
		}
	}
}

// scenarioFile writes a scenario whose second phase outlasts every test.
func scenarioFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "endless.yaml")
	text := `name: endless
steps:
  - {name: post, method: POST, path: /, content_type: text/plain, body: "123", expect: {status: 200, body: "3"}}
phases:
  - {name: short, workers: 2, iterations: 5}
  - {name: endless, workers: 4, duration: 1h}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// targetsFile writes a targets file with one testapp.
func targetsFile(t *testing.T, mode string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "targets.json")
	text := `{"targets": [{"name": "app", "kind": "process", "command": ["testapp", "` + mode + `"]}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInterruptDrains(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	r := start(t, nil, "--targets", targetsFile(t, "slow"), "--scenario", scenarioFile(t), "--out", out)
	r.await("short 1/2")
	r.signal(os.Interrupt)
	r.await("Stopping")
	r.wait(exitFailed)
	if !strings.Contains(r.stderr.String(), "interrupted: the report holds what was measured") {
		t.Errorf("standard error does not tell of the interruption:\n%s", r.stderr.String())
	}
	got, err := result.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	o := got.Targets[0].Overall
	if !got.Interrupted || o.Requests < 10 || o.Requests != o.Successes {
		t.Errorf("interrupted %t, %d requests, %d successes: expected what was sent to be answered and counted",
			got.Interrupted, o.Requests, o.Successes)
	}
	report, err := os.ReadFile(filepath.Join(out, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(bytes.ToLower(report), []byte("interrupted")) {
		t.Error("report.md does not say that the run was interrupted")
	}
	r.wantNoTempFiles()
}

func TestSecondInterruptAborts(t *testing.T) {
	t.Parallel()
	out, stuck := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "stuck")
	r := start(t, []string{"STUCK_FILE=" + stuck}, "--targets", targetsFile(t, "stuck"), "--scenario", scenarioFile(t), "--out", out)
	eventually(t, "a request is in flight that is not answered", func() bool { return exists(stuck) })
	r.signal(os.Interrupt)
	r.await("Stopping")
	r.signal(os.Interrupt)
	r.wait(exitFailed)
	if !strings.Contains(r.stderr.String(), "aborted: no report was written ('bench report "+out+"' renders what is in its journal)") {
		t.Errorf("standard error does not tell of the abort:\n%s", r.stderr.String())
	}
	if got, err := result.LoadJournal(out); err != nil || !got.Interrupted || got.Targets[0].Overall.Requests < 10 {
		t.Errorf("of the phase that had ended there is %+v, %v", got, err)
	}
	r.wantNoTempFiles()
}

func TestParityInterrupted(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "parity")
	r.await("Building both targets")
	r.signal(os.Interrupt)
	r.wait(exitFailed)
	if !strings.Contains(r.stderr.String(), "interrupted: not all requests were compared") || strings.Contains(r.stderr.String(), "context canceled") {
		t.Errorf("standard error is\n%s", r.stderr.String())
	}
	r.wantNoTempFiles()
}

func TestLocalCommand(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "local")
	var urls struct{ EC2, Lambda, Redis string }
	eventually(t, "bench local prints its line", func() bool { return strings.HasSuffix(r.stdout.String(), "\n") })
	if err := json.Unmarshal([]byte(r.stdout.String()), &urls); err != nil {
		t.Fatalf("%v in %q", err, r.stdout.String())
	}
	for _, url := range []string{urls.EC2, urls.Lambda} {
		resp, err := http.Post(url+"/", "text/plain", strings.NewReader("héllo")) //nolint:noctx // a local server
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil || string(body) != "5" {
			t.Errorf("%s answers %q (%v), expected 5", url, body, err)
		}
	}
	if !strings.HasPrefix(urls.Redis, "redis://127.0.0.1:") {
		t.Errorf("redis is %q", urls.Redis)
	}
	r.signal(os.Interrupt)
	r.wait(exitDone)
	r.wantNoTempFiles()
	if _, err := http.Get(urls.EC2); err == nil { //nolint:noctx,bodyclose // nothing should answer
		t.Error("the EC2 target still answers")
	}
}
