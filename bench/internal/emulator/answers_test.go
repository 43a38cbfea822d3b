package emulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

func TestAnswersOfEachDoor(t *testing.T) {
	s := start(t, allDoors)
	both2 := http.Header{"X-Both": {"single"}, "X-Single": {"s"}, "Content-Type": {"text/plain"}, "X-Multi": nil, "Www-Authenticate": nil}
	both := map[emulator.FrontDoor]http.Header{
		emulator.DoorFunctionURL: both2, emulator.DoorFunctionURLStream: both2, emulator.DoorHTTPAPI: both2, emulator.DoorALB: both2,
		emulator.DoorRESTAPI: {
			"X-Both": {"multi", "single"}, "X-Single": {"s"}, "Content-Type": {"text/plain"}, "X-Multi": {"m1", "m2"}, "Www-Authenticate": nil,
			"X-Amzn-Remapped-Www-Authenticate": {"Basic"},
		},
		emulator.DoorALBMulti: {"X-Both": {"multi", "single"}, "X-Single": nil, "Content-Type": nil, "X-Multi": {"m1", "m2"}, "Www-Authenticate": {"Basic"}},
	}
	identity := map[emulator.FrontDoor]string{
		emulator.DoorFunctionURL: "X-Amzn-Requestid", emulator.DoorFunctionURLStream: "X-Amzn-Requestid", emulator.DoorHTTPAPI: "Apigw-Requestid",
		emulator.DoorRESTAPI: "X-Amzn-Requestid",
	}
	binary := make([]byte, 256)
	for i := range binary {
		binary[i] = byte(i)
	}
	for _, door := range emulator.FrontDoors() {
		t.Run(string(door), func(t *testing.T) {
			r := sendTo(t, s, door, http.MethodGet, "/both", "", nil)
			r.expect(t, http.StatusOK, "both")
			for name, want := range both[door] {
				if diff := cmp.Diff(want, r.header[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			for _, name := range []string{"X-Amzn-Requestid", "Apigw-Requestid"} {
				if got := r.header.Get(name); (name == identity[door]) != (len(got) == 36) {
					t.Errorf("%s is %q", name, got)
				}
			}
			var cookies []string // the load balancer without multi-value headers loses them
			if door != emulator.DoorALB {
				cookies = []string{"a=1; Path=/", "b=2"}
			}
			r = sendTo(t, s, door, http.MethodGet, "/cookies", "", nil)
			r.expect(t, http.StatusOK, "")
			if diff := cmp.Diff(cookies, r.header["Set-Cookie"]); diff != "" {
				t.Errorf("cookies (-want +got):\n%s", diff)
			}
			r = sendTo(t, s, door, http.MethodGet, "/binary", "", nil)
			r.expect(t, http.StatusOK, string(binary))
			if got := r.header.Get("Content-Type"); got != "image/png" {
				t.Errorf("content type %q", got)
			}
			sendTo(t, s, door, http.MethodHead, "/status?n=418", "", nil).expect(t, http.StatusTeapot, "")
			sendTo(t, s, door, http.MethodGet, "/status?n=204", "", nil).expect(t, http.StatusNoContent, "")
		})
	}
}

func TestBodiesThroughEachDoor(t *testing.T) {
	s := start(t, allDoors)
	binary := make([]byte, 256)
	for i := range binary {
		binary[i] = byte(i)
	}
	tests := map[string]struct{ kind, encoding, body string }{
		"text":           {"text/plain; charset=utf-8", "", "grüezi, 世界 \x00\x1f\"\\"},
		"json":           {"application/json", "", `{"a":"\u0000<>&"}`},
		"form":           {"application/x-www-form-urlencoded", "", "a=1&b=2"},
		"no type":        {"", "", "plain"},
		"bad type":       {"///", "", "plain"},
		"binary":         {"image/png", "", string(binary)},
		"text not UTF-8": {"text/plain", "", "\xff\xfe"},
		"encoded":        {"text/plain", "gzip", "only said to be"},
		"great":          {"text/plain", "", strings.Repeat("0123456789", 90_000)},
	}
	for _, door := range emulator.FrontDoors() {
		for name, tt := range tests {
			t.Run(string(door)+" "+name, func(t *testing.T) {
				header := http.Header{"Content-Type": {tt.kind}}
				if tt.encoding != "" {
					header["Content-Encoding"] = []string{tt.encoding}
				}
				sendTo(t, s, door, http.MethodPost, "/body", tt.body, header).expect(t, http.StatusOK, tt.body)
			})
		}
	}
}

const (
	page502 = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
	page413 = "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n</body>\r\n</html>\r\n"
	page400 = "<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n</body>\r\n</html>\r\n"

	throttledURL = `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`
	tooLargeURL  = `{"Message":"Request must be smaller than 6291556 bytes for the InvokeFunction operation"}`
)

// plain is a status, a type and a body.
type plain struct {
	status int
	kind   string
	body   string
}

func (p plain) check(t *testing.T, r reply) {
	t.Helper()
	r.expect(t, p.status, p.body)
	if got := r.header.Get("Content-Type"); got != p.kind {
		t.Errorf("content type %q, want %q", got, p.kind)
	}
}

// failuresOf is what each door says when a function fails, when it is throttled, and to a body that is too large.
var failuresOf = map[emulator.FrontDoor]struct{ failed, throttled, tooLarge plain }{
	emulator.DoorFunctionURL: {
		plain{502, "application/json", "Internal Server Error"}, plain{429, "application/json", throttledURL}, plain{413, "application/json", tooLargeURL},
	},
	emulator.DoorFunctionURLStream: {
		plain{502, "application/json", "Internal Server Error"}, plain{429, "application/json", throttledURL}, plain{413, "application/json", tooLargeURL},
	},
	emulator.DoorHTTPAPI: {
		plain{500, "application/json", `{"message":"Internal Server Error"}`},
		plain{500, "application/json", `{"message":"Internal Server Error"}`},
		plain{413, "application/json", `{"message":"Request Entity Too Large"}`},
	},
	emulator.DoorRESTAPI: {
		plain{502, "application/json", `{"message": "Internal server error"}`},
		plain{500, "application/json", `{"message": "Internal server error"}`},
		plain{413, "application/json", `{"message":"Request Too Long"}`},
	},
	emulator.DoorALB:      {plain{502, "text/html", page502}, plain{502, "text/html", page502}, plain{413, "text/html", page413}},
	emulator.DoorALBMulti: {plain{502, "text/html", page502}, plain{502, "text/html", page502}, plain{413, "text/html", page413}},
}

func TestFailuresOfEachDoor(t *testing.T) {
	for door, want := range failuresOf {
		t.Run(string(door), func(t *testing.T) {
			s := start(t, func(c *emulator.Config) { c.FrontDoors = []emulator.FrontDoor{door} })
			for _, target := range []string{"/error", "/panic", "/exit", "/broken", "/malformed", "/status?n=99", "/status?n=600", "/big?n=7000000"} {
				want.failed.check(t, sendTo(t, s, door, http.MethodGet, target, "", nil))
			}
			want.tooLarge.check(t, sendTo(t, s, door, http.MethodPost, "/body", strings.Repeat("x", 11<<20), nil))
			if r := sendTo(t, s, door, http.MethodGet, "/pid", "", nil); r.status != http.StatusOK {
				t.Errorf("after the failures: %d %q", r.status, r.body)
			}
		})
		t.Run(string(door)+" time-out", func(t *testing.T) {
			s := start(t, func(c *emulator.Config) {
				c.FrontDoors = []emulator.FrontDoor{door}
				c.Timeout = 300 * time.Millisecond
			})
			want.failed.check(t, sendTo(t, s, door, http.MethodGet, "/forever", "", nil))
		})
		t.Run(string(door)+" throttle", func(t *testing.T) {
			s := start(t, func(c *emulator.Config) {
				c.MaxConcurrency = 1
				if door != emulator.DoorFunctionURL {
					c.FrontDoors = []emulator.FrontDoor{emulator.DoorFunctionURL, door}
				}
			})
			g := newGate(t, 1)
			held := g.hold(t, s, 1)
			want.throttled.check(t, sendTo(t, s, door, http.MethodGet, "/pid", "", nil))
			close(g.open)
			<-held
		})
	}
}

func TestLimitsOfEachDoor(t *testing.T) {
	s := start(t, allDoors)
	internal := plain{500, "application/json", `{"message":"Internal Server Error"}`}
	internalREST := plain{500, "application/json", `{"message": "Internal server error"}`}
	alb502, alb413, alb400 := plain{502, "text/html", page502}, plain{413, "text/html", page413}, plain{400, "text/html", page400}
	image, upgrade := http.Header{"Content-Type": {"image/png"}}, http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	tests := map[string]struct {
		door   emulator.FrontDoor
		target string
		size   int
		header http.Header
		want   plain
	}{
		"event over 6 MB, HTTP API":        {emulator.DoorHTTPAPI, "/body", 5 << 20, image, internal},
		"event over 6 MB, REST API":        {emulator.DoorRESTAPI, "/body", 5 << 20, nil, internalREST},
		"body over 1 MB, ALB":              {emulator.DoorALB, "/body", 1<<20 + 1, nil, alb413},
		"answer over 1 MB, ALB":            {emulator.DoorALB, "/big?n=1048576", 0, nil, alb502},
		"answer over 1 MB, ALB multi":      {emulator.DoorALBMulti, "/big?n=1048576", 0, nil, alb502},
		"answer without a status, ALB":     {emulator.DoorALB, "/bare?text=x", 0, nil, alb502},
		"answer without a status, REST":    {emulator.DoorRESTAPI, "/bare?text=x", 0, nil, plain{502, "application/json", `{"message": "Internal server error"}`}},
		"answer without a status, HTTP":    {emulator.DoorHTTPAPI, "/bare?text=x", 0, nil, plain{200, "application/json", "x"}},
		"WebSocket, ALB":                   {emulator.DoorALB, "/body", 0, upgrade, alb400},
		"answer under 1 MB without a type": {emulator.DoorALB, "/big?n=1000", 0, nil, plain{200, "", strings.Repeat("x", 1000)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.want.check(t, sendTo(t, s, tt.door, http.MethodPost, tt.target, strings.Repeat("x", tt.size), tt.header))
		})
	}
	sendTo(t, s, emulator.DoorALB, http.MethodPost, "/body", strings.Repeat("x", 700_000), nil).expect(t, http.StatusOK, strings.Repeat("x", 700_000))
}

// 64 requests in flight at each door are 64 environments, for the doors share them.
func TestInFlightAtEachDoor(t *testing.T) {
	const n = 64
	s := start(t, allDoors)
	for _, door := range emulator.FrontDoors() {
		g := newGate(t, n)
		replies := make(chan reply, n)
		for range n {
			go func() {
				r, err := tryURL(t.Context(), http.MethodGet, s.URL(door)+g.url, "", nil)
				if err != nil {
					r.body = err.Error()
				}
				replies <- r
			}()
		}
		for range n {
			<-g.waiting
		}
		close(g.open)
		pids := map[string]bool{}
		for range n {
			r := <-replies
			if r.status != http.StatusOK {
				t.Errorf("%s: answer is %d %q", door, r.status, r.body)
			}
			pids[r.body] = true
		}
		if len(pids) != n {
			t.Errorf("%s: %d processes have answered %d requests", door, len(pids), n)
		}
		settled(t, s, n)
	}
	if m := s.Meter(); m.ColdStarts != n || m.Errors != 0 || m.InvalidAnswers != 0 {
		t.Errorf("meter: %+v", m)
	}
}
