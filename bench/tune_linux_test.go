package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestTuneWithoutRights says loudly, before the load and after it, that sizes cannot be told apart where no cgroup may be made; and pretends
// nothing.
func TestTuneWithoutRights(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("/tmp", "crossover-nobody-") //nolint:usetesting // t.TempDir is for its owner alone
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder for temporary files
	bench, err := exec.LookPath("bench")
	if err != nil {
		t.Fatal(err)
	}
	scenario := fmt.Sprintf("name: body\nworkers: 1\nsteps:\n  - {name: body, method: POST, path: /body, body: %q}\nphases:\n  - {name: all, iterations: 30}\n", "123")
	for name, data := range map[string]func() ([]byte, error){
		"bootstrap": func() ([]byte, error) { return os.ReadFile(testFunction(t)) },
		"bench":     func() ([]byte, error) { return os.ReadFile(bench) },
		"targets.json": func() ([]byte, error) {
			return []byte(`{"targets": [{"name": "fn", "kind": "bootstrap", "path": "./bootstrap"}]}`), nil
		},
		"s.yaml": func() ([]byte, error) { return []byte(scenario), nil },
	} {
		content, err := data()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), content, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, tmp: dir, lines: make(chan string, 1000)}
	r.cmd = exec.Command(filepath.Join(dir, "bench"), "tune", "--targets", "targets.json", "--scenario", "s.yaml", "--memory", "128,512", "--rounds", "1", //nolint:noctx // it ends by itself
		"--out", "out", "--quiet", "--slo", "max=1h")
	r.cmd.Env, r.cmd.Dir, r.cmd.Stdout = []string{"TMPDIR=" + dir}, dir, &r.stdout
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	pipe, err := r.cmd.StderrPipe()
	if err != nil || r.cmd.Start() != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	go r.read(pipe)
	r.await("WARNING: CPU not limited") // even with --quiet
	r.wait(exitFailed)                  // as the SLO was asked for, and the question has no answer
	got := tuneResult(t, filepath.Join(dir, "out"))
	if got.Apart || got.Chosen != "" || got.Fastest != "" || configurationOf(t, got, "fn-128").Requests != 30 {
		t.Errorf("%+v", got)
	}
	for where, text := range map[string]string{"standard output": r.stdout.String(), "standard error": r.stderr.String()} {
		if !strings.Contains(text, "CPU not limited") || !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(text, "!!", "")), " "), "cannot be told apart") {
			t.Errorf("%s does not say it:\n%s", where, text)
		}
	}
}
