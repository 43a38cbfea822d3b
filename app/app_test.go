package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/app"
	"github.com/crossover-bench/crossover/app/redisstore"
)

func TestMain(m *testing.M) {
	redisstore.LogTo(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// openStore returns a store on a miniredis, which can be closed to make it fail.
func openStore(t testing.TB) (*redisstore.Store, *miniredis.Miniredis) {
	t.Helper()
	mini := miniredis.RunT(t)
	s := redisstore.Open(redisstore.Config{Addr: mini.Addr(), PoolSize: 4, TTL: time.Hour})
	t.Cleanup(func() { _ = s.Close() })
	return s, mini
}

// startServer serves the app over real HTTP.
func startServer(t testing.TB, a http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	return srv
}

type reply struct {
	status int
	header http.Header
	body   string
}

func send(t testing.TB, srv *httptest.Server, method, target, contentType string, body io.Reader) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+target, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// check compares an answer with what is expected. An expected body of an error is
// the detail of its problem.
func check(t *testing.T, got reply, status int, body string) {
	t.Helper()
	if got.status != status {
		t.Errorf("status = %d; want %d; body %q", got.status, status, got.body)
	}
	if status < 400 {
		if got.body != body {
			t.Errorf("body = %q; want %q", got.body, body)
		}
		return
	}
	if ct := got.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type = %q; want application/problem+json", ct)
	}
	var p map[string]any
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		t.Fatalf("body %q: %v", got.body, err)
	}
	want := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": float64(status)}
	if body != "" {
		want["detail"] = body
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("problem differs (-want +got):\n%s", diff)
	}
}

const (
	unsupported = "The body must be text/plain in UTF-8."
	badRounds   = "rounds must be one whole number from 1 to 1000000."
	noResource  = "There is no such resource."
	noText      = "There is no such text; it may have expired."
	noStore     = "The store does not answer."
)

func TestRoutes(t *testing.T) {
	store, _ := openStore(t)
	srv := startServer(t, app.New(store))
	const (
		sumABC  = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, "abc"
		sumABC2 = "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358" // SHA-256 of those 32 bytes
		sumNone = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	)
	for name, tt := range map[string]struct {
		method, target, contentType, send string
		status                            int
		want                              string
	}{
		"floor":                   {"GET", "/", "", "", 200, "alive"},
		"health":                  {"GET", "/healthz", "", "", 200, "ok"},
		"ready":                   {"GET", "/readyz", "", "", 200, "ready"},
		"post":                    {"POST", "/", "text/plain", "123", 200, "3"},
		"post nothing":            {"POST", "/", "text/plain", "", 200, "0"},
		"post characters":         {"POST", "/", "text/plain", "世界🌍é", 200, "4"},
		"post with charset":       {"POST", "/", `Text/Plain; charset="UTF-8"; x=y`, "ä", 200, "1"},
		"post ascii":              {"POST", "/", "text/plain;charset=us-ascii", "a", 200, "1"},
		"post without a type":     {"POST", "/", "", "abc", 200, "3"},
		"post latin-1":            {"POST", "/", "text/plain; charset=iso-8859-1", "a", 415, unsupported},
		"post a form":             {"POST", "/", "application/x-www-form-urlencoded", "a=b", 415, unsupported},
		"post html":               {"POST", "/", "text/html", "a", 415, unsupported},
		"post a broken type":      {"POST", "/", "text/plain; =", "a", 415, unsupported},
		"post not UTF-8":          {"POST", "/", "text/plain", "a\xff", 400, "The body is not valid UTF-8."},
		"post the longest":        {"POST", "/", "text/plain", strings.Repeat("x", app.MaxBodyBytes), 200, "1048576"},
		"post too long":           {"POST", "/", "text/plain", strings.Repeat("x", app.MaxBodyBytes+1), 413, "The body is longer than 1 MiB."},
		"digest":                  {"POST", "/digest", "", "abc", 200, sumABC},
		"digest of nothing":       {"POST", "/digest?rounds=1", "", "", 200, sumNone},
		"digest twice":            {"POST", "/digest?rounds=2", "", "abc", 200, sumABC2},
		"digest other parameters": {"POST", "/digest?x=y", "", "abc", 200, sumABC},
		"digest zero":             {"POST", "/digest?rounds=0", "", "abc", 400, badRounds},
		"digest negative":         {"POST", "/digest?rounds=-1", "", "abc", 400, badRounds},
		"digest too many":         {"POST", "/digest?rounds=1000001", "", "abc", 400, badRounds},
		"digest garbage":          {"POST", "/digest?rounds=many", "", "abc", 400, badRounds},
		"digest empty":            {"POST", "/digest?rounds=", "", "abc", 400, badRounds},
		"digest two":              {"POST", "/digest?rounds=1&rounds=2", "", "abc", 400, badRounds},
		"digest broken query":     {"POST", "/digest?rounds=1%zz", "", "abc", 400, "The query is malformed."},
		"digest too long":         {"POST", "/digest", "", strings.Repeat("x", app.MaxBodyBytes+1), 413, "The body is longer than 1 MiB."},
		"no such text":            {"GET", "/texts/" + app.NewID(), "", "", 404, noText},
		"no such id":              {"GET", "/texts/abc", "", "", 404, noText},
		"no id":                   {"GET", "/texts/", "", "", 404, noResource},
		"encoded slash":           {"GET", "/texts/a%2Fb", "", "", 404, noText},
		"no such route":           {"GET", "/nope", "", "", 404, noResource},
		"route beyond a text":     {"GET", "/texts/a/b", "", "", 404, noText},
	} {
		t.Run(name, func(t *testing.T) {
			got := send(t, srv, tt.method, tt.target, tt.contentType, strings.NewReader(tt.send))
			check(t, got, tt.status, tt.want)
			if !timingPattern.MatchString(got.header.Get("Server-Timing")) {
				t.Errorf("Server-Timing = %q", got.header.Get("Server-Timing"))
			}
		})
	}
}

