package result

import (
	"fmt"
	"maps"
	"time"
)

// sums adds up the stats of spans that follow each other. The zero value is empty.
type sums struct {
	wall     time.Duration
	requests int64
	errors   map[string]int64

	response, service, failed, connects, handshakes, lag, unsent, app, store, init *Histogram // nil until their first sample
}

// add adds stats, but for their wall time.
func (s *sums) add(o *Stats) error {
	s.requests += o.Requests
	s.fail(o.Errors)
	for _, each := range []struct {
		name string
		to   **Histogram
		from *Summary
	}{
		{"response_time_us", &s.response, &o.ResponseTime},
		{"service_time_us", &s.service, &o.ServiceTime},
		{"error_time_us", &s.failed, &o.ErrorTime},
		{"connect_time_us", &s.connects, &o.ConnectTime},
		{"tls_time_us", &s.handshakes, o.TLSTime},
		{"send_lag_us", &s.lag, o.SendLag},
		{"unsent_time_us", &s.unsent, o.UnsentTime},
		{"server_timing_us.app", &s.app, o.ServerTiming.of().App},
		{"server_timing_us.store", &s.store, o.ServerTiming.of().Store},
		{"server_timing_us.init", &s.init, o.ServerTiming.of().Init},
	} {
		if each.from == nil {
			continue
		}
		if err := addSummary(each.to, each.from); err != nil {
			return fmt.Errorf("%s: %w", each.name, err)
		}
	}
	return nil
}

func (s *sums) fail(errors map[string]int64) {
	if s.errors == nil {
		s.errors = map[string]int64{}
	}
	for kind, n := range errors {
		s.errors[kind] += n
	}
}

// merge adds o to s; o stays as it is.
func (s *sums) merge(o *sums) {
	s.wall += o.wall
	s.requests += o.requests
	s.fail(o.errors)
	from := o.histograms()
	for i, to := range s.histograms() {
		mergeInto(to, *from[i])
	}
}

func (s *sums) histograms() []**Histogram {
	return []**Histogram{&s.response, &s.service, &s.failed, &s.connects, &s.handshakes, &s.lag, &s.unsent, &s.app, &s.store, &s.init}
}

// stats are the sums as result files have them.
func (s *sums) stats() Stats {
	out := Stats{
		Requests: s.requests, Errors: map[string]int64{},
		ResponseTime: s.response.Summary(), ServiceTime: s.service.Summary(), ErrorTime: s.failed.Summary(),
		ConnectTime: s.connects.Summary(), TLSTime: known(s.handshakes), SendLag: known(s.lag), UnsentTime: known(s.unsent),
		ServerTiming: NewServerTiming(s.app, s.store, s.init),
	}
	out.Successes = out.ResponseTime.Count
	maps.Copy(out.Errors, s.errors)
	if s.wall > 0 {
		wall := s.wall.Seconds()
		rps := float64(out.Successes) / wall
		out.WallS, out.ThroughputRPS = &wall, &rps
	}
	return out
}

// NewServerTiming makes summaries of histograms, which may be nil; it is nil where all are empty.
func NewServerTiming(app, store, init *Histogram) *ServerTiming {
	t := ServerTiming{App: known(app), Store: known(store), Init: known(init)}
	if t == (ServerTiming{}) {
		return nil
	}
	return &t
}

// of is an empty one for nil.
func (t *ServerTiming) of() ServerTiming {
	if t == nil {
		return ServerTiming{}
	}
	return *t
}

// known is the summary of a histogram that has samples, and nil otherwise.
func known(h *Histogram) *Summary {
	if h == nil || h.Count() == 0 {
		return nil
	}
	s := h.Summary()
	return &s
}

func addSummary(to **Histogram, s *Summary) error {
	h, err := s.Decode()
	if err != nil {
		return err
	}
	mergeInto(to, h)
	return nil
}

// mergeInto adds a histogram, which may be nil, to one that is made when it is needed.
func mergeInto(to **Histogram, h *Histogram) {
	if h == nil {
		return
	}
	if *to == nil {
		*to = NewHistogram()
	}
	(*to).Merge(h)
}
