package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/process"
	"github.com/crossover-bench/crossover/bench/internal/remote"
)

// newWorkCommand is the far side of --from aws.
func newWorkCommand(std streams) *cobra.Command {
	w := &remote.Worker{Files: remoteFiles()}
	c := &cobra.Command{
		Use: remote.WorkName + " s3://BUCKET/runs/NAME", Hidden: true, Args: oneArg("folder in a bucket"),
		Short: "Do the job in a bucket and put the result beside it",
		RunE: func(c *cobra.Command, args []string) (err error) {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			host, err := newHost(func(string, ...any) {})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, host.Group.Close(workGrace)) }()
			dir, err := host.Group.TempDir("crossover-work-")
			if err != nil {
				return err
			}
			w.Start = func(dir string, args []string, log *remote.Log) (remote.Process, error) {
				return startWork(host.Group, host.Self[0], dir, args, io.MultiWriter(log, std.err))
			}
			status, err := w.Work(ctx, args[0], dir)
			if err == nil && status != exitDone {
				return workError(status)
			}
			return err
		},
	}
	c.Flags().StringVar(&w.Region, "region", "", "the bucket's region")
	return c
}

// workGrace is how long bench may take to end after it was told to.
const workGrace = 5 * time.Second

// workError is the exit status of the bench that did the job, which has said why.
type workError int

func (e workError) Error() string { return fmt.Sprintf("bench ended with exit status %d", int(e)) }

// work is a bench that does a job.
type work struct{ *process.Child }

func startWork(group *process.Group, self, dir string, args []string, log io.Writer) (remote.Process, error) {
	cmd := exec.CommandContext(context.Background(), self, append([]string{"run"}, args...)...) // the group ends it
	cmd.Dir, cmd.Stderr = dir, log
	child, err := group.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("starting bench: %w", err)
	}
	return work{child}, nil
}

// ExitStatus is that of the child, -1 if a signal ended it.
func (w work) ExitStatus() int { return w.State().ExitCode() }

// Interrupt makes bench drain.
func (w work) Interrupt() { _ = syscall.Kill(w.Pid(), syscall.SIGINT) }

// Kill ends bench.
func (w work) Kill() { _ = w.Stop(workGrace) }
