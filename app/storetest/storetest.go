// Package storetest is the contract of [app.Store] as a test suite, and the real
// servers that stores are tested on.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/app"
)

// Run checks that the stores which open makes keep the contract of [app.Store].
// Each subtest opens its own; they may share data, but nobody else may use it
// meanwhile. open registers its own clean-up.
func Run(t *testing.T, open func(t *testing.T) app.Store) {
	t.Helper()
	for name, check := range map[string]func(*testing.T, app.Store){
		"texts come back as they were": texts,
		"unknown text":                 unknown,
		"bodies are not shared":        bodies,
		"totals add up":                totals,
		"many at once":                 concurrent,
		"a context that has ended":     ended,
		"ping":                         ping,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func put(t *testing.T, s app.Store, body string) app.Text {
	t.Helper()
	x := app.Text{ID: app.NewID(), Body: []byte(body), Characters: len([]rune(body))}
	if err := s.Put(t.Context(), x); err != nil {
		t.Fatalf("Put: %v", err)
	}
	return x
}

func get(t *testing.T, s app.Store, id string) string {
	t.Helper()
	body, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return string(body)
}

func stats(t *testing.T, s app.Store) app.Stats {
	t.Helper()
	got, err := s.Stats(t.Context())
	if err != nil {
		t.Fatalf("Stats: %v", err)
	}
	return got
}

func texts(t *testing.T, s app.Store) {
	for name, body := range map[string]string{
		"empty":       "",
		"digits":      "123",
		"unicode":     "héllo 世界 🌍",
		"protocol":    "$5\r\nhello\r\n*1\r\n",
		"control":     "a\x00b\x01\n",
		"the longest": strings.Repeat("x", app.MaxBodyBytes),
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(body, get(t, s, put(t, s, body).ID)); diff != "" {
				t.Errorf("text differs (-want +got):\n%s", diff)
			}
		})
	}
}

func unknown(t *testing.T, s app.Store) {
	body, err := s.Get(t.Context(), app.NewID())
	if !errors.Is(err, app.ErrNotFound) || errors.Is(err, app.ErrUnavailable) || body != nil {
		t.Errorf("Get of an unknown text = %q, %v; want ErrNotFound", body, err)
	}
}

func bodies(t *testing.T, s app.Store) {
	x := put(t, s, "original")
	copy(x.Body, "changed!")
	got, err := s.Get(t.Context(), x.ID)
	if err != nil || string(got) != "original" {
		t.Fatalf("Get after the caller changed what it had Put = %q, %v", got, err)
	}
	copy(got, "changed!")
	if got := get(t, s, x.ID); got != "original" {
		t.Errorf("Get after the caller changed what it had got = %q", got)
	}
}

func totals(t *testing.T, s app.Store) {
	before := stats(t, s)
	for _, body := range []string{"", "abc", "世界"} {
		put(t, s, body)
	}
	want := app.Stats{Texts: before.Texts + 3, Characters: before.Characters + 5}
	if diff := cmp.Diff(want, stats(t, s)); diff != "" {
		t.Errorf("totals differ (-want +got):\n%s", diff)
	}
}

func concurrent(t *testing.T, s app.Store) {
	const workers, each = 8, 25
	before := stats(t, s)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				body := fmt.Sprintf("worker %d text %02d", w, i) // 16 characters
				x := app.Text{ID: app.NewID(), Body: []byte(body), Characters: len(body)}
				if err := s.Put(t.Context(), x); err != nil {
					t.Errorf("Put: %v", err)
					return
				}
				if got, err := s.Get(t.Context(), x.ID); err != nil || string(got) != body {
					t.Errorf("Get = %q, %v; want %q", got, err, body)
				}
			}
		})
	}
	wg.Wait()
	const n = workers * each
	want := app.Stats{Texts: before.Texts + n, Characters: before.Characters + 16*n}
	if diff := cmp.Diff(want, stats(t, s)); diff != "" {
		t.Errorf("totals differ (-want +got):\n%s", diff)
	}
}

func ended(t *testing.T, s app.Store) {
	before := stats(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, getErr := s.Get(ctx, app.NewID())
	_, statsErr := s.Stats(ctx)
	for op, err := range map[string]error{
		"Put": s.Put(ctx, app.Text{ID: app.NewID(), Body: []byte("x"), Characters: 1}),
		"Get": getErr, "Stats": statsErr, "Ping": s.Ping(ctx),
	} {
		if !errors.Is(err, app.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v; want ErrUnavailable and context.Canceled", op, err)
		}
	}
	if diff := cmp.Diff(before, stats(t, s)); diff != "" {
		t.Errorf("something was stored (-before +after):\n%s", diff)
	}
}

func ping(t *testing.T, s app.Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}
