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

	successes  *result.Histogram
	errors     map[string]int64
	errorTimes *result.Histogram
	connects   *result.Histogram
}

// Merge adds o to s; o stays as it is.
func (s *Set) Merge(o *Set) {
	s.Wall += o.Wall
	s.successes = merge(s.successes, o.successes)
	s.errorTimes = merge(s.errorTimes, o.errorTimes)
	s.connects = merge(s.connects, o.connects)
	if s.errors == nil && len(o.errors) > 0 {
		s.errors = map[string]int64{}
	}
	for kind, n := range o.errors {
		s.errors[kind] += n
	}
}

// Stats is the set as result files have it.
func (s *Set) Stats() result.Stats {
	out := result.Stats{
		Errors:       map[string]int64{},
		ResponseTime: s.successes.Summary(),
		ErrorTime:    s.errorTimes.Summary(),
		ConnectTime:  s.connects.Summary(),
	}
	// In a closed loop a request is due when it is sent.
	out.ServiceTime = out.ResponseTime
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

// merge adds o to a histogram of our own and returns it; either may be nil, and o stays as it is.
func merge(h, o *result.Histogram) *result.Histogram {
	if o == nil {
		return h
	}
	if h == nil {
		h = result.NewHistogram()
	}
	h.Merge(o)
	return h
}
