package emulator

import (
	"slices"
	"testing"
	"time"
)

// Lambda's scaling rate: 1,000 at once, then 100 a second, never more than 1,000 ("Lambda scaling behavior").
func TestBucket(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	b := newBucket(1000, 10*time.Second, at)
	taken := func(at time.Time) int {
		n := 0
		for b.take(at) {
			n++
		}
		return n
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1000}, {0, 0}, {time.Second, 100}, {9 * time.Millisecond, 0}, {time.Millisecond, 1}, {time.Hour, 1000}, {-time.Second, 0}} {
		at = at.Add(step.after)
		if got := taken(at); got != step.want {
			t.Errorf("%v later: %d tokens, want %d", step.after, got, step.want)
		}
	}
	// In small steps as many as in one.
	total := 0
	for range 10_000 {
		at = at.Add(time.Millisecond)
		total += taken(at)
	}
	if total < 898 || total > 900 { // a second of the ten had gone back before
		t.Errorf("%d tokens in 9 s, want 900", total)
	}
}

func TestSamples(t *testing.T) {
	var s samples
	for i := range 3 * maxConcurrencies {
		s.tick(ConcurrencySample{AtMS: int64(i) * 1000, Busy: i, Peaks: Peaks{BusyMax: i}})
	}
	if n := len(s.list); n > maxConcurrencies || n < maxConcurrencies/2 {
		t.Errorf("%d samples, want up to %d", n, maxConcurrencies)
	}
	for i, c := range s.list[1:] {
		if before := s.list[i]; c.AtMS <= before.AtMS || c.BusyMax < c.Busy || c.BusyMax <= before.BusyMax {
			t.Fatalf("sample %d is %+v after %+v", i+1, c, before)
		}
	}
	if last := s.list[len(s.list)-1]; last.BusyMax < 3*maxConcurrencies-4 {
		t.Errorf("the last sample is %+v", last)
	}
	n := len(s.list)
	for range 100 {
		s.tick(ConcurrencySample{Idle: 7})
	}
	if len(s.list) != n+1 && len(s.list) != n+2 { // one has the most of before
		t.Errorf("%d samples of what does not change", len(s.list)-n)
	}
}

// TestSamplesLoseNoPeak: what is as before at each tick, but was more in between, is a sample each time, for a peak is of the time since
// the sample before alone.
func TestSamplesLoseNoPeak(t *testing.T) {
	var s samples
	for i := range 10 {
		s.tick(ConcurrencySample{AtMS: int64(i) * 1000, Idle: 5, Peaks: Peaks{BusyMax: 5, EnvironmentsMax: 5}})
	}
	if len(s.list) != 10 {
		t.Errorf("%d samples of 10 s with work in each", len(s.list))
	}
	for i := range 10 {
		s.tick(ConcurrencySample{AtMS: int64(10+i) * 1000, Idle: 5, Peaks: Peaks{EnvironmentsMax: 5}})
	}
	if len(s.list) != 11 || s.list[10].AtMS != 19_000 {
		t.Errorf("%d samples, want one more, at the end of 10 s without any: %+v", len(s.list), s.list[10:])
	}
}

// TestSampleBetweenTwoTicks: what comes after it is not of the time before, and what nothing has changed in is not of the time after.
func TestSampleBetweenTwoTicks(t *testing.T) {
	var s samples
	idle := Peaks{EnvironmentsMax: 2}
	s.tick(ConcurrencySample{AtMS: 0, Idle: 2, Peaks: idle})
	s.add(ConcurrencySample{AtMS: 400, Idle: 2, Peaks: Peaks{BusyMax: 2, EnvironmentsMax: 2}})
	s.add(ConcurrencySample{AtMS: 800, Idle: 2, Peaks: idle})
	s.tick(ConcurrencySample{AtMS: 1000, Idle: 2, Peaks: idle})
	s.add(ConcurrencySample{AtMS: 1100, Idle: 2, Peaks: idle})
	s.add(ConcurrencySample{AtMS: 1500, Idle: 10, Peaks: Peaks{BusyMax: 10, EnvironmentsMax: 10, StartingMax: 8}})
	s.add(ConcurrencySample{AtMS: 1500, Busy: 1, Idle: 9, Peaks: Peaks{BusyMax: 1, EnvironmentsMax: 10}})
	want := []ConcurrencySample{
		{AtMS: 0, Idle: 2, Peaks: idle},
		{AtMS: 400, Idle: 2, Peaks: Peaks{BusyMax: 2, EnvironmentsMax: 2}},
		{AtMS: 1100, Idle: 2, Peaks: idle},
		{AtMS: 1500, Busy: 1, Idle: 9, Peaks: Peaks{BusyMax: 10, EnvironmentsMax: 10, StartingMax: 8}},
	}
	if !slices.Equal(s.list, want) {
		t.Errorf("%+v\nwant %+v", s.list, want)
	}
}

// TestHalvedSamplesKeepTheirTimes: each still is of its own time, with the peaks since the one before.
func TestHalvedSamplesKeepTheirTimes(t *testing.T) {
	s := samples{list: []ConcurrencySample{
		{AtMS: 0, Busy: 1, Peaks: Peaks{BusyMax: 9, StartingMax: 1}},
		{AtMS: 1000, Busy: 2, Peaks: Peaks{BusyMax: 3, StartingMax: 2}},
		{AtMS: 2000, Busy: 3, Peaks: Peaks{BusyMax: 4}},
		{AtMS: 3000, Busy: 4, Peaks: Peaks{BusyMax: 5, EnvironmentsMax: 7}},
	}}
	s.halve()
	want := []ConcurrencySample{
		{AtMS: 1000, Busy: 2, Peaks: Peaks{BusyMax: 9, StartingMax: 2}}, {AtMS: 3000, Busy: 4, Peaks: Peaks{BusyMax: 5, EnvironmentsMax: 7}},
	}
	if !slices.Equal(s.list, want) {
		t.Errorf("%+v\nwant %+v", s.list, want)
	}
}

func TestFrozenClock(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	var c frozenClock
	c.freeze(at(10))
	c.freeze(at(20))
	if times, total, now := c.read(at(30)); times != 2 || total != 30*time.Second || now != 2 {
		t.Errorf("after 30 s: %d times, %v, %d now", times, total, now)
	}
	c.thaw(at(10), at(30))
	if times, total, now := c.read(at(40)); times != 2 || total != 40*time.Second || now != 1 {
		t.Errorf("after 40 s: %d times, %v, %d now", times, total, now)
	}
	c.thaw(at(20), at(40))
	if times, total, now := c.read(at(99)); times != 2 || total != 40*time.Second || now != 0 {
		t.Errorf("after 99 s: %d times, %v, %d now", times, total, now)
	}
}
