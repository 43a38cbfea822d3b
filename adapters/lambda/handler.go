package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/crossover-bench/crossover/adapters/internal/boot"
	"github.com/crossover-bench/crossover/app"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	echoadapter "github.com/awslabs/aws-lambda-go-api-proxy/echo"
)

// newHandler chooses how events become requests. The app answers each request with
// a status, which api-proxy needs: it makes a function error of a handler that
// writes nothing.
func newHandler(c boot.Config, a *app.App) (lambda.Handler, error) {
	switch c.LambdaAdapter {
	case boot.AdapterAPIProxy:
		return lambda.NewHandler(echoadapter.NewV2(a.Echo()).ProxyWithContext), nil
	default:
		return nil, fmt.Errorf("no such adapter: %q", c.LambdaAdapter)
	}
}

// gate holds invocations back until it is opened, and again once it is closed.
type gate struct {
	opened chan struct{}
	next   lambda.Handler // set before opened is closed
	mu     sync.RWMutex
}

func newGate() *gate { return &gate{opened: make(chan struct{})} }

// open lets invocations through to h, also those that wait already.
func (g *gate) open(h lambda.Handler) {
	g.next = h
	close(g.opened)
}

// close waits for the invocations that run and holds back all later ones.
func (g *gate) close() { g.mu.Lock() }

// Invoke answers one invocation.
func (g *gate) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	<-g.opened
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.next.Invoke(ctx, payload) //nolint:wrapcheck // a pure pass-through
}

// requestIDHandler adds request_id to records that are logged for an invocation.
// lambdacontext.NewLogHandler does that too, but with a format and keys of its own,
// and both targets are to log alike.
type requestIDHandler struct{ slog.Handler }

// Handle logs r.
func (h requestIDHandler) Handle(ctx context.Context, r slog.Record) error {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("request_id", lc.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r) //nolint:wrapcheck // a pure pass-through
}

// WithAttrs keeps the wrapping.
func (h requestIDHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestIDHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the wrapping.
func (h requestIDHandler) WithGroup(name string) slog.Handler {
	return requestIDHandler{h.Handler.WithGroup(name)}
}
