package httpevent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/google/go-cmp/cmp"
)

// logTo returns an option that logs JSON into b.
func logTo(b *bytes.Buffer) httpevent.Option {
	return httpevent.WithLogger(slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

func answering(f func(r *http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, f(r)) }
}

func TestPanicsAreAnswered(t *testing.T) {
	for _, d := range allDoors() {
		t.Run(string(d), func(t *testing.T) {
			var log bytes.Buffer
			got := d.mustInvoke(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Half", "done")
				w.WriteHeader(http.StatusOK)
				_, _ = w.Write([]byte("half"))
				panic("the reason")
			}), get("/"), logTo(&log))
			if _, half := got.Header["X-Half"]; got.Status != 500 || half || got.Body != "Internal Server Error\n" {
				t.Errorf("got %+v", got)
			}
			var record struct{ Level, Panic, Stack string }
			if err := json.Unmarshal(log.Bytes(), &record); err != nil {
				t.Fatal(err)
			}
			if record.Level != "ERROR" || record.Panic != "the reason" || !strings.Contains(record.Stack, "handler_test.go") {
				t.Errorf("log: %+v", record)
			}
		})
	}
}

func TestAnswersThatCannotBeFailTheInvocation(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, httpevent.TypeAborted},
		{"short body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("12345"))
		}, httpevent.TypeShortBody},
	} {
		for _, d := range allDoors() {
			t.Run(tt.name+"/"+string(d), func(t *testing.T) {
				_, err := d.invoke(t, tt.handler, get("/"))
				var failure messages.InvokeResponse_Error
				if !errors.As(err, &failure) || failure.Type != tt.want || failure.ShouldExit {
					t.Errorf("got %v; want type %s", err, tt.want)
				}
			})
		}
	}
}

func TestLimitOfAnswers(t *testing.T) {
	body := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			for n := n; n > 0; n -= 100_000 {
				if _, err := w.Write(bytes.Repeat([]byte("x"), min(n, 100_000))); err != nil {
					panic(err)
				}
			}
		}
	}
	event := functionURL.event(t, get("/"))
	empty, err := httpevent.New(body(3000)).Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	fits := httpevent.MaxResponse - (len(empty) - 3000)
	out, err := httpevent.New(body(fits)).Invoke(t.Context(), event)
	if err != nil || len(out) != httpevent.MaxResponse {
		t.Fatalf("%d bytes, %v; want %d", len(out), err, httpevent.MaxResponse)
	}
	for _, more := range []int{1, 100, 10_000_000} {
		var log bytes.Buffer
		_, err = httpevent.New(body(fits+more), logTo(&log)).Invoke(t.Context(), event)
		want := messages.InvokeResponse_Error{
			Type: "Function.ResponseSizeTooLarge",
			Message: fmt.Sprintf("Response payload size (%d bytes) exceeded maximum allowed payload size (6291556 bytes).",
				httpevent.MaxResponse+more),
		}
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !strings.Contains(log.String(), `"limit_bytes":6291556`) || !strings.Contains(log.String(), `"level":"ERROR"`) {
			t.Errorf("log: %s", &log)
		}
	}
}

func TestUploadsLeaveNoFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var form bytes.Buffer
	mw := multipart.NewWriter(&form)
	part, err := mw.CreateFormFile("file", "name.bin")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(binaryBody(100_000))
	_ = mw.Close()
	files := func() int {
		entries, err := os.ReadDir(os.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	r := request{"POST", "/", []string{"Content-Type", mw.FormDataContentType()}, form.String()}
	functionURL.mustInvoke(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1000); err != nil || files() != 1 { //nolint:gosec // the size is known
			t.Errorf("%v, %d files", err, files())
		}
	}), r)
	if n := files(); n > 0 {
		t.Errorf("%d files are left", n)
	}
}

// What a handler has kept cannot reach into the next invocation, whose event may be in the same memory.
func TestNothingOutlivesTheInvocation(t *testing.T) {
	var body io.ReadCloser
	var writer http.ResponseWriter
	var path string
	h := httpevent.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { body, writer, path = r.Body, w, r.URL.Path }))
	event := functionURL.event(t, request{"POST", "/kept", nil, "secret"})
	if _, err := h.Invoke(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	for i := range event {
		event[i] = '!'
	}
	if n, err := body.Read(make([]byte, 10)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("read %d, %v", n, err)
	}
	if n, err := writer.Write([]byte("late")); n != 0 || err == nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if err := http.NewResponseController(writer).Flush(); err == nil {
		t.Error("flushed")
	}
	writer.WriteHeader(http.StatusTeapot)
	if path != "/kept" {
		t.Errorf("path %q", path)
	}
}
