package main

import (
	"context"
	"fmt"
	"math"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// stamped is what the Go toolchain wrote into this binary.
func stamped() result.Tool {
	t := result.Tool{Version: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return t
	}
	if info.Main.Version != "" {
		t.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			t.Commit = s.Value[:min(12, len(s.Value))] + t.Commit
		case s.Key == "vcs.modified" && s.Value == "true":
			t.Commit += "-dirty"
		}
	}
	return t
}

// unknownCommit is that of a build that does not tell.
const unknownCommit = "unknown"

// tool says which bench this is. `go run` stamps no commit into the binary, so in a checkout git is asked.
func tool(ctx context.Context) result.Tool {
	t := stamped()
	if t.Commit != "" {
		return t
	}
	t.Commit = unknownCommit
	root, err := target.Checkout(".")
	if err != nil {
		return t
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*").Output()
	if err == nil {
		t.Commit = strings.TrimSpace(string(out))
	}
	return t
}

// environment describes this machine.
func environment(redis *result.Redis) result.Environment {
	model, memory := machine()
	return result.Environment{
		OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), CPUModel: model, MemoryMB: memory, Redis: redis,
	}
}

// usage is what this process has used of the machine so far.
type usage struct {
	at  time.Time
	cpu time.Duration
	rss int64 // largest resident size in bytes
}

func currentUsage() (usage, error) {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return usage{}, err
	}
	return usage{
		at:  time.Now(),
		cpu: time.Duration(r.Utime.Nano() + r.Stime.Nano()),
		rss: peakMemory(&r),
	}, nil
}

// otherFiles is how many file descriptors bench needs beside its connections.
const otherFiles = 64

// enoughFiles says whether the system allows as many connections. Go has raised the soft limit to the hard one already.
func enoughFiles(connections int) error {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	if err != nil || limit.Cur > math.MaxInt32 || connections+otherFiles <= int(limit.Cur) {
		return nil // an unknown limit is not a low one
	}
	return usageError{fmt.Errorf("the scenario's workers hold %d connections to all targets, and only %d files may be open here:"+
		" raise the limit (ulimit -n) or lower the workers", connections, limit.Cur)}
}
