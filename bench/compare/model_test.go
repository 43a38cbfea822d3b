package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ticks is another simulation of the same, in steps of a millisecond and with a queue: an oracle for loads all of whose times are whole
// milliseconds.
func ticks(l arrivals, a answers) []time.Duration {
	const tick = time.Millisecond
	type request struct {
		due  time.Duration
		left time.Duration // of its answer's time; progress is not made in the stall
	}
	var queue, flying []*request
	var responses []time.Duration
	for now, next := time.Duration(0), 0; len(responses) < l.requests(); now += tick {
		for i := 0; i < len(flying); {
			if flying[i].left > 0 {
				i++
				continue
			}
			responses = append(responses, now-flying[i].due)
			flying = slices.Delete(flying, i, i+1)
		}
		for ; next < l.requests() && time.Duration(next)*time.Second/time.Duration(l.RatePerSecond) <= now; next++ {
			queue = append(queue, &request{due: time.Duration(next) * time.Second / time.Duration(l.RatePerSecond), left: a.Takes})
		}
		for len(queue) > 0 && len(flying) < l.Connections {
			flying, queue = append(flying, queue[0]), queue[1:]
		}
		if now >= a.From && now < a.From+a.Lasts {
			continue
		}
		for _, r := range flying {
			r.left -= tick
		}
	}
	slices.Sort(responses)
	return responses
}

func TestModelAgainstTicks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		rates := []int{1, 2, 5, 10, 50, 100, 125, 200, 250, 500, 1000}
		l := arrivals{
			RatePerSecond: rates[random.IntN(len(rates))], Connections: 1 + random.IntN(12), Lasts: time.Duration(1+random.IntN(5)) * time.Second,
		}
		a := answers{
			Takes: time.Duration(1+random.IntN(30)) * time.Millisecond, From: time.Duration(random.IntN(4000)) * time.Millisecond,
			Lasts: time.Duration(random.IntN(3000)) * time.Millisecond,
		}
		t.Run(fmt.Sprintf("%+v %+v", l, a), func(t *testing.T) {
			var got []time.Duration
			for _, e := range model(l, a) {
				got = append(got, e.response())
			}
			slices.Sort(got)
			if diff := cmp.Diff(ticks(l, a), got); diff != "" {
				t.Errorf("response times (-ticks +model):\n%s", diff)
			}
		})
	}
}

// Without a limit of connections a request that is due d before the end of the stall takes d and an answer's time.
func TestModelUnlimited(t *testing.T) {
	l, a := stallTest()
	l.Connections = l.requests()
	end := a.From + a.Lasts
	for _, e := range model(l, a) {
		want := a.Takes
		if e.due >= a.From && e.due < end {
			want = end - e.due + a.Takes
		}
		if e.due != e.sent || e.response() != want {
			t.Errorf("a request due at %s was sent at %s and took %s, want %s", e.due, e.sent, e.response(), want)
		}
	}
}

func TestStallTestIsHardToMiss(t *testing.T) {
	load, answers := stallTest()
	events := model(load, answers)
	response, service := exact(events, event.response), exact(events, event.service)
	if len(events) != 2000 || response.P50 != 2 || response.P90 < 1000 || response.P95 < 1500 || response.P99 < 1900 {
		t.Errorf("%d requests, response times %+v", len(events), response)
	}
	// Ten requests are in flight in the stall, half a percent of all.
	if service != (percentiles{2, 2, 2, 2}) {
		t.Errorf("service times %+v", service)
	}
}
