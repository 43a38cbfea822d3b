package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/scenarios"
)

// tuneOptions are the flags of bench tune. Those that it has in common with bench run are in run.
type tuneOptions struct {
	run       runOptions
	memory    []int
	instances []int
	types     []string
	rps       float64 // of an instance
	rate      float64
	region    string
	prices    string
	settle    time.Duration
}

const (
	tuneScenario  = "tune"
	tuneRounds    = 5
	defaultSettle = 5 * time.Second
	maxSettle     = time.Hour
	maxInstances  = 100
	// noTypes is the value of --instance-type for none.
	noTypes = "none"
)

func newTuneCommand(std streams) *cobra.Command {
	o := tuneOptions{run: runOptions{spend: spend{estimate: estimateRun}}}
	c := &cobra.Command{
		Use:   "tune",
		Short: "Find the memory size, or the number of instances, that costs least and is fast enough",
		Long: `tune puts the same load on several configurations of one app and shows the Pareto front of cost against p99: those that no other one
beats in both. With an SLO it names the cheapest that keeps it. Rounds are interleaved, in an order drawn from the seed.

Without AWS it runs the function on the local Lambda service, once for each memory size, held to the share of CPU that the size buys
(1,769 MB are one vCPU). That takes the right to make a cgroup; without it sizes cannot be told apart, and tune says so. Next to them it
estimates instances of several types from what the EC2 binary took on this machine: nothing runs on them, so they have no response
times and no place on the front.

With --targets terraform, or a targets file, it changes what is deployed, measures, and ALWAYS sets it back: also after an error and after
Ctrl-C. Of a function (function_name) it changes the memory; where its front door calls an alias (qualifier) it publishes a version for
each size, leads the alias from one to the next, and deletes them in the end. Of instances (autoscaling_group) it changes the number, with
--instances. The type of deployed instances is Terraform's to change: set instance_type, apply, and run tune again. Only bench killed
outright (SIGKILL, a lost machine) leaves something behind; how to set that back by hand is told before anything is changed.

Exit status: 0 done, 1 failed, 2 wrong usage or input, 3 no configuration keeps the SLO.`,
		Example: `  bench tune
  bench tune --memory 512,1024,1769 --slo p99=20ms --rounds 10
  bench tune --scenario mine.yaml --targets mine.json           # any bootstrap binary: {"kind": "bootstrap", "path": "./bootstrap", ...}
  bench tune --targets terraform --scenario steady --memory 256,512,1024 --slo p99=100ms
  bench tune --targets terraform --scenario steady --memory 512 --instances 1,2,4 --max-cost 5
  bench tune --instance-type c7g.large,t4g.small --rate 300 --json | jq .chosen`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.validate(c.Flags()); err != nil {
				return usageError{err}
			}
			return runTune(c.Context(), std, &o, c.Flags())
		},
	}
	o.flags(c.Flags())
	var types []string
	for name := range cost.Embedded().Instances {
		types = append(types, name)
	}
	slices.Sort(types)
	var sizes []string
	for _, mb := range usualMemory {
		sizes = append(sizes, strconv.Itoa(mb))
	}
	completions(c, map[string]cobra.CompletionFunc{
		"scenario": completeOne(scenarios.Names()...), "targets": completeOne("local", "terraform"), "memory": completeList("memory", sizes),
		"instance-type": completeList("instance-type", types, noTypes), "region": completeOne(cost.Embedded().Regions()...), "slo": completeSLO(),
	})
	return c
}

// usualMemory are the sizes in MB that are tried where none are asked for: 1,769 MB have one vCPU.
var usualMemory = []int{128, 256, 512, 1024, 1769, 3008}

