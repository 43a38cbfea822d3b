// Package app is the web application that is compared: an Echo app with a floor
// (a route that does nothing), a store round trip, and pure CPU work. It does not
// know how it is hosted; the adapters do.
//
//	GET  /                 200 "alive"
//	POST /                 200 the body's length in characters; stores the body
//	GET  /texts/{id}       200 the text, 404
//	GET  /stats            200 totals as JSON
//	POST /digest?rounds=n  200 SHA-256 chained n times over the body, in hex
//	GET  /healthz          200 while the process serves
//	GET  /readyz           200, or 503 while the store does not answer or the process drains
//
// Errors are application/problem+json (RFC 9457). GET routes answer HEAD too.
//
// Every answer carries Server-Timing in milliseconds: "app" is the time from the
// request's entry into the app until its header is written, waiting for the store
// included; "store" is the part of it spent waiting for the store, absent when the
// store was not asked; "init" comes on the first answer of a process whose host
// gave one with [WithInit].
package app

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
)

// App is the application. It is an [http.Handler]; [App.Echo] gives the Echo
// instance to adapters that need one. Make it with [New].
type App struct {
	echo     *echo.Echo
	store    Store
	logger   *slog.Logger
	draining atomic.Bool
	complain limiter

	init     func() time.Duration
	initDone atomic.Bool
}

// Option changes what [New] makes.
type Option func(*App)

// WithLogger sets where the app logs; the default discards. Requests are logged
// at debug level only.
func WithLogger(l *slog.Logger) Option {
	return func(a *App) { a.logger = l }
}

// WithInit makes the first answer of this App carry "init;dur=" in its
// Server-Timing. The function is called once, when that answer is written; it
// returns how long the process took from its start until it could serve.
func WithInit(f func() time.Duration) Option {
	return func(a *App) { a.init = f }
}

// New returns the app on that store. It does no I/O.
func New(store Store, opts ...Option) *App {
	a := &App{store: store, logger: slog.New(slog.DiscardHandler)}
	for _, o := range opts {
		o(a)
	}
	a.initDone.Store(a.init == nil)

	e := echo.New()
	e.HTTPErrorHandler = a.fail
	e.Use(a.observe)
	for _, r := range []struct {
		path string
		h    echo.HandlerFunc
	}{
		{"/", a.alive},
		{"/texts/:id", a.text},
		{"/stats", a.stats},
		{"/healthz", a.healthz},
		{"/readyz", a.readyz},
	} {
		e.GET(r.path, r.h)
		e.HEAD(r.path, r.h)
	}
	e.POST("/", a.post)
	e.POST("/digest", a.digest)
	a.echo = e
	return a
}

// Echo returns the Echo instance with all routes. It must not be changed.
func (a *App) Echo() *echo.Echo { return a.echo }

// ServeHTTP answers one request.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.echo.ServeHTTP(w, r) }

// Drain makes /readyz answer 503 from now on, so that load balancers stop sending
// requests here. All else keeps working. There is no way back.
func (a *App) Drain() { a.draining.Store(true) }
