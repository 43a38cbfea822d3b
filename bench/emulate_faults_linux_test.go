package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// testFunction builds the function of the emulator's tests.
func testFunction(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", path, "./internal/emulator/testdata/fn")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// emulating is a bench emulate under test.
type emulating struct {
	*running
	bootstrap string
	url       string // of its Function URL
}

func startEmulate(t *testing.T, args ...string) *emulating {
	t.Helper()
	return startEmulateIn(t, "", args...)
}

// startEmulateIn is startEmulate in a process that has run a command of the shell before, such as ulimit.
func startEmulateIn(t *testing.T, prepare string, args ...string) *emulating {
	t.Helper()
	e := &emulating{bootstrap: testFunction(t)}
	// No time-out of a function is tested here, and a machine may be busy with other environments for long.
	args = append([]string{
		"-c", prepare + "\nexec bench \"$@\"", "sh", "emulate", "--front-door", "function_url", "--log-lines=false",
		"--timeout", patience.String(), "--init-timeout", patience.String(),
	}, args...)
	e.running = startProgram(t, nil, "/bin/sh", append(args, "--", e.bootstrap)...)
	eventually(t, "bench emulate prints its line", func() bool { return strings.HasSuffix(e.stdout.String(), "\n") })
	var urls map[string]string
	if err := json.Unmarshal([]byte(e.stdout.String()), &urls); err != nil {
		t.Fatal(err)
	}
	e.url = urls["function_url"]
	go func() { // what it says is kept elsewhere
		for range e.lines {
		}
	}()
	return e
}

// environments are the processes that run the function, those that it has started included.
func (e *emulating) environments() []string {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	var pids []string
	for _, link := range links {
		if exe, err := os.Readlink(link); err == nil && strings.TrimSuffix(exe, " (deleted)") == e.bootstrap {
			pids = append(pids, strings.Split(link, "/")[2])
		}
	}
	return pids
}

// gone demands that no process of the function is left, and nothing in the folder for temporary files.
func (e *emulating) gone() {
	e.t.Helper()
	eventually(e.t, "environments end", func() bool { return len(e.environments()) == 0 })
	e.wantNoTempFiles()
}

// burst sends requests from n clients until it is stopped, and returns in the middle: environments have started and a request has been
// answered. stop returns how often there was which status, 0 for none.
func (e *emulating) burst(n int) (stop func() map[int]int) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n}, Timeout: patience}
	var mu sync.Mutex
	var wg sync.WaitGroup
	tally := map[int]int{}
	for range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				status := 0
				if resp, err := client.Get(e.url + "/pid"); err == nil { //nolint:noctx // it has a time-out
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					status = resp.StatusCode
				}
				mu.Lock()
				tally[status]++
				mu.Unlock()
				if status == 0 { // the service has gone
					return
				}
			}
		})
	}
	eventually(e.t, "environments are started", func() bool { return len(e.environments()) >= 8 })
	eventually(e.t, "a request is answered", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return tally[http.StatusOK] > 0
	})
	return func() map[int]int {
		cancel()
		wg.Wait()
		client.CloseIdleConnections()
		return tally
	}
}

// Ctrl-C in the middle of a burst: all end, the exit code is 0, nothing is left.
func TestEmulateInterruptedInABurst(t *testing.T) {
	e := startEmulate(t)
	stop := e.burst(32)
	e.signal(os.Interrupt)
	for range e.lines {
	}
	if _ = e.cmd.Wait(); e.cmd.ProcessState.ExitCode() != exitDone {
		t.Errorf("%s:\n%s", e.cmd.ProcessState, e.stderr.String())
	}
	if tally := stop(); tally[200] == 0 {
		t.Errorf("answers by status: %v", tally)
	}
	e.gone()
}

// A service that is killed in the middle of a burst leaves no process, frozen or busy, and no temporary file.
func TestEmulateKilledInABurst(t *testing.T) {
	e := startEmulate(t)
	stop := e.burst(32)
	e.signal(os.Kill)
	_ = e.cmd.Wait()
	stop()
	e.gone()
}

// Who reads the logs may go; the service stays.
func TestEmulateWithoutAReaderOfLogs(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "log")
	e := startEmulateIn(t, "mkfifo "+pipe+"; true <"+pipe+" & exec 2>"+pipe, "--log-lines=true")
	for range 10 {
		resp, err := http.Get(e.url + "/noise?n=100") //nolint:noctx // a local server
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	e.signal(os.Interrupt)
	if _ = e.cmd.Wait(); e.cmd.ProcessState.ExitCode() != exitDone {
		t.Errorf("it ends with %s", e.cmd.ProcessState)
	}
	e.gone()
}