func (o *tuneOptions) flags(f *pflag.FlagSet) {
	f.SortFlags = false
	r := &o.run
	f.StringVar(&r.targets, "targets", "local", "local, terraform[=DIR] (the output 'targets' of what was applied in DIR, by default ./terraform), or a targets file (FILE.json)")
	f.StringVar(&r.scenario, "scenario", tuneScenario, "a shipped scenario ("+strings.Join(scenarios.Names(), ", ")+") or FILE.yaml")
	f.IntSliceVar(&o.memory, "memory", usualMemory, "memory sizes in MB of functions")
	f.IntSliceVar(&o.instances, "instances", nil, "numbers of instances of a deployed Auto Scaling group (default: as many as there are)")
	f.StringSliceVar(&o.types, "instance-type", nil, "instance types that are estimated in a local sweep, or none (default: some of this machine's architecture)")
	f.Float64Var(&o.rps, "instance-rps", 0, "rate in requests/s that one instance of each of these types takes (default what the local EC2 binary answered, in proportion to the vCPUs)")
	f.IntVar(&r.rounds, "rounds", tuneRounds, "how often the scenario is run on each configuration; it takes 5 to give a range")
	f.Uint64Var(&r.seed, "seed", 0, "seed of the order in which configurations take turns (default drawn at random, and reported)")
	r.limits.flags(f)
	f.Float64Var(&o.rate, "rate", 0, "rate in requests/s that costs are for (default that of the load: the lowest throughput of all configurations)")
	f.StringVar(&o.region, "region", "", "region of the prices of local targets (default us-east-1)")
	f.StringVar(&o.prices, "prices", "", pricesUsage)
	r.spend.flags(f)
	r.observing.flags(f)
	f.DurationVar(&o.settle, "settle", defaultSettle, "how long to wait after a change of what is deployed, before the load")
	f.StringVar(&r.out, "out", "", "folder for tune.json, tune.md, tune.svg and result.json (default results/TIME-SCENARIO)")
	f.BoolVar(&r.json, "json", false, "print tune.json instead of tables")
	f.BoolVarP(&r.quiet, "quiet", "q", false, "no progress")
	f.BoolVar(&r.skipCheck, "skip-check", false, "do not compare the answers before the load; the result says so")
	r.reach.flags(f)
}

// validate reports all faults at once.
func (o *tuneOptions) validate(f *pflag.FlagSet) error {
	var errs faults
	r := &o.run
	errs.when(f.Changed("out") && r.out == "", "--out: expected a folder, got an empty name")
	errs.when(r.rounds < 1 || r.rounds > result.MaxRounds, "--rounds %d: expected 1 to %d", r.rounds, result.MaxRounds)
	errs.when(r.targets == "" || r.targets == "terraform=", "--targets %q: expected local, terraform, terraform=DIR or FILE.json", r.targets)
	errs.when(len(o.memory) == 0, "--memory: expected sizes in MB, such as 256,512,1024")
	for i, mb := range o.memory {
		errs.when(mb < minMemoryMB || mb > maxMemoryMB, "--memory %d: expected %d to %d", mb, minMemoryMB, maxMemoryMB)
		errs.when(slices.Contains(o.memory[:i], mb), "--memory %d: given twice", mb)
	}
	errs.when(f.Changed("instances") && len(o.instances) == 0, "--instances: expected numbers, such as 1,2,4")
	for i, n := range o.instances {
		errs.when(n < 1 || n > maxInstances, "--instances %d: expected 1 to %d", n, maxInstances)
		errs.when(slices.Contains(o.instances[:i], n), "--instances %d: given twice", n)
	}
	errs.when(f.Changed("rate") && !(o.rate > 0 && o.rate <= float64(cost.MaxRate)), "--rate %g: expected above 0 to %g requests/s", o.rate, float64(cost.MaxRate))
	errs.when(f.Changed("instance-rps") && !(o.rps > 0 && o.rps <= float64(cost.MaxRate)), "--instance-rps %g: expected above 0 to %g", o.rps, float64(cost.MaxRate))
	errs.when(o.settle < 0 || o.settle > maxSettle, "--settle %s: expected 0s to %s", o.settle, maxSettle)
	if !f.Changed("seed") {
		r.seed = uint64(rand.Uint32()) // short enough to type again
	}
	return errors.Join(append(errs, r.limits.validate(f), r.spend.validate(), r.reach.validate(), r.observing.validate())...)
}

// table of prices, which must know all that the flags name.
func (o *tuneOptions) table() (*cost.Table, error) {
	prices, err := priceTable(o.prices)
	if err != nil {
		return nil, err
	}
	var errs faults
	for i, name := range o.types {
		if _, ok := prices.Instances[name]; !ok && (name != noTypes || len(o.types) > 1) {
			errs.when(true, "--instance-type %q: expected %s, or one of %s", name, noTypes, strings.Join(sortedTypes(prices, ""), ", "))
		}
		errs.when(slices.Contains(o.types[:i], name), "--instance-type %s: given twice", name)
	}
	errs.when(o.region != "" && !slices.Contains(prices.Regions(), o.region), "--region %q: no prices for it, expected one of %s", o.region, strings.Join(prices.Regions(), ", "))
	return prices, errors.Join(errs...)
}