var timingPattern = regexp.MustCompile(`^app;dur=\d+\.\d{3}(, store;dur=\d+\.\d{3})?$`)

func TestStoreTimingComesWithStoreCallsOnly(t *testing.T) {
	store, _ := openStore(t)
	srv := startServer(t, app.New(store))
	for target, want := range map[string]bool{
		"/": false, "/healthz": false, "/nope": false, "/texts/bad": false,
		"/stats": true, "/readyz": true, "/texts/" + app.NewID(): true,
	} {
		got := send(t, srv, "GET", target, "", nil).header.Get("Server-Timing")
		if strings.Contains(got, "store;dur=") != want {
			t.Errorf("GET %s: Server-Timing = %q; store in it: want %t", target, got, want)
		}
	}
}

func TestPostThenGet(t *testing.T) {
	store, _ := openStore(t)
	srv := startServer(t, app.New(store))
	posted := send(t, srv, "POST", "/", "text/plain", strings.NewReader("世界"))
	check(t, posted, 200, "2")
	location := posted.header.Get("Location")
	if !regexp.MustCompile(`^/texts/[A-Z2-7]{26}$`).MatchString(location) {
		t.Fatalf("Location = %q", location)
	}
	got := send(t, srv, "GET", location, "", nil)
	check(t, got, 200, "世界")
	if ct := got.header.Get("Content-Type"); ct != "text/plain; charset=utf-8" {
		t.Errorf("Content-Type = %q", ct)
	}
	stats := send(t, srv, "GET", "/stats", "", nil)
	check(t, stats, 200, `{"texts":1,"characters":2}`)
	if ct := stats.header.Get("Content-Type"); ct != "application/json" {
		t.Errorf("Content-Type of /stats = %q", ct)
	}
}

// reader hides the length of a body, so that it is sent in chunks.
type reader struct{ io.Reader }

