package recorder

import (
	"maps"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Set is a mergeable set of requests. The zero value is empty.
type Set struct {
	// Wall is from the first send to the last answer; of merged sets, the sum. 0 is a time that is not known.
	Wall time.Duration

	response   *result.Histogram
	service    *result.Histogram // nil in a closed loop, where it is the response time
	lag        *result.Histogram // nil in a closed loop, which has no schedule
	errors     map[string]int64
	errorTimes *result.Histogram
	unsent     *result.Histogram
	connects   *result.Histogram
	handshakes *result.Histogram

	// What the answers said of themselves.
	app, store, init *result.Histogram
}

// histograms are all of a set.
func (s *Set) histograms() []**result.Histogram {
	return []**result.Histogram{&s.response, &s.service, &s.lag, &s.errorTimes, &s.unsent, &s.connects, &s.handshakes, &s.app, &s.store, &s.init}
}

// Merge adds o to s; o stays as it is.
func (s *Set) Merge(o *Set) {
	s.Wall += o.Wall
	from := o.histograms()
	for i, h := range s.histograms() {
		*h = merge(*h, *from[i])
	}
	if s.errors == nil && len(o.errors) > 0 {
		s.errors = map[string]int64{}
	}
	for kind, n := range o.errors {
		s.errors[kind] += n
	}
}

// empty tells whether nothing has been recorded.
func (s *Set) empty() bool {
	for _, h := range s.histograms() {
		if *h != nil && (*h).Count() > 0 {
			return false
		}
	}
	return len(s.errors) == 0
}

// reset empties s and keeps its memory.
func (s *Set) reset() {
	s.Wall = 0
	clear(s.errors)
	for _, h := range s.histograms() {
		if *h != nil {
			(*h).Reset()
		}
	}
}

// Stats is the set as result files have it.
func (s *Set) Stats() result.Stats {
	out := result.Stats{
		Errors:       map[string]int64{},
		ResponseTime: s.response.Summary(),
		ErrorTime:    s.errorTimes.Summary(),
		ConnectTime:  s.connects.Summary(),
		SendLag:      known(s.lag),
		UnsentTime:   known(s.unsent),
		TLSTime:      known(s.handshakes),
		ServerTiming: result.NewServerTiming(s.app, s.store, s.init),
	}
	if s.service == nil || s.service.Count() == 0 {
		out.ServiceTime = out.ResponseTime // in a closed loop a request is due when it is sent
	} else {
		out.ServiceTime = s.service.Summary()
	}
	out.Successes = out.ResponseTime.Count
	out.Requests = out.Successes
	maps.Copy(out.Errors, s.errors)
	for _, n := range s.errors {
		out.Requests += n
	}
	if s.Wall > 0 {
		wall := s.Wall.Seconds()
		rps := float64(out.Successes) / wall
		out.WallS, out.ThroughputRPS = &wall, &rps
	}
	return out
}

// known is the summary of a histogram that has samples, and nil otherwise.
func known(h *result.Histogram) *result.Summary {
	if h == nil || h.Count() == 0 {
		return nil
	}
	s := h.Summary()
	return &s
}

// merge adds o to a histogram of our own and returns it; either may be nil, and o stays as it is.
func merge(h, o *result.Histogram) *result.Histogram {
	if o == nil || o.Count() == 0 {
		return h
	}
	if h == nil {
		h = result.NewHistogram()
	}
	h.Merge(o)
	return h
}
