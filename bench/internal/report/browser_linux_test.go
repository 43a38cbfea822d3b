package report_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// adopt makes this process the parent of what a browser's processes leave behind (prctl(2), PR_SET_CHILD_SUBREAPER): nobody else may
// be there who waits for them, and they would stay as zombies.
func adopt(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
}

// bury waits for them, which have been told to end, and says how many it had to kill.
func bury(t *testing.T) int {
	t.Helper()
	var killed atomic.Int64
	patience := time.AfterFunc(time.Minute, func() { killed.Store(killChildren()) })
	defer patience.Stop()
	for {
		// This package starts no other children.
		if _, err := unix.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return int(killed.Load())
		}
	}
}

func killChildren() int64 {
	n := int64(0)
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, name := range lists {
		list, _ := os.ReadFile(name)
		for field := range strings.FieldsSeq(string(list)) {
			if pid, err := strconv.Atoi(field); err == nil && unix.Kill(pid, unix.SIGKILL) == nil {
				n++
			}
		}
	}
	return n
}