func TestBodyWithoutLength(t *testing.T) {
	store, _ := openStore(t)
	srv := startServer(t, app.New(store))
	for name, tt := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"short":     {"abc", 200, "3"},
		"longest":   {strings.Repeat("x", app.MaxBodyBytes), 200, "1048576"},
		"too long":  {strings.Repeat("x", app.MaxBodyBytes+1), 413, "The body is longer than 1 MiB."},
		"not UTF-8": {"\xc3", 400, "The body is not valid UTF-8."},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, send(t, srv, "POST", "/", "text/plain", reader{strings.NewReader(tt.body)}), tt.status, tt.want)
		})
	}
}

func TestHead(t *testing.T) {
	store, _ := openStore(t)
	a := app.New(store)
	srv := startServer(t, a)
	for _, target := range []string{"/", "/stats", "/healthz", "/readyz", "/texts/x"} {
		get, head := send(t, srv, "GET", target, "", nil), send(t, srv, "HEAD", target, "", nil)
		if head.status != get.status || head.body != "" {
			t.Errorf("HEAD %s = %d %q; want %d and no body", target, head.status, head.body, get.status)
		}
		for _, name := range []string{"Content-Length", "Content-Type"} {
			if head.header.Get(name) != get.header.Get(name) || get.header.Get(name) == "" {
				t.Errorf("HEAD %s: %s = %q; GET has %q", target, name, head.header.Get(name), get.header.Get(name))
			}
		}
		// Hosts that are not net/http keep what a handler writes.
		rec := httptest.NewRecorder()
		a.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodHead, target, nil))
		if rec.Body.Len() > 0 {
			t.Errorf("HEAD %s wrote %q", target, rec.Body)
		}
	}
}

func TestMethodNotAllowed(t *testing.T) {
	store, _ := openStore(t)
	srv := startServer(t, app.New(store))
	for target, allow := range map[string][]string{
		"/": {"OPTIONS", "GET", "HEAD", "POST"}, "/stats": {"OPTIONS", "GET", "HEAD"}, "/digest": {"OPTIONS", "POST"},
	} {
		got := send(t, srv, "DELETE", target, "", nil)
		check(t, got, 405, "The resource does not have this method; see Allow.")
		if diff := cmp.Diff(allow, strings.Split(got.header.Get("Allow"), ", ")); diff != "" {
			t.Errorf("Allow of %s differs (-want +got):\n%s", target, diff)
		}
	}
}

func TestStoreDown(t *testing.T) {
	store, mini := openStore(t)
	var logs bytes.Buffer
	a := app.New(store, app.WithLogger(slog.New(slog.NewJSONHandler(&logs, nil))))
	srv := startServer(t, a)
	mini.Close()
	for _, r := range []struct{ method, target string }{
		{"POST", "/"}, {"GET", "/stats"}, {"GET", "/readyz"}, {"GET", "/texts/" + app.NewID()},
	} {
		got := send(t, srv, r.method, r.target, "", strings.NewReader("abc"))
		check(t, got, 503, noStore)
		if got.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: no Retry-After", r.method, r.target)
		}
		if strings.Contains(got.body, "127.0.0.1") {
			t.Errorf("%s %s shows internals: %s", r.method, r.target, got.body)
		}
	}
	check(t, send(t, srv, "GET", "/", "", nil), 200, "alive")
	check(t, send(t, srv, "GET", "/healthz", "", nil), 200, "ok")
	srv.Close()
	if n := strings.Count(logs.String(), "store unavailable"); n == 0 || !strings.Contains(logs.String(), `"level":"WARN"`) {
		t.Errorf("the outage is not in the log: %s", logs.String())
	}
}

func TestStoreRecovers(t *testing.T) {
	store, mini := openStore(t)
	srv := startServer(t, app.New(store))
	mini.Close()
	check(t, send(t, srv, "GET", "/readyz", "", nil), 503, noStore)
	if err := mini.Restart(); err != nil {
		t.Fatal(err)
	}
	check(t, send(t, srv, "GET", "/readyz", "", nil), 200, "ready")
	check(t, send(t, srv, "POST", "/", "text/plain", strings.NewReader("abc")), 200, "3")
}

