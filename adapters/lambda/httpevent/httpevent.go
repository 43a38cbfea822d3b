package httpevent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/aws/aws-lambda-go/lambda"
)

// PathForm tells how the path of an event is to be understood.
type PathForm uint8

// The forms of a path.
const (
	PathAuto    PathForm = iota // by the front door that the event tells of
	PathEncoded                 // as the client sent it
	PathDecoded                 // percent-decoded once
)

// Option changes how events become requests.
type Option func(*adapter)

// WithLogger sets where panics, answers that are too large and misuse of the ResponseWriter are logged, with the context
// of the request. Without it, slog.Default() is used.
func WithLogger(l *slog.Logger) Option { return func(a *adapter) { a.log = l } }

// WithBasePath has base cut off the start of each path, as is needed behind the path mapping of a custom domain. Only
// whole segments are cut off: with base /prod the path /prod/x becomes /x, and /products stays. Paths without it stay.
func WithBasePath(base string) Option {
	return func(a *adapter) {
		if base = strings.Trim(base, "/ "); base != "" {
			a.basePath = "/" + base
		}
	}
}

// WithStripStage has the name of the stage cut off the start of each path. HTTP APIs leave it there for all stages but
// $default. Nothing is cut off paths that do not begin with it, as those of REST APIs.
func WithStripStage() Option { return func(a *adapter) { a.stripStage = true } }

// WithPathForm sets how paths are to be understood, for front doors that are not recognised: events of payload format 2.0
// are a Function URL's if their domain is one of Lambda's or they are not signed, else an HTTP API's.
func WithPathForm(f PathForm) Option { return func(a *adapter) { a.pathForm = f } }

// adapter makes requests of events. It is safe for concurrent use.
type adapter struct {
	next       http.Handler
	log        *slog.Logger
	basePath   string
	stripStage bool
	pathForm   PathForm

	template *http.Request
	coreKey  any
	tls      [3]tls.ConnectionState // version not known, 1.2, 1.3; only read
	decoders sync.Pool              // of *decoder
	segments segmentList
}

func newAdapter(h http.Handler, opts []Option) *adapter {
	a := &adapter{next: h, template: newTemplate(), coreKey: coreKey()}
	for i, version := range []uint16{0, tls.VersionTLS12, tls.VersionTLS13} {
		a.tls[i] = tls.ConnectionState{HandshakeComplete: true, Version: version}
	}
	a.decoders.New = func() any { return new(decoder) }
	for _, opt := range opts {
		opt(a)
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	return a
}

// New returns a handler for lambda.Start that has h answer the HTTP requests that events tell of. Answers are sent when
// h has returned; a Flush is accepted and changes nothing but what net/http changes with it.
//
// Invoke returns an error, and so fails the invocation, for events that are not HTTP (an [*EventError]), for answers of
// more than [MaxResponse] bytes, for bodies shorter than their declared Content-Length, and if h panics with
// http.ErrAbortHandler. Any other panic is logged with its stack and answered with status 500. A request that net/http
// would refuse by itself, a path with a broken escape for example, is answered with its status 400.
func New(h http.Handler, opts ...Option) lambda.Handler { return newAdapter(h, opts) }

// Invoke answers one event.
func (a *adapter) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	inv, r, err := a.prepare(ctx, payload)
	if err != nil && !errors.Is(err, errBadRequest) {
		return nil, err
	}
	w := &inv.response
	defer inv.end()
	if err != nil {
		w.refuse()
	} else if err := a.serve(w, r); err != nil { //nolint:contextcheck // r has it
		w.discard()
		return nil, err
	}
	return w.finish()
}

// prepare makes the request of an event. With errBadRequest there is an invocation, to answer, but no request.
func (a *adapter) prepare(ctx context.Context, payload []byte) (*invocation, *http.Request, error) {
	d := a.decoders.Get().(*decoder) // the pool has nothing else
	defer func() {
		d.data = nil
		a.decoders.Put(d)
	}()
	if err := d.decode(payload); err != nil {
		return nil, nil, err
	}
	inv := &invocation{
		Context: ctx, adapter: a, shape: d.shape, raw: payload,
		requestContext: d.requestContext, stageVariables: d.stageVariables,
	}
	isHead := string(d.plain(d.method)) == http.MethodHead
	inv.response.init(inv, a, styleOf(d), isHead) //nolint:contextcheck // inv is made of ctx
	r, err := d.request(a, inv)                   //nolint:contextcheck // the same
	return inv, r, err
}

// serve runs the handler. The error is for what has to fail the invocation.
func (a *adapter) serve(w *response, r *http.Request) (err error) {
	defer func() {
		if r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll() // as net/http does; /tmp outlives the invocation
		}
		v := recover()
		if v == nil {
			return
		}
		if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares so
			err = aborted("the handler aborted its answer (http.ErrAbortHandler)")
			return
		}
		a.log.ErrorContext(r.Context(), "handler panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		err = w.fail()
	}()
	a.next.ServeHTTP(w, r)
	return nil
}
