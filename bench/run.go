package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
	"github.com/crossover-bench/crossover/bench/internal/terraform"
	"github.com/crossover-bench/crossover/bench/scenarios"
)

// runOptions are the flags of bench run.
type runOptions struct {
	targets   string
	named     []string
	scenario  string
	pricesIn  string
	out       string
	rounds    int
	seed      uint64
	json      bool
	quiet     bool
	skipCheck bool
	reach     reach
	stream    bool
	metrics   string
	linger    time.Duration
	limits    limits
	capacity  capacityOptions
	quota     bool
	remote    remoteOptions
	spend     spend
	observing observation

	// Once they are read.
	outputs *terraform.Outputs
	specs   []target.Spec
	prices  *cost.Table

	sweep *sweep // of bench tune; nil of bench run
}

func newRunCommand(std streams, name string) *cobra.Command {
	o := runOptions{spend: spend{estimate: estimateRun}}
	c := &cobra.Command{
		Use: name,
		Example: `  bench
  bench run --scenario four-phase-100 --rounds 5
  bench run --target blue=http://127.0.0.1:8080 --target green=http://127.0.0.1:9090 --scenario mine.yaml
  bench run --targets targets.json --json > result.json
  bench run --targets terraform --scenario steady
  bench run --targets terraform --from aws --scenario steady --rounds 5`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.validate(c); err != nil {
				return usageError{err}
			}
			if o.remote.from != "" {
				return runRemotely(c.Context(), std, &o, c.Flags())
			}
			return runBench(c.Context(), std, &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.targets, "targets", "local", "local, terraform[=DIR] (the output 'targets' of what was applied in DIR, by default ./terraform), or a targets file (FILE.json)")
	f.StringArrayVar(&o.named, "target", nil, "NAME=URL of a running target; may be repeated")
	f.StringVar(&o.scenario, "scenario", scenarios.Default, "a shipped scenario ("+strings.Join(scenarios.Names(), ", ")+") or FILE.yaml")
	f.StringVar(&o.pricesIn, "prices", "", pricesUsage)
	f.StringVar(&o.out, "out", "", "folder for result.json and the reports, of this run alone (default results/TIME-SCENARIO)")
	f.IntVar(&o.rounds, "rounds", 1, "how often all phases are run on each target")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the order in which targets take turns (default drawn at random, and reported)")
	f.BoolVar(&o.json, "json", false, "print result.json instead of tables")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	f.BoolVar(&o.skipCheck, "skip-check", false, "do not compare the targets' answers before the load; the report says so")
	f.BoolVar(&o.quota, "request-quota", false, "throttle the local Lambda target over ten times its concurrency in requests a second, as Lambda does")
	o.addLiveFlags(f)
	o.reach.flags(f)
	o.limits.flags(f)
	o.capacity.flags(f)
	o.remote.flags(f)
	o.spend.flags(f)
	o.observing.flags(f)
	completions(c, map[string]cobra.CompletionFunc{
		"scenario": completeOne(scenarios.Names()...), "targets": completeOne("local", "terraform"), "from": completeOne(fromAWS), "slo": completeSLO(),
	})
	return c
}

func (o *runOptions) validate(c *cobra.Command) error {
	switch {
	case c.Flags().Changed("out") && o.out == "":
		return errors.New("--out: expected a folder, got an empty name")
	case len(o.named) > 0 && c.Flags().Changed("targets"):
		return errors.New("--targets and --target exclude each other: put all targets into the file, or name all by URL")
	case o.quota && (o.targets != "local" || len(o.named) > 0):
		return errors.New("--request-quota is for --targets local: in a targets file give the bootstrap \"request_quota\": true")
	case o.rounds < 1 || o.rounds > result.MaxRounds:
		return fmt.Errorf("--rounds %d: expected 1 to %d", o.rounds, result.MaxRounds)
	case o.targets == "" || o.targets == "terraform=":
		return fmt.Errorf("--targets %q: expected local, terraform, terraform=DIR or FILE.json", o.targets)
	}
	if err := errors.Join(o.limits.validate(c.Flags()), o.capacity.validate(c.Flags()), o.remote.validate(c.Flags(), o), o.spend.validate(), o.observing.validate()); err != nil {
		return err
	}
	if err := o.reach.validate(); err != nil {
		return err
	}
	var err error
	if o.prices, err = priceTable(o.pricesIn); err != nil {
		return err
	}
	if !c.Flags().Changed("seed") {
		o.seed = uint64(rand.Uint32()) // short enough to type again
	}
	return o.checkLiveFlags(c.Flags())
}

// runBench is bench run, from flags to reports.
func runBench(ctx context.Context, std streams, o *runOptions) (err error) {
	s, specs, err := o.read(ctx)
	if err != nil {
		return usageError{err}
	}
	if err := o.reach.open(ctx, specs); err != nil {
		return usageError{err}
	}
	out, err := openOutput(o.out, s.Name)
	if err != nil {
		return err
	}
	defer out.discard()
	show := newDisplay(std.err, s, o)
	if err := o.checkSpend(s, specs, show.tell); err != nil {
		return err
	}
	ctx, i, stop := watchSignals(ctx, show.draining)
	defer stop()
	live, err := openLive(ctx, std, o, show)
	if err != nil {
		return err
	}
	defer live.close(ctx)

	host, err := newHost(show.say)
	if err != nil {
		return err
	}
	set, err := openTargets(ctx, host, specs, target.LocalOptions{RequestQuota: o.quota})
	if err != nil {
		closeErr := host.Group.Close(0)
		if ctx.Err() != nil {
			return errors.New("interrupted before the load began: nothing was measured")
		}
		return errors.Join(err, closeErr)
	}
	show.targets(set.Targets)
	r, runErr := measure(ctx, i, set, s, o, out, show, live)
	if err := set.Close(); err != nil {
		runErr = errors.Join(runErr, fmt.Errorf("stopping the targets: %w", err))
	}
	if r == nil {
		return runErr
	}
	runErr = o.limits.hold(r, errors.Join(publish(ctx, std, r, out, o, show, live), runErr))
	live.lastScrape(ctx, i.drain)
	return runErr
}

func openTargets(ctx context.Context, host *target.Host, specs []target.Spec, local target.LocalOptions) (*target.Set, error) {
	if specs == nil {
		return target.Local(ctx, host, ".", local)
	}
	return target.Open(ctx, host, specs)
}

// measure checks the targets and puts the load on them. It returns a result whenever anything was measured, even beside an error.
func measure(ctx context.Context, i *interrupts, set *target.Set, s *scenario.Scenario, o *runOptions, out *output, show *display, live *live) (*result.Run, error) {
	names := o.reach.targets(set)
	g, err := loadgen.New(s, names, o.reach.options(o.seed))
	if err != nil {
		return nil, err
	}
	defer g.Close()
	r := newResult(ctx, set, s, o)
	warmed := make([]int64, len(names))
	if err := enoughFiles(g.Connections()); err != nil {
		return nil, err
	}
	if !o.skipCheck {
		if warmed, err = check(ctx, g); err != nil {
			return nil, errors.Join(err, set.InitErrors(), deathOf(set))
		}
	}

	c := newCollector(s, set.Targets)
	c.loads = newLoads(c, o.capacity.find)
	r.Warnings = append(r.Warnings, c.openMeters()...)
	j, err := startJournal(out.dir, r, c, warmed, show.tell)
	if err != nil {
		return nil, err
	}
	i.measure()
	died := make(chan error, 1)
	unwatched := make(chan struct{})
	loadDone := make(chan struct{})
	go func() {
		defer close(unwatched)
		select {
		case err := <-set.Died():
			died <- err
			i.startDrain()
		case <-loadDone:
		}
	}()
	whole, err := o.load(ctx, i.drain, g, c, j, show, live.observers(names, s.Phases))
	close(loadDone)
	<-unwatched
	show.finish()
	r.Warnings = append(r.Warnings, g.Warnings()...)
	r.Warnings = append(r.Warnings, j.close()...)
	if err != nil {
		return nil, fmt.Errorf("aborted: no report was written%s", out.hint())
	}
	r.Generator = c.health()
	r.Interrupted = !whole
	err = conclude(r, set, c, warmed, died)
	o.observing.observe(ctx, i.drain, r, o.specs, c.loads, show)
	return r, err
}

// load puts the load on the targets and says whether it did all of it.
func (o *runOptions) load(ctx context.Context, drain <-chan struct{}, g *loadgen.Generator, c *collector, j *journal, show *display, others observers) (bool, error) {
	if o.sweep != nil {
		return o.sweep.load(ctx, drain, g, c, append(observers{c, j, show, c.loads}, others...))
	}
	if !o.capacity.find {
		return g.Run(ctx, drain, o.rounds, append(observers{c, j, show, c.loads}, others...))
	}
	s := &capacitySearch{options: &o.capacity, scenario: c.scenario, g: g, c: c, show: show, journal: j, watching: others, drain: drain}
	return s.run(ctx)
}

// check compares the answers of the targets before any load.
func check(ctx context.Context, g *loadgen.Generator) ([]int64, error) {
	warmed, err := g.Check(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, errors.New("interrupted before the load began: nothing was measured")
	case errors.Is(err, loadgen.ErrDiffer):
		return nil, fmt.Errorf("the check before the load found differences (--skip-check measures all the same):\n%w", err)
	case err != nil:
		return nil, fmt.Errorf("the check before the load: %w", err)
	}
	return warmed, nil
}

// deathOf tells whether a target ended by itself, which explains other errors.
func deathOf(set *target.Set) error {
	select {
	case err := <-set.Died():
		return err
	default:
		return nil
	}
}
