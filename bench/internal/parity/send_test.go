package parity_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/parity"
)

func corpus(tb testing.TB, requests string) *parity.Corpus {
	tb.Helper()
	c, err := parity.Parse("c.yaml", []byte("name: c\nrequests:\n"+requests))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// scripted is a server that reads one request a connection, up to end, and answers with raw bytes. It returns its URL and
// what it has read.
func scripted(tb testing.TB, end, answer string) (url string, read func() string) {
	tb.Helper()
	ln, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var (
		mu   sync.Mutex
		got  strings.Builder
		done = make(chan struct{})
	)
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(conn)
			for !strings.HasSuffix(got.String(), end) {
				b, err := r.ReadByte()
				if err != nil {
					break
				}
				mu.Lock()
				got.WriteByte(b)
				mu.Unlock()
			}
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	tb.Cleanup(func() { _ = ln.Close(); <-done })
	return "http://" + ln.Addr().String(), func() string { mu.Lock(); defer mu.Unlock(); return got.String() }
}

func TestSentBytes(t *testing.T) {
	for name, tt := range map[string]struct{ request, end, want string }{
		"get":     {`{name: a, target: "/a%2F?b=%&b"}`, "\r\n\r\n", "GET /base/a%2F?b=%&b HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		"headers": {`{name: a, target: /, headers: ["x-A:1", "X-a: 2", "Host: other"]}`, "\r\n\r\n", "GET /base/ HTTP/1.1\r\nx-A:1\r\nX-a: 2\r\nHost: other\r\n\r\n"},
		"body":    {`{name: a, target: /, method: POST, body: "ü{{port}}", proto: HTTP/1.0}`, "ü", "POST /base/ HTTP/1.0\r\nHost: HOST\r\nContent-Length: LEN\r\n\r\nü"},
		"empty":   {`{name: a, target: /, body: ""}`, "\r\n\r\n", "GET /base/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n"},
		"chunks": {
			`{name: a, target: /, body: abcde, chunk_bytes: 2}`, "0\r\n\r\n",
			"GET /base/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n1\r\ne\r\n0\r\n\r\n",
		},
		"own length": {`{name: a, target: /, headers: ["Content-Length: 1"], body: a}`, "\r\n\r\na", "GET /base/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\n\r\na"},
	} {
		t.Run(name, func(t *testing.T) {
			url, read := scripted(t, tt.end, "HTTP/1.1 204 No Content\r\n\r\n")
			answers, err := parity.Send(t.Context(), parity.Target{Name: "x", URL: url + "/base/"}, corpus(t, "  - "+tt.request), limit)
			if err != nil {
				t.Fatal(err)
			}
			if answers.List[0].Status != http.StatusNoContent {
				t.Errorf("answer = %+v", answers.List[0])
			}
			host := strings.TrimPrefix(url, "http://")
			_, port, _ := net.SplitHostPort(host)
			want := strings.NewReplacer("HOST", host, "LEN", string('0'+rune(2+len(port)))).Replace(tt.want)
			if got := read(); got != want {
				t.Errorf("sent %q\nwant %q", got, want)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		method, raw string
		want        parity.Answer
	}{
		"length": {"GET", "HTTP/1.1 200 OK\r\nx-a: 1\r\nContent-Length: 2\r\nX-A: 2\r\n\r\nhi", parity.Answer{
			Status: 200, Header: http.Header{"X-A": {"1", "2"}, "Content-Length": {"2"}}, Body: []byte("hi"),
		}},
		"chunked": {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\nX-Sum: 9\r\n\r\n", parity.Answer{
			Status: 200, Header: http.Header{"Transfer-Encoding": {"chunked"}, "Trailer:X-Sum": {"9"}}, Body: []byte("hi"),
		}},
		"until the end": {"GET", "HTTP/1.0 200 OK\r\n\r\nhi", parity.Answer{Status: 200, Header: http.Header{}, Body: []byte("hi")}},
		"interim": {"GET", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", parity.Answer{
			Interim: []int{103}, Status: 204, Header: http.Header{},
		}},
		"head":            {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", parity.Answer{Status: 200, Header: http.Header{"Content-Length": {"9"}}}},
		"head with body":  {"HEAD", "HTTP/1.1 200 OK\r\n\r\nhi", parity.Answer{Status: 200, Header: http.Header{}, Failure: parity.FailureExcess}},
		"304 with body":   {"GET", "HTTP/1.1 304 Not Modified\r\n\r\nhi", parity.Answer{Status: 304, Header: http.Header{}, Failure: parity.FailureExcess}},
		"nothing":         {"GET", "", parity.Answer{Failure: parity.FailureClosed}},
		"half a head":     {"GET", "HTTP/1.1 200 OK\r\nX-A", parity.Answer{Failure: parity.FailureBroken}},
		"not http":        {"GET", "SSH-2.0-x\r\n\r\n", parity.Answer{Failure: parity.FailureInvalid}},
		"no header":       {"GET", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", parity.Answer{Failure: parity.FailureInvalid}},
		"short":           {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", parity.Answer{Status: 200, Header: http.Header{"Content-Length": {"9"}}, Body: []byte("hi"), Failure: parity.FailureBroken}},
		"negative length": {"GET", "HTTP/1.1 200 OK\r\nContent-Length: -9\r\n\r\nhi", parity.Answer{Status: 200, Header: http.Header{"Content-Length": {"-9"}}, Failure: parity.FailureInvalid}},
		"huge length":     {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nhi", parity.Answer{Status: 200, Header: http.Header{"Content-Length": {"99999999999"}}, Failure: parity.FailureSize}},
		"broken chunk": {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", parity.Answer{
			Status: 200, Header: http.Header{"Transfer-Encoding": {"chunked"}}, Body: []byte("hi"), Failure: parity.FailureBroken,
		}},
		"endless head":    {"GET", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20), parity.Answer{Failure: parity.FailureBroken}},
		"endless interim": {"GET", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), parity.Answer{Failure: parity.FailureInvalid}},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := scripted(t, "\r\n\r\n", tt.raw)
			answers, err := parity.Send(t.Context(), parity.Target{Name: "x", URL: url}, corpus(t, "  - {name: a, target: /, method: "+tt.method+"}"), limit)
			if err != nil {
				t.Fatal(err)
			}
			got := answers.List[0]
			if len(got.Interim) > 1 {
				got.Interim = nil
			}
			if len(got.Body) == 0 {
				got.Body = nil
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("answer (-want +got):\n%s", d)
			}
		})
	}
}

// silent is a server that accepts and then says nothing.
func silent(tb testing.TB) string {
	tb.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	tb.Cleanup(srv.Close)
	return srv.URL
}

func TestTimeout(t *testing.T) {
	answers, err := parity.Send(t.Context(), parity.Target{Name: "x", URL: silent(t)}, corpus(t, "  - {name: a, target: /}"), time.Second) // which connecting is within
	if err != nil {
		t.Fatal(err)
	}
	if got := answers.List[0].Failure; got != parity.FailureTimeout {
		t.Errorf("failure = %q", got)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := parity.Send(ctx, parity.Target{Name: "x", URL: silent(t)}, corpus(t, "  - {name: a, target: /}"), limit)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func TestContinue(t *testing.T) {
	bodies := make(chan string, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		b, _ := io.ReadAll(r.Body)
		bodies <- string(b)
	}))
	t.Cleanup(srv.Close)
	answers, err := parity.Send(t.Context(), parity.Target{Name: "x", URL: srv.URL}, corpus(t, `
  - {name: a, target: /wanted, body: here, expect_continue: true}
  - {name: b, target: /refused, body: here, expect_continue: true}`), limit)
	if err != nil {
		t.Fatal(err)
	}
	wanted, refused := answers.List[0], answers.List[1]
	if cmp.Diff([]int{100}, wanted.Interim) != "" || wanted.Status != 200 || refused.Interim != nil || refused.Status != 417 || len(bodies) != 1 || <-bodies != "here" {
		t.Errorf("answers = %+v %+v", wanted, refused)
	}
}

func TestRun(t *testing.T) {
	handler := func(id, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				w.Header().Set("Location", "/items/"+id)
				return
			}
			w.Header().Set("Server", "any")
			_, _ = io.WriteString(w, strings.TrimPrefix(r.URL.Path, "/items/")+body) //nolint:gosec // no browser sees it
		})
	}
	left, other, right := httptest.NewServer(handler("11", "")), httptest.NewServer(handler("22", "!")), httptest.NewUnstartedServer(handler("", ""))
	right.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	right.StartTLS()
	for _, srv := range []*httptest.Server{left, other, right} {
		t.Cleanup(srv.Close)
	}
	c, err := parity.Parse("c.yaml", []byte(`
name: c
normalise:
  - {field: header.Location, pattern: "[0-9]+$", as: "{id}", why: ids}
  - {field: body, pattern: "^[0-9]+", as: "{id}", why: ids}
requests:
  - {name: create, target: /, status: 201, capture: [{name: id, header: Location, pattern: "/([0-9]+)$"}]}
  - {name: fetch, target: "/items/{{id}}", status: 200}
`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := parity.Run(t.Context(), parity.Target{Name: "a", URL: left.URL}, parity.Target{Name: "b", URL: other.URL}, c, parity.DoorDirect, limit)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"create", "expected status", "200", "201"}, {"fetch", "body", "{id}", "{id}!"}}
	if d := cmp.Diff(want, res.Rows(true)); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	if res.Requests != 2 || len(res.Differences) != 2 || len(res.Explained) != 0 {
		t.Errorf("result = %+v", res)
	}

	a := parity.Target{Name: "a", URL: left.URL}
	for name, tt := range map[string]struct {
		right parity.Target
		door  string
		want  string
	}{
		"no such door":   {a, "nlb", `there is no front door "nlb"`},
		"nobody listens": {parity.Target{Name: "b", URL: "http://127.0.0.1:1"}, "alb", "request create to target b"},
		"untrusted":      {parity.Target{Name: "b", URL: right.URL}, "alb", "tls to 127.0.0.1"},
		"no url":         {parity.Target{Name: "b", URL: "localhost:80"}, "alb", "target b"},
		"query":          {parity.Target{Name: "b", URL: "http://h/?a"}, "alb", "is not of the form"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parity.Run(t.Context(), a, tt.right, c, tt.door, limit)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v; want %q in it", err, tt.want)
			}
		})
	}
}