// Where the open files do not reach for the concurrency, it says for how much they do.
func TestEmulateTellsOfFewDescriptors(t *testing.T) {
	e := startEmulate(t, "--concurrency", "1000000")
	eventually(t, "it tells", func() bool {
		return strings.Contains(e.stderr.String(), " environments at once have room in the open files")
	})
	e.signal(os.Interrupt)
	for range e.lines {
	}
	_ = e.cmd.Wait()
	e.gone()
}

// throng lets n clients connect, then all send a request, and keeps their connections until all have an answer; it returns how often there
// was which status, 0 for none.
func (e *emulating) throng(n int) map[int]int {
	e.t.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		conn, err := new(net.Dialer).DialContext(e.t.Context(), "tcp", strings.TrimPrefix(e.url, "http://"))
		if err != nil {
			e.t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // all has been read
		conns[i] = conn
	}
	statuses := make(chan int, n)
	for _, conn := range conns {
		go func() {
			status := 0
			_ = conn.SetDeadline(time.Now().Add(patience))
			_, err := io.WriteString(conn, "GET /pid HTTP/1.1\r\nHost: x\r\n\r\n")
			if resp, readErr := http.ReadResponse(bufio.NewReader(conn), nil); err == nil && readErr == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				status = resp.StatusCode
			}
			statuses <- status
		}()
	}
	tally := map[int]int{}
	for range n {
		tally[<-statuses]++
	}
	return tally
}

// Far more clients at once than there are descriptors, which keep their connections: each has its answer in the end, 200 or 429, no
// environment fails, and the next one is served as if nothing had been.
func TestEmulateOutOfDescriptors(t *testing.T) {
	for _, concurrency := range []string{"2", "1000"} {
		t.Run("concurrency "+concurrency, func(t *testing.T) {
			const clients = 200
			e := startEmulateIn(t, "ulimit -n 64", "--concurrency", concurrency)
			for range 3 {
				if tally := e.throng(clients); tally[200] == 0 || tally[200]+tally[429] != clients {
					t.Errorf("answers by status: %v", tally)
				}
			}
			if tally := e.throng(1); tally[200] != 1 {
				t.Errorf("after that, by status: %v", tally)
			}
			e.signal(os.Interrupt)
			for range e.lines {
			}
			if _ = e.cmd.Wait(); e.cmd.ProcessState.ExitCode() != exitDone || strings.Contains(e.stderr.String(), "too many open files") {
				t.Errorf("%s:\n%s", e.cmd.ProcessState, e.stderr.String())
			}
			e.gone()
		})
	}
}

// As a user without rights it serves all the same, and says what is not limited.
func TestEmulateWithoutRights(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir, err := os.MkdirTemp("/tmp", "crossover-nobody-") //nolint:usetesting // t.TempDir is for its owner alone
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder for temporary files
	bench, err := exec.LookPath("bench")
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	bootstrap := filepath.Join(dir, "bootstrap")
	for to, from := range map[string]string{bootstrap: testFunction(t), filepath.Join(dir, "bench"): bench} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, data, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, tmp: dir, lines: make(chan string, 1000)}
	r.cmd = exec.Command(filepath.Join(dir, "bench"), "emulate", "--front-door", "function_url", "--", bootstrap) //nolint:noctx // ended by a signal
	r.cmd.Env, r.cmd.Dir, r.cmd.Stdout = []string{"TMPDIR=" + dir}, dir, &r.stdout
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	pipe, err := r.cmd.StderrPipe()
	if err != nil || r.cmd.Start() != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	go r.read(pipe)
	r.await("Serving")
	eventually(t, "bench emulate prints its line", func() bool { return strings.HasSuffix(r.stdout.String(), "\n") }) // another goroutine reads it
	var urls map[string]string
	if err := json.Unmarshal([]byte(r.stdout.String()), &urls); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(urls["function_url"] + "/pid") //nolint:noctx // a local server
	if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%v %v", resp, err)
	}
	stray := fetch(t, urls["function_url"]+"/fork?session=1") // has left its process group, and there is no cgroup
	if got := r.stderr.String(); !strings.Contains(got, "Not as on Lambda: memory not limited (") {
		t.Errorf("it says\n%s", got)
	}
	r.signal(os.Interrupt)
	r.wait(exitDone)
	r.wantNoTempFiles()
	eventually(t, "what the function has left ends", func() bool {
		stat, err := os.ReadFile("/proc/" + stray + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// fetch gets a text, which is not empty.
func fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url) //nolint:noctx,gosec // a local server
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || len(text) == 0 {
		t.Fatalf("%s is answered %d %q, %v", url, resp.StatusCode, text, err)
	}
	return string(text)
}
