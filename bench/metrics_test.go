package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// scrape reads the metrics by name with labels.
func scrape(t *testing.T, url string) map[string]string {
	t.Helper()
	resp, err := http.Get(url) //nolint:noctx,gosec // a local server
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", url, resp.Status, err, text)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			values[name] = value
		}
	}
	return values
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	app, first, seen := testHandler("slow"), make(chan struct{}, 1), make(chan struct{})
	first <- struct{}{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-first:
			<-seen // so that it is in flight for as long as it takes to see it
		default:
		}
		app.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	out := filepath.Join(t.TempDir(), "out")
	r := start(t, nil, "--target", "app="+server.URL, "--skip-check", "--scenario", write(t, "s.yaml", shortScenario), "--out", out,
		"--metrics", ":0", "--metrics-linger", "1h")
	r.await("Metrics: http://127.0.0.1:")
	line, _, _ := strings.Cut(r.stderr.String(), "\n")
	url := strings.TrimPrefix(line, "Metrics: ")
	const flying = `crossover_in_flight{target="app"}`
	eventually(t, "a request is seen in flight", func() bool { n, ok := scrape(t, url)[flying]; return ok && n != "0" })
	close(seen)
	r.await("waiting up to 1h0m0s for a scrape of the final values")
	got := scrape(t, url)
	r.wait(exitDone) // as soon as the final values were read
	want, err := result.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range want.Targets[0].Phases {
		n := fmt.Sprint(p.Successes)
		labels := fmt.Sprintf(`{phase=%q,target="app"`, p.Name)
		for name, value := range map[string]string{
			"crossover_requests_total{outcome=\"success\"," + labels[1:] + "}": n,
			"crossover_requests_total{outcome=\"error\"," + labels[1:] + "}":   "0",
			"crossover_response_seconds_count" + labels + "}":                  n,
			"crossover_service_seconds_bucket" + labels + `,le="+Inf"}`:        n,
			"crossover_service_seconds_bucket" + labels + `,le="0.01"}`:        "0", // the app takes 20 ms
			"crossover_service_seconds_bucket" + labels + `,le="60"}`:          n,
			flying: "0",
		} {
			if got[name] != value {
				t.Errorf("phase %d: %s is %q, want %q", i, name, got[name], value)
			}
		}
	}
	for name := range got {
		if !strings.HasPrefix(name, "crossover_") || strings.HasPrefix(name, "crossover_send_lag") {
			t.Errorf("there is %s", name)
		}
	}
}

// TestMetricsOfFailures goes without sockets: what is collected from intervals that have everything.
func TestMetricsOfFailures(t *testing.T) {
	t.Parallel()
	m, err := serveMetrics(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.close(context.Background()) })
	m.begin([]string{"one", "t\xffwo"}, []scenario.Phase{{Name: "a"}, {Name: "b"}})
	all, rec := observers{m}, recorder.New(1, 1)
	for phase := range 2 {
		turn := loadgen.Turn{Target: 1, Phase: phase, Round: 1}
		all.Started(turn, func() recorder.Progress { return recorder.Progress{InFlight: 3, Queued: 5} })
		rec.Worker(0).Failure(0, "timeout", time.Second, func() string { return "" })
		rec.Worker(0).Unsent(0, time.Second)
		rec.Worker(0).SuccessOpen(0, recorder.Times{Response: 3 * time.Second, Service: 30 * time.Millisecond, Lag: 30 * time.Microsecond}, false)
		all.Interval(turn, loadgen.Interval{To: time.Second, Recorded: rec.Interval()})
	}
	got := scrape(t, m.url())
	for name, value := range map[string]string{
		`crossover_errors_total{kind="timeout",target="t�wo"}`:                  "2",
		`crossover_errors_total{kind="unsent",target="t�wo"}`:                   "2",
		`crossover_requests_total{outcome="error",phase="a",target="t�wo"}`:     "2",
		`crossover_requests_total{outcome="success",phase="b",target="t�wo"}`:   "1",
		`crossover_response_seconds_bucket{phase="a",target="t�wo",le="2"}`:     "0",
		`crossover_response_seconds_bucket{phase="a",target="t�wo",le="5"}`:     "1",
		`crossover_response_seconds_sum{phase="a",target="t�wo"}`:               "3",
		`crossover_service_seconds_sum{phase="b",target="t�wo"}`:                "0.03",
		`crossover_send_lag_seconds_bucket{phase="b",target="t�wo",le="2e-05"}`: "0",
		`crossover_send_lag_seconds_bucket{phase="b",target="t�wo",le="5e-05"}`: "1",
		`crossover_in_flight{target="t�wo"}`:                                    "3", `crossover_queued{target="t�wo"}`: "5",
		`crossover_in_flight{target="one"}`: "0", `crossover_queued{target="one"}`: "0",
	} {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	// The wait ends by itself, by the user, or by a scrape that began after the end; the one above did not.
	stop := make(chan struct{})
	close(stop)
	m.finalize()
	m.finish(t.Context(), stop, time.Hour)
	m.finish(t.Context(), nil, 0)
	var wait sync.WaitGroup
	wait.Go(func() { m.finish(t.Context(), nil, time.Hour) })
	scrape(t, m.url())
	wait.Wait()
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		":0": "127.0.0.1:0", "127.0.0.1:9464": "127.0.0.1:9464", "127.9.9.9:1": "127.9.9.9:1", "[::1]:0": "[::1]:0", "localhost:0": "localhost:0",
		"0.0.0.0:1": "", "[::]:1": "", "192.0.2.1:1": "", "example.com:80": "", "9464": "", "": "",
	} {
		got, err := loopback(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q becomes %q, %v, want %q", address, got, err, want)
		}
		if want == "" && (err == nil || !strings.Contains(err.Error(), "127.0.0.1:")) {
			t.Errorf("%q: the error does not say what to write: %v", address, err)
		}
	}
}
