// Command bench puts the same load on several homes of one web app and shows their figures side by side.
//
//	go run ./bench                                both local targets, the default scenario
//	go run ./bench --scenario four-phase-100
//	go run ./bench --target a=http://127.0.0.1:8080 --target b=http://127.0.0.1:9090
//	go run ./bench report results/DIR             render the reports again
//	go run ./bench compare OLD NEW                what changed between two runs
//	go run ./bench local                          start both local targets and wait
//	go run ./bench tune                           which memory size costs least and is fast enough
//
// Exit status: 0 done, 1 failed, 2 wrong usage or input, 3 a threshold was missed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/target"
	"github.com/crossover-bench/crossover/bench/scenarios"
)

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// Exit statuses.
const (
	exitDone      = 0
	exitFailed    = 1
	exitUsage     = 2
	exitThreshold = 3
)

// silent is a logger for go-redis.
type silent struct{}

// Printf implements go-redis's internal.Logging.
func (silent) Printf(context.Context, string, ...any) {}

// streams are the standard streams. Products go to out, progress and messages to err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// usageError is wrong usage or input: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func run(args []string, std streams) int {
	redis.SetLogger(silent{}) // what it would print about failed dials is in its errors too
	texts := &checked{w: std.out}
	root := newRoot(std)
	root.SetArgs(args)
	root.SetIn(std.in)
	root.SetOut(texts)
	root.SetErr(std.err)
	addCompletion(root)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		err = texts.err
	}
	if err != nil {
		_, _ = fmt.Fprintf(std.err, "bench: %v\n", err)
	}
	return exitStatus(err)
}

// checked keeps the first error of writing to w: the library that prints help drops it.
type checked struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (c *checked) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// exitStatus of what a command returned.
func exitStatus(err error) int {
	if err == nil {
		return exitDone
	}
	if status, ok := errors.AsType[workError](err); ok && status > 0 {
		return int(status)
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[target.InputError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[thresholdError](err); ok {
		return exitThreshold
	}
	return exitFailed
}

func newRoot(std streams) *cobra.Command {
	root := newRunCommand(std, "bench")
	root.Short = "Compare one web app on EC2 and on Lambda, or any two HTTP targets"
	root.Long = `bench puts the same load on several targets and shows their figures side by side.

Without arguments it builds the app of this checkout twice, starts the EC2 binary as a process and the Lambda
bootstrap on a local Lambda service, both on one Redis, and compares them under the scenario four-phase-20.
No AWS account is needed, and all that it starts is gone when it ends.

Tables go to standard output, progress to standard error, and the reports to results/TIME-SCENARIO/.

Exit status: 0 done, 1 failed, 2 wrong usage or input, 3 a threshold was missed.`
	root.SilenceErrors, root.SilenceUsage = true, true
	built := stamped()
	root.Version = strings.TrimSpace(built.Version + " " + built.Commit + " " + built.Go)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\nSee '%s --help'", plainFlag(err), c.CommandPath())}
	})
	runCommand := newRunCommand(std, "run")
	runCommand.Short = "Run a scenario on the targets (what bench does without a command)"
	runCommand.Long = runCommand.Short + ".\n\nShipped scenarios:\n" + shippedScenarios()
	root.AddCommand(runCommand, newReportCommand(std), newCompareCommand(std), newLocalCommand(std), newParityCommand(std), newEmulateCommand(std), newCostCommand(std), newTuneCommand(std),
		newMiniredisCommand(std), newReapCommand(std), newWorkCommand(std))
	return root
}

// addCompletion adds the library's command, which takes the name of a shell that it does not know for a wish for help. What it prints goes
// where root's texts go now.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	completion, _, err := root.Find([]string{"completion"})
	if err != nil {
		panic(err)
	}
	completion.Args = noArgs
	completion.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	for _, shell := range completion.Commands() {
		shell.Args = noArgs
	}
}

// shippedScenarios says what each is for, a line each.
func shippedScenarios() string {
	var b strings.Builder
	for _, name := range scenarios.Names() {
		_, _ = fmt.Fprintf(&b, "  %-15s %s\n", name, scenarios.Describe(name))
	}
	return b.String()
}

// plainFlag says what a flag expects, where the library names the function that could not read it.
func plainFlag(err error) error {
	wrong, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	flag := wrong.GetFlag()
	var want string
	switch flag.Value.Type() {
	case "bool":
		want = "true or false"
	case "int":
		want = "a whole number"
	case "intSlice":
		want = "whole numbers with commas between them"
	case "uint64":
		want = "a whole number from 0 to " + strconv.FormatUint(math.MaxUint64, 10)
	case "float64":
		want = "a number"
	case "duration":
		want = "a duration such as 90s or 1h30m"
	case "stringToInt":
		want = "FRONT_DOOR=PORT such as function_url=8080"
	default:
		return err
	}
	if errors.Is(err, strconv.ErrRange) {
		want += ", and not so large a one"
	}
	return fmt.Errorf("--%s %q: expected %s", flag.Name, wrong.GetValue(), want)
}

// noArgs and oneArg are cobra's, as usage errors.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if c.HasSubCommands() {
		return usageError{fmt.Errorf("unknown command %q\nSee '%s --help'", args[0], c.CommandPath())}
	}
	return usageError{fmt.Errorf("unexpected argument %q\nSee '%s --help'", args[0], c.CommandPath())}
}

func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("expected one %s, got %s\nSee '%s --help'", what, numeral.Plural(len(args), "argument"), c.CommandPath())}
		}
		return nil
	}
}
