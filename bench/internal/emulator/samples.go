package emulator

import "time"

const (
	sampleInterval   = time.Second
	maxConcurrencies = 600
)

// ConcurrencySample is how many environments were doing what at one time. It holds until the next sample.
type ConcurrencySample struct {
	// AtMS is the time since the service was started in ms.
	AtMS int64 `json:"at_ms"`
	// Busy are the events in work, from their delivery until the environment asks for the next; BusyMax is the most since the
	// sample before.
	Busy    int `json:"busy"`
	BusyMax int `json:"busy_max"`
	// Idle are the environments that wait for an event with none in work, Starting those in their init or waiting for their
	// turn.
	Idle     int `json:"idle"`
	Starting int `json:"starting"`
}

// samples is a bounded list of samples. When it is full, every other goes, and samples are taken half as often.
type samples struct {
	list  []ConcurrencySample
	every int // ticks to one sample
	ticks int // since the last sample
	most  int // BusyMax since the last sample
}

// tick adds a sample, if it is time for one and anything has changed.
func (s *samples) tick(now ConcurrencySample) {
	s.every = max(s.every, 1)
	s.most = max(s.most, now.BusyMax)
	if s.ticks++; s.ticks < s.every {
		return
	}
	s.ticks = 0
	now.BusyMax, s.most = s.most, 0
	if n := len(s.list); n > 0 {
		last := s.list[n-1]
		last.AtMS = now.AtMS
		if last == now {
			return
		}
	}
	if len(s.list) == maxConcurrencies {
		s.halve()
	}
	s.list = append(s.list, now)
}

// halve takes out every other sample; the most of both is kept.
func (s *samples) halve() {
	for i := range len(s.list) / 2 {
		one, two := s.list[2*i], s.list[2*i+1]
		two.AtMS, two.BusyMax = one.AtMS, max(one.BusyMax, two.BusyMax)
		s.list[i] = two
	}
	s.list = s.list[:len(s.list)/2]
	s.every *= 2
}

// watchConcurrency takes samples until the service is closed.
func (f *function) watchConcurrency() {
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			f.mu.Lock()
			f.samples.tick(f.concurrency(now.Sub(f.began)))
			f.mu.Unlock()
		case <-f.closing:
			return
		}
	}
}

// concurrency is the sample of now; f.mu is held.
func (f *function) concurrency(at time.Duration) ConcurrencySample {
	c := ConcurrencySample{AtMS: at.Milliseconds(), Busy: f.busy, BusyMax: f.peak}
	f.peak = f.busy
	for env := range f.envs {
		switch {
		case !env.inited:
			c.Starting++
		case env.resting():
			c.Idle++
		}
	}
	return c
}

// resting tells whether the environment waits for an event and has none in work.
func (e *environment) resting() bool {
	waits := false
	for i := range e.slots {
		if e.slots[i].state.occupied() {
			return false
		}
		waits = waits || e.slots[i].state == stateIdle
	}
	return waits
}
