package process_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// What is no cgroup and not empty stays.
func TestRemoveNoCgroup(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	process.RemoveCgroup(dir)
	if gone(dir + "/file") {
		t.Error("a folder with a file is gone")
	}
}

// A cgroup goes with those in it, and what is in them is killed, in the version that can do that by itself and in the one that cannot.
func TestRemoveCgroup(t *testing.T) {
	for _, parent := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu"} {
		t.Run(parent, func(t *testing.T) {
			cgroup := parent + "/process-test-" + strconv.Itoa(os.Getpid())
			if gone(parent + "/cgroup.procs") {
				t.Skip("that is no cgroup here")
			}
			if err := os.Mkdir(cgroup, 0o700); err != nil {
				t.Skip("no right to make a cgroup:", err)
			}
			t.Cleanup(func() { process.RemoveCgroup(cgroup) })
			if err := os.MkdirAll(cgroup+"/a/b", 0o700); err != nil {
				t.Fatal(err)
			}
			child := start(t, newGroup(t), roleDeaf)
			if err := os.WriteFile(cgroup+"/a/b/cgroup.procs", []byte(strconv.Itoa(child.Pid())), 0); err != nil {
				t.Skip("no right to move a process:", err)
			}
			process.RemoveCgroup(cgroup)
			if !gone(cgroup) {
				t.Fatalf("%s is still there", cgroup) // and so the child may be
			}
			<-child.Done()
		})
	}
}
