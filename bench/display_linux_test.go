package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal of so many columns; what is written to tty can be read from screen.
func openTerminal(t *testing.T, columns uint16) (screen, tty *os.File) {
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
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return screen, tty
}

// onTerminal runs bench on a terminal, with the scenario and two targets, and gives what it showed.
func onTerminal(t *testing.T, columns uint16, scenario string, env ...string) string {
	t.Helper()
	screen, tty := openTerminal(t, columns)
	dir := t.TempDir()
	targets := write(t, "t.json", `{"targets": [
		{"name": "one", "kind": "process", "command": ["testapp", "slow"]},
		{"name": "two", "kind": "process", "command": ["testapp", "slow"]}]}`)
	cmd := exec.CommandContext(t.Context(), "bench", "--targets", targets, "--scenario", write(t, "s.yaml", scenario), "--out", filepath.Join(dir, "out"))
	cmd.Env = append(append(os.Environ(), stepSummary+"=", "TERM=xterm-256color", "NO_COLOR="), env...)
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
	return <-seen
}

// TestLiveDisplay runs bench on a terminal: bars that move while it runs, colour in the tables, and an end.
func TestLiveDisplay(t *testing.T) {
	t.Parallel()
	got := onTerminal(t, 100, `name: live
steps: [{name: post, method: POST, path: /, content_type: text/plain, body: "123", expect: {body: "3"}}]
phases: [{name: first, workers: 2, iterations: 10}, {name: second, workers: 4, duration: 1s}]
`)
	for _, want := range []string{"first 1/2", "second 2/2", "━", "elapsed, about", "left, 0 errors", "waiting", "Totals", "\x1b["} {
		if !strings.Contains(got, want) {
			t.Errorf("the terminal did not show %q; it showed:\n%q", want, got)
		}
	}
}

// escapes are what moves the cursor and clears lines.
var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// TestLiveDisplayOfAnOpenLoad wants all that is told of a target on a line of a narrow terminal.
func TestLiveDisplayOfAnOpenLoad(t *testing.T) {
	t.Parallel()
	got := onTerminal(t, 80, `name: live
load: open
connections: 4
steps: [{name: post, method: POST, path: /, content_type: text/plain, body: "123", expect: {body: "3"}}]
phases: [{name: steady, rate: 50/s, duration: 2500ms}]
`)
	bars, _, ok := strings.Cut(got, "Totals")
	if !ok {
		t.Errorf("there are no tables:\n%s", got)
	}
	// One drawn line a target, whole: ━━┄ steady 1/1 50.0/s ▆█ p99 22.1 ms ▇█ 1 in flight 0 queued.
	whole := regexp.MustCompile(`(?m)^one +[━┄]+ steady 1/1 [\d.,]+/s [ ▁▂▃▄▅▆▇█]{4,20} p99 [0-9.]+ [µm]?s [ ▁▂▃▄▅▆▇█]{4,20} \d+ in flight \d+ queued *$`)
	plain := strings.ReplaceAll(escapes.ReplaceAllString(bars, ""), "\r", "\n")
	if !whole.MatchString(plain) {
		t.Errorf("no line has all figures; the terminal showed:\n%s", plain)
	}
	for line := range strings.Lines(plain) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "one ") && utf8.RuneCountInString(line) > 80 {
			t.Errorf("a line of %d columns: %q", utf8.RuneCountInString(line), line)
		}
	}
}

// TestDumbTerminal gets plain lines.
func TestDumbTerminal(t *testing.T) {
	t.Parallel()
	got := onTerminal(t, 80, `name: dumb
steps: [{name: post, method: POST, path: /, content_type: text/plain, body: "123", expect: {body: "3"}}]
phases: [{name: only, workers: 2, iterations: 3}]
`, "TERM=dumb")
	if !strings.Contains(got, "only 1/1         6 requests") || strings.Contains(got, "\x1b") || strings.Contains(got, "━") {
		t.Errorf("the terminal showed:\n%q", got)
	}
}
