package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/pause"
	"github.com/crossover-bench/crossover/bench/internal/resize"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// sweep takes all configurations through the scenario, round by round.
type sweep struct {
	plan   *tunePlan
	rounds int
	seed   uint64
	settle time.Duration
	show   *display

	// resources by configuration; nil where nothing is changed. opened are all of them, each once.
	resources []resize.Resource
	opened    []resize.Resource
	now       map[resize.Resource]int // the size that each has
	bills     [][]analysis.RoundBill
	err       error // why the load ended early
	restored  bool
}

// A change of what is deployed may take so long. So may setting everything back, which is tried so often.
const (
	lookUpPatience  = time.Minute
	changePatience  = 20 * time.Minute
	restorePatience = 5 * time.Minute
	restoreTries    = 5
	restoreEvery    = 2 * time.Second
)

// measure starts the targets, or finds them, changes them from turn to turn, and sets them back.
func (w *sweep) measure(ctx context.Context, i *interrupts, o *runOptions, s *scenario.Scenario, out *output) (_ *result.Run, err error) {
	host, err := newHost(w.show.say)
	if err != nil {
		return nil, err
	}
	set, err := openTargets(ctx, host, w.plan.specs(), w.plan.local)
	if err != nil {
		closeErr := host.Group.Close(0)
		if ctx.Err() != nil {
			return nil, errors.New("interrupted before the load began: nothing was measured")
		}
		return nil, errors.Join(err, closeErr)
	}
	defer func() {
		if closeErr := set.Close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("stopping the targets: %w", closeErr))
		}
	}()
	w.show.targets(set.Targets)
	w.warn(set.Targets)
	defer func() { err = errors.Join(err, w.restore(ctx)) }()
	if err := w.open(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, errors.New("interrupted before the load began: nothing was measured")
		}
		return nil, err
	}
	r, err := measure(ctx, i, set, s, o, out, w.show, &live{})
	return r, errors.Join(w.err, err)
}

// warn tells before minutes of load that they will not tell sizes apart.
func (w *sweep) warn(targets []*target.Target) {
	for _, t := range targets {
		for _, note := range t.Spec.Notes {
			if strings.HasPrefix(note, "CPU not limited") {
				w.show.tell("WARNING: " + note + " Each size has all CPUs of this machine: this sweep cannot tell sizes apart.")
				return
			}
		}
	}
}

// open looks up what is to be changed, says how that is set back by hand, and prepares it.
func (w *sweep) open(ctx context.Context) error {
	type key struct{ region, function, group string }
	known := map[key]resize.Resource{}
	sizes := map[resize.Resource][]int{}
	w.resources, w.now = make([]resize.Resource, len(w.plan.configurations)), map[resize.Resource]int{}
	options := resize.Options{ID: fmt.Sprintf("%x", rand.Uint64())}
	for i, c := range w.plan.configurations {
		s := &c.spec
		if c.size == 0 || s.Kind == target.KindBootstrap {
			continue
		}
		k := key{s.Region, s.FunctionName, s.AutoScalingGroup}
		r := known[k]
		if r == nil {
			var err error
			if r, err = openResource(ctx, s, options); err != nil {
				return err
			}
			known[k], w.now[r] = r, r.Size()
			w.opened = append(w.opened, r)
			w.show.tell("Will be set back in the end. Should bench be killed: " + r.ByHand())
		}
		w.resources[i] = r
		sizes[r] = append(sizes[r], c.size)
	}
	for _, r := range w.opened {
		if err := within(ctx, time.Duration(len(sizes[r]))*changePatience, func(ctx context.Context) error { return r.Prepare(ctx, sizes[r]) }); err != nil {
			return err
		}
	}
	return nil
}

// within gives a change of what is deployed so long.
func within(ctx context.Context, patience time.Duration, change func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return change(ctx)
}

func openResource(ctx context.Context, s *target.Spec, o resize.Options) (resize.Resource, error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpPatience)
	defer cancel()
	c, err := resize.Configure(ctx, s.Region)
	if err != nil {
		return nil, err
	}
	if s.Kind == target.KindLambda {
		return resize.OpenFunction(ctx, c, s.FunctionName, s.Qualifier, o)
	}
	return resize.OpenGroup(ctx, c, s.AutoScalingGroup, o)
}

