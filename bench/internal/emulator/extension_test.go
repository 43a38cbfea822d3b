package emulator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// extensionNote is what an extension of a test has written down.
type extensionNote struct {
	Name      string
	PID       int
	Register  int
	Body      json.RawMessage
	Environ   []string
	Next      int
	InitError int `json:"init-error"`
	Event     struct {
		EventType, RequestID, InvokedFunctionArn, ShutdownReason string
		DeadlineMs                                               int64
		Tracing                                                  struct{ Type, Value string }
	}
}

// withExtensions gives the function extensions of these names, which do what env says, and returns what they note.
func withExtensions(t *testing.T, c *emulator.Config, env map[string]string, names ...string) (notes func() []extensionNote) {
	t.Helper()
	dir := t.TempDir()
	c.Extensions = filepath.Join(dir, "extensions")
	if err := os.Mkdir(c.Extensions, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Link(programs.ext, filepath.Join(c.Extensions, name)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "log")
	c.Env = map[string]string{"EXT_LOG": file}
	maps.Copy(c.Env, env)
	return func() []extensionNote {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		var list []extensionNote
		for line := range strings.Lines(string(b)) {
			var n extensionNote
			if strings.HasSuffix(line, "\n") {
				if err := json.Unmarshal([]byte(line), &n); err != nil {
					t.Fatalf("%v in %s", err, line)
				}
				list = append(list, n)
			}
		}
		return list
	}
}

// gone waits until none of the extensions that have registered runs.
func gone(t *testing.T, notes []extensionNote) {
	t.Helper()
	for _, n := range notes {
		if n.PID != 0 {
			eventually(t, "an extension is left", func() bool { return !alive(t, strconv.Itoa(n.PID)) })
		}
	}
}

func count(notes []extensionNote, is func(extensionNote) bool) int {
	n := 0
	for _, note := range notes {
		if is(note) {
			n++
		}
	}
	return n
}

func TestExtensions(t *testing.T) {
	var notes func() []extensionNote
	var out output
	s := start(t, func(c *emulator.Config) {
		c.FunctionName, c.Output, c.LogLines = "demo", &out, true
		notes = withExtensions(t, c, nil, "one", "two")
	})
	s.SetShutdown(patience)
	before := time.Now()
	r := send(t, s, http.MethodGet, "/pid", "", http.Header{"X-Amzn-Trace-Id": {"Root=1-5e1b4151-5ac6c58f3e8ab1b2c3d4e5f6"}})
	if r.status != http.StatusOK {
		t.Fatalf("answer is %d %q; %v", r.status, r.body, s.LastInitError())
	}
	settled(t, s, 1)
	list := notes()
	invoked := count(list, func(n extensionNote) bool { return n.Event.EventType == "INVOKE" })
	if len(list) != 4 || invoked != 2 {
		t.Fatalf("notes: %+v", list)
	}
	for _, n := range list {
		if n.Register != 0 {
			if diff := cmp.Diff(`{"functionName":"demo","functionVersion":"$LATEST","handler":"bootstrap"}`, string(n.Body)); n.Register != 200 || diff != "" {
				t.Errorf("registered with %d (-want +got):\n%s", n.Register, diff)
			}
			has := func(name string) bool {
				return slices.ContainsFunc(n.Environ, func(line string) bool { return strings.HasPrefix(line, name+"=") })
			}
			if !has("AWS_LAMBDA_FUNCTION_NAME") || !has("AWS_LAMBDA_RUNTIME_API") || has("_HANDLER") || has("LAMBDA_TASK_ROOT") {
				t.Errorf("environment: %q", n.Environ)
			}
			continue
		}
		e := n.Event
		if e.RequestID != r.header.Get("x-amzn-RequestId") || e.InvokedFunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:demo" ||
			e.Tracing.Type != "X-Amzn-Trace-Id" || e.Tracing.Value != "Root=1-5e1b4151-5ac6c58f3e8ab1b2c3d4e5f6" {
			t.Errorf("event: %+v", e)
		}
		if left := time.UnixMilli(e.DeadlineMs).Sub(before); left < 50*time.Second {
			t.Errorf("deadline is %v after the request", left)
		}
	}
	eventually(t, "the log does not tell of the extension", func() bool {
		return strings.Contains(out.String(), "EXTENSION\tName: one\tState: Ready\tEvents: [INVOKE,SHUTDOWN]\n")
	})
	if err := s.Close(2 * time.Second); err != nil {
		t.Fatal(err)
	}
	list = notes()
	if n := count(list, func(n extensionNote) bool { return n.Event.ShutdownReason == "SPINDOWN" }); n != 2 {
		t.Errorf("%d extensions were told of the end: %+v", n, list)
	}
	gone(t, list)
}

// "The Invoke phase ends after the runtime and all extensions signal that they are done by sending a Next API request": the answer is
// there before, and the environment takes no other event until then.
func TestExtensionHoldsTheEnvironment(t *testing.T) {
	waiting, open := make(chan struct{}, 2), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		waiting <- struct{}{}
		select {
		case <-open:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	var notes func() []extensionNote
	s := start(t, func(c *emulator.Config) { notes = withExtensions(t, c, map[string]string{"EXT_HOLD": srv.URL}, "slow") })
	s.SetSettle(emulator.Settle)
	first := get(t, s, "/pid")
	<-waiting
	if m := s.Meter(); first.status != http.StatusOK || m.Idle != 0 || m.Environments != 1 {
		t.Errorf("answer is %d, meter: %+v", first.status, m)
	}
	second := get(t, s, "/pid")
	<-waiting
	if second.status != http.StatusOK || second.body == first.body {
		t.Errorf("the second was answered %d by %s, the first by %s", second.status, second.body, first.body)
	}
	close(open)
	settled(t, s, 2)
	if m := s.Meter(); m.ColdStarts != 2 || m.Errors != 0 {
		t.Errorf("meter: %+v, notes: %+v", m, notes())
	}
}

// Those that have not registered for an event do not get it, and nobody waits for them.
func TestExtensionEvents(t *testing.T) {
	var notes func() []extensionNote
	s := start(t, func(c *emulator.Config) { notes = withExtensions(t, c, map[string]string{"EXT_EVENTS": "[]"}, "quiet") })
	for range 3 {
		if r := get(t, s, "/pid"); r.status != http.StatusOK {
			t.Errorf("answer is %d", r.status)
		}
		settled(t, s, 1)
	}
	if err := s.Close(2 * time.Second); err != nil {
		t.Fatal(err)
	}
	list := notes()
	if len(list) != 1 {
		t.Errorf("notes: %+v", list)
	}
	gone(t, list)
}

// An extension that fails takes its environment with it, and only that.
func TestExtensionFailures(t *testing.T) {
	tests := map[string]struct {
		does   string
		init   string // the type of the error of the init, if it is that which fails
		reason string // what the extensions are told that are still there
	}{
		"crashes in its init":    {does: "crash-init", init: "Extension.Crash"},
		"does not register":      {does: "no-register", init: "Sandbox.Timedout"},
		"reports an init error":  {does: "init-error", init: "Extension.InitError"},
		"crashes":                {does: "crash"},
		"reports that it ends":   {does: "exit-error"},
		"does not ask for more":  {does: "hang", reason: "TIMEOUT"},
		"does not end by itself": {does: "stay"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var notes func() []extensionNote
			s := start(t, func(c *emulator.Config) {
				notes = withExtensions(t, c, map[string]string{"EXT": tt.does}, "bad")
				c.InitTimeout, c.Timeout = time.Minute, time.Minute
				if tt.does == "no-register" {
					c.InitTimeout, c.Timeout = 300*time.Millisecond, 300*time.Millisecond
				}
				if tt.does == "hang" {
					c.Timeout = time.Second
				}
			})
			r := get(t, s, "/pid")
			switch {
			case tt.init != "":
				r.expect(t, http.StatusBadGateway, "Internal Server Error")
				if err := s.LastInitError(); err == nil || err.Type != tt.init {
					t.Errorf("init error: %+v", err)
				}
				settled(t, s, 0)
			case tt.does == "stay":
				settled(t, s, 1)
			default: // the answer may have been there before
				if r.status != http.StatusOK && r.status != http.StatusBadGateway {
					t.Errorf("answer is %d %q", r.status, r.body)
				}
				settled(t, s, 0)
			}
			if err := s.Close(2 * time.Second); err != nil {
				t.Fatal(err)
			}
			gone(t, notes())
		})
	}
}

// A function that crashes or is too slow ends with its extensions: "The event includes the reason for the shutdown".
func TestExtensionsAreToldWhy(t *testing.T) {
	for target, want := range map[string]string{"/exit": "FAILURE", "/forever": "TIMEOUT"} {
		t.Run(want, func(t *testing.T) {
			var notes func() []extensionNote
			s := start(t, func(c *emulator.Config) {
				notes = withExtensions(t, c, nil, "one")
				if want == "TIMEOUT" {
					c.Timeout = brief
				}
			})
			s.SetShutdown(patience)
			get(t, s, target).expect(t, http.StatusBadGateway, "Internal Server Error")
			told := func(n extensionNote) bool { return n.Event.ShutdownReason == want }
			eventually(t, "the extension is not told", func() bool { return count(notes(), told) == 1 })
			gone(t, notes())
			if r := get(t, s, "/pid"); r.status != http.StatusOK {
				t.Errorf("after that: %d %q", r.status, r.body)
			}
		})
	}
}

// With an external extension the runtime gets SIGTERM when its environment is ended, without one it does not (TestIdleTimeout).
func TestExtensionsMakeShutdownGraceful(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "term")
	var notes func() []extensionNote
	s := start(t, func(c *emulator.Config) {
		notes = withExtensions(t, c, map[string]string{"ON_TERM": mark}, "one")
		c.IdleTimeout, c.Freeze = 200*time.Millisecond, true
	})
	s.SetShutdown(patience)
	if r := get(t, s, "/pid"); r.status != http.StatusOK {
		t.Fatalf("answer is %d %q", r.status, r.body)
	}
	eventually(t, "the idle environment stays", func() bool { m := s.Meter(); return m.Environments == 0 && m.Reaped == 1 })
	eventually(t, "the runtime got no SIGTERM", func() bool { _, err := os.Stat(mark); return err == nil })
	spindown := func(n extensionNote) bool { return n.Event.ShutdownReason == "SPINDOWN" }
	eventually(t, "the extension is not told", func() bool { return count(notes(), spindown) == 1 })
	gone(t, notes())
}

