package httpevent_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
)

// childMode makes the test binary a function: lambda.Start never returns.
const childMode = "HTTPEVENT_TEST_FUNCTION"

func TestMain(m *testing.M) {
	switch os.Getenv(childMode) {
	case "stream":
		lambda.Start(httpevent.NewStreamer(functionApp()).Serve)
	case "buffered":
		lambda.Start(httpevent.New(functionApp()))
	}
	os.Exit(m.Run())
}

// functionApp is what the child serves.
func functionApp() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Add("Set-Cookie", "a=b")
		for i := range 3 {
			report(w, "data:", i, "\n")
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
			if i == 0 { // the next one comes when the first one has been read
				resp, err := http.Get("http://" + r.Header.Get("X-Wait")) //nolint:gosec,noctx // the test's
				if err != nil {
					panic(err)
				}
				_ = resp.Body.Close()
			}
		}
	})
	mux.HandleFunc("/breaks", func(w http.ResponseWriter, _ *http.Request) {
		report(w, "half")
		w.(http.Flusher).Flush()
		panic("in the middle")
	})
	mux.HandleFunc("/panics", func(http.ResponseWriter, *http.Request) { panic("at once") })
	mux.HandleFunc("/aborts", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/text", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	return mux
}

// outcome is what a function has posted for one event.
type outcome struct {
	kind        string // response or error
	contentType string
	trailer     http.Header
	body        []byte
}

// runtimeAPI is a Lambda Runtime API with one function.
type runtimeAPI struct {
	srv    *httptest.Server
	events chan []byte
	done   chan outcome
	waits  chan struct{} // one for each request to /wait that may be answered
}

func startFunction(t *testing.T, mode string) *runtimeAPI {
	t.Helper()
	api := &runtimeAPI{events: make(chan []byte), done: make(chan outcome, 1), waits: make(chan struct{}, 1)}
	stop, cancel := context.WithCancel(t.Context())
	mux := http.NewServeMux()
	id := 0
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-api.events:
			id++
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", strconv.Itoa(id))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(limit).UnixMilli(), 10))
			_, _ = w.Write(event)
		case <-r.Context().Done():
		case <-stop.Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{kind}", func(w http.ResponseWriter, r *http.Request) {
		o := outcome{kind: r.PathValue("kind"), contentType: r.Header.Get("Content-Type")}
		first := []byte("data: 0")
		buf, released := make([]byte, 1000), false
		for {
			n, err := r.Body.Read(buf)
			o.body = append(o.body, buf[:n]...)
			if fresh := o.body[max(0, len(o.body)-n-len(first)):]; !released && bytes.Contains(fresh, first) {
				released = true
				api.waits <- struct{}{}
			}
			if err != nil {
				if err != io.EOF {
					o.kind = err.Error()
				}
				break
			}
		}
		o.trailer = r.Trailer
		w.WriteHeader(http.StatusAccepted)
		api.done <- o
	})
	mux.HandleFunc("/wait", func(http.ResponseWriter, *http.Request) {
		select {
		case <-api.waits:
		case <-stop.Done():
		}
	})
	api.srv = httptest.NewServer(mux)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe) //nolint:gosec // this binary
	cmd.Env = []string{childMode + "=" + mode, "AWS_LAMBDA_RUNTIME_API=" + api.srv.Listener.Addr().String()}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		cancel()
		api.srv.Close()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return api
}

func (api *runtimeAPI) send(t *testing.T, event []byte) {
	t.Helper()
	select {
	case api.events <- event:
	case <-time.After(limit):
		t.Fatal("nobody asks for work")
	}
}

func (api *runtimeAPI) outcome(t *testing.T) outcome {
	t.Helper()
	select {
	case o := <-api.done:
		return o
	case <-time.After(limit):
		t.Fatal("no answer")
		return outcome{}
	}
}

// head is a streamed answer's status and header.
func (o outcome) head(t *testing.T) (wireAnswer, string) {
	t.Helper()
	head, body, ok := bytes.Cut(o.body, make([]byte, 8))
	var a wireAnswer
	if err := json.Unmarshal(head, &a); !ok || err != nil || o.contentType != "application/vnd.awslambda.http-integration-response" {
		t.Fatalf("%q of type %q: %v", o.body, o.contentType, err)
	}
	return a, string(body)
}

