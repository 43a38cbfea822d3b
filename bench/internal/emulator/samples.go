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

// tick adds a sample, if it is time for one. One is left out where all has been as the last sample has it: then that holds for all of the
// time, and not only at its end.
func (s *samples) tick(now ConcurrencySample) {
	s.every = max(s.every, 1)
	s.most.raise(now.Peaks)
	if s.ticks++; s.ticks < s.every {
		return
	}
	s.ticks = 0
	now.Peaks, s.most = s.most, Peaks{}
	if n := len(s.list); n > 0 {
		last := s.list[n-1]
		last.AtMS = now.AtMS
		if last == now && now.BusyMax == now.Busy && now.StartingMax == now.Starting {
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
