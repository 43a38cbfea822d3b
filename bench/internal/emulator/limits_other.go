//go:build !linux

package emulator

import (
	"errors"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// controllers are of Linux alone.
type controllers struct{}

func (*controllers) open(l *limits, _ *cgroup) {
	for _, c := range []string{limitCPU, limitMemory, limitProcesses} {
		l.lacks(c, "there are no cgroups on this system")
	}
	l.note(noteFilesLimited)
}

func (*controllers) has(string) bool { return false }
func (*controllers) close()          {}

func (*cageGroup) setCPU(time.Duration) error { return errors.ErrUnsupported }
func (*cageGroup) oomKills() int              { return 0 }
func (*cageGroup) remove()                    {}

// mounts are of Linux alone.
type mounts struct {
	usable bool
	why    string
}

func (m *mounts) open(*Config, bool) { m.why = "there are no mount namespaces on this system" }

// confine gives the environment a folder for temporary files.
func (l *limits) confine(string) (*cage, process.Hooks) {
	c := &cage{limits: l}
	if l.on {
		var err error
		if c.tmp, err = l.tmp.folder(); err != nil {
			l.note("/tmp is shared: " + err.Error())
		}
	}
	return c, process.Hooks{}
}

// adopt does nothing: nothing is limited here.
func (*cage) adopt(int) {}
