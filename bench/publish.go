package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// newModel sets a run's targets side by side, with the intervals that its journal in dir has. A journal that cannot be read costs the
// charts over time and nothing else; the warning says so.
func newModel(dir string, r *result.Run, prices *cost.Table) (*analysis.Model, error) {
	model, err := analysis.CompareAt(r, prices)
	if err != nil {
		return nil, err
	}
	intervals, err := result.LoadIntervals(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		model.Caveats = append(model.Caveats, fmt.Sprintf("The charts over time are missing: %v.", err))
	default:
		model.Timeline = analysis.NewTimeline(r, intervals)
	}
	return model, nil
}

// publish writes result.json and the reports and prints the product. A disk that is full does not keep the tables from being
// printed: they cannot be measured again.
func publish(ctx context.Context, std streams, r *result.Run, out *output, o *runOptions, show *display, live *live) error {
	data, err := r.Encode()
	if err != nil {
		return err
	}
	model, err := newModel(out.dir, r, o.prices)
	if err != nil {
		return err
	}
	writeErr := result.WriteFile(filepath.Join(out.dir, result.FileName), data)
	if writeErr == nil {
		out.keep()
		writeErr = writeReports(out.dir, model)
	} else {
		writeErr = fmt.Errorf("%w%s", writeErr, out.hint())
	}
	switch {
	case o.stream:
		err = live.lastLine(ctx, data, o.json)
	case o.json:
		_, err = std.out.Write(data)
	default:
		err = report.Terminal(std.out, model, terminalOptions(std.out))
	}
	if err != nil {
		err = fmt.Errorf("printing the result: %w", err)
	}
	if writeErr == nil {
		show.say(reportLine+"%s and %s", filepath.Join(out.dir, report.FileName), report.HTMLName)
	}
	return errors.Join(writeErr, err)
}

// stepSummary is where GitHub Actions shows a file of Markdown on the page of a job.
const stepSummary = "GITHUB_STEP_SUMMARY"

// writeReports writes all reports into dir, and the short one for GitHub Actions where that asks for it.
func writeReports(dir string, m *analysis.Model) error {
	return errors.Join(report.Write(dir, m), appendSummary(os.Getenv(stepSummary), m))
}

// appendSummary appends to the file of that name, which other steps of the job may have written to. Above a limit GitHub shows nothing
// at all, so that what is too long is shortened.
func appendSummary(name string, m *analysis.Model) (err error) {
	if name == "" {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing %s: %w", stepSummary, err)
		}
	}()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	had, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	text, err := report.Summary(m, report.SummaryLimit-int(min(had, report.SummaryLimit)))
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return err
}
