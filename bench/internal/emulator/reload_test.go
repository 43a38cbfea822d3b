package emulator_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// replace puts a copy of a file in the place of another, as compilers do.
func replace(tb testing.TB, path string, data []byte) {
	tb.Helper()
	next := path + ".next"
	if err := os.WriteFile(next, data, 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		tb.Fatal(err)
	}
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// watched starts a service that follows its bootstrap.
type watched struct {
	tb   testing.TB
	s    *emulator.Service
	path string
	log  output
}

func startWatched(tb testing.TB, program []byte, configure func(*emulator.Config)) *watched {
	tb.Helper()
	w := &watched{tb: tb, path: filepath.Join(tb.TempDir(), "bootstrap")}
	replace(tb, w.path, program)
	w.s = start(tb, func(c *emulator.Config) {
		c.Bootstrap, c.FrontDoors, c.Watch = w.path, []emulator.FrontDoor{emulator.DoorInvoke}, true
		c.Log = slog.New(slog.NewTextHandler(&w.log, nil))
		if configure != nil {
			configure(c)
		}
	})
	return w
}

// greets checks what the program says that answers now.
func (w *watched) greets(want string) {
	w.tb.Helper()
	r := sendTo(w.tb, w.s, emulator.DoorInvoke, http.MethodPost, "/2015-03-31/functions/function/invocations", `{"do":"greet"}`, nil)
	r.expect(w.tb, http.StatusOK, `"`+want+`"`)
}

func (w *watched) reloaded(n int64) {
	w.tb.Helper()
	eventually(w.tb, "the new bootstrap is not noticed", func() bool { return w.s.Meter().Reloads == n })
}

// New environments run the new program, idle ones end, busy ones do their work first.
func TestWatch(t *testing.T) {
	one, two := read(t, build(t, "-ldflags", "-X main.greeting=one")), read(t, build(t, "-ldflags", "-X main.greeting=two"))
	w := startWatched(t, one, func(c *emulator.Config) { c.Freeze = true })
	w.greets("one")
	settled(t, w.s, 1)
	replace(t, w.path, two)
	w.reloaded(1)
	eventually(t, "the idle environment stays", func() bool { return w.s.Meter().Environments == 0 })
	w.greets("two")

	waiting, open := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(waiting)
		<-open
	}))
	defer srv.Close()
	busy := make(chan reply, 1)
	go func() {
		r, err := tryURL(t.Context(), http.MethodPost, w.s.URL(emulator.DoorInvoke)+"/2015-03-31/functions/function/invocations", fmt.Sprintf(`{"do":"call","url":%q}`, srv.URL), nil)
		if err != nil {
			r.body = err.Error()
		}
		busy <- r
	}()
	<-waiting
	replace(t, w.path, one)
	w.reloaded(2)
	w.greets("one")
	close(open)
	r := <-busy
	r.expect(t, http.StatusOK, `"called"`)
	settled(t, w.s, 1)
	w.greets("one")
	if m := w.s.Meter(); m.Errors != 0 || m.ColdStarts != 3 {
		t.Errorf("meter: %+v", m)
	}
}

// A program that cannot be run changes nothing, and is told of once.
func TestWatchBroken(t *testing.T) {
	one, two := read(t, build(t, "-ldflags", "-X main.greeting=one")), read(t, build(t, "-ldflags", "-X main.greeting=two"))
	w := startWatched(t, one, nil)
	w.greets("one")
	for name, data := range map[string][]byte{"half": two[:len(two)/2], "text": []byte("not a program"), "empty": nil} {
		before := strings.Count(w.log.String(), "the old one stays")
		replace(t, w.path, data)
		eventually(t, name+" is not told of", func() bool { return strings.Count(w.log.String(), "the old one stays") == before+1 })
		settled(t, w.s, 1)
		w.greets("one")
	}
	if m := w.s.Meter(); m.Reloads != 0 || m.ColdStarts != 1 {
		t.Errorf("meter: %+v", m)
	}
	if runtime.GOOS == "linux" { // it is started from the file that is held open
		sendTo(t, w.s, emulator.DoorInvoke, http.MethodPost, "/2015-03-31/functions/function/invocations", `{"do":"exit"}`, nil)
		settled(t, w.s, 0)
		w.greets("one")
		if m := w.s.Meter(); m.InitFailures != 0 || m.ColdStarts != 2 {
			t.Errorf("meter: %+v", m)
		}
	}
	replace(t, w.path, two)
	w.reloaded(1)
	w.greets("two")
}

// A program that is open for writing is waited for; without a watch it is an error of the init.
func TestWatchTextFileBusy(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux refuses to run a file that is open for writing")
	}
	one := read(t, build(t, "-ldflags", "-X main.greeting=one"))
	w := startWatched(t, one, nil)
	writer, err := os.OpenFile(w.path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan reply, 1)
	go func() {
		r, err := tryURL(t.Context(), http.MethodPost, w.s.URL(emulator.DoorInvoke)+"/2015-03-31/functions/function/invocations", `{"do":"greet"}`, nil)
		if err != nil {
			r.body = err.Error()
		}
		answered <- r
	}()
	eventually(t, "no environment is started", func() bool { return w.s.Meter().Environments == 1 })
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	r := <-answered
	r.expect(t, http.StatusOK, `"one"`)
}

// Provisioned environments are replaced too.
func TestWatchProvisioned(t *testing.T) {
	one, two := read(t, build(t, "-ldflags", "-X main.greeting=one")), read(t, build(t, "-ldflags", "-X main.greeting=two"))
	w := startWatched(t, one, func(c *emulator.Config) { c.Provisioned = 2 })
	settled(t, w.s, 2)
	replace(t, w.path, bytes.Clone(two))
	w.reloaded(1)
	eventually(t, "no new ones come", func() bool { m := w.s.Meter(); return m.ProvisionedStarts == 4 && m.Idle == 2 })
	w.greets("two")
}
