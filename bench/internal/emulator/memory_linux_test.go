package emulator_test

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
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

// A child that lives within an invocation counts, and is in its REPORT, though it has gone when the function asks for the next event.
func TestMemoryOfAChildWithinAnInvocation(t *testing.T) {
	var out output
	s := start(t, func(c *emulator.Config) { c.MemoryMB, c.Output, c.LogLines = 1024, &out, true })
	for range 3 { // so that children are not looked for at each reading any more
		get(t, s, "/pid")
		settled(t, s, 1)
	}
	g := newGate(t, 1)
	g.url = strings.Replace(g.url, "/hold?", "/child?n=200&", 1)
	gone := g.hold(t, s, 1)
	eventually(t, "the child is not seen", func() bool { return s.Meter().MaxMemoryUsedMB >= 200 })
	close(g.open)
	(<-gone).expect(t, http.StatusOK, "gone")
	eventually(t, "REPORT has not the memory of the child", func() bool { used := reported(out.String()); return len(used) == 4 && used[3] >= 200 && used[3] < 300 })
}

// What an invocation has allocated is in its own REPORT, however short the time since the last one.
func TestMemoryIsInItsOwnReport(t *testing.T) {
	var out output
	s := start(t, func(c *emulator.Config) { c.MemoryMB, c.Output, c.LogLines = 1024, &out, true })
	want := []string{"/pid", "/pid", "/allocate?n=200", "/allocate?n=200"}
	for _, target := range want {
		get(t, s, target)
		settled(t, s, 1)
	}
	eventually(t, "there is not a REPORT of each", func() bool { return len(reported(out.String())) == len(want) })
	if used := reported(out.String()); used[1] >= 200 || used[2] < 200 || used[3] < 400 {
		t.Errorf("Max Memory Used is %d", used)
	}
}

// reported are the figures of Max Memory Used in MB.
func reported(log string) (used []int) {
	for _, m := range regexp.MustCompile(`Max Memory Used: ([0-9]+) MB`).FindAllStringSubmatch(log, -1) {
		n, _ := strconv.Atoi(m[1])
		used = append(used, n)
	}
	return used
}
