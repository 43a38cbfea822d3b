package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/process"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// emulateOptions are the flags of bench emulate.
type emulateOptions struct {
	name        string
	memoryMB    int
	timeout     time.Duration
	concurrency int
	env         []string
	control     bool
}

func newEmulateCommand(std streams) *cobra.Command {
	var o emulateOptions
	c := &cobra.Command{
		Use:   "emulate [flags] -- BOOTSTRAP [ARG ...]",
		Short: "Serve a Lambda bootstrap binary behind a local Function URL",
		Long: `emulate is the local Lambda service alone, for any bootstrap binary: one process an environment, one request at a time in
each, a new environment when all are busy. It prints one line of JSON with the Function URL and stays until SIGINT or
SIGTERM. The function sees Lambda's variables and those given by --env, never this shell's.`,
		Example: `  bench emulate -- ./bootstrap
  bench emulate --env REDIS_URL --env LOG_LEVEL=debug --memory 512 -- ./bootstrap`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("expected a bootstrap binary after --\nSee '%s --help'", c.CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return emulate(c.Context(), std, &o, args) },
	}
	f := c.Flags()
	f.StringVar(&o.name, "name", "function", "name of the function")
	f.IntVar(&o.memoryMB, "memory", 512, "memory size in MB, told to the function but not enforced")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "time-out of an invocation")
	f.IntVar(&o.concurrency, "concurrency", 1000, "environments at the same time at most; requests beyond it get 429")
	f.StringArrayVar(&o.env, "env", nil, "variable of the function: NAME=VALUE, or NAME to take it from this shell")
	f.BoolVar(&o.control, "control", false, "answer each line on standard input with the meter, end when it ends")
	if err := f.MarkHidden("control"); err != nil {
		panic(err)
	}
	return c
}

func emulate(ctx context.Context, std streams, o *emulateOptions, args []string) (err error) {
	env, err := functionEnv(o.env, os.LookupEnv)
	if err != nil {
		return usageError{err}
	}
	ctx, _, stop := watchSignals(ctx, func() {})
	defer stop()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	group, err := process.NewGroup(self, reapName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close(0)) }()
	service, err := emulator.Start(ctx, emulator.Config{
		Bootstrap: args[0], Args: args[1:], Env: env, FunctionName: o.name, MemoryMB: o.memoryMB, Timeout: o.timeout,
		MaxConcurrency: o.concurrency, Group: group, Output: std.err,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close(500*time.Millisecond)) }() //nolint:contextcheck // it closes after ctx has ended
	if err := json.NewEncoder(std.out).Encode(map[string]string{"function_url": service.FunctionURL()}); err != nil {
		return err
	}
	if o.control {
		return serveControl(ctx, std, service)
	}
	_, _ = fmt.Fprintf(std.err, "Serving %s at %s until interrupted (Ctrl-C)\n", args[0], service.FunctionURL())
	<-ctx.Done()
	return nil
}

// functionEnv reads the --env flags as docker does.
func functionEnv(flags []string, lookup func(string) (string, bool)) (map[string]string, error) {
	env := map[string]string{}
	for _, f := range flags {
		name, value, given := strings.Cut(f, "=")
		if name == "" {
			return nil, fmt.Errorf("--env %q: expected NAME=VALUE or NAME", f)
		}
		if !given {
			var ok bool
			if value, ok = lookup(name); !ok {
				return nil, fmt.Errorf("--env %s: not set in this environment; give NAME=VALUE, or export it", name)
			}
		}
		env[name] = value
	}
	return env, nil
}

// serveControl is how bench's other process asks for the meter: a line in, a line of JSON out. It ends with its input, so that
// the service cannot outlive who asked for it.
func serveControl(ctx context.Context, std streams, service *emulator.Service) error {
	ended := make(chan error, 1)
	go func() {
		lines, answers := bufio.NewScanner(std.in), json.NewEncoder(std.out)
		for lines.Scan() {
			report := target.MeterReport{Meter: service.Meter()}
			if err := service.LastInitError(); err != nil {
				report.InitError = err.Error()
			}
			if err := answers.Encode(report); err != nil {
				ended <- err
				return
			}
		}
		ended <- lines.Err()
	}()
	select {
	case err := <-ended:
		if errors.Is(err, io.ErrClosedPipe) {
			return nil
		}
		return err
	case <-ctx.Done():
		return nil
	}
}
