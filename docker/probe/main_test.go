package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProbe(t *testing.T) {
	var asked string
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.Path + " " + r.Header.Get("X-Amz-Invocation-Type")
		if r.URL.Path == "/2015-03-31/functions/function/invocations" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	addr := service.Listener.Addr().String()
	var stderr strings.Builder
	if code := probe(addr, "function", &stderr); code != 0 || stderr.String() != "" {
		t.Errorf("well: %d %q; want 0", code, &stderr)
	}
	if want := "POST /2015-03-31/functions/function/invocations DryRun"; asked != want {
		t.Errorf("asked %s; want %s", asked, want)
	}
	if code := probe(addr, "other", &stderr); code != 1 || !strings.Contains(stderr.String(), "404 Not Found; want 204") {
		t.Errorf("no such function: %d %q; want 1", code, &stderr)
	}
	service.Close()
	if code := probe(addr, "function", &stderr); code != 1 {
		t.Errorf("nobody listens: %d; want 1", code)
	}
}
