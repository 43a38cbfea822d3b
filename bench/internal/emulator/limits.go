package emulator

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Lambda's limits of an environment, "Lambda quotas" (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): the
// share of CPU is "proportional to the amount of memory configured", 1,769 MB are one vCPU ("Configure Lambda function memory",
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const (
	memoryPerCPU     = 1769 // MB
	maxFiles         = 1024
	maxFilesManaged  = 4096 // on Lambda Managed Instances
	maxProcesses     = 1024 // and threads
	minTmpMB         = 512
	maxTmpMB         = 10_240
	defaultTmpMB     = minTmpMB
	functionTmp      = "/tmp"
	limitCPU         = "cpu"
	limitMemory      = "memory"
	limitProcesses   = "pids"
	bytesPerMB       = 1 << 20
	cpuPeriod        = 20 * time.Millisecond // within which the share of CPU is given; Lambda's is not documented
	minCPUQuota      = time.Millisecond      // the least that Linux takes
	noteTmpDir       = "/tmp is shared: TMPDIR names a folder of the environment's own"
	noteTmpFolder    = "/tmp is a folder of the environment's own, its size is not limited"
	noteFilesLimited = "open files not limited"
)

// cpuQuota is the CPU time that an environment may use in each cpuPeriod.
func cpuQuota(memoryMB int) time.Duration {
	return max(minCPUQuota, cpuPeriod*time.Duration(memoryMB)/memoryPerCPU)
}

// files is how many files an environment may have open.
func (c *Config) files() uint64 {
	if c.EnvironmentConcurrency > 1 {
		return maxFilesManaged
	}
	return maxFiles
}

// limits is how a service holds its environments within Lambda's limits, as far as this process may.
type limits struct {
	on      bool
	cfg     *Config
	cgroups controllers
	tmp     scratch

	mu    sync.Mutex
	notes []string // what is not as on Lambda
}

// open gets ready to limit environments, if that is asked for. v2 is the cgroup of the service, nil if there is none.
func (l *limits) open(cfg *Config, v2 *cgroup) {
	l.cfg, l.on = cfg, cfg.Limits
	if !l.on {
		l.note("CPU not limited")
		l.note("memory not limited")
		return
	}
	l.cgroups.open(l, v2)
	l.tmp.open(l, l.cgroups.has(limitMemory))
}

func (l *limits) close() {
	l.cgroups.close()
	l.tmp.close()
}

// note adds what is not as on Lambda, once.
func (l *limits) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.notes, text) {
		l.notes = append(l.notes, text)
	}
}

// lacks notes that a limit is not there, and why.
func (l *limits) lacks(controller, why string) {
	name := map[string]string{limitCPU: "CPU", limitMemory: "memory", limitProcesses: "processes"}[controller]
	l.note(fmt.Sprintf("%s not limited (%s)", name, why))
}

// read returns the notes.
func (l *limits) read() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.notes...)
}

// cage holds one environment within its limits. The zero cage has none.
type cage struct {
	limits *limits
	groups []cageGroup
	tmp    string // folder for temporary files, "" if /tmp is a file system of its own or the host's
	cpu    sync.Once
	once   sync.Once
}

// cageGroup is a cgroup of an environment for some controllers.
type cageGroup struct {
	dir     string
	v2      bool
	has     map[string]bool
	removed bool // somebody else removes it
}

// limitCPU gives the environment its share of CPU. It does so after the init: that the time which inits take on AWS does not depend
// on the memory size, from 128 MB to 1,024 MB (https://github.com/maxday/lambda-perf), tells that they are not held to it there.
func (c *cage) limitCPU() {
	c.cpu.Do(func() {
		for i := range c.groups {
			if g := &c.groups[i]; g.has[limitCPU] {
				if err := g.setCPU(cpuQuota(c.limits.cfg.MemoryMB)); err != nil {
					c.limits.lacks(limitCPU, err.Error())
				}
			}
		}
	})
}

// outOfMemory tells whether the kernel has killed a process of the environment for its memory.
func (c *cage) outOfMemory() bool {
	for i := range c.groups {
		if g := &c.groups[i]; g.has[limitMemory] && g.oomKills() > 0 {
			return true
		}
	}
	return false
}

// env is what the environment variables of the function have besides Lambda's.
func (c *cage) env() map[string]string {
	if c.tmp == "" || c.limits.tmp.private() {
		return nil
	}
	return map[string]string{"TMPDIR": c.tmp}
}

// close removes what is left of an environment that has ended.
func (c *cage) close() {
	c.once.Do(func() {
		for i := range c.groups {
			c.groups[i].remove()
		}
		if c.tmp != "" {
			_ = os.RemoveAll(c.tmp)
		}
	})
}

// scratch makes the temporary folders of environments: on Lambda each has a /tmp of 512 MB to 10,240 MB that no other sees
// ("Lambda quotas"). Where this process may, each gets a mount namespace, in which a file system of that size is on /tmp. It
// is in memory, so where the memory is limited it would count against the limit, as Lambda's does not: there /tmp is a folder, on disk and of no limited
// size. Where there is no namespace, the variable TMPDIR names a folder.
type scratch struct {
	base   string // of the folders, "" if there are none
	mounts mounts
	count  int
	mu     sync.Mutex
}

func (s *scratch) open(l *limits, folders bool) {
	s.mounts.open(l.cfg, folders)
	s.prepare(l, folders)
}

// prepare makes the folder for those of environments, if they need any.
func (s *scratch) prepare(l *limits, folders bool) {
	if s.private() && !folders {
		return
	}
	base, err := l.cfg.Group.TempDir("crossover-tmp-")
	if err != nil {
		l.note("/tmp is shared: " + err.Error())
		return
	}
	s.base = base
	if s.private() {
		l.note(noteTmpFolder)
		return
	}
	l.note(noteTmpDir + " (" + s.mounts.why + ")")
}

// private tells whether environments see another /tmp than this process.
func (s *scratch) private() bool { return s.mounts.usable }

// folder makes the folder of an environment, "" if it needs none.
func (s *scratch) folder() (string, error) {
	if s.base == "" {
		return "", nil
	}
	s.mu.Lock()
	s.count++
	dir := filepath.Join(s.base, fmt.Sprint(s.count))
	s.mu.Unlock()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("making a temporary folder: %w", err)
	}
	return dir, nil
}

func (s *scratch) close() {
	if s.base != "" {
		_ = os.RemoveAll(s.base)
	}
}
