package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestEnoughFiles(t *testing.T) {
	if err := enoughFiles(1); err != nil {
		t.Error(err)
	}
	if err := enoughFiles(1 << 30); err == nil && !unlimitedFiles() {
		t.Error("2^30 connections are possible, it says")
	}
}

// unlimitedFiles says that this system knows no limit to test against.
func unlimitedFiles() bool {
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil || limit.Cur >= 1<<30
}