func TestDrain(t *testing.T) {
	store, _ := openStore(t)
	a := app.New(store)
	srv := startServer(t, a)
	a.Drain()
	got := send(t, srv, "GET", "/readyz", "", nil)
	check(t, got, 503, "This instance is about to stop.")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	check(t, send(t, srv, "GET", "/", "", nil), 200, "alive")
	check(t, send(t, srv, "POST", "/", "text/plain", strings.NewReader("abc")), 200, "3")
}

func TestInitIsInTheFirstAnswerOnly(t *testing.T) {
	store, _ := openStore(t)
	calls := 0
	srv := startServer(t, app.New(store, app.WithInit(func() time.Duration { calls++; return 12345678 * time.Nanosecond })))
	for i, target := range []string{"/nope", "/", "/"} { // an error counts as an answer
		got := send(t, srv, "GET", target, "", nil).header.Get("Server-Timing")
		if has := strings.HasSuffix(got, ", init;dur=12.346"); has != (i == 0) {
			t.Errorf("answer %d: Server-Timing = %q", i, got)
		}
	}
	srv.Close()
	if calls != 1 {
		t.Errorf("the function was called %d times; want 1", calls)
	}
}

// brokenStore stands for faults that a real store is not supposed to have.
type brokenStore struct {
	app.Store
	fault func() error
}

func (s brokenStore) Put(context.Context, app.Text) error { return s.fault() }
func (s brokenStore) Ping(context.Context) error          { return s.fault() }

func TestFaultsInside(t *testing.T) {
	for name, fault := range map[string]func() error{
		"panic":            func() error { panic("secret") },
		"unexpected error": func() error { return errors.New("secret") },
	} {
		t.Run(name, func(t *testing.T) {
			var logs bytes.Buffer
			srv := startServer(t, app.New(brokenStore{fault: fault}, app.WithLogger(slog.New(slog.NewJSONHandler(&logs, nil)))))
			got := send(t, srv, "POST", "/", "text/plain", strings.NewReader("abc"))
			check(t, got, 500, "")
			if !timingPattern.MatchString(got.header.Get("Server-Timing")) {
				t.Errorf("Server-Timing = %q", got.header.Get("Server-Timing"))
			}
			check(t, send(t, srv, "GET", "/", "", nil), 200, "alive")
			srv.Close()
			var record map[string]any
			if err := json.Unmarshal(logs.Bytes(), &record); err != nil {
				t.Fatalf("log %q: %v", logs.String(), err)
			}
			if record["level"] != "ERROR" || !strings.Contains(logs.String(), "secret") {
				t.Errorf("log record = %v; want the cause at ERROR", record)
			}
			if stack, _ := record["stack"].(string); name == "panic" && !strings.Contains(stack, "TestFaultsInside") {
				t.Errorf("stack = %q; want one that leads to the panic", stack)
			}
		})
	}
}

func TestRequestsAreLoggedAtDebugOnly(t *testing.T) {
	for level, want := range map[slog.Level]int{slog.LevelInfo: 0, slog.LevelDebug: 1} {
		store, _ := openStore(t)
		var logs bytes.Buffer
		l := slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: level}))
		srv := startServer(t, app.New(store, app.WithLogger(l)))
		send(t, srv, "GET", "/", "", nil)
		srv.Close()
		if n := strings.Count(logs.String(), `"msg":"request"`); n != want {
			t.Errorf("at %v %d requests were logged; want %d: %s", level, n, want, logs.String())
		}
	}
}

// A client that has gone ends the work that was for it.
func TestDigestStopsWithTheClient(t *testing.T) {
	store, _ := openStore(t)
	a := app.New(store)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/digest?rounds=1000000", strings.NewReader("abc"))
	a.ServeHTTP(rec, req)
	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("status = %d; want 503, for the digest was not computed", rec.Code)
	}
}
