package app_test

import (
	"bytes"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/crossover-bench/crossover/app"
)

// FuzzPost: whatever is posted, the answer is one that the contract has, and an
// accepted text comes back byte by byte.
func FuzzPost(f *testing.F) {
	f.Add("text/plain", []byte("123"), true)
	f.Add("text/plain; charset=utf-8", []byte("世界"), false)
	f.Add("text/plain; charset=\"utf-8\"; a=b", []byte{}, true)
	f.Add("", []byte{0xff}, true)
	f.Add("application/json", []byte("{}"), false)
	f.Add(";", []byte("x"), true)
	store, _ := openStore(f)
	a := app.New(store)
	f.Fuzz(func(t *testing.T, contentType string, body []byte, announced bool) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
		req.Header.Set("Content-Type", contentType)
		if !announced {
			req.ContentLength = -1
		}
		rec := httptest.NewRecorder()
		a.ServeHTTP(rec, req)
		if !slices.Contains([]int{200, 400, 413, 415}, rec.Code) {
			t.Fatalf("status = %d, body %q", rec.Code, rec.Body)
		}
		if rec.Header().Get("Server-Timing") == "" {
			t.Error("no Server-Timing")
		}
		mediaType, _, err := mime.ParseMediaType(contentType)
		typed := contentType == "" || err == nil && mediaType == "text/plain"
		if rec.Code != http.StatusOK {
			if typed && utf8.Valid(body) && len(body) <= app.MaxBodyBytes && !strings.Contains(strings.ToLower(contentType), "charset") {
				t.Errorf("status = %d for a good request", rec.Code)
			}
			return
		}
		if !typed || !utf8.Valid(body) || len(body) > app.MaxBodyBytes {
			t.Errorf("status 200 for type %q, body %q", contentType, body)
		}
		if got := rec.Body.String(); got != strconv.Itoa(len([]rune(string(body)))) {
			t.Errorf("length = %s for %q", got, body)
		}
		back := httptest.NewRecorder()
		a.ServeHTTP(back, httptest.NewRequestWithContext(t.Context(), http.MethodGet, rec.Header().Get("Location"), nil))
		if back.Code != http.StatusOK || !bytes.Equal(back.Body.Bytes(), body) {
			t.Errorf("got back %d %q; want %q", back.Code, back.Body, body)
		}
	})
}