// Extensions are frozen with their environment.
func TestExtensionsAreFrozen(t *testing.T) {
	for _, how := range []string{"by cgroup", "by signals"} {
		t.Run(how, func(t *testing.T) {
			s := start(t, func(c *emulator.Config) {
				withExtensions(t, c, nil, "one", "two")
				c.Freeze = true
			})
			if how == "by signals" {
				s.FreezeBySignals()
			}
			for range 20 {
				if r := get(t, s, "/pid"); r.status != http.StatusOK {
					t.Fatalf("answer is %d %q", r.status, r.body)
				}
				eventually(t, "it is not frozen", func() bool { return s.Meter().Frozen == 1 })
			}
			if m := s.Meter(); m.ColdStarts != 1 || m.Errors != 0 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

func TestExtensionInShell(t *testing.T) {
	if !onLambdaPath("curl") {
		t.Skip("there is no curl on the PATH of functions")
	}
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", "extension.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "observer"), text, 0o700); err != nil {
		t.Fatal(err)
	}
	var out output
	s := start(t, func(c *emulator.Config) { c.Extensions, c.Output = dir, &out })
	s.SetShutdown(patience)
	for range 2 {
		if r := get(t, s, "/pid"); r.status != http.StatusOK {
			t.Fatalf("answer is %d %q; %v", r.status, r.body, s.LastInitError())
		}
		settled(t, s, 1)
	}
	if err := s.Close(2 * time.Second); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "shell extension: invoke\n") != 2 || strings.Count(got, "shell extension: shutdown\n") != 1 {
		t.Errorf("log: %s", got)
	}
}

func TestStartRefusesExtensions(t *testing.T) {
	folder := func(text string, mode os.FileMode, names ...string) string {
		dir := t.TempDir()
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	const script = "#!/bin/sh\nexit 1\n"
	names := strings.Split("abcdefghijk", "")
	plain, many := folder(script, 0o600, "plain"), folder(script, 0o700, names...)
	windows, zipped := folder("#!/bin/sh\r\nexit 1\r\n", 0o700, "windows"), folder("PK\x03\x04", 0o700, "layer.zip")
	lost := folder("#!/nonexistent/interpreter\n", 0o700, "lost")
	for dir, want := range map[string]string{
		"/no/such/folder":                    "no such file",
		plain:                                "is not an executable file",
		many:                                 "11 extensions in " + many + " are more than Lambda's 10",
		windows:                              "extension " + windows + "/windows: its first line ends with a carriage return",
		zipped:                               "extension " + zipped + "/layer.zip is a zip archive",
		lost:                                 "extension " + lost + "/lost: its interpreter /nonexistent/interpreter does not exist",
		folder(script, 0o700, names[:10]...): "",
	} {
		s, err := emulator.Start(t.Context(), emulator.Config{Bootstrap: programs.fn, Group: group, Extensions: dir})
		if err == nil {
			err = s.Close(0)
		}
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}
