package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// metrics serves what is measured to a Prometheus server on this machine. It is a loadgen.Observer and a watcher, and a
// prometheus.Collector with a registry of its own.
//
// Counts and histograms grow once a second, when an interval ends; the gauges are of the moment of the scrape.
type metrics struct {
	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup

	mu     sync.Mutex
	names  []string
	phases []scenario.Phase
	series map[seriesKey]*series
	now    map[string]func() recorder.Progress // of targets whose turn it is
	final  bool                                // nothing will change any more

	scraped  chan struct{} // closed by a scrape of the final values
	scrapeMu sync.Once
}

// seriesKey tells what has histograms of its own.
type seriesKey struct{ target, phase string }

// series are the sums over all intervals of a phase, in all its rounds.
type series struct {
	succeeded, failed      float64
	errors                 map[string]float64
	response, service, lag buckets
}

// buckets are a classic histogram: every Prometheus can read it, and it needs no flag.
type buckets struct {
	count  uint64
	sum    float64 // s
	atMost []uint64
}

// bucketLimits are those of response and service times, lagLimits those of the send lag.
var (
	bucketLimits = decades(100*time.Microsecond, time.Minute)
	lagLimits    = decades(10*time.Microsecond, time.Second)
)

// decades are the limits 1, 2 and 5 times each power of ten from the lowest to the highest.
func decades(lowest, highest time.Duration) []time.Duration {
	var limits []time.Duration
	for at := lowest; ; at *= 10 {
		for _, times := range []int{1, 2, 5} {
			limit := time.Duration(times) * at
			if limit >= highest {
				return append(limits, highest)
			}
			limits = append(limits, limit)
		}
	}
}

var (
	requestsDesc = prometheus.NewDesc("crossover_requests_total",
		"Requests that ended, by outcome: success or error.", []string{"target", "phase", "outcome"}, nil)
	errorsDesc = prometheus.NewDesc("crossover_errors_total",
		"Requests that failed, by kind of error.", []string{"target", "kind"}, nil)
	responseDesc = prometheus.NewDesc("crossover_response_seconds",
		"Time from when a request was due to its right answer.", []string{"target", "phase"}, nil)
	serviceDesc = prometheus.NewDesc("crossover_service_seconds",
		"Time from when a request was sent to its right answer.", []string{"target", "phase"}, nil)
	lagDesc = prometheus.NewDesc("crossover_send_lag_seconds",
		"How much later than possible the generator sent requests of an open load.", []string{"target", "phase"}, nil)
	inFlightDesc = prometheus.NewDesc("crossover_in_flight",
		"Requests that were sent and have no answer yet.", []string{"target"}, nil)
	queuedDesc = prometheus.NewDesc("crossover_queued",
		"Requests that are due and wait for a connection.", []string{"target"}, nil)
)

// loopback checks the address of --metrics and completes it: a port alone is one of 127.0.0.1.
func loopback(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("--metrics %q: expected HOST:PORT such as 127.0.0.1:9464, or :0 for any free port", address)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return "", fmt.Errorf("--metrics %q: expected an address of this machine's loopback, such as 127.0.0.1:%s, as anybody could read it elsewhere"+
			" (from another machine: ssh -L %[2]s:127.0.0.1:%[2]s HOST)", address, port)
	}
	return net.JoinHostPort(host, port), nil
}

// serveMetrics listens on an address that loopback has checked.
func serveMetrics(ctx context.Context, address string) (*metrics, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--metrics: %w (:0 takes any free port)", err)
	}
	m := &metrics{listener: l, series: map[seriesKey]*series{}, now: map[string]func() recorder.Progress{}, scraped: make(chan struct{})}
	registry := prometheus.NewRegistry()
	if err := registry.Register(m); err != nil {
		return nil, errors.Join(fmt.Errorf("--metrics: %w", err), l.Close())
	}
	pages := http.NewServeMux()
	pages.Handle("GET /metrics", m.noting(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
	m.server = &http.Server{Handler: pages, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}
	m.serving.Go(func() { _ = m.server.Serve(l) })
	return m, nil
}

// url is where the metrics are.
func (m *metrics) url() string { return "http://" + m.listener.Addr().String() + "/metrics" }

// noting tells when the final values have been read.
func (m *metrics) noting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		final := m.final
		m.mu.Unlock()
		h.ServeHTTP(w, r)
		if final {
			m.scrapeMu.Do(func() { close(m.scraped) })
		}
	})
}

