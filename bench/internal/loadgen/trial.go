package loadgen

import (
	"context"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Trial puts a phase, which need not be one of the scenario's, on one target, and says whether it did all of it. It is for those who
// choose the next load by what came of the last; what is drawn depends on t's Round and Phase. drain, ctx and o are as for Run.
func (g *Generator) Trial(ctx context.Context, drain <-chan struct{}, t Turn, phase scenario.Phase, o Observer) (whole bool, _ error) {
	defer g.closeWith(ctx)()
	end, err := g.upkeep(ctx)
	if err != nil {
		return false, err
	}
	defer end()
	whole = g.turn(ctx, drain, t, phase, o)
	return whole, ctx.Err()
}
