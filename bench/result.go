package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
	"github.com/crossover-bench/crossover/bench/scenarios"
)

// newResult is a result with all that is known before the load.
func newResult(ctx context.Context, set *target.Set, s *scenario.Scenario, o *runOptions) *result.Run {
	source := result.FromFile
	if _, ok := scenarios.Read(o.scenario); ok {
		source = result.Shipped
	}
	r := &result.Run{
		SchemaVersion:  result.SchemaVersion,
		Tool:           tool(ctx),
		StartedAt:      time.Now().UTC().Truncate(time.Millisecond),
		Scenario:       *s,
		ScenarioSource: source,
		Seed:           o.seed,
		Rounds:         o.rounds,
		CheckSkipped:   o.skipCheck,
		Environment:    environment(set.Redis),
		Generator:      result.Generator{Verdict: result.Valid, Reasons: []string{}},
		Warnings:       []string{},
	}
	var here []string
	for _, t := range set.Targets {
		if t.Kind == target.KindProcess || t.Kind == target.KindBootstrap {
			here = append(here, t.Name)
		}
	}
	if len(here) > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s shared the %s of one machine with the load generator: read the ratio, not the"+
			" absolute figures.", strings.Join(here, " and "), plural(int64(r.Environment.CPUs), "CPU")))
	}
	r.Warnings = append(r.Warnings, o.reach.warnings()...)
	if o.skipCheck {
		r.Warnings = append(r.Warnings, "The targets' answers were not compared before the load (--skip-check): they may be different apps.")
	}
	return r
}

// conclude completes r with what was measured and says in an error why a run is not a good one.
func conclude(r *result.Run, set *target.Set, c *collector, warmed []int64, died <-chan error) error {
	var errs []error
	r.FinishedAt = time.Now().UTC().Truncate(time.Millisecond)
	var meterErrs []error
	r.Targets, meterErrs = c.finish(warmed)
	c.addCapacity(r)
	r.Thresholds = r.Judge()
	r.Warnings = append(r.Warnings, c.clockWarnings(time.Now())...)
	for i := range r.Targets {
		t := &r.Targets[i]
		if n := warmed[i]; n > 0 {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: the check before the load started %s, so as many cold starts are in no figure.",
				t.Name, plural(n, "environment")))
		}
		if t.Overall.Requests > 0 && t.Overall.Successes == 0 {
			errs = append(errs, fmt.Errorf("target %s answered none of %d requests rightly", t.Name, t.Overall.Requests))
		}
	}
	select {
	case err := <-died:
		errs = append(errs, fmt.Errorf("the run was stopped: %w", err))
		r.Warnings = append(r.Warnings, "Stopped early: "+strings.SplitN(err.Error(), ";", 2)[0]+".")
	default:
		// A local Lambda service that has ended cannot tell; of one that lives that would be news.
		for _, err := range meterErrs {
			r.Warnings = append(r.Warnings, err.Error())
		}
	}
	if err := set.InitErrors(); err != nil {
		r.Warnings = append(r.Warnings, strings.Split(err.Error(), "\n")...)
	}
	if r.Interrupted {
		errs = append(errs, errors.New("interrupted: the report holds what was measured until then"))
	}
	return errors.Join(errs...)
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// output is the folder of a run's files.
type output struct {
	dir  string
	made []string // folders that were not there before, innermost first
}

// openOutput makes the folder and finds out whether files can be written to it, before minutes of load are spent.
func openOutput(dir, scenarioName string) (*output, error) {
	o := &output{dir: dir}
	if dir == "" {
		base := filepath.Join("results", time.Now().Format("20060102-150405")+"-"+scenarioName)
		o.dir = base
		for n := 2; exists(o.dir); n++ {
			o.dir = fmt.Sprintf("%s-%d", base, n)
		}
	} else {
		for _, name := range []string{result.FileName, result.JournalName} {
			if exists(filepath.Join(dir, name)) {
				return nil, usageError{fmt.Errorf("--out %s holds %s already: name another folder, or remove it", dir, name)}
			}
		}
	}
	for at := filepath.Clean(o.dir); !exists(at) && at != filepath.Dir(at); at = filepath.Dir(at) {
		o.made = append(o.made, at)
	}
	err := os.MkdirAll(o.dir, 0o755)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(o.dir, ".probe-*"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		o.discard()
		return nil, fmt.Errorf("the output folder cannot be written to: %w (choose another with --out)", err)
	}
	return o, nil
}

// keep makes discard leave the folder alone: it holds a result.
func (o *output) keep() { o.made = nil }

// discard removes the folders that openOutput made and nothing was written to.
func (o *output) discard() {
	for _, dir := range o.made {
		_ = os.Remove(dir) // fails, rightly, if something is in it
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