// begin says what the load is, before it.
func (m *metrics) begin(names []string, phases []scenario.Phase) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.phases = phases
	for _, name := range names {
		m.names = append(m.names, strings.ToValidUTF8(name, "\uFFFD")) // labels are text
	}
}

// Started implements loadgen.Observer.
func (m *metrics) Started(t loadgen.Turn, progress func() recorder.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now[m.names[t.Target]] = progress
}

// Interval implements loadgen.Observer.
func (m *metrics) Interval(loadgen.Turn, loadgen.Interval) {}

// Ended implements loadgen.Observer.
func (m *metrics) Ended(t loadgen.Turn, _ recorder.Phase, _ time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.now, m.names[t.Target])
}

// sampled implements watcher.
func (m *metrics) sampled(i *sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := seriesKey{m.names[i.turn.Target], m.phases[i.turn.Phase].Name}
	s := m.series[key]
	if s == nil {
		s = &series{errors: map[string]float64{}}
		m.series[key] = s
	}
	s.succeeded += float64(i.stats.Successes)
	s.failed += float64(i.stats.Requests - i.stats.Successes)
	for kind, n := range i.stats.Errors {
		s.errors[kind] += float64(n)
	}
	s.response.add(&i.stats.ResponseTime, bucketLimits)
	s.service.add(&i.stats.ServiceTime, bucketLimits)
	if i.stats.SendLag != nil {
		s.lag.add(i.stats.SendLag, lagLimits)
	}
}

func (b *buckets) add(s *result.Summary, limits []time.Duration) {
	if b.atMost == nil {
		b.atMost = make([]uint64, len(limits))
	}
	h, err := s.Decode()
	if err != nil || h == nil { // we encoded it a moment ago
		return
	}
	for i, n := range h.AtMost(limits) {
		b.atMost[i] += n
	}
	b.count += uint64(s.Count) //nolint:gosec // a count is not negative
	b.sum += *s.Mean * float64(s.Count) / 1e6
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{requestsDesc, errorsDesc, responseDesc, serviceDesc, lagDesc, inFlightDesc, queuedDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	failed := map[[2]string]float64{}
	for key, s := range m.series {
		to <- prometheus.MustNewConstMetric(requestsDesc, prometheus.CounterValue, s.succeeded, key.target, key.phase, "success")
		to <- prometheus.MustNewConstMetric(requestsDesc, prometheus.CounterValue, s.failed, key.target, key.phase, "error")
		for kind, n := range s.errors {
			failed[[2]string{key.target, kind}] += n
		}
		s.response.collect(to, responseDesc, bucketLimits, key)
		s.service.collect(to, serviceDesc, bucketLimits, key)
		s.lag.collect(to, lagDesc, lagLimits, key)
	}
	for _, key := range slices.Collect(maps.Keys(failed)) {
		to <- prometheus.MustNewConstMetric(errorsDesc, prometheus.CounterValue, failed[key], key[0], key[1])
	}
	for _, name := range m.names {
		var now recorder.Progress
		if progress := m.now[name]; progress != nil {
			now = progress()
		}
		to <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(now.InFlight), name)
		to <- prometheus.MustNewConstMetric(queuedDesc, prometheus.GaugeValue, float64(now.Queued), name)
	}
}

func (b *buckets) collect(to chan<- prometheus.Metric, d *prometheus.Desc, limits []time.Duration, key seriesKey) {
	if b.count == 0 {
		return
	}
	atMost := make(map[float64]uint64, len(limits))
	for i, limit := range limits {
		atMost[limit.Seconds()] = b.atMost[i]
	}
	to <- prometheus.MustNewConstHistogram(d, b.count, b.sum, atMost, key.target, key.phase)
}

// finalize says that the values are final: a scrape from now on has them.
func (m *metrics) finalize() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.final = true
}

// finish waits until the final values have been scraped, for at most so long, or until ctx or stop ends.
func (m *metrics) finish(ctx context.Context, stop <-chan struct{}, longest time.Duration) {
	late := time.NewTimer(longest)
	defer late.Stop()
	select {
	case <-m.scraped:
	case <-late.C:
	case <-stop:
	case <-ctx.Done():
	}
}

// close ends the endpoint, after the answers that are under way.
func (m *metrics) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := m.server.Shutdown(ctx); err != nil {
		_ = m.server.Close()
	}
	m.serving.Wait()
}
