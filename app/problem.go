package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// retryAfter is what a 503 asks the client to wait, in seconds. The store is
// tried anew by each request, so a short time is honest.
const retryAfter = "1"

const mimeProblem = "application/problem+json"

// problem is an error that knows its answer. Detail is shown to the client, so it
// is always a text of ours, never that of another error.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

func (p *problem) Error() string { return p.Title + ": " + p.Detail }

func newProblem(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

var (
	errPanicked = errors.New("handler panicked")
	errDraining = errors.New("draining")
)

// fail answers a request that ended in err. It is the only place where errors
// become statuses.
func (a *App) fail(err error, c echo.Context) {
	if c.Response().Committed {
		a.logger.ErrorContext(c.Request().Context(), "error after the header was sent", "error", err.Error())
		return
	}
	p := a.problemFor(err, c)
	body, err := json.Marshal(p)
	if err != nil { // strings and a number: cannot be
		panic(err)
	}
	if p.Status == http.StatusServiceUnavailable {
		c.Response().Header().Set(echo.HeaderRetryAfter, retryAfter)
	}
	if err := answer(c, p.Status, mimeProblem, body); err != nil {
		a.logger.DebugContext(c.Request().Context(), "writing an answer", "error", err.Error())
	}
}

func (a *App) problemFor(err error, c echo.Context) *problem {
	ctx := c.Request().Context()
	var (
		p  *problem
		he *echo.HTTPError
	)
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, ErrNotFound):
		return newProblem(http.StatusNotFound, "There is no such text; it may have expired.")
	case errors.Is(err, errDraining):
		return newProblem(http.StatusServiceUnavailable, "This instance is about to stop.")
	case errors.Is(err, ErrUnavailable):
		// When the client has gone there is nothing to complain about.
		if !errors.Is(ctx.Err(), context.Canceled) {
			a.warn(ctx, "store unavailable", err)
		}
		return newProblem(http.StatusServiceUnavailable, "The store does not answer.")
	case errors.As(err, &he):
		return newProblem(he.Code, echoDetail(he.Code))
	case errors.Is(err, errPanicked): // logged where it was caught, with its stack
		return newProblem(http.StatusInternalServerError, "")
	}
	a.logger.ErrorContext(ctx, "unexpected error", "error", err.Error())
	return newProblem(http.StatusInternalServerError, "")
}

func (a *App) warn(ctx context.Context, msg string, err error) {
	if !a.logger.Enabled(ctx, slog.LevelWarn) {
		return
	}
	if skipped, ok := a.complain.allow(time.Now()); ok {
		a.logger.WarnContext(ctx, msg, "error", err.Error(), "not_logged", skipped) //nolint:sloglint // msg is a constant at each call
	}
}

// echoDetail words the errors that Echo's router makes.
func echoDetail(status int) string {
	switch status {
	case http.StatusNotFound:
		return "There is no such resource."
	case http.StatusMethodNotAllowed:
		return "The resource does not have this method; see Allow."
	}
	return ""
}

// answer writes a complete answer. Content-Length is always set, so that long
// bodies are not chunked and HEAD says what GET would.
func answer(c echo.Context, status int, contentType string, body []byte) error {
	h := c.Response().Header()
	h[echo.HeaderContentType] = []string{contentType}
	h[echo.HeaderContentLength] = []string{strconv.Itoa(len(body))}
	c.Response().WriteHeader(status)
	_, err := c.Response().Write(body)
	return err
}
