// Command compare measures bench beside other load generators, in one run on one machine.
//
//	bench/compare/run.sh                          everything that is installed
//	bench/compare/run.sh --install --long --check with what go install can get, ten million requests, exit 3 if a goal is missed
//	bench/compare/run.sh --only stall --tools k6
//
// It has four parts: all generators in turns at full speed; bench in an open loop at 0.8 of its own speed; a server that stalls, and what
// each generator says of it; and the memory of bench. docs/compare.md explains them and holds the tables of one run.
//
// Exit status: 0 done, 1 failed, 2 wrong usage, 3 with --check, if a goal was missed.
package main

import (
	"context"
	"debug/buildinfo"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

//go:embed k6.js
var k6Script string

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are the standard streams. The tables go to out, progress to err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitMissed = 3
)

// Hidden commands: parts of this program that need a process of their own.
const (
	reapName   = "internal-reap"
	staticName = "internal-static"
	stallName  = "internal-stall"
)

var errMissed = errors.New("goals were missed")

func run(args []string, std streams) int {
	err := dispatch(args, std)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return exitDone
	case errors.Is(err, errMissed):
		_, _ = fmt.Fprintf(std.err, "compare: %v\n", err)
		return exitMissed
	}
	_, _ = fmt.Fprintf(std.err, "compare: %v\n", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// usageError is wrong usage.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func dispatch(args []string, std streams) error {
	if len(args) > 0 {
		switch {
		case args[0] == reapName:
			process.Reap(std.in)
			return nil
		case args[0] == staticName:
			return serveStatic(std)
		case args[0] == stallName && len(args) == 2:
			return serveStall(std, args[1])
		}
	}
	o, err := parseOptions(args, std.out)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err = compare(ctx, o, std)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", err)
	}
	return err
}

// compare is everything between options and tables.
func compare(ctx context.Context, o *options, std streams) (err error) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(std.err, format+"\n", args...) }
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	group, err := process.NewGroup(self, reapName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close(2*time.Second)) }()

	c := &comparison{options: *o, say: say, machine: &machine{group: group}, tools: o.chosen}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	say("Raw figures go to %s", o.out)
	runErr := c.run(ctx)
	if runErr != nil {
		c.out.Warnings = append(c.out.Warnings, "Stopped early: "+runErr.Error())
	}
	c.out.judge()
	err = errors.Join(runErr, c.write(std.out))
	if err == nil && o.check {
		err = c.out.missed()
	}
	return err
}

// prepare finds or makes all that the experiments need.
func (c *comparison) prepare(ctx context.Context) error {
	var err error
	if c.out.Commit, c.out.Go, err = builtFrom(c.options.bench); err != nil {
		return usageError{err}
	}
	find(ctx, c.tools, c.options.toolsDir, c.options.cache)
	if c.options.install {
		if err := installAll(ctx, c.tools, c.options.cache, c.say); err != nil {
			c.warn(err) // the others are there
		}
		find(ctx, c.tools, c.options.toolsDir, c.options.cache)
	}
	c.out.At, c.out.CPU, c.out.LoadAverage = time.Now(), cpuModel(), loadAverage()
	for _, t := range c.tools {
		f := toolFound{Name: t.name, Version: t.version}
		if t.path == "" {
			f.Get = t.howTo()
			c.say("Skipping %s, as it is not installed: %s", t.name, f.Get)
		}
		c.out.Tools = append(c.out.Tools, f)
	}
	_, err = exec.LookPath("taskset")
	var reason string
	c.machine.serverCPU, c.machine.clientCPU, reason = pinning(err == nil, allowedCPUs())
	c.out.Pinning = fmt.Sprintf("The target on CPU %d, the generator on CPU %d.", c.machine.serverCPU, c.machine.clientCPU)
	if reason != "" {
		c.out.Pinning = "Nothing is pinned to a CPU, as " + reason + ": the ratios are less certain."
		c.say("%s", c.out.Pinning)
	}
	return nil
}

// write leaves the figures in the folder and prints the tables.
func (c *comparison) write(w io.Writer) error {
	data, err := json.MarshalIndent(c.out, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(c.options.out, "figures.json"), append(data, '\n'), 0o644), c.out.markdown(w))
}

// cpuModel of this machine.
func cpuModel() string {
	name := fmt.Sprintf("%d CPUs (%s/%s)", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return name
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return name + " " + strings.TrimSpace(value)
		}
	}
	return name
}

// loadAverage of the last minute, before the load; empty where the system does not tell.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}

// builtFrom says which commit a Go program was built from, and with which Go.
func builtFrom(path string) (commit, toolchain string, err error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("--bench: %w", err)
	}
	commit = "of an unknown commit"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			commit += "-dirty"
		}
	}
	return commit, info.GoVersion, nil
}
