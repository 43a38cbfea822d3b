// Package loadgen puts a scenario's load on targets and records every answer.
//
// The targets of a run take turns: within each phase of each round they run one after the other, in an order drawn from the
// seed, so that a machine or a network that changes its speed over minutes changes it for all of them.
//
// A closed phase is workers that wait for each answer before they send again. An open phase is a schedule of due times that
// nothing resets or stretches: a request that finds no free connection waits, and its response time counts from when it was due.
package loadgen

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Target is where load goes.
type Target struct {
	Name string
	URL  string
	// Sign is how requests are signed; nil if they are not.
	Sign *Signing
}

// Turn is one phase of one round on one target.
type Turn struct {
	// Target is the index of the target.
	Target int
	// Round counts from 1, Phase is the index into the scenario's phases.
	Round, Phase int
	// Place of this target in the order of this phase, from 1.
	Place int
}

// Interval is what ended within a part of a turn.
type Interval struct {
	// From and To are times since the turn began; To - From is a second, but for the last one of a turn.
	From, To time.Duration
	// Progress of the turn at its end.
	recorder.Progress
	// Recorded in the interval. It is valid until the observer returns.
	Recorded *recorder.Phase
}

// Observer is told of each turn: Started, any number of intervals, which together have all that was recorded, Ended. They are
// called one at a time.
type Observer interface {
	// Started is called before a turn. progress may be called at any time until Ended, from any goroutine.
	Started(t Turn, progress func() recorder.Progress)
	Interval(t Turn, i Interval)
	// Ended is called after it, with all that was recorded. spun is for how long the generator kept a CPU busy only to be on time.
	Ended(t Turn, p recorder.Phase, spun time.Duration)
}

// Options say how targets are reached. The zero value is right for most.
type Options struct {
	// Seed of everything that is drawn: turns, arrivals, steps, values.
	Seed uint64
	// RootCAs are the authorities whose certificates are trusted; nil trusts those of the system.
	RootCAs *x509.CertPool
	// Insecure trusts any certificate, and none at all.
	Insecure bool
	// Dial opens connections; nil does so by a net.Dialer. Without Lookup it is handed names as they are in the URL.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Lookup resolves names as net.Resolver.LookupNetIP does; nil is that of net.DefaultResolver.
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

	newPacer func() pacer // nil but in tests
}

// Generator holds the connections to all targets.
type Generator struct {
	scenario *scenario.Scenario
	options  Options
	targets  []Target
	clients  []*client
	recorder *recorder.Recorder // one for all: targets take turns
}

// New prepares the requests of s for each target. It opens no connection yet.
func New(s *scenario.Scenario, targets []Target, o Options) (*Generator, error) {
	if o.newPacer == nil {
		o.newPacer = newPacer
	}
	g := &Generator{scenario: s, options: o, targets: targets, recorder: recorder.New(s.InFlight(), len(s.Steps))}
	for _, t := range targets {
		c, err := newClient(t, s, &g.options)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", t.Name, err)
		}
		g.clients = append(g.clients, c)
	}
	return g, nil
}

// Connections is how many the generator holds at most, over all targets.
func (g *Generator) Connections() int {
	n := 0
	for _, c := range g.clients {
		n += c.connections()
	}
	return n
}

// Close ends all connections.
func (g *Generator) Close() {
	for _, c := range g.clients {
		c.close()
	}
}

// Run does all rounds, tells the observer of each turn, and says whether it did all of it. Closing drain ends it after the
// answers to what is in flight; the turn that was under way is still reported. Ending ctx ends it at once, with ctx's error.
func (g *Generator) Run(ctx context.Context, drain <-chan struct{}, rounds int, o Observer) (whole bool, _ error) {
	defer g.closeWith(ctx)()
	end, err := g.upkeep(ctx)
	if err != nil {
		return false, err
	}
	defer end()
	for round := 1; round <= rounds; round++ {
		for i := range g.scenario.Phases {
			for place, target := range turns(g.options.Seed, round, i, len(g.targets)) {
				select {
				case <-drain:
					return false, nil
				case <-ctx.Done():
					return false, ctx.Err()
				default:
				}
				whole := g.turn(ctx, drain, Turn{Target: target, Round: round, Phase: i, Place: place + 1}, g.scenario.Phases[i], o)
				if ctx.Err() != nil {
					return false, ctx.Err()
				}
				if !whole {
					return false, nil
				}
			}
		}
	}
	return true, nil
}

// closeWith closes all connections when ctx ends, for requests in flight wait on sockets, which know nothing of contexts. Its
// result ends the watch.
func (g *Generator) closeWith(ctx context.Context) (unwatch func()) {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		g.Close()
		close(closed)
	})
	return func() {
		if !stop() {
			<-closed
		}
	}
}

// turns is the order in which n targets run a phase. It depends on nothing but its arguments, so that a repeated run has
// the same order, however the phases before went.
func turns(seed uint64, round, phase, n int) []int {
	return rand.New(rand.NewPCG(seed, stream(round, phase))).Perm(n)
}

// stream numbers the phases of all rounds, so that each draws from a sequence of its own. It is the same for all targets: they
// get the same requests at the same times.
func stream(round, phase int) uint64 { return uint64(round)<<32 | uint64(phase) } //nolint:gosec // both are small and positive
