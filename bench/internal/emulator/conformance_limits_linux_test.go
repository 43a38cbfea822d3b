package emulator_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

func limited(c *emulator.Config) { c.Limits, c.MemoryMB = true, 512 }

// lacks tells whether one of the notes begins so.
func lacks(s *emulator.Service, note string) bool {
	return slices.ContainsFunc(s.Meter().Notes, func(n string) bool { return strings.HasPrefix(n, note) })
}

func limitRules() []rule {
	out := &output{}
	return []rule{
		{
			says: "1,024 open files", source: docQuotas, config: limited,
			official: func(t *testing.T, s *emulator.Service) {
				if r := get(t, s, "/files"); !strings.Contains(r.body, "too many open files") {
					t.Errorf("answer is %q", r.body)
				}
			},
		},
		{
			says: "each environment has a /tmp that no other sees", source: docQuotas, config: limited,
			official: func(t *testing.T, s *emulator.Service) {
				pids := twoEnvironments(t, s)
				dir := func(pid string) string {
					if s.PrivateTmp() {
						return "/proc/" + pid + "/root/tmp"
					}
					variables, err := os.ReadFile("/proc/" + pid + "/environ")
					if err != nil {
						t.Fatal(err)
					}
					_, rest, _ := strings.Cut("\x00"+string(variables), "\x00TMPDIR=")
					tmp, _, _ := strings.Cut(rest, "\x00")
					return tmp
				}
				one, two := dir(pids[0]), dir(pids[1])
				if err := os.WriteFile(filepath.Join(one, "mine"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := os.Stat(filepath.Join(two, "mine")); one == two || err == nil {
					t.Errorf("%s is seen in %s", one, two)
				}
				if !s.PrivateTmp() && !lacks(s, "/tmp is shared") {
					t.Errorf("notes are %q", s.Meter().Notes)
				}
			},
		},
		{
			says: "the share of CPU is in proportion to the memory size, 1,769 MB are one vCPU; or a note says that it is not", source: docMemory,
			config: func(c *emulator.Config) { c.Limits, c.MemoryMB, c.Timeout = true, 256, time.Minute },
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/pid")
				if lacks(s, "CPU not limited") {
					t.Skip("not possible here: ", s.Meter().Notes)
				}
				const work = 200 * time.Millisecond
				began := time.Now()
				get(t, s, "/burn?n=200")
				// It takes as long as the share says at least, but for what the first and the last period give at once.
				if took, least := time.Since(began), work*1769/256-2*emulator.CPUPeriod-work; took < least {
					t.Errorf("%v of CPU took %v, want %v at least", work, took, least)
				}
			},
		},
		{
			says:   "a function over its memory size is killed: Runtime.ExitError for the caller, Runtime.OutOfMemory in REPORT; or a note says that memory is not limited",
			source: sourceCaptures, unverified: "the text signal: killed",
			config: func(c *emulator.Config) {
				limited(c)
				c.Output, c.LogLines, c.FrontDoors = out, true, []emulator.FrontDoor{emulator.DoorInvoke}
			},
			official: func(t *testing.T, s *emulator.Service) {
				invoked(t, s, invokePath, eventFor("/pid"), nil)
				if lacks(s, "memory not limited") {
					t.Skip("not possible here: ", s.Meter().Notes)
				}
				failsWith("/allocate?n=1000", "Runtime.ExitError", "^RequestId: ID Error: Runtime exited with error: signal: killed$")(t, s)
				patiently(t, func() bool { return strings.Contains(out.String(), "\tError Type: Runtime.OutOfMemory\n") }, func() { t.Errorf("log is %s", out) })
			},
		},
		{
			says: "without limits the meter's notes say so", source: docMemory, unverified: "nothing of AWS: it is a promise of this emulator",
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/pid").expect(t, http.StatusOK, get(t, s, "/pid").body)
				if !lacks(s, "CPU not limited") || !lacks(s, "memory not limited") {
					t.Errorf("notes are %q", s.Meter().Notes)
				}
			},
		},
	}
}
