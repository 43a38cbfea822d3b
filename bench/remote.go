package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/remote"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// fromAWS is the value of --from for the load generator in the targets' VPC.
const fromAWS = "aws"

// remoteOptions are the flags of a run that another machine's bench makes.
type remoteOptions struct {
	from  string
	limit time.Duration
}

const defaultRemoteLimit = time.Hour

func (r *remoteOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&r.from, "from", "", "where requests are sent from: this machine, or aws, the load generator of the Terraform configuration")
	f.DurationVar(&r.limit, "from-limit", defaultRemoteLimit, "with --from, how long the run may take there before it is killed")
}

// passed are the flags that the far bench gets as they are, ours those that have their say on this side.
var (
	passed = []string{"rounds", "seed", "skip-check", "insecure", "slo", "strict", "find-capacity", "start-rate", "max-rate", "trial", "max-cost", "cloudwatch-wait"}
	ours   = []string{"targets", "scenario", "out", "json", "quiet", "ca-cert", "from", "from-limit", "prices"}
)

func (r *remoteOptions) validate(f *pflag.FlagSet, o *runOptions) error {
	if r.from == "" {
		if f.Changed("from-limit") {
			return fmt.Errorf("--from-limit %s: it is for --from aws", r.limit)
		}
		return nil
	}
	if r.from != fromAWS {
		return fmt.Errorf("--from %q: expected aws", r.from) // what goes with that says nothing here
	}
	var errs []error
	if _, ok := o.terraformDir(); !ok {
		errs = append(errs, errors.New("--from aws: the load generator is an output of Terraform; name its folder with --targets terraform[=DIR]"))
	}
	if r.limit < time.Second || r.limit > 48*time.Hour {
		errs = append(errs, fmt.Errorf("--from-limit %s: expected 1s to 48h", r.limit))
	}
	f.Visit(func(flag *pflag.Flag) {
		if !slices.Contains(passed, flag.Name) && !slices.Contains(ours, flag.Name) {
			errs = append(errs, fmt.Errorf("--%s: it cannot be used with --from aws", flag.Name))
		}
	})
	return errors.Join(errs...)
}

// reportLine is how bench begins to tell where it has written the report.
const reportLine = "Report: "

// Names of files in the folder of a job.
const (
	jobTargets  = "targets.json"
	jobScenario = "scenario.yaml"
	jobRoots    = "ca.pem"
)

// remoteFiles are those of the output folder that the far side hands over, the most important first.
func remoteFiles() []string { return []string{result.FileName, result.JournalName} }

// job packs what the far bench needs.
func (o *runOptions) job(f *pflag.FlagSet, specs []target.Spec) (*remote.Job, error) {
	j := &remote.Job{Files: map[string][]byte{}, Args: []string{"--targets", jobTargets, "--seed", fmt.Sprint(o.seed)}}
	var errs []error
	for _, s := range specs {
		if s.Kind == target.KindProcess || s.Kind == target.KindBootstrap {
			errs = append(errs, fmt.Errorf("target %s: bench starts targets of the kind %s on its own machine, not with --from aws", s.Name, s.Kind))
		}
	}
	data, err := json.Marshal(map[string]any{"targets": specs})
	if err != nil {
		return nil, fmt.Errorf("encoding the targets: %w", err)
	}
	j.Files[jobTargets] = data
	name := o.scenario
	if _, err := readScenario(o.scenario, func(file string, data []byte) {
		switch {
		case file == o.scenario && len(j.Files) == 1:
			name = jobScenario
			j.Files[name] = data
		case !filepath.IsLocal(file) || filepath.Clean(file) == jobTargets || filepath.Clean(file) == jobScenario || filepath.Clean(file) == jobRoots:
			errs = append(errs, fmt.Errorf("the scenario reads %s: with --from aws files must be below its folder, and not be called %s, %s or %s",
				file, jobTargets, jobScenario, jobRoots))
		default:
			j.Files[filepath.Clean(file)] = data
		}
	}); err != nil {
		return nil, err
	}
	j.Args = append(j.Args, "--scenario", name)
	if o.reach.caCert != "" {
		if j.Files[jobRoots], err = os.ReadFile(o.reach.caCert); err != nil {
			return nil, fmt.Errorf("--ca-cert: %w", err)
		}
		j.Args = append(j.Args, "--ca-cert", jobRoots)
	}
	f.Visit(func(flag *pflag.Flag) {
		if slices.Contains(passed, flag.Name) && flag.Name != "seed" {
			j.Args = append(j.Args, "--"+flag.Name+"="+flag.Value.String())
		}
	})
	return j, errors.Join(errs...)
}

// runRemotely is bench run that the load generator makes.
func runRemotely(ctx context.Context, std streams, o *runOptions, f *pflag.FlagSet) error {
	s, specs, err := o.read(ctx)
	if err != nil {
		return usageError{err}
	}
	dir, _ := o.terraformDir()
	data, err := o.output(ctx, dir, "load_generator")
	if err != nil {
		return usageError{fmt.Errorf("--from aws: %w; it is made with the variable load_generator = true", err)}
	}
	generator, err := remote.ParseLoadGenerator(data)
	if err != nil {
		return usageError{fmt.Errorf("--from aws: %w", err)}
	}
	job, err := o.job(f, specs)
	if err != nil {
		return usageError{err}
	}
	out, err := openOutput(o.out, s.Name)
	if err != nil {
		return err
	}
	defer out.discard()
	show := newDisplay(std.err, s, o)
	show.plain() // what comes from there are lines
	if err := o.checkSpend(s, specs, show.tell); err != nil {
		return err
	}
	ctx, i, stop := watchSignals(ctx, show.draining)
	defer stop()
	i.measure()
	outcome, err := remote.Run(ctx, i.drain, generator, job, remoteFiles(), remote.Options{
		Limit: o.remote.limit, Say: show.say, Now: time.Now,
		Log: func(line string) {
			if !strings.HasPrefix(line, reportLine) { // there is none there once the run has ended
				show.say("  %s", line)
			}
		},
	})
	if err != nil {
		return err
	}
	return o.take(ctx, std, outcome, out, show)
}

// take makes the result that came from the load generator this run's.
func (o *runOptions) take(ctx context.Context, std streams, outcome *remote.Outcome, out *output, show *display) error {
	var runErr error
	if outcome.ExitStatus != exitDone && outcome.ExitStatus != exitThreshold {
		runErr = fmt.Errorf("on the load generator, exit status %d: %s", outcome.ExitStatus, strings.TrimPrefix(outcome.Complaint, "bench: "))
		if outcome.ExitStatus == exitUsage {
			runErr = usageError{runErr}
		}
	}
	data, ok := outcome.Files[result.FileName]
	if journal, some := outcome.Files[result.JournalName]; some {
		if err := result.WriteFile(filepath.Join(out.dir, result.JournalName), journal); err != nil {
			return errors.Join(runErr, err)
		}
		out.keep()
	}
	if !ok {
		return runErr
	}
	r, err := result.Decode(data)
	if err != nil {
		return errors.Join(runErr, fmt.Errorf("the result that came from the load generator: %w", err))
	}
	if here := tool(ctx); r.Tool.Commit != here.Commit && r.Tool.Commit != unknownCommit && here.Commit != unknownCommit {
		show.say("The load generator's bench is another build (%s) than this one (%s); 'task up' brings it this one.", r.Tool.Commit, here.Commit)
	}
	if err := publish(ctx, std, r, out, o, show, nil); err != nil || runErr != nil {
		return errors.Join(err, runErr) // with the thresholds that it missed
	}
	return o.limits.hold(r, nil)
}
