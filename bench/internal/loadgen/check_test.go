package loadgen_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
)

func TestCheck(t *testing.T) {
	answer := func(status int, contentType, body, timing string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if timing != "" {
				w.Header().Set("Server-Timing", timing)
			}
			w.Header()["Content-Type"] = []string{contentType}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	const plain = "text/plain; charset=UTF-8"
	good := answer(http.StatusOK, plain, "3", "")
	tests := []struct {
		name   string
		expect string
		other  http.HandlerFunc // of the second target; nil: unreachable
		cold   []int64
		differ bool
		want   string // part of the error; empty: none
	}{
		{"equal", "{body: \"3\"}", good, []int64{0, 0}, false, ""},
		{"type written in another way", "{}", answer(200, "Text/plain;charset=utf-8", "4", ""), []int64{0, 0}, false, ""},
		{"cold", "{}", answer(200, plain, "3", "app;dur=1, init;dur=100"), []int64{0, 2}, false, ""},
		{"status", "{}", answer(201, plain, "3", ""), []int64{0, 0}, true, "step a: target-1 answers status 200, target-2 201"},
		{
			"type", "{}", answer(200, "application/json", "3", ""),
			[]int64{0, 0},
			true,
			`step b: target-1 answers content type "text/plain; charset=utf-8", target-2 "application/json"`,
		},
		{"no type", "{}", answer(200, "", "3", ""), []int64{0, 0}, true, `target-2 ""`},
		{"body", "{body: \"3\"}", answer(200, plain, "4", ""), []int64{0, 0}, true, `target target-2, step a: expected body "3", got "4"`},
		{"expected status", "{status: 200}", answer(500, plain, "oh", ""), []int64{0, 0}, true, `target target-2, step a: expected status 200, got 500 with body "oh"`},
		{"unreachable", "{}", nil, []int64{0, 0}, false, "target target-2, step a: connecting: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, other := httptest.NewServer(good), closedPort(t)
			defer first.Close()
			if tt.other != nil {
				s := httptest.NewServer(tt.other)
				defer s.Close()
				other = s.URL
			}
			s := plan(t, `
workers: 1
steps: [{name: a, path: /, expect: `+tt.expect+`}, {name: b, method: POST, path: /, body: "123"}]
phases: [{name: p, iterations: 1}]`)
			g := generator(t, s, first.URL, other)
			cold, err := g.Check(t.Context())
			if d := cmp.Diff(tt.cold, cold); d != "" {
				t.Errorf("cold: -want +got:\n%s", d)
			}
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want no difference", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			case errors.Is(err, loadgen.ErrDiffer) != tt.differ:
				t.Errorf("errors.Is ErrDiffer is %v of %v", !tt.differ, err)
			}
			if tt.want != "" {
				return
			}
			o := &observer{}
			if whole, err := g.Run(t.Context(), nil, 1, o); err != nil || !whole {
				t.Fatalf("Run after Check returned %v, %v", whole, err)
			}
			for _, turn := range o.turns {
				if s := turn.stats(); s.Requests != 2 || s.ConnectTime.Count != 0 {
					t.Errorf("%d requests, %d connections: what Check did is in no count", s.Requests, s.ConnectTime.Count)
				}
			}
		})
	}
}

func TestCheckIsAborted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer s.Close()
	g := generator(t, plan(t, "workers: 1\nsteps: [{name: a, path: /}]\nphases: [{name: p, iterations: 1}]"), s.URL)
	if _, err := g.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Check returned %v", err)
	}
}
