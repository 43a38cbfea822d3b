package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// limitOptions are the flags of bench emulate for what environments may use, and for the log.
type limitOptions struct {
	limits    bool
	tmpMB     int
	logLines  bool
	logFormat string
}

// The size of /tmp in MB, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	minTmpMB = 512
	maxTmpMB = 10_240
)

func (o *limitOptions) register(c *cobra.Command) error {
	f := c.Flags()
	f.BoolVar(&o.limits, "limits", true, "hold environments to Lambda's CPU share, memory, processes, open files and /tmp, as far as rights go")
	f.IntVar(&o.tmpMB, "tmp", minTmpMB, "size of /tmp in MB")
	f.BoolVar(&o.logLines, "log-lines", true, "add Lambda's START, END and REPORT lines to the function's log on standard error")
	f.StringVar(&o.logFormat, "log-format", string(emulator.LogText), "format of these lines, text or json")
	return c.RegisterFlagCompletionFunc("log-format",
		cobra.FixedCompletions([]string{string(emulator.LogText), string(emulator.LogJSON)}, cobra.ShellCompDirectiveNoFileComp))
}

func (o *limitOptions) validate() error {
	var errs faults
	format := emulator.LogFormat(o.logFormat)
	errs.when(o.tmpMB < minTmpMB || o.tmpMB > maxTmpMB, "--tmp %d: expected %d to %d", o.tmpMB, minTmpMB, maxTmpMB)
	errs.when(format != emulator.LogText && format != emulator.LogJSON, "--log-format %q: expected %s or %s", o.logFormat, emulator.LogText, emulator.LogJSON)
	return errors.Join(errs...)
}

func (o *limitOptions) apply(c *emulator.Config) {
	c.Limits, c.TmpMB, c.LogLines, c.LogFormat = o.limits, o.tmpMB, o.logLines, emulator.LogFormat(o.logFormat)
}

// takeEnv adds to env the variables in the first line from bench's other process. They come this way because the arguments of a
// process are for everybody to read, and its environment would act on this process too.
func takeEnv(in *bufio.Reader, env map[string]string) error {
	line, err := in.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return errors.New("--control: expected a line of JSON with the function's variables on standard input")
	}
	var more map[string]string
	if err := json.Unmarshal(line, &more); err != nil {
		return fmt.Errorf("--control: reading the function's variables: %w", err)
	}
	maps.Copy(env, more)
	return nil
}
