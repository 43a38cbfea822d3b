package emulator

import (
	"sync"
	"sync/atomic"
	"time"
)

// memoryEvery is how often the memory of an environment is read at most. What is read is a peak that the kernel keeps, so nothing
// is missed between, only seen later.
const (
	memoryEvery = time.Second
	firstReads  = 2 // after which it is: after the init and after the first invocation
	// mostAlone is the longest time for which a process that has had no children so far is taken to have none. Looking for them reads
	// a file for each of its threads: with 64 environments at work 15 % of the time of the service.
	mostAlone = 8 * time.Second
)

// memory is the most memory that the processes of an environment have had in RAM.
//
// It is the sum of the peaks of its processes (VmHWM of /proc/PID/status): those that ended between two readings are missed, pages
// that several of them share count for each. Lambda does not say how it measures.
type memory struct {
	mu    sync.Mutex
	at    time.Time
	reads int
	alone time.Duration // how long to wait with looking for children, 0 if there were some
	until time.Time     // when to look for them again
	known atomic.Int64  // bytes, 0 if not known
}

// sample reads the memory of the process and its children, unless that was done a moment ago; most is that of all environments.
func (m *memory) sample(pid int, now time.Time, most *atomic.Int64) {
	if !m.mu.TryLock() {
		return
	}
	defer m.mu.Unlock()
	if m.reads >= firstReads && now.Sub(m.at) < memoryEvery {
		return
	}
	m.at = now
	m.reads++
	look := m.reads <= firstReads || !now.Before(m.until)
	peak, children := peakMemory(pid, look)
	if children {
		m.alone = 0
	} else if look {
		m.alone = min(max(2*m.alone, memoryEvery), mostAlone)
	}
	if look {
		m.until = now.Add(m.alone)
	}
	if peak > m.known.Load() {
		m.known.Store(peak)
		raise(most, int64(m.mb()))
	}
}

// raise makes a number at least n.
func raise(most *atomic.Int64, n int64) {
	for {
		was := most.Load()
		if n <= was || most.CompareAndSwap(was, n) {
			return
		}
	}
}

// mb is the peak in MB, rounded up, 0 if it is not known.
func (m *memory) mb() int { return int((m.known.Load() + bytesPerMB - 1) / bytesPerMB) }
