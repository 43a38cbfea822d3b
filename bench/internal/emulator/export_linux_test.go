package emulator

import (
	"os"
	"path/filepath"
)

func (g *cgroup) leave() string {
	_ = os.Mkdir(filepath.Join(g.dir, "1"), 0o755)
	_ = g.lock.Close()
	return g.dir
}

func (g *cgroup) path() string { return g.dir }
