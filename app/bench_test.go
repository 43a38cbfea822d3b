package app_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/crossover-bench/crossover/app"
)

// nothing is a response writer that costs nothing.
type nothing struct{ h http.Header }

func (n nothing) Header() http.Header         { return n.h }
func (n nothing) Write(b []byte) (int, error) { return len(b), nil }
func (n nothing) WriteHeader(int)             {}

// BenchmarkFloor measures what the app itself costs a request that does nothing:
//
//	go test ./app -run '^$' -bench Floor
func BenchmarkFloor(b *testing.B) {
	a := app.New(nil)
	req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
	req.Body = io.NopCloser(nil)
	w := nothing{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		a.ServeHTTP(w, req)
	}
}
