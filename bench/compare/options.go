package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	only        map[string]bool
	chosen      []*tool
	rounds      int
	lasts       time.Duration
	connections int
	bench       string
	toolsDir    string
	cache       string // where --install puts tools
	install     bool
	long        bool
	check       bool
	out         string
}

// parts of a comparison, in their order.
func parts() []string { return []string{"closed", "open", "memory", "stall"} }

const usage = `Usage: bench/compare/run.sh [flags]

Measures bench beside other load generators and prints Markdown tables. Tools that are missing are skipped. Everything that it starts
listens on loopback only and is gone when it ends.

`

// parseOptions reads the command line and makes the output folder. Help is written to help.
func parseOptions(args []string, help io.Writer) (*options, error) {
	var o options
	var only, tools string
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&only, "only", strings.Join(parts(), ","), "which `parts` to run")
	f.StringVar(&tools, "tools", strings.Join(namesOf(allTools()), ","), "which other `generators` to run, or none")
	f.IntVar(&o.rounds, "rounds", 5, "how often each generator takes its turn in the closed loop, and bench in the open one")
	f.DurationVar(&o.lasts, "d", 5*time.Second, "how long each turn lasts, in whole seconds")
	f.IntVar(&o.connections, "connections", 64, "connections of the closed and the open loop")
	f.StringVar(&o.bench, "bench", "", "the bench `binary` to measure (run.sh builds it from the checkout)")
	f.StringVar(&o.toolsDir, "tools-dir", os.Getenv("TOOLS_DIR"), "a `folder` that has generators, beside the PATH")
	f.BoolVar(&o.install, "install", false, "install the missing generators that go install can get, into a cache folder")
	f.BoolVar(&o.long, "long", false, "ten million requests in the memory part, instead of one")
	f.BoolVar(&o.check, "check", false, "exit with 3 if a goal was missed")
	f.StringVar(&o.out, "out", "", "`folder` for the raw figures (default: a temporary one)")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			writeHelp(f, help)
			return nil, err
		}
		return nil, usageError{err}
	}
	if f.NArg() > 0 {
		return nil, usageError{fmt.Errorf("unexpected argument %q", f.Arg(0))}
	}
	if err := o.complete(only, tools); err != nil {
		return nil, usageError{err}
	}
	return &o, o.makeOut()
}

func writeHelp(f *flag.FlagSet, w io.Writer) {
	_, _ = io.WriteString(w, usage)
	f.SetOutput(w)
	f.PrintDefaults()
	_, _ = io.WriteString(w, "\nGenerators, and how each is installed:\n\n")
	for _, t := range allTools() {
		_, _ = fmt.Fprintf(w, "  %-10s  %s\n", t.name, t.howTo())
	}
}

// complete checks the flags and fills in what depends on others.
func (o *options) complete(only, tools string) error {
	o.only = map[string]bool{}
	for part := range strings.SplitSeq(only, ",") {
		if !slices.Contains(parts(), part) {
			return fmt.Errorf("--only %s: expected some of %s", part, strings.Join(parts(), ","))
		}
		o.only[part] = true
	}
	all := allTools()
	if tools != "none" {
		for name := range strings.SplitSeq(tools, ",") {
			i := slices.Index(namesOf(all), name)
			if i < 0 {
				return fmt.Errorf("--tools %s: expected none, or some of %s", name, strings.Join(namesOf(all), ","))
			}
			o.chosen = append(o.chosen, all[i])
		}
	}
	switch {
	case o.bench == "":
		return errors.New("--bench: expected the binary to measure (bench/compare/run.sh builds and names it)")
	case o.rounds < 1 || o.rounds > 100:
		return fmt.Errorf("--rounds %d: expected 1 to 100", o.rounds)
	case o.lasts < time.Second || o.lasts > 10*time.Minute || o.lasts%time.Second != 0:
		return fmt.Errorf("-d %s: expected whole seconds, 1s to 10m", o.lasts)
	case o.connections < 1 || o.connections > 1000:
		return fmt.Errorf("--connections %d: expected 1 to 1000", o.connections)
	}
	if cache, err := os.UserCacheDir(); err == nil {
		o.cache = filepath.Join(cache, "crossover", "compare")
	} else if o.install {
		return fmt.Errorf("--install: %w", err)
	}
	return nil
}

// makeOut makes the output folder, which must not hold an older run: bench refuses to overwrite a result.
func (o *options) makeOut() (err error) {
	if o.out == "" {
		o.out, err = os.MkdirTemp("", "crossover-compare-figures-")
		return err
	}
	if entries, err := os.ReadDir(o.out); err == nil && len(entries) > 0 {
		return usageError{fmt.Errorf("--out %s is not empty: name another folder", o.out)}
	}
	return os.MkdirAll(o.out, 0o755)
}

func namesOf(tools []*tool) []string {
	names := make([]string, len(tools))
	for i, t := range tools {
		names[i] = t.name
	}
	return names
}
