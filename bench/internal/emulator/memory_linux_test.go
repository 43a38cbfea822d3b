package emulator_test

import (
	"bufio"
	"io"
	"os/exec"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// A process that starts a child late is found to have one, if not at once.
func TestMemoryOfLateChild(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "read go; sleep 100 & echo begun; wait")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child, err := group.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Stop(0) })
	sample := emulator.SampleMemory(child.Pid())
	var now time.Time
	var alone int64
	for range 20 { // long enough for the longest time without a look
		alone = sample(now)
		now = now.Add(time.Second)
	}
	if alone == 0 {
		t.Fatal("no memory")
	}
	_, _ = io.WriteString(in, "go\n")
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	both := alone
	for range 9 {
		both = sample(now)
		now = now.Add(time.Second)
	}
	if both <= alone {
		t.Errorf("memory = %d bytes with a child, %d without", both, alone)
	}
}
