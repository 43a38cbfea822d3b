package emulator

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// controllers are the cgroup controllers that this service may use: those of version 2, and for what it has not, of version 1.
//
// Files are written by hand. A library for cgroups brings D-Bus, eBPF and protocol buffers for what are six files here, and does
// not answer the question that matters: where this process may make a cgroup.
//
// That is below the one that it runs in, if nobody else manages that one ("Control Group APIs and Delegation",
// https://systemd.io/CGROUP_DELEGATION/, the single-writer rule): it is the root, or was delegated to this process and passes the
// controllers on. A cgroup with processes in it cannot be made to (the rule of no internal processes), so one of a systemd scope,
// in which this process is itself, only limits what systemd has set.
type controllers struct {
	v2   *cgroup
	has2 map[string]bool
	v1   []*hierarchy
}

// whyForeign is why no cgroup is made below one that another program manages.
const whyForeign = "the cgroup of this process is somebody else's"

// hierarchy is the cgroup of a service in a hierarchy of version 1, locked as long as the service lives (see cgroup).
type hierarchy struct {
	controller string
	dir        string
	lock       *os.File
	mu         sync.Mutex
	count      int
}

func (c *controllers) open(l *limits, v2 *cgroup) {
	c.v2, c.has2 = v2, map[string]bool{}
	if v2 != nil {
		c.has2 = v2.enable(limitCPU, limitMemory, limitProcesses)
	}
	for _, name := range []string{limitCPU, limitMemory, limitProcesses} {
		if c.has2[name] {
			continue
		}
		h, why := openHierarchy(name)
		if h == nil {
			if v2 != nil && !delegated(filepath.Dir(v2.dir)) {
				why = whyForeign
			}
			l.lacks(name, why)
			continue
		}
		c.v1 = append(c.v1, h)
		l.cfg.Group.Cgroup(h.dir)
	}
}

func (c *controllers) has(controller string) bool {
	return c.has2[controller] || slices.ContainsFunc(c.v1, func(h *hierarchy) bool { return h.controller == controller })
}

func (c *controllers) close() {
	for _, h := range c.v1 {
		process.RemoveCgroup(h.dir)
		_ = h.lock.Close()
	}
	c.v1 = nil
}

// enable switches controllers on for the cgroups of environments, and returns those that are.
func (g *cgroup) enable(names ...string) map[string]bool {
	parent := filepath.Dir(g.dir)
	on := map[string]bool{}
	for _, name := range names {
		if !slices.Contains(words(parent, "cgroup.subtree_control"), name) && (!delegated(parent) || !switchOn(parent, name)) {
			continue
		}
		on[name] = switchOn(g.dir, name)
	}
	return on
}

func switchOn(dir, controller string) bool {
	return writeFile(dir, "cgroup.subtree_control", "+"+controller) == nil
}

func words(dir, file string) []string {
	b, _ := os.ReadFile(filepath.Join(dir, file))
	return strings.Fields(string(b))
}

func writeFile(dir, file, text string) error {
	return os.WriteFile(filepath.Join(dir, file), []byte(text), 0)
}

// delegated tells whether nobody but this process makes cgroups below dir.
func delegated(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, "cgroup.type")); errors.Is(err, os.ErrNotExist) {
		return true // only the root has none, in version 1 none has
	}
	mark := make([]byte, 1)
	for _, name := range []string{"trusted.delegate", "user.delegate"} {
		if n, err := unix.Getxattr(dir, name, mark); err == nil && n == 1 && mark[0] == '1' {
			return true
		}
	}
	var st unix.Stat_t
	return os.Getuid() != 0 && unix.Stat(dir, &st) == nil && int(st.Uid) == os.Getuid()
}

// openHierarchy makes the cgroup of a service in the hierarchy of a controller, or tells why it cannot.
func openHierarchy(controller string) (h *hierarchy, why string) {
	parent, path := ownHierarchy(controller)
	switch {
	case parent == "":
		return nil, "no cgroup that has this controller"
	case path != "/":
		var st unix.Stat_t
		if os.Getuid() == 0 || unix.Stat(parent, &st) != nil || int(st.Uid) != os.Getuid() {
			return nil, whyForeign
		}
	}
	removeStale(parent)
	dir, err := os.MkdirTemp(parent, cgroupPrefix)
	if err != nil {
		return nil, "no right to make a cgroup"
	}
	lock, err := lockDir(dir)
	if err != nil {
		_ = syscall.Rmdir(dir)
		return nil, err.Error()
	}
	return &hierarchy{controller: controller, dir: dir, lock: lock}, ""
}

// ownHierarchy is the folder of the cgroup of version 1 that this process is in, and its path in the hierarchy; "" if there is none.
func ownHierarchy(controller string) (dir, path string) {
	scan("/proc/self/cgroup", func(line string) {
		// 4:memory:/user.slice
		if parts := strings.SplitN(line, ":", 3); len(parts) == 3 && slices.Contains(strings.Split(parts[1], ","), controller) {
			path = parts[2]
		}
	})
	scan("/proc/self/mountinfo", func(line string) {
		fields, kind, _ := strings.Cut(line, " - ")
		f, k := strings.Fields(fields), strings.Fields(kind)
		if len(f) < 5 || len(k) < 3 || k[0] != "cgroup" || !slices.Contains(strings.Split(k[2], ","), controller) || path == "" {
			return
		}
		if rest, err := filepath.Rel(f[3], path); err == nil && !strings.HasPrefix(rest, "..") {
			dir = filepath.Join(f[4], rest)
			path = filepath.Join("/", rest)
		}
	})
	return dir, path
}

