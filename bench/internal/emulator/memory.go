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
	// longInvocation is from when on the memory is read at the end of an invocation in any case, as long as few are at work: that costs some
	// 20 µs.
	longInvocation = 10 * time.Millisecond
	fewAtWork      = 8
	// watchEvery is how often the memory is read within invocations that last that long, and watchShare the part of the time
	// that this may take, of one processor.
	watchEvery = 100 * time.Millisecond
	watchShare = 20
)

// memory is the most memory that the processes of an environment have had in RAM.
//
// It is the sum of the peaks of its processes (VmHWM of /proc/PID/status): those that ended between two readings are missed, pages
// that several of them share count for each. Lambda does not say how it measures. The peak that a cgroup keeps misses none, but has
// the files in it that a function has read or written, up to the whole memory size.
type memory struct {
	mu    sync.Mutex
	at    time.Time
	reads int
	alone time.Duration // how long to wait with looking for children, 0 if there were some
	until time.Time     // when to look for them again
	known atomic.Int64  // bytes, 0 if not known
}

// sample reads the memory of the process and its children, unless that was done a moment ago and now is no better time for it; most is
// that of all environments.
func (m *memory) sample(pid int, now time.Time, due bool, most *atomic.Int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if due || m.reads < firstReads || now.Sub(m.at) >= memoryEvery {
		m.read(pid, now, m.reads < firstReads || !now.Before(m.until), most)
	}
}

// read reads the memory of the process, and of its children if they are to be looked for; m.mu is held.
func (m *memory) read(pid int, now time.Time, look bool, most *atomic.Int64) {
	m.at = now
	m.reads++
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

// worthReading tells whether the memory is to be read at the end of an invocation however lately it has been; f.mu is held.
func (f *function) worthReading(ended *usage) bool {
	return ended != nil && (ended.duration >= watchEvery || ended.duration >= longInvocation && f.busy < fewAtWork)
}

// look reads the memory of the process and its children.
func (m *memory) look(pid int, now time.Time, most *atomic.Int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read(pid, now, true, most)
}

// watchMemory reads the memory of environments in long invocations, until the service is closed: what is only read at the end of an
// invocation has not the children that it has had.
func (f *function) watchMemory() {
	timer := time.NewTimer(watchEvery)
	defer timer.Stop()
	for {
		select {
		case now := <-timer.C:
			for _, env := range f.longAtWork(now.Add(-watchEvery)) {
				env.memory.look(env.child.Pid(), now, &f.maxMemoryMB)
			}
			timer.Reset(max(watchEvery, watchShare*time.Since(now)))
		case <-f.closing:
			return
		}
	}
}

// longAtWork are the environments with an invocation that has begun before then.
func (f *function) longAtWork(then time.Time) (envs []*environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy == 0 {
		return nil
	}
	for env := range f.envs {
		for i := range env.slots {
			if s := &env.slots[i]; s.state.occupied() && s.account.began.Before(then) {
				envs = append(envs, env)
				break
			}
		}
	}
	return envs
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
