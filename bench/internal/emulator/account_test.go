package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// startAccount starts several functions of testdata/call.
func startAccount(tb testing.TB, cfg emulator.AccountConfig) *emulator.Account {
	tb.Helper()
	before := runtime.NumGoroutine()
	a, err := emulator.StartAccount(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := a.Close(time.Second); err != nil {
			tb.Error(err)
		}
		for _, s := range a.Services() {
			if m := s.Meter(); m.Environments != 0 {
				tb.Errorf("%d environments are left", m.Environments)
			}
		}
		eventually(tb, "goroutines are left", func() bool { return runtime.NumGoroutine() <= before })
	})
	return a
}

func function(name, bootstrap string) emulator.Config {
	return emulator.Config{FunctionName: name, Bootstrap: bootstrap, Group: group, Timeout: 30 * time.Second, InitTimeout: 60 * time.Second}
}

// The Invoke API finds functions by name; routes lead to them, with the route key and the path parameters in the event.
func TestAccount(t *testing.T) {
	bootstrap := build(t)
	own := function("b", bootstrap)
	own.FrontDoors = []emulator.FrontDoor{emulator.DoorHTTPAPI}
	a := startAccount(t, emulator.AccountConfig{
		Functions: []emulator.Config{function("a", bootstrap), own},
		Routers: []emulator.Router{
			{Name: "api", Door: emulator.DoorHTTPAPI, Stage: "v1", Routes: []emulator.Route{{Match: "GET /texts/{id}", Function: "a"}, {Match: "ANY /{proxy+}", Function: "b"}}},
			{Name: "lb", Door: emulator.DoorALB, Routes: []emulator.Route{{Match: "/texts/*", Function: "a"}, {Match: "/t*", Function: "b"}}},
		},
	})
	c := sdk(a.InvokeURL())
	for _, name := range []string{"a", "b"} {
		in := call(`{"do":"name"}`)
		in.FunctionName = aws.String(name)
		if out, err := c.Invoke(t.Context(), in); err != nil || string(out.Payload) != `"`+name+`"` {
			t.Errorf("%s answers %v (%v)", name, out, err)
		}
	}
	get := func(url string) (status int, e routed) {
		t.Helper()
		r, err := tryURL(t.Context(), http.MethodGet, url, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = json.Unmarshal([]byte(r.body), &e)
		return r.status, e
	}
	status, e := get(a.RouterURL(0) + "/texts/a%20b")
	if status != 200 || e.RouteKey != "GET /texts/{id}" || e.Context.RouteKey != e.RouteKey || e.Params["id"] != "a b" || e.Context.Stage != "v1" || e.RawPath != "/v1/texts/a b" {
		t.Errorf("%d %+v", status, e)
	}
	if status, e = get(a.RouterURL(0) + "/one/two"); status != 200 || e.RouteKey != "ANY /{proxy+}" || e.Params["proxy"] != "one/two" {
		t.Errorf("%d %+v", status, e)
	}
	if status, _ := get(strings.TrimSuffix(a.RouterURL(0), "/v1") + "/texts/1"); status != http.StatusNotFound {
		t.Errorf("outside the stage: %d", status)
	}
	if status, e = get(a.Services()[1].URL(emulator.DoorHTTPAPI) + "/x"); status != 200 || e.RouteKey != "$default" || e.Params != nil {
		t.Errorf("own front door: %d %+v", status, e)
	}
	before := [2]int64{a.Services()[0].Meter().Invocations, a.Services()[1].Meter().Invocations}
	for _, path := range []string{"/texts/1", "/toys"} {
		if status, _ := get(a.RouterURL(1) + path); status != http.StatusBadGateway { // the event comes back, which is no answer for a load balancer
			t.Errorf("load balancer at %s: %d", path, status)
		}
	}
	if status, _ := get(a.RouterURL(1) + "/other"); status != http.StatusNotFound {
		t.Errorf("load balancer without a rule: %d", status)
	}
	for i, s := range a.Services() {
		if n := s.Meter().Invocations - before[i]; n != 1 {
			t.Errorf("function %d got %d requests of the load balancer", i, n)
		}
	}
}

// routed is what an event tells of its route.
type routed struct {
	RouteKey string            `json:"routeKey"`
	RawPath  string            `json:"rawPath"`
	Params   map[string]string `json:"pathParameters"`
	Context  struct {
		RouteKey string `json:"routeKey"`
		Stage    string `json:"stage"`
	} `json:"requestContext"`
}

// lambda-concurrency.html: functions share the account's concurrency, but for what is reserved for one of them.
func TestAccountConcurrency(t *testing.T) {
	waiting, open := make(chan struct{}, 8), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		waiting <- struct{}{}
		select {
		case <-open:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	bootstrap, two := build(t), 2
	reserved := function("reserved", bootstrap)
	reserved.ReservedConcurrency = &two
	a := startAccount(t, emulator.AccountConfig{
		MaxConcurrency: 4, Functions: []emulator.Config{function("a", bootstrap), function("b", bootstrap), reserved},
	})
	c := sdk(a.InvokeURL())
	invoke := func(name, payload string) error {
		in := call(payload)
		in.FunctionName = aws.String(name)
		_, err := c.Invoke(t.Context(), in)
		return err
	}
	// An idle environment does not count.
	for _, name := range []string{"a", "b", "reserved"} {
		if err := invoke(name, "{}"); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 2)
	for _, name := range []string{"a", "b"} {
		go func() { done <- invoke(name, `{"do":"call","url":"`+srv.URL+`"}`) }()
	}
	<-waiting
	<-waiting
	for _, name := range []string{"a", "b"} {
		if err := invoke(name, "{}"); err == nil || !strings.Contains(err.Error(), "TooManyRequestsException") {
			t.Errorf("%s beyond the account's concurrency: %v", name, err)
		}
	}
	if err := invoke("reserved", "{}"); err != nil {
		t.Errorf("reserved: %v", err)
	}
	close(open)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := invoke("a", "{}"); err != nil {
		t.Errorf("after the throttling: %v", err)
	}
}

// All faults of all functions are told at once, and nothing is left running.
func TestAccountFaults(t *testing.T) {
	ok := build(t)
	missing := function("a", ok+"-not-there")
	_, err := emulator.StartAccount(t.Context(), emulator.AccountConfig{
		Functions: []emulator.Config{function("a", ok), missing}, Host: "localhost",
		Routers: []emulator.Router{{Name: "api", Door: emulator.DoorHTTPAPI, Routes: []emulator.Route{{Match: "GET /", Function: "c"}}}},
	})
	for _, want := range []string{"no such file", "two functions have the name a", `there is no function "c"`, `host "localhost" is not an IP address`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
