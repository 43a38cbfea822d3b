package main

import (
	"math"
	"slices"
	"time"
)

// answers is how the server of the stall test answers: each request after the same time, but for one stall, in which nothing makes
// progress. The server and the model of it share this.
type answers struct {
	Takes time.Duration `json:"takes_ns"`
	// From is when the stall begins, from the first request on.
	From  time.Duration `json:"stall_from_ns"`
	Lasts time.Duration `json:"stall_lasts_ns"`
}

// answered says when a request that arrives at a time is answered. The stall ends for all requests at once.
func (a answers) answered(arrived time.Duration) time.Duration {
	end := a.From + a.Lasts
	switch {
	case arrived >= end || arrived+a.Takes <= a.From:
		return arrived + a.Takes
	case arrived >= a.From:
		return end + a.Takes
	}
	return arrived + a.Takes + a.Lasts // was in flight when the stall began
}

// arrivals is the load of the stall test: requests are due at i/rate for every i with i/rate < lasts.
type arrivals struct {
	RatePerSecond int           `json:"rate_rps"`
	Lasts         time.Duration `json:"lasts_ns"`
	Connections   int           `json:"connections"`
}

// requests is how many requests are due.
func (l arrivals) requests() int {
	return int(math.Ceil(float64(l.RatePerSecond) * l.Lasts.Seconds()))
}

// event is one request of the model.
type event struct {
	due, sent, answered time.Duration
}

func (e event) response() time.Duration { return e.answered - e.due }
func (e event) service() time.Duration  { return e.answered - e.sent }

// model is a discrete-event simulation: requests in the order in which they are due, each on the connection that is free first.
func model(l arrivals, a answers) []event {
	events := make([]event, l.requests())
	free := make([]time.Duration, l.Connections)
	for i := range events {
		due := time.Duration(i) * time.Second / time.Duration(l.RatePerSecond)
		first := 0
		for c := range free {
			if free[c] < free[first] {
				first = c
			}
		}
		sent := max(due, free[first])
		free[first] = a.answered(sent)
		events[i] = event{due, sent, free[first]}
	}
	return events
}

// percentiles of times, in the unit that people compare; -1 for what a tool does not print.
type percentiles struct {
	P50 float64 `json:"p50_ms"`
	P90 float64 `json:"p90_ms"`
	P95 float64 `json:"p95_ms"`
	P99 float64 `json:"p99_ms"`
}

// unknown is the percentile that a tool does not print.
const unknown = -1

// exact gives nearest-rank percentiles of what of says of each event.
func exact(events []event, of func(event) time.Duration) percentiles {
	times := make([]time.Duration, len(events))
	for i, e := range events {
		times[i] = of(e)
	}
	slices.Sort(times)
	at := func(percent float64) float64 {
		rank := int(math.Ceil(float64(len(times)) * percent / 100))
		return times[rank-1].Seconds() * 1e3
	}
	return percentiles{P50: at(50), P90: at(90), P95: at(95), P99: at(99)}
}
