package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// compareOptions are the flags of compare.
type compareOptions struct {
	tolerance share
	json      bool
	markdown  bool
	out       string
}

func newCompareCommand(std streams) *cobra.Command {
	o := &compareOptions{tolerance: 0.05}
	c := &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "Say what changed between two runs, with confidence",
		Long: `compare reads the results of two runs and compares the targets that both have, by name, metric by metric.

A round is the unit of repetition: it takes five rounds of both runs to say anything, and with fewer there is a ~. Rounds of two runs
are no pairs, and what else changed between the runs is in the figures too: compare names what it can see of that first.

Exit status: 3 if a target got worse by more than the tolerance and the difference stands, or answers nothing rightly any more.`,
		Example: `  bench compare results/20260102-150405-steady results/20260109-150405-steady
  bench compare old new --tolerance 10% --out changes.md
  bench compare old new --json | jq '.regressions'`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{fmt.Errorf("expected two folders with a %s, the old one first, got %s\nSee '%s --help'", result.FileName, numeral.Plural(len(args), "argument"), c.CommandPath())}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return o.run(std, args[0], args[1]) },
	}
	f := c.Flags()
	f.Var(&o.tolerance, "tolerance", "how much worse a figure may be, as a share of the old one; of the error rate nothing may")
	f.BoolVar(&o.json, "json", false, "print JSON instead of tables")
	f.BoolVar(&o.markdown, "markdown", false, "print Markdown instead of tables")
	f.StringVar(&o.out, "out", "", "write Markdown to this file as well")
	return c
}

func (o *compareOptions) run(std streams, before, after string) error {
	if o.json && o.markdown {
		return usageError{errors.New("--json and --markdown: standard output has room for one; --out FILE writes Markdown as well")}
	}
	old, oldErr := load(before)
	current, newErr := load(after)
	if err := errors.Join(oldErr, newErr); err != nil {
		return usageError{err}
	}
	compared, err := analysis.CompareRuns(old, current)
	if err != nil {
		return usageError{fmt.Errorf("%s and %s: %w", before, after, err)}
	}
	change := report.Change{RunComparison: compared, Tolerance: float64(o.tolerance)}
	if err := o.write(std, change); err != nil {
		return err
	}
	if lines := change.Regressed(); len(lines) > 0 {
		return thresholdError{fmt.Errorf("it got worse:\n  %s", strings.Join(lines, "\n  "))}
	}
	return nil
}

func (o *compareOptions) write(std streams, change report.Change) error {
	var markdown []byte
	if o.markdown || o.out != "" {
		var err error
		if markdown, err = change.Markdown(); err != nil {
			return err
		}
	}
	if o.out != "" {
		if err := result.WriteFile(filepath.Clean(o.out), markdown); err != nil {
			return err
		}
	}
	text := markdown
	switch {
	case o.json:
		var err error
		if text, err = change.JSON(); err != nil {
			return err
		}
	case !o.markdown:
		return change.Terminal(std.out, terminalOptions(std.out))
	}
	if _, err := std.out.Write(text); err != nil {
		return fmt.Errorf("printing the comparison: %w", err)
	}
	return nil
}