// failure is the error in the trailer of an answer, or of an invocation.
func (o outcome) failure(t *testing.T) (kind string) {
	t.Helper()
	raw := o.body
	if o.kind == "response" {
		kind = o.trailer.Get("Lambda-Runtime-Function-Error-Type")
		if kind == "" {
			return ""
		}
		var err error
		if raw, err = base64.StdEncoding.DecodeString(o.trailer.Get("Lambda-Runtime-Function-Error-Body")); err != nil {
			t.Fatal(err)
		}
	}
	var e messages.InvokeResponse_Error
	if err := json.Unmarshal(raw, &e); err != nil || kind != "" && kind != e.Type {
		t.Fatalf("%s: %v", raw, err)
	}
	return e.Type
}

// The real runtime of aws-lambda-go and a Runtime API, over sockets: one environment answers all of it.
func TestStreamsThroughTheRuntime(t *testing.T) {
	api := startFunction(t, "stream")

	// The second event is written only when the first one has arrived.
	api.send(t, streamed.event(t, get("/events", "X-Wait", api.srv.Listener.Addr().String()+"/wait")))
	o := api.outcome(t)
	head, body := o.head(t)
	if want := "data: 0 \n\ndata: 1 \n\ndata: 2 \n\n"; body != want || head.StatusCode != http.StatusOK || head.Headers["Content-Type"] != "text/event-stream" ||
		len(head.Cookies) != 1 || o.failure(t) != "" {
		t.Errorf("%+v %q %q; want %q", head, body, o.failure(t), want)
	}

	api.send(t, streamed.event(t, get("/breaks")))
	o = api.outcome(t)
	if head, body := o.head(t); head.StatusCode != http.StatusOK || body != "half\n" || o.failure(t) != httpevent.TypeAborted {
		t.Errorf("%+v %q %q", head, body, o.failure(t))
	}

	api.send(t, streamed.event(t, get("/panics")))
	o = api.outcome(t)
	if head, body := o.head(t); head.StatusCode != http.StatusInternalServerError || body != "Internal Server Error\n" || o.failure(t) != "" {
		t.Errorf("%+v %q %q", head, body, o.failure(t))
	}

	api.send(t, streamed.event(t, get("/aborts")))
	if o = api.outcome(t); o.kind != "error" || o.failure(t) != httpevent.TypeAborted {
		t.Errorf("%s %s", o.kind, o.body)
	}

	api.send(t, []byte(`{"Records":[]}`))
	if o = api.outcome(t); o.kind != "error" || o.failure(t) != "EventError" {
		t.Errorf("%s %s", o.kind, o.body)
	}

	large := string(textBody(3 << 20))
	api.send(t, streamed.event(t, request{"POST", "/text", nil, large}))
	if _, body := api.outcome(t).head(t); body != large {
		t.Errorf("%d bytes; want %d", len(body), len(large))
	}
}

func TestBufferedThroughTheRuntime(t *testing.T) {
	api := startFunction(t, "buffered")
	for range 3 { // a panic in between leaves the environment as it is
		api.send(t, functionURL.event(t, request{"POST", "/text", nil, "caf\u00e9"}))
		o := api.outcome(t)
		if a := readAnswer(t, o.body); o.kind != "response" || a.Status != http.StatusOK || a.Body != "caf\u00e9" {
			t.Errorf("%s %s", o.kind, o.body)
		}
		api.send(t, functionURL.event(t, get("/panics")))
		if a := readAnswer(t, api.outcome(t).body); a.Status != 500 {
			t.Errorf("status %d", a.Status)
		}
		api.send(t, functionURL.event(t, get("/aborts")))
		if o := api.outcome(t); o.kind != "error" || o.failure(t) != httpevent.TypeAborted {
			t.Errorf("%s %s", o.kind, o.body)
		}
	}
}

// A handler whose reader has gone is told so.
func TestStreamEndsWithItsReader(t *testing.T) {
	ended := make(chan error, 1)
	s := httpevent.NewStreamer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		_, err := w.Write(make([]byte, 10_000))
		ended <- err
	}))
	resp, err := s.Serve(t.Context(), streamed.event(t, get("/")))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func ExampleNewStreamer() {
	s := httpevent.NewStreamer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "hello")
	}))
	// On Lambda: lambda.Start(s.Serve)
	resp, err := s.Serve(context.Background(), []byte(`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	raw, _ := io.ReadAll(resp)
	fmt.Println(strings.ReplaceAll(string(raw), "\x00", "0"))
	// Output: {"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8","Content-Length":"5"}}00000000hello
}
