package app

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
)

// timedWriter puts Server-Timing on the header at the last moment and keeps
// bodies off answers to HEAD (net/http drops them itself, Lambda hosts do not).
// It wraps the writer instead of using Echo's Before hook because a pooled value
// costs nothing on the hot path.
type timedWriter struct {
	http.ResponseWriter
	app      *App
	start    time.Time
	store    time.Duration
	stored   bool
	head     bool
	prepared bool
}

var timedWriters = sync.Pool{New: func() any { return new(timedWriter) }}

// Unwrap serves http.ResponseController.
func (w *timedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *timedWriter) WriteHeader(status int) {
	if !w.prepared && status >= http.StatusOK {
		w.prepared = true
		w.Header()["Server-Timing"] = []string{w.timing()}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *timedWriter) Write(b []byte) (int, error) {
	if !w.prepared {
		w.WriteHeader(http.StatusOK)
	}
	if w.head {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (w *timedWriter) timing() string {
	buf := make([]byte, 0, 80)
	buf = appendTiming(buf, "app", time.Since(w.start))
	if w.stored {
		buf = append(buf, ", "...)
		buf = appendTiming(buf, "store", w.store)
	}
	if a := w.app; !a.initDone.Load() && a.initDone.CompareAndSwap(false, true) {
		buf = append(buf, ", "...)
		buf = appendTiming(buf, "init", a.init())
	}
	return string(buf)
}

// appendTiming appends one Server-Timing metric in milliseconds, to the microsecond.
func appendTiming(buf []byte, name string, d time.Duration) []byte {
	buf = append(buf, name...)
	buf = append(buf, ";dur="...)
	return strconv.AppendFloat(buf, float64(d.Nanoseconds())/1e6, 'f', 3, 64)
}

// observe is the one middleware: it times the request, turns errors and panics
// into answers while the timing is still there to be written, and logs requests
// at debug level.
func (a *App) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		res := c.Response()
		w := timedWriters.Get().(*timedWriter)
		*w = timedWriter{
			ResponseWriter: res.Writer, app: a, start: time.Now(),
			head: c.Request().Method == http.MethodHead,
		}
		res.Writer = w
		if err := a.guard(c, next); err != nil {
			a.fail(err, c)
		}
		if a.logger.Enabled(c.Request().Context(), slog.LevelDebug) {
			a.logger.DebugContext(c.Request().Context(), "request",
				"method", c.Request().Method, "path", c.Request().URL.Path,
				"status", res.Status, "duration_ms", float64(time.Since(w.start).Microseconds())/1e3)
		}
		res.Writer = w.ResponseWriter
		*w = timedWriter{}
		timedWriters.Put(w)
		return nil
	}
}

// guard calls the handler and makes an error of a panic. http.ErrAbortHandler is
// passed on: it asks net/http to cut the connection.
func (a *App) guard(c echo.Context, next echo.HandlerFunc) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if e, ok := v.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(v)
		}
		a.logger.ErrorContext(c.Request().Context(), "panic in handler",
			"panic", v, "path", c.Request().URL.Path, "stack", string(debug.Stack()))
		err = errPanicked
	}()
	return next(c)
}

// timeStore adds what passed since start to the request's store time. The clock
// is read by the caller so that deferring this costs no closure.
func timeStore(c echo.Context, start time.Time) {
	if w, ok := c.Response().Writer.(*timedWriter); ok {
		w.store += time.Since(start)
		w.stored = true
	}
}

// limiter lets one event a second through and counts the others, so that a dead
// store does not turn every request into a log line.
type limiter struct {
	next    atomic.Int64 // Unix nanoseconds
	skipped atomic.Int64
}

// allow reports whether the event may be logged, and how many were not since the
// last one that was.
func (l *limiter) allow(now time.Time) (skipped int64, ok bool) {
	next := l.next.Load()
	if now.UnixNano() < next || !l.next.CompareAndSwap(next, now.Add(time.Second).UnixNano()) {
		l.skipped.Add(1)
		return 0, false
	}
	return l.skipped.Swap(0), true
}
