package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/alicebob/miniredis/v2"
	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/process"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// The hidden commands are parts of bench that need a process of their own. They end with their standard input.

const reapName = "internal-reap"

func newReapCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use: reapName, Hidden: true, Args: noArgs,
		Short: "End what bench started after bench itself is gone",
		RunE: func(*cobra.Command, []string) error {
			process.Reap(std.in)
			return nil
		},
	}
}

func newMiniredisCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use: "internal-miniredis", Hidden: true, Args: noArgs,
		Short: "Serve an embedded Redis until standard input ends",
		RunE: func(*cobra.Command, []string) error {
			m := miniredis.NewMiniRedis()
			if err := m.StartAddr("127.0.0.1:0"); err != nil {
				return fmt.Errorf("starting miniredis: %w", err)
			}
			defer m.Close()
			hello := map[string]string{"url": "redis://" + m.Addr() + "/0", "version": moduleVersion("github.com/alicebob/miniredis/v2")}
			if err := json.NewEncoder(std.out).Encode(hello); err != nil {
				return err
			}
			_, err := io.Copy(io.Discard, std.in)
			return err
		},
	}
}

// moduleVersion is the version of a module that this program was built with.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == path {
				return m.Version
			}
		}
	}
	return "unknown"
}

// newHost prepares for starting targets. The caller closes its Group.
func newHost(say func(format string, args ...any)) (*target.Host, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	group, err := process.NewGroup(self, reapName)
	if err != nil {
		return nil, err
	}
	return &target.Host{Group: group, Self: []string{self}, Getenv: os.Getenv, Say: say}, nil
}
