package emulator_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// streaming opens a Function URL that streams.
func streaming(c *emulator.Config) {
	c.FrontDoors = []emulator.FrontDoor{emulator.DoorFunctionURLStream}
}

// begun is an answer of which status and headers are there.
type begun struct {
	status int
	header http.Header
	body   io.Reader
}

// begin sends a request to the streaming door and returns the answer once status and headers are there.
func begin(ctx context.Context, t *testing.T, s *emulator.Service, target string) begun {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL(emulator.DoorFunctionURLStream)+target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return begun{resp.StatusCode, resp.Header, resp.Body}
}

// first reads the first part of the answer of /stream.
func (b begun) first(t *testing.T) {
	t.Helper()
	got := make([]byte, len("first\n"))
	if _, err := io.ReadFull(b.body, got); err != nil || string(got) != "first\n" {
		t.Fatalf("first part is %q (%v)", got, err)
	}
}

// streamURL makes the function wait at the gate between the parts of its answer, and end as told.
func (g *gate) streamURL(end string) string {
	return "/stream?end=" + end + "&" + strings.TrimPrefix(g.url, "/hold?")
}

// The function cannot go on before the test has read what came until then.
func TestStreamArrivesAsItIsWritten(t *testing.T) {
	s := start(t, streaming)
	for range 3 {
		g := newGate(t, 1)
		resp := begin(t.Context(), t, s, g.streamURL("")+"&status=207")
		if resp.status != http.StatusMultiStatus {
			t.Errorf("status %d", resp.status)
		}
		for name, want := range (http.Header{"Content-Type": {"text/plain"}, "X-Thing": {"one"}, "Set-Cookie": {"a=1; Path=/", "b=2"}, "Content-Length": nil}) {
			if diff := cmp.Diff(want, resp.header[name]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		resp.first(t)
		<-g.waiting
		if m := s.Meter(); m.Idle != 0 {
			t.Errorf("the function has ended: %+v", m)
		}
		close(g.open)
		if rest, err := io.ReadAll(resp.body); err != nil || string(rest) != "second\n" {
			t.Errorf("rest is %q (%v)", rest, err)
		}
		settled(t, s, 1)
	}
	if m := s.Meter(); m.ColdStarts != 1 || m.Invocations != 3 || m.Errors != 0 || m.InvalidAnswers != 0 {
		t.Errorf("meter: %+v", m)
	}
}

// What goes wrong after the head has been sent can only break the connection off.
func TestStreamBreaksOff(t *testing.T) {
	tests := map[string]struct {
		dies  bool
		count func(emulator.Meter) int64
	}{
		"error":   {false, func(m emulator.Meter) int64 { return m.FunctionErrors }},
		"exit":    {true, func(m emulator.Meter) int64 { return m.Exits }},
		"panic":   {true, func(m emulator.Meter) int64 { return m.Exits }},
		"forever": {true, func(m emulator.Meter) int64 { return m.Timeouts }},
	}
	for end, tt := range tests {
		t.Run(end, func(t *testing.T) {
			s := start(t, func(c *emulator.Config) {
				streaming(c)
				if end == "forever" {
					c.Timeout = brief
				}
			})
			g := newGate(t, 1)
			resp := begin(t.Context(), t, s, g.streamURL(end))
			if resp.first(t); resp.status != http.StatusOK {
				t.Errorf("status %d", resp.status)
			}
			close(g.open)
			rest, err := io.ReadAll(resp.body)
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(rest) != 0 {
				t.Errorf("it goes on with %q, and ends with %v", rest, err)
			}
			left := 1
			if tt.dies {
				left = 0
			}
			settled(t, s, left)
			if m := s.Meter(); tt.count(m) != 1 || m.Errors != 1 || m.Invocations != 1 || m.Redelivered != 0 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

func TestStreamHeads(t *testing.T) {
	s := start(t, streaming)
	const end = "\x00\x00\x00\x00\x00\x00\x00\x00"
	tests := map[string]struct {
		text   string
		status int
		kind   string
		body   string
	}{
		"whole":              {`{"statusCode":201,"headers":{"Content-Type":"text/x"}}` + end + "body", 201, "text/x", "body"},
		"empty":              {`{}` + end + "body", 200, "application/octet-stream", "body"},
		"no body":            {`{"statusCode":404}` + end, 404, "application/octet-stream", ""},
		"zero bytes in body": {`{}` + end + end + "x", 200, "application/octet-stream", end + "x"},
		"body of the head":   {`{"body":"no","isBase64Encoded":true}` + end + "yes", 200, "application/octet-stream", "yes"},
		"not modified":       {`{"statusCode":304}` + end + "no", 304, "", ""},
		"no end":             {`{"statusCode":200}`, 502, "application/json", "Internal Server Error"},
		"nothing":            {"", 502, "application/json", "Internal Server Error"},
		"short end":          {`{}` + end[1:], 502, "application/json", "Internal Server Error"},
		"no JSON":            {"hello" + end + "body", 502, "application/json", "Internal Server Error"},
		"bad status":         {`{"statusCode":99}` + end + "body", 502, "application/json", "Internal Server Error"},
		"list":               {`[]` + end + "body", 502, "application/json", "Internal Server Error"},
	}
	bad := int64(0)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := sendTo(t, s, emulator.DoorFunctionURLStream, http.MethodGet, "/stream-raw?text="+url.QueryEscape(tt.text), "", nil)
			plain{tt.status, tt.kind, tt.body}.check(t, r)
		})
		if tt.status == http.StatusBadGateway {
			bad++
		}
	}
	sendTo(t, s, emulator.DoorFunctionURLStream, http.MethodGet, "/stream-early", "", nil).expect(t, http.StatusBadGateway, "Internal Server Error")
	r := sendTo(t, s, emulator.DoorFunctionURLStream, http.MethodHead, "/stream", "", nil)
	r.expect(t, http.StatusOK, "")
	settled(t, s, 1)
	if m := s.Meter(); m.InvalidAnswers != bad || m.FunctionErrors != 1 || m.Errors != 1 || m.ColdStarts != 1 {
		t.Errorf("meter, with %d invalid answers: %+v", bad, m)
	}
}

// Doors that do not stream take a stream for the payload of the answer, and that is no answer.
func TestStreamThroughOtherDoors(t *testing.T) {
	s := start(t, allDoors)
	for door, want := range failuresOf {
		if door != emulator.DoorFunctionURLStream {
			want.failed.check(t, sendTo(t, s, door, http.MethodGet, "/stream", "", nil))
		}
	}
}

func TestStreamLimits(t *testing.T) {
	s := start(t, streaming)
	const most = 200 << 20
	for _, size := range []int64{30 << 20, most + 1} {
		resp := begin(t.Context(), t, s, "/stream?n="+strconv.FormatInt(size, 10))
		n, err := io.Copy(io.Discard, resp.body)
		if size < most && (err != nil || n != size) {
			t.Errorf("%d bytes: got %d, %v", size, n, err)
		}
		if size > most && (!errors.Is(err, io.ErrUnexpectedEOF) || n > most) {
			t.Errorf("%d bytes: got %d, %v", size, n, err)
		}
	}
	eventually(t, "it is not counted", func() bool { return s.Meter().TooLarge == 1 })
}

// An invocation goes on without its client, and its environment serves the next one.
func TestStreamClientGoesAway(t *testing.T) {
	s := start(t, streaming)
	g := newGate(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	resp := begin(ctx, t, s, g.streamURL(""))
	resp.first(t)
	<-g.waiting
	cancel()
	_, _ = io.Copy(io.Discard, resp.body)
	close(g.open)
	settled(t, s, 1)
	if m := s.Meter(); m.Errors != 0 || m.Invocations != 1 || m.ColdStarts != 1 {
		t.Errorf("meter: %+v", m)
	}
}

func TestStream64InFlight(t *testing.T) {
	const n = 64
	s := start(t, streaming)
	g := newGate(t, n)
	replies := make(chan reply, n)
	for range n {
		go func() {
			r, err := tryURL(t.Context(), http.MethodGet, s.URL(emulator.DoorFunctionURLStream)+g.streamURL(""), "", nil)
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
	for range n {
		(<-replies).expect(t, http.StatusOK, "first\nsecond\n")
	}
	if m := s.Meter(); m.ColdStarts != n || m.Errors != 0 {
		t.Errorf("meter: %+v", m)
	}
}

func TestCloseWhileStreaming(t *testing.T) {
	s := start(t, streaming)
	g := newGate(t, 1)
	resp := begin(t.Context(), t, s, g.streamURL(""))
	resp.first(t)
	<-g.waiting
	if err := s.Close(0); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(resp.body); err == nil {
		t.Errorf("the answer ends with %q as if it were whole", rest)
	}
}

// A client that does not read keeps neither the place of its environment nor the service: what it has not read when the time
// is up is lost.
func TestStreamToSlowClient(t *testing.T) {
	s := start(t, func(c *emulator.Config) { streaming(c); c.Timeout = brief; c.MaxConcurrency = 1 })
	resp := begin(t.Context(), t, s, "/stream?n=150000000")
	eventually(t, "it does not time out", func() bool { return s.Meter().Environments == 0 })
	r := sendTo(t, s, emulator.DoorFunctionURLStream, http.MethodGet, "/pid", "", nil)
	if r.status != http.StatusOK {
		t.Errorf("next answer is %d %q", r.status, r.body)
	}
	if err := s.Close(0); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.body); err == nil {
		t.Errorf("all %d bytes of the answer were there", n)
	}
	if m := s.Meter(); m.Timeouts != 1 || m.Errors != 1 || m.Redelivered != 0 {
		t.Errorf("meter: %+v", m)
	}
}
