package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

// priceList serves the hand-written offers of the package cost as AWS's price list would; missing are not there.
func priceList(t *testing.T, missing ...string) string {
	t.Helper()
	mux := http.NewServeMux()
	for _, offer := range cost.Offers() {
		data, err := os.ReadFile("internal/cost/testdata/offers/" + offer + ".json")
		if err != nil {
			t.Fatal(err)
		}
		mux.HandleFunc("GET "+cost.OfferPath(offer, "eu-west-1"), func(w http.ResponseWriter, _ *http.Request) {
			if slices.Contains(missing, offer) {
				http.Error(w, "none", http.StatusNotFound)
				return
			}
			_, _ = w.Write(data)
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func bench(args ...string) (status int, out, messages string) {
	var o, e bytes.Buffer
	status = run(args, streams{strings.NewReader(""), &o, &e})
	return status, o.String(), e.String()
}

func TestRefresh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.json")
	status, out, messages := bench("cost", "--refresh", "--region", "eu-west-1", "--price-list", priceList(t), "--prices-out", path, "--instance-type", "c9g.large")
	if status != exitDone || !strings.Contains(out, "19 prices of eu-west-1") || !strings.Contains(messages, "AWSLambda: 4 prices of 2026-11-20") {
		t.Fatalf("status %d\n%s\n%s", status, out, messages)
	}
	// The file is used as it is: the load balancer has the price of the list, the NAT gateway of another region its built-in one.
	status, out, messages = bench("cost", "--duration", "20ms", "--instance-rps", "800", "--region", "eu-west-1", "--instance-type", "c9g.large", "--prices", path)
	if status != exitDone || !strings.Contains(out, "0.026 ") || !strings.Contains(out, "Instances, c9g.large") || !strings.Contains(out, "2026-11-20") {
		t.Fatalf("status %d\n%s\n%s", status, out, messages)
	}
	left, err := filepath.Glob(path + ".*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRefreshKeepsWhatCouldBeRead writes it, and fails by naming what is not in it.
func TestRefreshKeepsWhatCouldBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.json")
	status, _, messages := bench("cost", "--refresh", "--region", "eu-west-1", "--price-list", priceList(t, "AmazonEC2"), "--prices-out", path)
	if status != exitFailed || !strings.Contains(messages, "what is not in") || !strings.Contains(messages, "AmazonEC2") || !strings.Contains(messages, "404") {
		t.Errorf("status %d\n%s", status, messages)
	}
	if data, err := os.ReadFile(path); err != nil {
		t.Error(err)
	} else if _, err := cost.ParsePrices(path, data); err != nil {
		t.Error(err)
	}
}

func TestRefreshHasATimeOut(t *testing.T) {
	stuck := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(stuck) })
	path := filepath.Join(t.TempDir(), "prices.json")
	status, _, messages := bench("cost", "--refresh", "--price-list", server.URL, "--prices-out", path, "--refresh-timeout", "50ms")
	if status != exitFailed || !strings.Contains(messages, "deadline exceeded") || !strings.Contains(messages, "nothing was written") {
		t.Errorf("status %d\n%s", status, messages)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was written")
	}
}
