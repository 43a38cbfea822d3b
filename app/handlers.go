package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// MaxRounds is the largest number of rounds that /digest computes in one request.
const MaxRounds = 1_000_000

// ctxRounds is how many rounds pass between two looks at whether the client is
// still there: some 100 µs of work.
const ctxRounds = 1 << 10

const mimeText = "text/plain; charset=utf-8"

// idLength is the length of an ID: 130 random bits in base 32.
const idLength = 26

// NewID returns a new random ID of 26 characters out of A-Z and 2-7. It cannot be
// guessed.
func NewID() string { return rand.Text() }

// validID tells whether s can have come from NewID. Others are not worth a round
// trip, nor a place in a key.
func validID(s string) bool {
	if len(s) != idLength {
		return false
	}
	for _, b := range []byte(s) {
		if (b < 'A' || b > 'Z') && (b < '2' || b > '7') {
			return false
		}
	}
	return true
}

func (a *App) alive(c echo.Context) error {
	return answer(c, http.StatusOK, mimeText, []byte("alive"))
}

func (a *App) healthz(c echo.Context) error {
	return answer(c, http.StatusOK, mimeText, []byte("ok"))
}

func (a *App) readyz(c echo.Context) error {
	if a.draining.Load() {
		return errDraining
	}
	start := time.Now()
	err := a.store.Ping(c.Request().Context())
	timeStore(c, start)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, mimeText, []byte("ready"))
}

func (a *App) post(c echo.Context) error {
	if err := checkTextType(c.Request().Header); err != nil {
		return err
	}
	body, err := readBody(c.Request())
	if err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return newProblem(http.StatusBadRequest, "The body is not valid UTF-8.")
	}
	t := Text{ID: NewID(), Body: body, Characters: utf8.RuneCount(body)}
	start := time.Now()
	err = a.store.Put(c.Request().Context(), t)
	timeStore(c, start)
	if err != nil {
		return err
	}
	c.Response().Header()[echo.HeaderLocation] = []string{"/texts/" + t.ID}
	return answer(c, http.StatusOK, mimeText, strconv.AppendInt(nil, int64(t.Characters), 10))
}

func (a *App) text(c echo.Context) error {
	id := c.Param("id")
	if !validID(id) {
		return ErrNotFound
	}
	start := time.Now()
	body, err := a.store.Get(c.Request().Context(), id)
	timeStore(c, start)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, mimeText, body)
}

func (a *App) stats(c echo.Context) error {
	start := time.Now()
	s, err := a.store.Stats(c.Request().Context())
	timeStore(c, start)
	if err != nil {
		return err
	}
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encoding stats: %w", err)
	}
	return answer(c, http.StatusOK, echo.MIMEApplicationJSON, body)
}

func (a *App) digest(c echo.Context) error {
	rounds, err := parseRounds(c.Request().URL.RawQuery)
	if err != nil {
		return err
	}
	body, err := readBody(c.Request())
	if err != nil {
		return err
	}
	sum, err := chain(c.Request().Context(), body, rounds)
	if err != nil {
		// Nobody reads this answer, but a host may want one.
		return newProblem(http.StatusServiceUnavailable, "The request was given up before the work was done.")
	}
	return answer(c, http.StatusOK, mimeText, hex.AppendEncode(nil, sum[:]))
}

// chain hashes body, then each sum again, rounds times in all. It stops with
// ctx's error when ctx ends.
func chain(ctx context.Context, body []byte, rounds int) ([sha256.Size]byte, error) {
	sum := sha256.Sum256(body)
	for i := 1; i < rounds; i++ {
		if i%ctxRounds == 0 && ctx.Err() != nil {
			return sum, ctx.Err()
		}
		sum = sha256.Sum256(sum[:])
	}
	return sum, nil
}

// parseRounds reads rounds from a raw query: 1 when absent, else 1 to MaxRounds.
func parseRounds(rawQuery string) (int, error) {
	if rawQuery == "" {
		return 1, nil
	}
	bad := newProblem(http.StatusBadRequest, "rounds must be one whole number from 1 to 1000000.")
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return 0, newProblem(http.StatusBadRequest, "The query is malformed.")
	}
	values, ok := q["rounds"]
	if !ok {
		return 1, nil
	}
	if len(values) != 1 {
		return 0, bad
	}
	n, err := strconv.Atoi(values[0])
	if err != nil || n < 1 || n > MaxRounds {
		return 0, bad
	}
	return n, nil
}
