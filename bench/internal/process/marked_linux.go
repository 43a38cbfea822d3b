package process

import (
	"bytes"
	"errors"
	"os"
	"strconv"
)

// maxLooks bounds how often killMarked looks again for what has been started while it looked.
const maxLooks = 20

// killMarked kills all processes of this network namespace that have one of marks in the environment that they were started with, as
// far as this one may read it.
func killMarked(marks []string) {
	wanted := make(map[string]bool, len(marks))
	for _, mark := range marks {
		wanted[mark] = true
	}
	killed := map[int]bool{}
	for range maxLooks {
		if !killOnce(wanted, killed) {
			return
		}
	}
}

// killOnce tells whether there was one to kill that is not among killed, which may take a while to end, and adds it.
func killOnce(wanted map[string]bool, killed map[int]bool) (found bool) {
	proc, err := os.Open("/proc")
	if err != nil {
		return false
	}
	defer proc.Close() //nolint:errcheck // only read
	names, _ := proc.Readdirnames(-1)
	own := network("self")
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() || killed[pid] {
			continue
		}
		switch err := killOne(pid, own, wanted); {
		case errors.Is(err, errNotMarked):
		case errors.Is(err, os.ErrProcessDone): // its number may be that of another one, which had the mark
			found = true
		default:
			killed[pid] = true
			found = err == nil || found
		}
	}
	return found
}

// errNotMarked is of a process that is to be left alone.
var errNotMarked = errors.New("not marked")

// killOne kills a process if it is marked, and in the network namespace own. It holds the process before it looks at it, by a pidfd where
// the kernel has them (Linux 5.4): what has its number later is not killed for what was read here.
func killOne(pid int, own string, wanted map[string]bool) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return errNotMarked
	}
	defer p.Release() //nolint:errcheck // nothing to be done about it
	name := strconv.Itoa(pid)
	env, _ := os.ReadFile("/proc/" + name + "/environ") // nothing of one that has ended
	for variable := range bytes.SplitSeq(env, []byte{0}) {
		if wanted[string(variable)] && network(name) == own {
			return p.Kill()
		}
	}
	return errNotMarked
}

// network names the network namespace of a process: "" where the kernel has none, or if this process may not know.
func network(pid string) string {
	name, _ := os.Readlink("/proc/" + pid + "/ns/net")
	return name
}
