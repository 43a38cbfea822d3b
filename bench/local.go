package main

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/target"
)

func newLocalCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "local",
		Short: "Start both local targets and wait until interrupted",
		Long: `local builds and starts what 'bench run --targets local' measures: the EC2 binary as a process and the Lambda bootstrap
on the local Lambda service, on one Redis. It prints one line of JSON with their addresses and stays until SIGINT
or SIGTERM. Everything listens on loopback only.`,
		Example: `  bench local
  curl -d 123 -H 'Content-Type: text/plain' http://127.0.0.1:PORT/`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			ctx, _, stop := watchSignals(c.Context(), nil)
			defer stop()
			host, err := newHost(func(format string, args ...any) { _, _ = fmt.Fprintf(std.err, format+"\n", args...) })
			if err != nil {
				return err
			}
			set, err := target.Local(ctx, host, ".", target.LocalOptions{})
			if err != nil {
				_ = host.Group.Close(0)
				if ctx.Err() != nil {
					return nil // stopped before it was ready: as asked
				}
				return err
			}
			defer func() {
				if closeErr := set.Close(); err == nil {
					err = closeErr
				}
			}()
			if err := printAddresses(std, set); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case err := <-set.Died():
				return err
			}
		},
	}
}

func printAddresses(std streams, set *target.Set) error {
	line := map[string]string{"redis": set.RedisURL()}
	if u, err := url.Parse(line["redis"]); err == nil && u.User != nil {
		if u.User = url.User(u.User.Username()); u.User.Username() == "" {
			u.User = nil
		}
		line["redis"] = u.String()
	}
	for _, t := range set.Targets {
		line[t.Name] = t.URL
	}
	data, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s\n", data)
	return err
}
