// Package loadgen puts a scenario's load on targets and records every answer.
//
// The targets of a run take turns: within each phase of each round they run one after the other, in an order drawn from the
// seed, so that a machine or a network that changes its speed over minutes changes it for all of them.
package loadgen

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"

	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Target is where load goes.
type Target struct {
	Name string
	URL  string
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

// Observer is told of each turn. It is called from one goroutine.
type Observer interface {
	// Started is called before a turn. progress may be called at any time until Ended, from any goroutine.
	Started(t Turn, progress func() (requests, failed int64))
	// Ended is called after it, with all that was recorded.
	Ended(t Turn, p recorder.Phase)
}

// Generator holds the connections to all targets.
type Generator struct {
	scenario *scenario.Scenario
	targets  []Target
	clients  []*client
	recorder *recorder.Recorder // one for all: targets take turns
}

// New prepares the requests of s for each target. It opens no connection yet.
func New(s *scenario.Scenario, targets []Target) (*Generator, error) {
	g := &Generator{scenario: s, targets: targets, recorder: recorder.New(mostWorkers(s), len(s.Steps))}
	for _, t := range targets {
		base, err := url.Parse(t.URL)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", t.Name, err)
		}
		c, err := newClient(base, s)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", t.Name, err)
		}
		g.clients = append(g.clients, c)
	}
	return g, nil
}

// Connections is how many the generator holds at most, over all targets.
func (g *Generator) Connections() int { return len(g.clients) * mostWorkers(g.scenario) }

// Close ends all connections.
func (g *Generator) Close() {
	for _, c := range g.clients {
		c.close()
	}
}

// Run does all rounds, tells the observer of each turn, and says whether it did all of it. Closing drain ends it after the
// answers to what is in flight; the turn that was under way is still reported. Ending ctx ends it at once, with ctx's error.
func (g *Generator) Run(ctx context.Context, drain <-chan struct{}, rounds int, seed uint64, o Observer) (whole bool, _ error) {
	defer g.closeWith(ctx)()
	for round := 1; round <= rounds; round++ {
		for i, phase := range g.scenario.Phases {
			for place, target := range turns(seed, round, i, len(g.targets)) {
				select {
				case <-drain:
					return false, nil
				case <-ctx.Done():
					return false, ctx.Err()
				default:
				}
				t := Turn{Target: target, Round: round, Phase: i, Place: place + 1}
				o.Started(t, g.recorder.Progress)
				recorded, whole := g.clients[target].closedPhase(ctx, drain, g.recorder, g.scenario.Order, phase)
				if ctx.Err() != nil {
					return false, ctx.Err()
				}
				o.Ended(t, recorded)
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
	return rand.New(rand.NewPCG(seed, uint64(round)<<32|uint64(phase))).Perm(n) //nolint:gosec // both are small and positive
}
