package loadgen

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// upkeep renews what grows old while load runs, until its result is called: the addresses of names, and signatures.
func (g *Generator) upkeep(ctx context.Context) (end func(), _ error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	end = func() {
		cancel()
		running.Wait()
	}
	for i, c := range g.clients {
		if c.signer != nil {
			if err := c.signer.renew(ctx); err != nil {
				end()
				return nil, fmt.Errorf("target %s: %w", g.targets[i].Name, err)
			}
			c.signStatic()
			running.Go(func() {
				every(ctx, signEvery, func() {
					_ = c.signer.renew(ctx) // trouble tells
					c.signStatic()
				})
			})
		}
		if a := c.route.addresses; a != nil {
			running.Go(func() { every(ctx, lookupEvery, func() { a.again(ctx) }) })
		}
	}
	return end, nil
}

// every calls do until ctx ends.
func every(ctx context.Context, d time.Duration, do func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			do()
		case <-ctx.Done():
			return
		}
	}
}

// Warnings are what went wrong beside the requests, in a sentence each: names that could not be looked up again, credentials that could
// not be renewed.
func (g *Generator) Warnings() []string {
	var all []string
	for i, c := range g.clients {
		var troubles []string
		if c.route.addresses != nil {
			troubles = append(troubles, c.route.addresses.trouble())
		}
		if c.signer != nil {
			troubles = append(troubles, c.signer.trouble())
		}
		for _, t := range troubles {
			if t != "" {
				all = append(all, g.targets[i].Name+": "+t+".")
			}
		}
	}
	return all
}
