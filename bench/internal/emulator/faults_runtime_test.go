package emulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// Each of these answers is none, and says so to the function; its caller gets what comes after it: another answer, its end, or nothing
// that a front door understands.
func TestMalformedResponsesHurtNobodyElse(t *testing.T) {
	for target, want := range map[string]struct {
		status int
		body   string
		says   string
		count  func(emulator.Meter) int64
	}{
		"/bad-http":       {http.StatusOK, "HTTP/1.1 400 Bad Request", "", nil},
		"/bad-chunk":      {http.StatusOK, "HTTP/1.1 400 Bad Request", "", nil},
		"/truncated":      {http.StatusOK, "HTTP/1.1 400 Bad Request", "", nil},
		"/bad-chunk-exit": {http.StatusBadGateway, "Internal Server Error", "", func(m emulator.Meter) int64 { return m.Exits }},
		"/bad-json":       {http.StatusBadGateway, "Internal Server Error", "202\n", func(m emulator.Meter) int64 { return m.InvalidAnswers }},
	} {
		t.Run(target[1:], func(t *testing.T) {
			var out output
			s := start(t, func(c *emulator.Config) { rawBootstrap(c); c.Output = &out })
			stop := bystanders(t, s)
			for range 3 {
				get(t, s, target).expect(t, want.status, want.body)
			}
			stop()
			eventually(t, "environments do not come to rest", func() bool { m := s.Meter(); return m.Idle == m.Environments })
			eventually(t, "the function is not told", func() bool { return strings.Contains(out.String(), want.says) })
			m := s.Meter()
			if want.count == nil && m.Errors+m.InvalidAnswers != 0 || want.count != nil && (want.count(m) != 3 || m.Errors+m.InvalidAnswers != 3) {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

// exchange tells the function at /theirs the id of the event at /mine, which it keeps in work until the other one has posted to it.
func exchange(t *testing.T) (query string, asked chan struct{}) {
	t.Helper()
	id, posted := make(chan string, 1), make(chan struct{})
	asked = make(chan struct{}, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/mine":
			id <- r.FormValue("id")
			<-posted
		case "/theirs":
			asked <- struct{}{}
			_, _ = io.WriteString(w, <-id)
		case "/posted":
			close(posted)
		}
	}))
	t.Cleanup(srv.Close)
	return "&url=" + url.QueryEscape(srv.URL), asked
}

// The event of another environment, which is at work on it, is none of this one's: its answer, plain or streamed, and its error are
// refused, and the one who may answer it does.
func TestAnswerToAnothersEvent(t *testing.T) {
	for name, tt := range map[string]struct {
		door    emulator.FrontDoor
		then    string
		timeout time.Duration // also of the other event
		status  int
		body    string
	}{
		"and to its own":             {emulator.DoorFunctionURL, "answer", time.Minute, 200, "400 InvalidRequestID, 400 InvalidRequestID, 400 InvalidRequestID"},
		"and to its own, as streams": {emulator.DoorFunctionURLStream, "answer", time.Minute, 200, "400 InvalidRequestID, 400 InvalidRequestID, 400 InvalidRequestID"},
		"and not to its own":         {emulator.DoorFunctionURL, "hang", 5 * time.Second, 502, "Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(c *emulator.Config) {
				rawBootstrap(c)
				c.FrontDoors, c.Timeout = []emulator.FrontDoor{emulator.DoorFunctionURL, emulator.DoorFunctionURLStream}, tt.timeout
			})
			query, asked := exchange(t)
			stop := bystanders(t, s)
			through := func(target string) chan reply {
				answer := make(chan reply, 1)
				go func() {
					r, err := tryURL(t.Context(), http.MethodGet, s.URL(tt.door)+target+query, "", nil)
					if err != nil {
						r.body = err.Error()
					}
					answer <- r
				}()
				return answer
			}
			a := through("/theirs?then=" + tt.then)
			<-asked
			(<-through("/mine?")).expect(t, http.StatusOK, "mine")
			(<-a).expect(t, tt.status, tt.body)
			stop()
			eventually(t, "environments do not come to rest", func() bool { m := s.Meter(); return m.Idle == m.Environments })
			if m := s.Meter(); (m.Timeouts == 1) != (tt.then == "hang") || m.Errors != m.Timeouts || m.InvalidAnswers != 0 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

// The first answer counts, the second and an error after it are refused.
func TestAnswersTwice(t *testing.T) {
	var out output
	s := start(t, func(c *emulator.Config) { rawBootstrap(c); c.Output = &out })
	stop := bystanders(t, s)
	for i := range 3 {
		get(t, s, "/twice").expect(t, http.StatusOK, "first")
		eventually(t, "the second answer is not refused", func() bool {
			return strings.Count(out.String(), "403 InvalidStateTransition 403 InvalidStateTransition\n") == i+1
		})
	}
	stop()
	if m := s.Meter(); m.Errors != 0 || m.InvalidAnswers != 0 || m.Exits != 0 {
		t.Errorf("meter: %+v", m)
	}
}

// A runtime that has answered and does not ask for more is within its invocation, until the time-out ("Invoke phase").
func TestNeverAsksAgain(t *testing.T) {
	s := start(t, func(c *emulator.Config) { rawBootstrap(c); c.Timeout = 3 * time.Second }) // also for the others
	s.SetSettle(emulator.Settle)
	r := get(t, s, "/no-next")
	if r.status != http.StatusOK || !alive(t, r.body) {
		t.Errorf("answer is %d %q, or that process does not run", r.status, r.body)
	}
	get(t, s, "/").expect(t, http.StatusOK, "") // by another environment
	stop := bystanders(t, s)
	eventually(t, "the one that does not ask stays", func() bool { return !alive(t, r.body) })
	stop()
	eventually(t, "environments do not come to rest", func() bool { m := s.Meter(); return m.Environments == m.Idle })
	if m := s.Meter(); m.Errors != 0 {
		t.Errorf("meter: %+v", m)
	}
}
