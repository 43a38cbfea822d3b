package emulator

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

func (g *cgroup) leave() string {
	_ = os.Mkdir(filepath.Join(g.dir, "1"), 0o755)
	_ = g.lock.Close()
	return g.dir
}

func (g *cgroup) path() string { return g.dir }

// SampleMemory reads the memory of a process as that of an environment is read, at any time.
func SampleMemory(pid int) func(now time.Time) int64 {
	var m memory
	var most atomic.Int64
	return func(now time.Time) int64 {
		m.sample(pid, now, false, &most)
		return m.known.Load()
	}
}
