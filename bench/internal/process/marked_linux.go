package process

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// maxLooks bounds how often killMarked looks again for what has been started while it looked.
const maxLooks = 20

// killMarked kills all processes that have one of marks in the environment that they were started with, as far as this one may read it.
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
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() || killed[pid] {
			continue
		}
		env, _ := os.ReadFile("/proc/" + name + "/environ") // nothing of one that has ended
		for variable := range bytes.SplitSeq(env, []byte{0}) {
			if wanted[string(variable)] {
				killed[pid] = true
				found = syscall.Kill(pid, syscall.SIGKILL) == nil || found
				break
			}
		}
	}
	return found
}
