package main

import (
	"syscall"
	"time"
)

// startOffset returns how long the process had already worked when main began:
// loading, the Go runtime's start, the packages' initialisation. The kernel keeps
// start times in hundredths of a second, which is about as long as all of that
// takes, so the CPU time used so far stands for it. Waiting (for pages of the
// binary to be read, for a throttled CPU) is not in it: init;dur is a lower bound,
// and Lambda's REPORT line has the billed figure.
func startOffset() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
