package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

func newReportCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:     "report DIR",
		Short:   "Render the reports again from DIR/result.json",
		Long:    `report reads DIR/result.json, writes the reports beside it again and prints the tables. It measures nothing.`,
		Example: `  bench report results/20260102-150405-four-phase-20`,
		Args:    oneArg("folder with a " + result.FileName),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := result.Load(args[0])
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					err = fmt.Errorf("%s has no %s: expected the output folder of a run", args[0], result.FileName)
				}
				return usageError{err}
			}
			model, err := analysis.Compare(r)
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", args[0], err)}
			}
			if err := report.Write(args[0], model); err != nil {
				return err
			}
			return report.Terminal(std.out, model, terminalOptions(std.out))
		},
	}
}
