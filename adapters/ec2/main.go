// Command ec2 serves the app over HTTP/1.1 and HTTP/2 without TLS (h2c), for a
// virtual machine or any other place where a process listens on a port.
//
// It is configured by its environment (-print-config shows it; package boot has
// the variables) and logs JSON lines to stderr; the record "listening" has the
// address as addr, whatever the log level.
//
// SIGTERM or SIGINT drains: /readyz answers 503 from then on, requests that run
// are finished, new ones are still taken while any runs but for no longer than
// five seconds, and then the process exits with 0. With nothing in flight it stops
// at once. A second signal aborts. -healthcheck asks a server that runs with the
// same environment for /healthz, for containers without a shell. Exit codes: 0
// stopped or well, 1 failed, 2 wrong arguments or environment.
package main

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/crossover-bench/crossover/adapters/internal/boot"
)

// poolSize is the default for REDIS_POOL_SIZE: enough that requests do not queue
// for connections up to some 100,000 a second at half a millisecond a round trip.
// They are dialled when needed.
const poolSize = 64

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr, signals))
}

func run(args []string, getenv func(string) string, stdout, stderr io.Writer, signals <-chan os.Signal) int {
	var check bool
	printConfig, done, code := boot.ParseArgs("ec2", args, stderr, func(fs *flag.FlagSet) {
		fs.BoolVar(&check, "healthcheck", false, "ask the server that runs with this environment for /healthz and exit, with 0 if it is well")
	})
	if done {
		return code
	}
	c, err := boot.Load(getenv, poolSize)
	if err != nil {
		boot.NewLogger(stderr, slog.LevelError).Error("configuration is invalid", "faults", boot.Faults(err))
		return boot.ExitUsage
	}
	logger := boot.NewLogger(stderr, c.LogLevel)
	switch {
	case printConfig:
		err = c.Print(stdout)
	case check:
		err = healthcheck(context.Background(), c)
	default:
		err = serve(c, logger, boot.NewLogger(stderr, slog.LevelInfo), signals)
	}
	if err != nil {
		logger.Error("stopped with an error", "error", err.Error())
		return boot.ExitFailed
	}
	return boot.ExitOK
}
