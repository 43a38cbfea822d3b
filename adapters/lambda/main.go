// Command lambda is the app as a Lambda function on an OS-only runtime. Build it as
// `bootstrap`, with the tag lambda.norpc.
//
// It is configured by its environment (-print-config shows it; package boot has
// the variables) and logs JSON lines to stderr with the same keys as the EC2
// target, plus request_id. Nothing is dialled before the first request that needs
// the store; the connections then outlive the invocation.
//
// SIGTERM ends the process with 0 once the handler is idle, except in its very first
// milliseconds, when it is not yet caught. Lambda sends it only to functions with an
// extension and never during an invocation, so the answer of an invocation that is
// cut off so is not waited for. Exit codes: 0 stopped, 1 wrong environment, 2 wrong
// arguments or not on Lambda.
package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/crossover-bench/crossover/adapters/internal/boot"
	"github.com/crossover-bench/crossover/app"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// poolSize is the default for REDIS_POOL_SIZE. An environment has one request at a
// time; the second connection is for one that is still being closed.
const poolSize = 2

// signalDelay is a few times what it takes to ask for work.
const signalDelay = 20 * time.Millisecond

func main() {
	started := time.Now().Add(-startOffset())
	os.Exit(run(started, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

func run(started time.Time, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	var printConfig bool
	if len(args) > 0 {
		p, done, code := boot.ParseArgs("bootstrap", args, stderr)
		if done {
			return code
		}
		printConfig = p
	}
	c, err := boot.Load(getenv, poolSize)
	if err != nil {
		boot.NewLogger(stderr, slog.LevelError).Error("configuration is invalid", "faults", boot.Faults(err))
		return boot.ExitFailed
	}
	logger := slog.New(requestIDHandler{boot.NewLogHandler(stderr, c.LogLevel)})
	if printConfig {
		if err := c.Print(stdout); err != nil {
			logger.Error("stopped with an error", "error", err.Error())
			return boot.ExitFailed
		}
		return boot.ExitOK
	}
	if getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		logger.Error("not on Lambda: AWS_LAMBDA_RUNTIME_API is not set; `bench emulate -- bootstrap` runs this binary locally")
		return boot.ExitUsage
	}
	serve(started, c, logger, os.Exit)
	return boot.ExitFailed // not reached
}

// serve answers invocations. It never returns: it calls exit after SIGTERM, and the
// library ends the process when the Runtime API fails, which makes Lambda start a
// new one.
//
// The first request for work goes out at once, from this goroutine, and the app is
// made meanwhile in another: of all that a cold start has to do only this can be
// done while waiting. The first invocation waits for both.
func serve(started time.Time, c boot.Config, logger *slog.Logger, exit func(code int)) {
	g := newGate()
	go func() {
		if err := open(started, c, logger, g); err != nil {
			logger.Error("stopped with an error", "error", err.Error())
			exit(boot.ExitFailed)
		}
		exit(boot.ExitOK)
	}()
	if c.LambdaResponseMode == boot.ModeStream {
		lambda.StartWithOptions(g.Serve)
		return
	}
	lambda.StartWithOptions(g)
}

// open makes the app, opens the gate to it, and closes both after SIGTERM.
func open(started time.Time, c boot.Config, logger *slog.Logger, g *gate) error {
	var took time.Duration
	a, store := boot.Open(c, logger, roleCredentials(os.Getenv), app.WithInit(func() time.Duration { return took }))
	h, err := newHandler(c, a, logger)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	took = time.Since(started)
	g.open(h)

	// Catching signals starts threads, which would compete with the first request
	// for work: some 5 % of a cold start. Until then a signal ends the process by
	// itself; there is nothing to close yet.
	timer := time.NewTimer(signalDelay)
	defer timer.Stop()
	<-timer.C
	// Not before: in a cold start there is work for two.
	fitProcessors(lambdacontext.MemoryLimitInMB, os.Getenv("GOMAXPROCS") != "")
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	logger.Debug("signals are caught")
	<-signals
	g.close()
	return store.Close() // says what it is
}
