package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal of 100 columns; what is written to tty can be read from screen.
func openTerminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 100}); err != nil {
		t.Fatal(err)
	}
	return screen, tty
}

// TestLiveDisplay runs bench on a terminal: bars that move while it runs, colour in the tables, and an end.
func TestLiveDisplay(t *testing.T) {
	t.Parallel()
	screen, tty := openTerminal(t)
	dir := t.TempDir()
	scenario := filepath.Join(dir, "s.yaml")
	text := `name: live
steps: [{name: post, method: POST, path: /, content_type: text/plain, body: "123", expect: {body: "3"}}]
phases: [{name: first, workers: 2, iterations: 10}, {name: second, workers: 4, duration: 1s}]
`
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	targets := filepath.Join(dir, "t.json")
	if err := os.WriteFile(targets, []byte(`{"targets": [
		{"name": "one", "kind": "process", "command": ["testapp", "slow"]},
		{"name": "two", "kind": "process", "command": ["testapp", "slow"]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bench", "--targets", targets, "--scenario", scenario, "--out", filepath.Join(dir, "out"))
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=")
	cmd.Stdout, cmd.Stderr = tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := make(chan string)
	go func() {
		data, _ := io.ReadAll(screen) // ends with an error once no process holds the terminal
		seen <- string(data)
	}()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if err := tty.Close(); err != nil {
		t.Error(err)
	}
	got := <-seen
	for _, want := range []string{"first 1/2", "second 2/2", "━", "elapsed, about", "left, 0 errors", "waiting", "Totals", "\x1b["} {
		if !strings.Contains(got, want) {
			t.Errorf("the terminal did not show %q; it showed:\n%q", want, got)
		}
	}
}
