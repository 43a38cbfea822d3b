package loadgen

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/valyala/fasthttp"
)

// ErrDiffer is what Check's error is when targets answer, but not alike, or not as the scenario expects.
var ErrDiffer = errors.New("targets do not answer as they should")

// difference is one such answer, in words. It is an ErrDiffer without repeating its text on each line.
type difference string

func (d difference) Error() string { return string(d) }

// Is implements what errors.Is asks for.
func (d difference) Is(target error) bool { return target == ErrDiffer }

// Check sends each step once to each target, before any load, and compares the answers with the expectation and with each
// other, by status and content type. It returns how many of each target's answers were an environment's first. Its error
// joins all differences. The requests are in no count.
func (g *Generator) Check(ctx context.Context) (cold []int64, err error) {
	defer g.closeWith(ctx)()
	cold = make([]int64, len(g.clients))
	end, err := g.upkeep(ctx)
	if err != nil {
		return cold, err
	}
	defer end()
	var errs []error
	workers := make([]*worker, len(g.clients))
	for i, c := range g.clients {
		workers[i] = c.worker(0, nil, nil)
		workers[i].variables.Begin(g.options.Seed, 0, 0)
	}
	for step := range g.scenario.Steps {
		var first *answer
		for i, c := range g.clients {
			a, err := c.check(ctx, workers[i], step)
			switch {
			case ctx.Err() != nil:
				return cold, ctx.Err()
			case err != nil:
				errs = append(errs, fmt.Errorf("target %s, step %s: %w", g.targets[i].Name, g.scenario.Steps[step].Name, err))
				continue
			}
			if a.cold {
				cold[i]++
			}
			a.target = g.targets[i].Name
			if first == nil {
				first = a
			} else if d := first.difference(a); d != "" {
				errs = append(errs, difference(fmt.Sprintf("step %s: %s", g.scenario.Steps[step].Name, d)))
			}
		}
	}
	return cold, errors.Join(errs...)
}

// answer is what Check compares.
type answer struct {
	target      string
	status      int
	contentType string
	cold        bool
}

func (a *answer) difference(b *answer) string {
	if a.status != b.status {
		return fmt.Sprintf("%s answers status %d, %s %d", a.target, a.status, b.target, b.status)
	}
	if a.contentType != b.contentType {
		return fmt.Sprintf("%s answers content type %q, %s %q", a.target, a.contentType, b.target, b.contentType)
	}
	return ""
}

// check sends one step on the first worker's connection.
func (c *client) check(ctx context.Context, w *worker, step int) (*answer, error) {
	r := &c.requests[step]
	if _, fail := w.link.open(ctx); fail != nil {
		return nil, fail
	}
	w.prepare(step)
	if _, _, fail := w.link.send(w.message(step)); fail != nil {
		return nil, fail
	}
	resp := w.link.answer()
	kind, detail := r.wrong(resp, w.variables)
	if kind == "" {
		kind, detail = r.capture(resp, w.variables)
	}
	if kind != "" {
		return nil, difference(detail())
	}
	return newAnswer(resp), nil
}

func newAnswer(resp *fasthttp.Response) *answer {
	a := &answer{status: resp.StatusCode(), cold: timingOf(resp).cold}
	// Parameters such as charset are kept; spaces are no difference, nor is case where it means nothing.
	header := string(resp.Header.Peek(fasthttp.HeaderContentType))
	a.contentType = header
	if media, params, err := mime.ParseMediaType(header); err == nil {
		if charset, ok := params["charset"]; ok {
			params["charset"] = strings.ToLower(charset)
		}
		a.contentType = mime.FormatMediaType(media, params)
	}
	return a
}
