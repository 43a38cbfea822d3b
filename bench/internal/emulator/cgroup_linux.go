package emulator

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// cgroupPrefix begins the names of the cgroups that services make.
const cgroupPrefix = "crossover-emulator-"

// cgroup is the cgroup v2 of a service, below the one that it runs in itself. Those of its environments are in it.
//
// As long as the service lives it holds a lock on the folder. What a service left that was killed is not locked, and is removed by
// the next one; by then nothing runs in it, since the reaper has killed its processes.
type cgroup struct {
	dir    string
	lock   *os.File
	count  atomic.Int64
	failed atomic.Bool
}

// openCgroup makes the cgroup of a service, nil where that is not possible.
func openCgroup() *cgroup {
	parent := ownCgroup()
	if parent == "" {
		return nil
	}
	removeStale(parent)
	dir, err := os.MkdirTemp(parent, cgroupPrefix)
	if err != nil {
		return nil
	}
	lock, err := lockDir(dir)
	if err != nil {
		_ = syscall.Rmdir(dir)
		return nil
	}
	g := &cgroup{dir: dir, lock: lock}
	// Without this right no process may be moved from here to there.
	procs, err := os.OpenFile(filepath.Join(parent, "cgroup.procs"), os.O_WRONLY, 0)
	if err != nil || syscall.Access(filepath.Join(dir, "cgroup.freeze"), 2) != nil {
		g.close()
		return nil
	}
	_ = procs.Close()
	return g
}

// ownCgroup is the folder of the cgroup v2 that this process is in, "" if there is none.
func ownCgroup() string {
	path := ""
	scan("/proc/self/cgroup", func(line string) {
		if rest, ok := strings.CutPrefix(line, "0::"); ok {
			path = rest
		}
	})
	dir := ""
	scan("/proc/self/mountinfo", func(line string) {
		// 36 35 98:0 /root /mount rw,relatime shared:1 - cgroup2 cgroup2 rw
		fields, kind, _ := strings.Cut(line, " - ")
		if f := strings.Fields(fields); len(f) > 4 && strings.HasPrefix(kind, "cgroup2 ") && path != "" {
			if rest, err := filepath.Rel(f[3], path); err == nil && !strings.HasPrefix(rest, "..") {
				dir = filepath.Join(f[4], rest)
			}
		}
	})
	return dir
}

func scan(path string, each func(line string)) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close() //nolint:errcheck // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		each(lines.Text())
	}
}

// removeStale removes what services have left that were killed.
func removeStale(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, cgroupPrefix+"*"))
	for _, dir := range dirs {
		if lock, err := lockDir(dir); err == nil {
			process.RemoveCgroup(dir)
			_ = lock.Close()
		}
	}
}

// lockDir locks a folder; it fails if another process has.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// usable tells whether processes can be started in it.
func (g *cgroup) usable() bool { return !g.failed.Load() }

// fail notes that a process could not be started in it: no other is tried.
func (g *cgroup) fail() { g.failed.Store(true) }

// folder is where it is.
func (g *cgroup) folder() string { return g.dir }

func (g *cgroup) close() {
	process.RemoveCgroup(g.dir)
	_ = g.lock.Close()
}

// environment makes the cgroup of an environment and asks for cmd to be started in it.
func (g *cgroup) environment(cmd *exec.Cmd) (by freezer, path string, err error) {
	dir := filepath.Join(g.dir, strconv.FormatInt(g.count.Add(1), 10))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, "", err
	}
	c := &cgroupFreezer{dir: dir}
	if c.fd, err = os.Open(dir); err == nil {
		c.file, err = os.OpenFile(filepath.Join(dir, "cgroup.freeze"), os.O_WRONLY, 0)
	}
	if err != nil {
		c.close()
		return nil, "", fmt.Errorf("making a cgroup: %w", err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(c.fd.Fd())}
	return c, dir, nil
}

// cgroupFreezer is the cgroup of an environment.
type cgroupFreezer struct {
	dir  string
	fd   *os.File
	file *os.File // cgroup.freeze
}

func (c *cgroupFreezer) freeze() error { return c.write("1") }
func (c *cgroupFreezer) thaw() error   { return c.write("0") }

func (c *cgroupFreezer) write(text string) error {
	_, err := syscall.Write(int(c.file.Fd()), []byte(text))
	return err
}

func (c *cgroupFreezer) close() {
	for _, f := range []*os.File{c.fd, c.file} {
		if f != nil {
			_ = f.Close()
		}
	}
	process.RemoveCgroup(c.dir)
}

func (c *cgroupFreezer) adopt(child *process.Child) freezer {
	if os.WriteFile(filepath.Join(c.dir, "cgroup.procs"), []byte(strconv.Itoa(child.Pid())), 0) != nil {
		return freezers{c, signalFreezer{child}}
	}
	return c
}