// sortedTypes are the types of an architecture, or all.
func sortedTypes(prices *cost.Table, arch string) []string {
	var names []string
	for name, i := range prices.Instances {
		if arch == "" || i.Arch == arch {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// runTune is bench tune, from flags to reports.
func runTune(ctx context.Context, std streams, o *tuneOptions, f *pflag.FlagSet) (err error) {
	r := &o.run
	prices, priceErr := o.table()
	s, specs, readErr := r.read(ctx)
	if err := errors.Join(priceErr, readErr); err != nil {
		return usageError{err}
	}
	plan, err := o.plan(f, specs, prices)
	if err != nil {
		return usageError{err}
	}
	r.prices = prices
	r.specs = plan.specs() // which are what AWS is asked about after the load
	if err := r.reach.open(ctx, r.specs); err != nil {
		return usageError{err}
	}
	out, err := openOutput(r.out, s.Name)
	if err != nil {
		return err
	}
	defer out.discard()
	show := newDisplay(std.err, s, r)
	if err := r.checkSpend(s, r.specs, show.tell); err != nil {
		return err
	}
	ctx, i, stop := watchSignals(ctx, show.draining)
	defer stop()
	r.sweep = &sweep{plan: plan, rounds: r.rounds, seed: r.seed, settle: o.settle, show: show}
	measured, runErr := r.sweep.measure(ctx, i, r, s, out)
	if measured == nil {
		return runErr
	}
	found, err := analysis.Tune(measured, analysis.TuneInputs{Prices: prices, Region: o.region, Rate: cost.RPS(o.rate), Bills: r.sweep.bills, Types: plan.types, InstanceRPS: o.rps})
	if err != nil {
		return errors.Join(runErr, err)
	}
	if age, ok := prices.Age(time.Now()); ok && age > cost.StaleAfter {
		found.Caveats = append(found.Caveats, fmt.Sprintf("The prices were put together %d days ago; bench cost --refresh reads today's.", int(age.Hours()/24)))
	}
	return errors.Join(o.publish(std, measured, report.Tune{Result: found}, out, show), runErr, kept(report.Tune{Result: found}, runErr))
}

// publish writes the files and prints the product, even where they cannot be written: it cannot be measured again.
func (o *tuneOptions) publish(std streams, r *result.Run, t report.Tune, out *output, show *display) error {
	data, err := r.Encode()
	if err != nil {
		return err
	}
	writeErr := result.WriteFile(filepath.Join(out.dir, result.FileName), data)
	if writeErr == nil {
		out.keep()
		writeErr = t.Write(out.dir)
	} else {
		writeErr = fmt.Errorf("%w%s", writeErr, out.hint())
	}
	if o.run.json {
		var text []byte
		if text, err = t.JSON(); err == nil {
			_, err = std.out.Write(text)
		}
	} else {
		err = t.Terminal(std.out, terminalOptions(std.out))
	}
	if err != nil {
		err = fmt.Errorf("printing the result: %w", err)
	}
	if writeErr == nil {
		show.say(reportLine+"%s ('bench report %s' makes that of all the load)", filepath.Join(out.dir, report.TuneName), out.dir)
	}
	return errors.Join(writeErr, err)
}

// kept says in an error that nothing keeps the SLO, or that it cannot be told.
func kept(t report.Tune, runErr error) error {
	switch {
	case len(t.SLO) == 0 || t.Chosen != "":
		return nil
	case !t.Apart:
		return errors.New("which size keeps the SLO cannot be told: " + t.Why)
	}
	keeps := "keeps"
	if t.Untold() {
		keeps = "is known to keep"
	}
	err := fmt.Errorf("no configuration %s %s", keeps, strings.Join(t.SLO, ", "))
	if runErr != nil {
		return err
	}
	return thresholdError{err}
}

// localTypes are estimated where the flags name none: those of this machine's architecture.
func localTypes(prices *cost.Table) []string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = cost.X86
	}
	wanted := []string{"t3.small", "t3.medium", "c7i.large", "m7i.large", "t4g.small", "t4g.medium", "c7g.medium", "c7g.large", "m7g.large"}
	known := sortedTypes(prices, arch)
	return slices.DeleteFunc(wanted, func(name string) bool { return !slices.Contains(known, name) })
}
