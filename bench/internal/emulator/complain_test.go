package emulator_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// Clients get the same text whatever has gone wrong. The log says what.
func TestReasonsAreInTheLog(t *testing.T) {
	none := 0
	for name, tt := range map[string]struct {
		door   emulator.FrontDoor
		method string
		target string
		body   string
		config func(c *emulator.Config)
		status int
		want   string
	}{
		"an answer that is none":  {door: emulator.DoorFunctionURL, target: "/malformed", status: 502, want: `why="the answer is not JSON"`},
		"a streamed answer":       {door: emulator.DoorALB, target: "/stream", status: 502, want: `why="the answer is streamed, which this front door does not take"`},
		"the error of a function": {door: emulator.DoorALB, target: "/error", status: 502, want: `why="errorString: no more paper"`},
		"a throttle": {
			door: emulator.DoorHTTPAPI, target: "/", status: 500, want: `why="concurrency limit reached"`,
			config: func(c *emulator.Config) { c.ReservedConcurrency = &none },
		},
		"an answer over the limit":   {door: emulator.DoorALB, target: "/big?n=1048576", status: 502, want: "over the front door's limit of 1048576"},
		"an event over the limit":    {door: emulator.DoorRESTAPI, target: "/", body: strings.Repeat("x", 6<<20), status: 500, want: "the event is over 6291556 bytes"},
		"a body over the limit":      {door: emulator.DoorALB, target: "/", body: strings.Repeat("x", 2<<20), status: 413, want: "the body of the request is over 1048576 bytes"},
		"a path without the stage":   {door: emulator.DoorRESTAPI, target: "/../x", status: 403, want: `why="nothing is there: paths begin with /prod/"`},
		"a method that is not taken": {door: emulator.DoorALB, method: http.MethodTrace, target: "/", status: 405, want: "does not pass this method on"},
	} {
		t.Run(name, func(t *testing.T) {
			var log output
			s := start(t, func(c *emulator.Config) {
				c.FrontDoors, c.Log = []emulator.FrontDoor{tt.door}, slog.New(slog.NewTextHandler(&log, nil))
				if tt.config != nil {
					tt.config(c)
				}
			})
			url := s.URL(tt.door) + tt.target
			if base, outside := strings.CutSuffix(url, "/prod/../x"); outside {
				url = base + "/x"
			}
			method := tt.method
			if method == "" {
				method = http.MethodPost
			}
			r, err := tryURL(t.Context(), method, url, tt.body, nil)
			if err != nil || r.status != tt.status {
				t.Errorf("answer is %d %q, %v", r.status, r.body, err)
			}
			if !strings.Contains(log.String(), tt.want) || !strings.Contains(log.String(), "front_door="+string(tt.door)) {
				t.Errorf("log does not say %q:\n%s", tt.want, log.String())
			}
		})
	}
}