// environment makes the cgroup of an environment.
func (h *hierarchy) environment() (cageGroup, error) {
	h.mu.Lock()
	h.count++
	dir := filepath.Join(h.dir, strconv.Itoa(h.count))
	h.mu.Unlock()
	return cageGroup{dir: dir, has: map[string]bool{h.controller: true}}, os.Mkdir(dir, 0o755)
}

// setMemory limits memory, and swap to nothing beyond it.
func (g *cageGroup) setMemory(bytes int64) error {
	limit := strconv.FormatInt(bytes, 10)
	if g.v2 {
		_ = writeFile(g.dir, "memory.swap.max", "0")  // missing where there is no swap
		_ = writeFile(g.dir, "memory.oom.group", "1") // since Linux 4.19
		return writeFile(g.dir, "memory.max", limit)
	}
	if err := writeFile(g.dir, "memory.limit_in_bytes", limit); err != nil {
		return err
	}
	_ = writeFile(g.dir, "memory.memsw.limit_in_bytes", limit)
	return nil
}

func (g *cageGroup) setProcesses(n int) error { return writeFile(g.dir, "pids.max", strconv.Itoa(n)) }

func (g *cageGroup) setCPU(quota time.Duration) error {
	q, p := strconv.FormatInt(quota.Microseconds(), 10), strconv.FormatInt(cpuPeriod.Microseconds(), 10)
	if g.v2 {
		return writeFile(g.dir, "cpu.max", q+" "+p)
	}
	if err := writeFile(g.dir, "cpu.cfs_period_us", p); err != nil {
		return err
	}
	return writeFile(g.dir, "cpu.cfs_quota_us", q)
}

// oomKills is how many processes the kernel has killed for their memory.
func (g *cageGroup) oomKills() int {
	file := "memory.oom_control"
	if g.v2 {
		file = "memory.events"
	}
	n, fields := 0, words(g.dir, file)
	for i, word := range fields {
		if word == "oom_kill" && i+1 < len(fields) {
			n, _ = strconv.Atoi(fields[i+1])
		}
	}
	return n
}

func (g *cageGroup) remove() {
	if !g.removed {
		process.RemoveCgroup(g.dir)
	}
}

// confine prepares the limits of an environment, whose cgroup of version 2 is v2, if it has one. What cannot be had is noted.
func (l *limits) confine(v2 string) (*cage, process.Hooks) {
	c := &cage{limits: l}
	if !l.on {
		return c, process.Hooks{}
	}
	if v2 != "" {
		c.groups = append(c.groups, cageGroup{dir: v2, v2: true, has: l.cgroups.has2, removed: true})
	}
	for _, h := range l.cgroups.v1 {
		g, err := h.environment()
		if err != nil {
			l.lacks(h.controller, err.Error())
			continue
		}
		c.groups = append(c.groups, g)
	}
	for i := range c.groups {
		c.groups[i].set(l)
	}
	var err error
	if c.tmp, err = l.tmp.folder(); err != nil {
		l.note("/tmp is shared: " + err.Error())
	}
	hooks := process.Hooks{Ready: func(pid int) { c.admit(pid) }}
	if l.tmp.private() && err == nil {
		m := l.tmp.mounts.around(c.tmp)
		hooks.Before, hooks.After = m.enter, m.leave
	}
	return c, hooks
}

// set writes the limits that hold from the start.
func (g *cageGroup) set(l *limits) {
	if g.has[limitMemory] {
		if err := g.setMemory(int64(l.cfg.MemoryMB) * bytesPerMB); err != nil {
			l.lacks(limitMemory, err.Error())
		}
	}
	if g.has[limitProcesses] {
		if err := g.setProcesses(maxProcesses); err != nil {
			l.lacks(limitProcesses, err.Error())
		}
	}
}

// admit puts a process that has not begun to run under the limits.
func (c *cage) admit(pid int) {
	n := c.limits.cfg.files()
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: n}, nil); err != nil {
		c.limits.note(noteFilesLimited + " (" + err.Error() + ")")
	}
	for i := range c.groups {
		if g := &c.groups[i]; !g.v2 {
			if err := writeFile(g.dir, "cgroup.procs", strconv.Itoa(pid)); err != nil {
				for name := range g.has {
					c.limits.lacks(name, err.Error())
				}
			}
		}
	}
}

// adopt puts a process that runs already under the limits.
func (c *cage) adopt(pid int) {
	if c.limits == nil || !c.limits.on {
		return
	}
	c.admit(pid)
	for i := range c.groups {
		if g := &c.groups[i]; g.v2 {
			if err := writeFile(g.dir, "cgroup.procs", strconv.Itoa(pid)); err != nil {
				c.limits.note("extensions not limited (" + err.Error() + ")")
			}
		}
	}
}
