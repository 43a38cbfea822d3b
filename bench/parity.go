package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/parity"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// parityOptions are the flags of bench parity.
type parityOptions struct {
	named   []string
	corpus  string
	doors   []string
	explain bool
	json    bool
	timeout time.Duration
}

func newParityCommand(std streams) *cobra.Command {
	var o parityOptions
	c := &cobra.Command{
		Use:   "parity",
		Short: "Send a corpus of odd requests to two targets and show where their answers differ",
		Long: `parity sends each request of a corpus byte for byte to two targets and compares status, headers and body. What a front door
is known to change or lose, such as the joining of repeated headers, is explained and is no difference.

Without --target it compares both local targets, the Lambda target behind each front door in turn. With two --target flags
the first one is the plain server, the second one the function behind --front-door ("direct" for two plain servers).

Exit status: 0 no differences, 1 differences, 2 wrong usage or input.`,
		Example: `  bench parity
  bench parity --front-door alb --explain
  bench parity --target ec2=http://127.0.0.1:8080 --target lambda=https://example.com --front-door function_url
  bench parity --target a=http://127.0.0.1:8080 --target b=http://127.0.0.1:9090 --corpus mine.yaml`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runParity(c.Context(), std, &o) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.named, "target", nil, "NAME=URL, twice: the plain server first")
	f.StringVar(&o.corpus, "corpus", "", "requests to send, FILE.yaml (default the corpus of this project's app)")
	f.StringSliceVar(&o.doors, "front-door", nil, "what the second target is behind: "+strings.Join(append(doorNames(), parity.DoorDirect), ", ")+
		" (default all of them locally, else direct)")
	completions(c, map[string]cobra.CompletionFunc{"front-door": completeList("front-door", doorNames(), parity.DoorDirect)})
	f.BoolVar(&o.explain, "explain", false, "show the explained differences too")
	f.BoolVar(&o.json, "json", false, "print the differences as JSON")
	f.DurationVar(&o.timeout, "timeout", parity.DefaultTimeout, "time-out of a request")
	return c
}

func runParity(ctx context.Context, std streams, o *parityOptions) error {
	corpus, err := o.loadCorpus()
	if err != nil {
		return usageError{err}
	}
	if o.timeout <= 0 {
		return usageError{fmt.Errorf("--timeout %s: expected a duration above zero", o.timeout)}
	}
	ctx, _, stop := watchSignals(ctx, nil)
	defer stop()
	var results []*parity.Result
	if len(o.named) == 0 {
		results, err = o.compareLocal(ctx, std, corpus)
	} else {
		results, err = o.compareNamed(ctx, corpus)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted: not all requests were compared")
	case err != nil:
		return err
	}
	return o.show(std, results)
}

func (o *parityOptions) loadCorpus() (*parity.Corpus, error) {
	if o.corpus == "" {
		return parity.Builtin("app")
	}
	data, err := os.ReadFile(o.corpus)
	if err != nil {
		return nil, fmt.Errorf("reading the corpus: %w", err)
	}
	return parity.Parse(o.corpus, data)
}

// compareNamed compares two targets that run already.
func (o *parityOptions) compareNamed(ctx context.Context, corpus *parity.Corpus) ([]*parity.Result, error) {
	specs, err := target.ParseFlags(o.named)
	if err != nil {
		return nil, usageError{err}
	}
	if len(specs) != 2 || len(o.doors) > 1 {
		return nil, usageError{errors.New("expected two targets, --target NAME=URL twice, and one --front-door at most")}
	}
	door := parity.DoorDirect
	if len(o.doors) == 1 {
		door = o.doors[0]
	}
	if door != parity.DoorDirect && !slices.Contains(doorNames(), door) {
		return nil, usageError{fmt.Errorf("--front-door %q: expected one of %s, %s", door, strings.Join(doorNames(), ", "), parity.DoorDirect)}
	}
	left, right := parity.Target{Name: specs[0].Name, URL: specs[0].URL}, parity.Target{Name: specs[1].Name, URL: specs[1].URL}
	r, err := parity.Run(ctx, left, right, corpus, door, o.timeout)
	if err != nil {
		return nil, err
	}
	return []*parity.Result{r}, nil
}

// compareLocal builds and starts both local targets and compares them through each front door.
func (o *parityOptions) compareLocal(ctx context.Context, std streams, corpus *parity.Corpus) (_ []*parity.Result, err error) {
	doors := emulator.FrontDoors()
	if len(o.doors) > 0 {
		if doors, err = frontDoors(o.doors); err != nil {
			return nil, usageError{err}
		}
	}
	host, err := newHost(func(format string, args ...any) { _, _ = fmt.Fprintf(std.err, format+"\n", args...) })
	if err != nil {
		return nil, err
	}
	set, err := target.Local(ctx, host, ".", target.LocalOptions{Doors: doors})
	if err != nil {
		return nil, errors.Join(err, host.Group.Close(0))
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	var results []*parity.Result
	left := parity.Target{Name: set.Targets[0].Name, URL: set.Targets[0].URL}
	for i, t := range set.Targets[1:] {
		r, err := parity.Run(ctx, left, parity.Target{Name: t.Name, URL: t.URL}, corpus, string(doors[i]), o.timeout)
		if err != nil {
			return nil, errors.Join(err, set.InitErrors(), deathOf(set))
		}
		_, _ = fmt.Fprintf(std.err, "%s: %s sent\n", doors[i], numeral.Plural(r.Requests, "request"))
		results = append(results, r)
	}
	return results, nil
}

// show prints what was found; differences are an error.
func (o *parityOptions) show(std streams, results []*parity.Result) error {
	found := 0
	for _, r := range results {
		found += len(r.Differences)
	}
	if o.json {
		if err := json.NewEncoder(std.out).Encode(results); err != nil {
			return err
		}
	} else if err := o.tables(std, results); err != nil {
		return err
	}
	if found > 0 {
		return fmt.Errorf("%s between the targets", numeral.Plural(found, "difference"))
	}
	return nil
}

func (o *parityOptions) tables(std streams, results []*parity.Result) error {
	summary := make([][]string, 0, len(results))
	count := func(n int) string { return numeral.Grouped(strconv.Itoa(n)) }
	for _, r := range results {
		if rows := r.Rows(o.explain); len(rows) > 0 {
			if _, err := fmt.Fprintf(std.out, "%s: %s and %s\n", r.Door, r.Left.Name, r.Right.Name); err != nil {
				return err
			}
			if err := report.List(std.out, parity.Columns(), len(parity.Columns()), rows, terminalOptions(std.out)); err != nil {
				return err
			}
		}
		summary = append(summary, []string{
			r.Door, count(r.Requests), count(len(r.Differences)), count(len(r.Explained)),
		})
	}
	return report.List(std.out, []string{"Front door", "Requests", "Differences", "Explained"}, 1, summary, terminalOptions(std.out))
}
