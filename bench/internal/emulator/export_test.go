package emulator

import "time"

// SetFreezeAfter changes how long an environment has been idle when it is frozen.
func (s *Service) SetFreezeAfter(d time.Duration) {
	s.fn.mu.Lock()
	defer s.fn.mu.Unlock()
	s.fn.freezing.after = d
}

// Settle is how long a request waits for an environment that has answered but not yet asked for its next event.
const Settle = defaultSettleFor

// SetSettle changes that.
func (s *Service) SetSettle(d time.Duration) {
	s.fn.mu.Lock()
	defer s.fn.mu.Unlock()
	s.fn.settleFor = d
}

// SetShutdown gives extensions and the runtime so long to end.
func (s *Service) SetShutdown(d time.Duration) {
	s.fn.mu.Lock()
	defer s.fn.mu.Unlock()
	s.fn.shutdown = shutdownLimits{d, d, d}
}

// SetNow gives the limits another clock.
func (s *Service) SetNow(now func() time.Time) {
	s.fn.mu.Lock()
	defer s.fn.mu.Unlock()
	s.fn.now = now
	s.fn.starts.last, s.fn.requests.last = now(), now()
}

// Starting is how many inits there are.
func (s *Service) Starting() int { return len(s.fn.starting) }

// IsClosed tells whether Close has begun.
func (s *Service) IsClosed() bool { return s.fn.isClosed() }

// FreezeBySignals takes the cgroup from a service that has started no environment yet.
func (s *Service) FreezeBySignals() {
	if s.fn.freezing.group != nil {
		s.fn.freezing.group.fail()
	}
}

// StaleCgroup leaves a cgroup as a service does that was killed; "" where there can be none.
func StaleCgroup() (dir string) {
	g := openCgroup()
	if g == nil {
		return ""
	}
	return g.leave()
}

// CgroupDir is the folder of the service's cgroup.
func (s *Service) CgroupDir() string { return s.fn.freezing.group.path() }
