package emulator

import "time"

const (
	sampleInterval   = time.Second
	maxConcurrencies = 600
)

// ConcurrencySample is how many environments were doing what at one time, and its peaks are of the time since the sample before.
type ConcurrencySample struct {
	// AtMS is the time since the service was started in ms.
	AtMS int64 `json:"at_ms"`
	// Busy are the events in work, from their delivery until the environment asks for the next.
	Busy int `json:"busy"`
	// Idle are the environments that wait for an event with none in work, Starting those in their init or waiting for their
	// turn.
	Idle     int `json:"idle"`
	Starting int `json:"starting"`
	Peaks
}

// Peaks are the most of each since the sample before, however briefly: events in work, environments, and those of them in their init or
// waiting for their turn.
type Peaks struct {
	BusyMax         int `json:"busy_max"`
	EnvironmentsMax int `json:"environments_max"`
	StartingMax     int `json:"starting_max"`
}

// raise takes the higher ones of both.
func (p *Peaks) raise(other Peaks) {
	p.BusyMax = max(p.BusyMax, other.BusyMax)
	p.EnvironmentsMax = max(p.EnvironmentsMax, other.EnvironmentsMax)
	p.StartingMax = max(p.StartingMax, other.StartingMax)
}

// samples is a bounded list of samples. When it is full, every other goes, and samples are taken half as often.
type samples struct {
	list  []ConcurrencySample
	every int   // ticks to one sample
	ticks int   // since the last sample
	most  Peaks // since the last sample
}

// tick adds a sample, if it is time for one.
func (s *samples) tick(now ConcurrencySample) {
	s.every = max(s.every, 1)
	if s.ticks++; s.ticks < s.every {
		s.most.raise(now.Peaks)
		return
	}
	s.ticks = 0
	s.add(now)
}

// add adds a sample, whatever the time. Where all has been as the last one has it, that one is moved on to now instead: it holds for all of
// the time since the one before it, and the next one begins now.
func (s *samples) add(now ConcurrencySample) {
	s.most.raise(now.Peaks)
	now.Peaks, s.most = s.most, Peaks{}
	if n := len(s.list); n > 0 {
		last := &s.list[n-1]
		at := last.AtMS
		last.AtMS = now.AtMS
		if *last == now && now.BusyMax == now.Busy && now.StartingMax == now.Starting {
			return
		}
		last.AtMS = at
		if at == now.AtMS { // one more of the same millisecond would be of no time at all
			now.raise(last.Peaks)
			*last = now
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
		two := s.list[2*i+1]
		two.raise(s.list[2*i].Peaks)
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

// sampleConcurrency takes a sample now.
func (f *function) sampleConcurrency() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.samples.add(f.concurrency(time.Since(f.began)))
}

// concurrency is the sample of now; f.mu is held.
func (f *function) concurrency(at time.Duration) ConcurrencySample {
	c := ConcurrencySample{AtMS: at.Milliseconds(), Busy: f.busy, Starting: f.inInit()}
	for env := range f.envs {
		if env.inited && env.resting() {
			c.Idle++
		}
	}
	now := Peaks{BusyMax: f.busy, EnvironmentsMax: len(f.envs), StartingMax: c.Starting}
	c.Peaks = f.peaks
	c.raise(now)
	f.peaks = now
	return c
}

// inInit counts the environments in their init or waiting for their turn; f.mu is held.
func (f *function) inInit() int {
	n := 0
	for env := range f.envs {
		if !env.inited {
			n++
		}
	}
	return n
}

// grown notes that there is one environment more; f.mu is held.
func (f *function) grown() {
	f.meter.MaxEnvironments = max(f.meter.MaxEnvironments, len(f.envs))
	f.peaks.raise(Peaks{EnvironmentsMax: len(f.envs), StartingMax: f.inInit()})
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
