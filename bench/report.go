package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

func newReportCommand(std streams) *cobra.Command {
	asJSON, prices := false, ""
	c := &cobra.Command{
		Use:   "report DIR",
		Short: "Render the reports again from DIR/result.json",
		Long: `report reads DIR/result.json, writes the reports beside it again and prints the tables. It measures nothing.

The reports are ` + report.FileName + ` with its charts (*.svg), ` + report.HTMLName + `, which is one file with charts that can be explored, and tables.csv
with all figures; intervals.csv has the figures of each interval, where the journal of the run is there. Where the variable
` + stepSummary + ` names a file, as in GitHub Actions, a report without charts is appended to it.

Where a run was killed there is no result.json: then the result is rebuilt from the intervals in DIR/` + result.JournalName + `, up to the last
one that was written, and the report says so. No result.json is written; --json prints one.`,
		Example: `  bench report results/20260102-150405-four-phase-20
  bench report results/20260102-150405-four-phase-20 --prices mine.json   # the verdict by other prices`,
		Args: oneArg("folder with a " + result.FileName),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := load(args[0])
			if err != nil {
				return usageError{err}
			}
			table, err := priceTable(prices)
			if err != nil {
				return usageError{err}
			}
			return renderAgain(std, args[0], r, table, asJSON)
		},
	}
	c.Flags().StringVar(&prices, "prices", "", pricesUsage)
	c.Flags().BoolVar(&asJSON, "json", false, "print the result instead of tables")
	return c
}

// load reads the result of a run, or what its journal has of it.
func load(dir string) (*result.Run, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file: give the folder that it is in", dir)
	}
	path := filepath.Join(dir, result.FileName)
	info, err := os.Stat(path)
	// An empty file is no result: a shell makes it before 'bench report --json' begins whose output goes there.
	if missing := errors.Is(err, fs.ErrNotExist); !missing && (err != nil || info.Size() > 0) {
		return result.Load(dir)
	}
	r, err := result.LoadJournal(dir)
	if errors.Is(err, fs.ErrNotExist) && info != nil {
		return nil, fmt.Errorf("%s is empty, and there is no %s to rebuild it from", path, result.JournalName)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s: expected the output folder of a run", dir, result.FileName)
	}
	return r, err
}

func renderAgain(std streams, dir string, r *result.Run, prices *cost.Table, asJSON bool) error {
	model, err := newModel(dir, r, prices)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", dir, err)}
	}
	if err := writeReports(dir, model); err != nil {
		return err
	}
	if !asJSON {
		return report.Terminal(std.out, model, terminalOptions(std.out))
	}
	data, err := r.Encode()
	if err != nil {
		return err
	}
	if _, err := std.out.Write(data); err != nil {
		return fmt.Errorf("printing the result: %w", err)
	}
	return nil
}
