package recorder_test

import (
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/recorder"
)

func TestTold(t *testing.T) {
	r := recorder.New(2, 1)
	for i := range 2 {
		w := r.Worker(i)
		w.Success(0, 10*time.Millisecond, i == 0)
		w.Told(2*time.Millisecond, time.Duration(i)*time.Millisecond-1, []time.Duration{80 * time.Millisecond, -1}[i])
	}
	p := r.Take(time.Second)
	s := p.Overall.Stats().ServerTiming
	if s == nil || s.App.Count != 2 || *s.App.Mean != 2000 || s.Store.Count != 1 || *s.Store.Mean != 1000 || s.Init.Count != 1 || *s.Init.Mean != 80_000 {
		t.Fatalf("the answers said %+v", s)
	}
	if p.Steps[0].Stats().ServerTiming != nil {
		t.Error("steps share what answers say")
	}
	r.Worker(0).Success(0, time.Millisecond, false)
	r.Worker(0).Told(-1, -1, -1)
	next := r.Take(time.Second)
	if got := next.Overall.Stats().ServerTiming; got != nil {
		t.Errorf("an answer that says nothing said %+v", got)
	}
	p.Merge(&next)
	if got := p.Overall.Stats(); got.ServerTiming.App.Count != 2 || got.Successes != 3 {
		t.Errorf("merged: %+v", got.ServerTiming)
	}
}

func TestToldDoesNotAllocate(t *testing.T) {
	r := recorder.New(1, 1)
	w := r.Worker(0)
	w.Told(time.Millisecond, time.Millisecond, time.Millisecond)
	if n := testing.AllocsPerRun(1000, func() { w.Told(time.Millisecond, time.Microsecond, -1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
