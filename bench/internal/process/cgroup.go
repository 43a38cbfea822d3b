package process

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cgroupPatience bounds how long RemoveCgroup waits for processes that have been killed to leave.
const cgroupPatience = 2 * time.Second

// RemoveCgroup removes a cgroup and those in it, and kills the processes in them. A folder that is no cgroup, and one with files in it,
// stays.
func RemoveCgroup(dir string) {
	inner, _ := filepath.Glob(filepath.Join(escape(dir), "*", "cgroup.procs"))
	for _, procs := range inner {
		RemoveCgroup(filepath.Dir(procs))
	}
	tick := time.NewTicker(time.Millisecond) // the kernel tells nobody that a process has left
	defer tick.Stop()
	for end := time.Now().Add(cgroupPatience); time.Now().Before(end); <-tick.C {
		if err := syscall.Rmdir(dir); !errors.Is(err, syscall.EBUSY) {
			return
		}
		kill(dir)
	}
}

// kill kills the processes in a cgroup: by one file of version 2 since Linux 5.14, else one after the other.
func kill(dir string) {
	if os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0) == nil {
		return
	}
	procs, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	for field := range strings.FieldsSeq(string(procs)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 1 && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// escape takes the meaning of patterns from a path.
func escape(path string) string {
	var b []byte
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}
