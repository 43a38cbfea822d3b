package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"

	"github.com/crossover-bench/crossover/adapters/internal/boot"
	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"
	"github.com/crossover-bench/crossover/app"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	echoadapter "github.com/awslabs/aws-lambda-go-api-proxy/echo"
)

// handler answers events: whole by invoke, or as a stream by serve.
type handler struct {
	invoke lambda.Handler
	serve  func(context.Context, json.RawMessage) (*httpevent.Response, error)
}

// newHandler chooses how events become requests. A named stage of an API Gateway
// is not part of the app's paths. The app answers each request with a status, which
// api-proxy needs: it makes a function error of a handler that writes nothing.
func newHandler(c boot.Config, a *app.App, logger *slog.Logger) (handler, error) {
	options := []httpevent.Option{httpevent.WithLogger(logger), httpevent.WithStripStage()}
	switch {
	case c.LambdaAdapter == boot.AdapterAPIProxy:
		return handler{invoke: lambda.NewHandler(echoadapter.NewV2(a.Echo()).ProxyWithContext)}, nil
	case c.LambdaAdapter == boot.AdapterHTTPEvent && c.LambdaResponseMode == boot.ModeStream:
		return handler{serve: httpevent.NewStreamer(a, options...).Serve}, nil
	case c.LambdaAdapter == boot.AdapterHTTPEvent:
		return handler{invoke: httpevent.New(a, options...)}, nil
	default:
		return handler{}, fmt.Errorf("no such adapter: %q", c.LambdaAdapter)
	}
}

// gate holds invocations back until it is opened, and again once it is closed.
type gate struct {
	opened chan struct{}
	next   handler // set before opened is closed
	mu     sync.RWMutex
}

func newGate() *gate { return &gate{opened: make(chan struct{})} }

// open lets invocations through to h, also those that wait already.
func (g *gate) open(h handler) {
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
	return g.next.invoke.Invoke(ctx, payload) // a pure pass-through
}

// Serve begins to answer one invocation. The answer may go on after it returns.
func (g *gate) Serve(ctx context.Context, event json.RawMessage) (*httpevent.Response, error) {
	<-g.opened
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.next.serve(ctx, event)
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
	return h.Handler.Handle(ctx, r) // a pure pass-through
}

// WithAttrs keeps the wrapping.
func (h requestIDHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestIDHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the wrapping.
func (h requestIDHandler) WithGroup(name string) slog.Handler {
	return requestIDHandler{h.Handler.WithGroup(name)}
}