// say is display.say above the bars of a terminal.
func (w *sweep) say(format string, args ...any) {
	if !w.show.quiet {
		w.show.tell(fmt.Sprintf(format, args...))
	}
}

// restore sets everything back, whatever ended the sweep.
func (w *sweep) restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restorePatience)
	defer cancel()
	if len(w.opened) == 0 || w.restored {
		return nil
	}
	w.say("Setting back what was changed …")
	for try := 1; ; try++ {
		var errs []error
		for _, r := range w.opened {
			errs = append(errs, r.Restore(ctx)) // only what is left to do
		}
		err := errors.Join(errs...)
		if err == nil {
			w.say("All is as it was")
			w.restored = true
			return nil
		}
		if try == restoreTries || !pause.For(ctx, restoreEvery) {
			return err
		}
	}
}

// load is loadgen.Generator.Run with turns that are all phases of a round: a change of what is deployed takes seconds to minutes. What was
// changed is set back at its end, whatever comes after it; should that fail, measure tries again, and tells.
func (w *sweep) load(ctx context.Context, drain <-chan struct{}, g *loadgen.Generator, c *collector, o loadgen.Observer) (whole bool, _ error) {
	defer func() { _ = w.restore(ctx) }()
	w.bills = make([][]analysis.RoundBill, len(c.targets))
	for round := 1; round <= w.rounds; round++ {
		order := rand.New(rand.NewPCG(w.seed, uint64(round))).Perm(len(c.targets))
		for place, i := range order {
			if whole, err := w.turn(ctx, drain, g, c, o, loadgen.Turn{Target: i, Round: round, Place: place + 1}); err != nil || !whole {
				return false, err
			}
		}
	}
	return true, nil
}

// turn is one round of one configuration.
func (w *sweep) turn(ctx context.Context, drain <-chan struct{}, g *loadgen.Generator, c *collector, o loadgen.Observer, t loadgen.Turn) (whole bool, _ error) {
	if !w.change(ctx, drain, t.Target) {
		return false, ctx.Err()
	}
	metered := c.targets[t.Target].Metered()
	var before, after *target.MeterReport
	if metered {
		before, _ = c.targets[t.Target].SettledMeter(settling) // a service that has ended is told of by those who watch it
	}
	for phase := range c.scenario.Phases {
		t.Phase = phase
		if whole, err := g.Trial(ctx, drain, t, c.scenario.Phases[phase], o); err != nil || !whole {
			return false, err
		}
	}
	if metered {
		after, _ = c.targets[t.Target].SettledMeter(settling)
	}
	if before != nil && after != nil {
		w.bills[t.Target] = append(w.bills[t.Target], analysis.RoundBill{
			Invocations: after.Invocations - before.Invocations - int64(after.Now.Busy-before.Now.Busy), BilledMS: after.BilledMS - before.BilledMS,
		})
	}
	return true, nil
}

// change gives what is deployed the size of a configuration. It is false where that was stopped, or failed, which is then w.err.
func (w *sweep) change(ctx context.Context, drain <-chan struct{}, i int) bool {
	select {
	case <-drain:
		return false
	default:
	}
	if i >= len(w.resources) || w.resources[i] == nil {
		return ctx.Err() == nil
	}
	r, size := w.resources[i], w.plan.configurations[i].size
	if w.now[r] == size {
		return ctx.Err() == nil
	}
	ctx, cancel := untilDrained(ctx, drain)
	defer cancel()
	w.say("Changing to %s …", w.plan.configurations[i].spec.Name)
	w.now[r] = 0 // whatever it is until that is known
	if err := within(ctx, changePatience, func(ctx context.Context) error { return r.Resize(ctx, size) }); err != nil {
		if ctx.Err() == nil {
			w.err = err
		}
		return false
	}
	w.now[r] = size
	return pause.For(ctx, w.settle)
}

// untilDrained is ctx that ends when no more work is to be started.
func untilDrained(ctx context.Context, drain <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-drain:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
