package emulator_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// rawBootstrap makes start use the function that speaks the Runtime API by hand.
func rawBootstrap(c *emulator.Config) { c.Bootstrap = programs.raw }

func TestRuntimeAPIRefusals(t *testing.T) {
	tests := map[string]string{
		"/wrong-id":        "400 InvalidRequestID",
		"/next-early":      "403 InvalidStateTransition",
		"/init-error-late": "403 InvalidStateTransition",
		"/paths":           "404 NotFound 404 NotFound 405 MethodNotAllowed 404 NotFound",
		"/truncated":       "HTTP/1.1 400 Bad Request",
	}
	for _, keepalive := range []string{"on", "off"} {
		t.Run("keep-alive "+keepalive, func(t *testing.T) {
			s := start(t, func(c *emulator.Config) { rawBootstrap(c); c.Env = map[string]string{"KEEPALIVE": keepalive} })
			for target, want := range tests {
				get(t, s, target).expect(t, http.StatusOK, want)
			}
			get(t, s, "/stale-id").expect(t, http.StatusOK, "400 InvalidRequestID 400 InvalidRequestID")
			settled(t, s, 1)
			if m := s.Meter(); m.ColdStarts != 1 || m.Errors != 0 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

func TestRuntimeAPIAfterTheAnswer(t *testing.T) {
	var out output
	s := start(t, func(c *emulator.Config) { rawBootstrap(c); c.Output = &out })
	get(t, s, "/twice").expect(t, http.StatusOK, "first")
	eventually(t, "the second answer is not refused: "+out.String(), func() bool {
		return strings.Contains(out.String(), "403 InvalidStateTransition 403 InvalidStateTransition\n")
	})
	get(t, s, "/too-large").expect(t, http.StatusBadGateway, "Internal Server Error")
	eventually(t, "no status 413", func() bool { return strings.Contains(out.String(), "413 RequestEntityTooLarge\n") })
	get(t, s, "/expect").expect(t, http.StatusOK, "continued")
	get(t, s, "/error-raw").expect(t, http.StatusBadGateway, "Internal Server Error")
	settled(t, s, 1)
	get(t, s, "/").expect(t, http.StatusOK, "")
	if m := s.Meter(); m.ColdStarts != 1 || m.TooLarge != 1 || m.FunctionErrors != 1 {
		t.Errorf("meter: %+v", m)
	}
}

// A function that gives up asking for an event gets none on that connection, and one when it asks again.
func TestRuntimeAPIDroppedNext(t *testing.T) {
	var out output
	s := start(t, func(c *emulator.Config) { rawBootstrap(c); c.Output = &out })
	for i := range 5 {
		get(t, s, "/drop-next").expect(t, http.StatusOK, "dropping")
		eventually(t, "it does not give up", func() bool { return strings.Count(out.String(), "dropped\n") > i })
		get(t, s, "/").expect(t, http.StatusOK, "")
		eventually(t, "it does not come to rest", func() bool { m := s.Meter(); return m.Idle == m.Environments })
	}
}

func TestRuntimeAPIHeaders(t *testing.T) {
	const trace = "Root=1-5e1b4151-5ac6c58f3e8ab1b2c3d4e5f6;Sampled=1"
	s := start(t, func(c *emulator.Config) { rawBootstrap(c); c.FunctionName, c.Region = "demo", "eu-west-1" })
	before := time.Now()
	r := send(t, s, http.MethodGet, "/headers", "", http.Header{"X-Amzn-Trace-Id": {trace}})
	var got http.Header
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		t.Fatalf("%v in %q", err, r.body)
	}
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id":       r.header.Get("x-amzn-RequestId"),
		"Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:000000000000:function:demo",
		"Lambda-Runtime-Trace-Id":             trace,
		"Content-Type":                        "application/json",
	} {
		if got.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Get(name), want)
		}
	}
	ms, err := strconv.ParseInt(got.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil || time.UnixMilli(ms+1).Before(before.Add(time.Minute)) || time.UnixMilli(ms).After(time.Now().Add(time.Minute)) {
		t.Errorf("deadline %d (%v) is not a minute after %v", ms, err, before)
	}
	for _, name := range []string{"Lambda-Runtime-Client-Context", "Lambda-Runtime-Cognito-Identity", "Lambda-Runtime-Aws-Tenant-Id"} {
		if _, ok := got[name]; ok {
			t.Errorf("%s is set", name)
		}
	}
}
