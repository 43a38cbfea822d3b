package emulator_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// build builds the function for the Invoke API.
func build(tb testing.TB, flags ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "bootstrap")
	args := append([]string{"build", "-trimpath", "-tags", "lambda.norpc", "-o", path}, flags...)
	if out, err := exec.CommandContext(tb.Context(), "go", append(args, "./testdata/call")...).CombinedOutput(); err != nil {
		tb.Fatalf("building the function: %v\n%s", err, out)
	}
	return path
}

// sdk is the SDK of AWS at an Invoke API.
func sdk(url string) *lambda.Client {
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url), Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient: http.DefaultClient, RetryMaxAttempts: 1,
	})
}

// startInvoke starts a service with an Invoke API alone, and returns the SDK's client of it.
func startInvoke(tb testing.TB, configure func(*emulator.Config)) (*emulator.Service, *lambda.Client) {
	tb.Helper()
	bootstrap := build(tb)
	s := start(tb, func(c *emulator.Config) {
		c.Bootstrap, c.FrontDoors, c.FunctionName = bootstrap, []emulator.FrontDoor{emulator.DoorInvoke}, "texts"
		if configure != nil {
			configure(c)
		}
	})
	return s, sdk(s.URL(emulator.DoorInvoke))
}

func call(payload string) *lambda.InvokeInput {
	return &lambda.InvokeInput{FunctionName: aws.String("texts"), Payload: []byte(payload)}
}

// isUUID is what a request id looks like.
var isUUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// API_Invoke.html: the payload is the event as it is, the answer what the function returned.
func TestInvokeWithSDK(t *testing.T) {
	_, c := startInvoke(t, nil)
	for _, name := range []string{
		"texts", "texts:$LATEST", "000000000000:function:texts", "arn:aws:lambda:us-east-1:000000000000:function:texts",
		"arn:aws:lambda:us-east-1:000000000000:function:texts:$LATEST",
	} {
		in := call(`{"a": [1, "ü", null]}`)
		in.FunctionName = aws.String(name)
		out, err := c.Invoke(t.Context(), in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if out.StatusCode != http.StatusOK || string(out.Payload) != `{"a":[1,"ü",null]}` || out.FunctionError != nil || aws.ToString(out.ExecutedVersion) != "$LATEST" {
			t.Errorf("%s: %d %s, error %v, version %v", name, out.StatusCode, out.Payload, aws.ToString(out.FunctionError), aws.ToString(out.ExecutedVersion))
		}
	}
	in := call("")
	in.Qualifier = aws.String("$LATEST")
	if out, err := c.Invoke(t.Context(), in); err != nil || string(out.Payload) != "{}" {
		t.Errorf("without a payload: %v %v", out, err)
	}
	in = call("[]")
	in.InvocationType = types.InvocationTypeDryRun
	if out, err := c.Invoke(t.Context(), in); err != nil || out.StatusCode != http.StatusNoContent {
		t.Errorf("dry run: %v %v", out, err)
	}
	in = call(`{"do":"context"}`)
	in.ClientContext = aws.String(base64.StdEncoding.EncodeToString([]byte("{\n\"custom\": {\"k\": \"v\"}}")))
	if out, err := c.Invoke(t.Context(), in); err != nil || !strings.Contains(string(out.Payload), `"custom":{"k":"v"}`) {
		t.Errorf("client context: %v %v", out, err)
	}
}

// API_Invoke.html, "LogType": "Set to Tail to include the execution log in the response", its last 4 KB.
func TestInvokeLogTail(t *testing.T) {
	_, c := startInvoke(t, func(c *emulator.Config) { c.Timeout = brief })
	for order, want := range map[string]string{
		`{"do":"log"}`:   `^START RequestId: ID Version: \$LATEST\nfrom the function\nEND RequestId: ID\nREPORT RequestId: ID\tDuration: [0-9.]+ ms\t`,
		`{"do":"exit"}`:  `(?s)^START RequestId: ID .*Status: error\tError Type: Runtime\.ExitError`,
		`{"do":"sleep"}`: `(?s)^START RequestId: ID .*Status: timeout`,
	} {
		in := call(order)
		in.LogType = types.LogTypeTail
		var id string
		out, err := c.Invoke(t.Context(), in, withID(&id))
		if err != nil {
			t.Errorf("%s: %v", order, err)
			continue
		}
		log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
		if text := strings.ReplaceAll(string(log), id, "ID"); err != nil || !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("%s: log is %q (%v)", order, text, err)
		}
	}
	if out, err := c.Invoke(t.Context(), call(`{"do":"log"}`)); err != nil || out.LogResult != nil {
		t.Errorf("a log nobody asked for: %v %v", out, err)
	}
}

// What a caller gets of functions that fail; the words are those captured on AWS.
func TestInvokeFunctionErrors(t *testing.T) {
	_, patient := startInvoke(t, nil)
	_, hasty := startInvoke(t, func(c *emulator.Config) { c.Timeout = brief })
	const sleep = `{"do":"sleep"}`
	for order, want := range map[string]struct{ kind, message string }{
		`{"do":"error"}`:              {"errorString", "^no more paper$"},
		`{"do":"panic"}`:              {"string", "^out of cheese$"},
		`{"do":"exit"}`:               {"Runtime.ExitError", "^RequestId: ID Error: Runtime exited with error: exit status 3$"},
		`{"do":"leave"}`:              {"Runtime.ExitError", "^RequestId: ID Error: Runtime exited without providing a reason$"},
		sleep:                         {"Sandbox.Timedout", `^RequestId: ID Error: Task timed out after 2\.00 seconds$`},
		`{"do":"big","size":6300000}`: {"Function.ResponseSizeTooLarge", `^Response payload size exceeded maximum allowed payload size \(6291556 bytes\)\.$`},
	} {
		c := patient
		if order == sleep {
			c = hasty
		}
		var id string
		out, err := c.Invoke(t.Context(), call(order), withID(&id))
		if err != nil {
			t.Errorf("%s: %v", order, err)
			continue
		}
		var body struct{ ErrorMessage, ErrorType string }
		if err := json.Unmarshal(out.Payload, &body); err != nil {
			t.Errorf("%s: %v in %s", order, err, out.Payload)
		}
		if !isUUID.MatchString(id) {
			t.Errorf("%s: request id %q", order, id)
		}
		message := strings.ReplaceAll(body.ErrorMessage, id, "ID")
		if out.StatusCode != http.StatusOK || aws.ToString(out.FunctionError) != "Unhandled" || body.ErrorType != want.kind || !regexp.MustCompile(want.message).MatchString(message) {
			t.Errorf("%s: %d %q %s", order, out.StatusCode, aws.ToString(out.FunctionError), out.Payload)
		}
	}
}

// withID takes the request id of a response.
func withID(id *string) func(*lambda.Options) {
	return func(o *lambda.Options) {
		o.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			resp, err := http.DefaultClient.Do(r)
			if err == nil {
				*id = resp.Header.Get("X-Amzn-Requestid")
			}
			return resp, err
		})
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// An init that fails twice is an error of the function: facts as for exits.
func TestInvokeInitErrors(t *testing.T) {
	for name, want := range map[string]string{
		"exit":  `"errorMessage":"RequestId: [-0-9a-f]{36} Error: Runtime exited with error: exit status 3","errorType":"Runtime.ExitError"`,
		"error": `"errorType":"Config.Missing","errorMessage":"no STORE given"`,
	} {
		s := start(t, func(c *emulator.Config) {
			c.Env, c.FrontDoors = map[string]string{"INIT": name}, []emulator.FrontDoor{emulator.DoorInvoke}
		})
		in := call("{}")
		in.FunctionName = aws.String("function")
		out, err := sdk(s.URL(emulator.DoorInvoke)).Invoke(t.Context(), in)
		if err != nil || !regexp.MustCompile(want).Match(out.Payload) || aws.ToString(out.FunctionError) != "Unhandled" {
			t.Errorf("init %s: %v %s", name, err, out.Payload)
		}
	}
}

// API_InvokeWithResponseStream.html: the payload in parts, then the end with the error and the log.
func TestInvokeWithResponseStream(t *testing.T) {
	s, c := startInvoke(t, nil)
	for order, want := range map[string]struct{ payload, code, details string }{
		`{"do":"stream"}`: {"first,second", "", ""},
		`["echo"]`:        {`["echo"]`, "", ""},
		`{"do":"error"}`:  {"", "errorString", `{"errorMessage":"no more paper","errorType":"errorString"}`},
	} {
		out, err := c.InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{
			FunctionName: aws.String("texts"), Payload: []byte(order), LogType: types.LogTypeTail,
		})
		if err != nil {
			t.Errorf("%s: %v", order, err)
			continue
		}
		var payload []byte
		var end *types.InvokeWithResponseStreamCompleteEvent
		for event := range out.GetStream().Events() {
			switch e := event.(type) {
			case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
				payload = append(payload, e.Value.Payload...)
			case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
				end = &e.Value
			}
		}
		if err := out.GetStream().Close(); err != nil || end == nil {
			t.Errorf("%s: %v, end %v", order, err, end)
			continue
		}
		log, err := base64.StdEncoding.DecodeString(aws.ToString(end.LogResult))
		if string(payload) != want.payload || aws.ToString(end.ErrorCode) != want.code || aws.ToString(end.ErrorDetails) != want.details ||
			err != nil || !strings.Contains(string(log), "REPORT RequestId: ") {
			t.Errorf("%s: %q, code %q, details %q, log %q", order, payload, aws.ToString(end.ErrorCode), aws.ToString(end.ErrorDetails), log)
		}
	}
	if m := s.Meter(); m.Invocations != 3 || m.FunctionErrors != 1 {
		t.Errorf("meter: %+v", m)
	}
	_, err := c.InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("nope")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("unknown function: %v", err)
	}
}

// The errors of the API itself, as the SDK of AWS understands them.
func TestInvokeFaults(t *testing.T) {
	none := 0
	_, c := startInvoke(t, func(c *emulator.Config) { c.ReservedConcurrency = &none })
	with := func(change func(*lambda.InvokeInput)) *lambda.InvokeInput {
		in := call("{}")
		change(in)
		return in
	}
	tests := map[string]struct {
		in     *lambda.InvokeInput
		code   string
		status int
		text   string
	}{
		"unknown function": {
			with(func(in *lambda.InvokeInput) { in.FunctionName = aws.String("nope") }),
			"ResourceNotFoundException", 404, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope",
		},
		"unknown version": {
			with(func(in *lambda.InvokeInput) { in.Qualifier = aws.String("7") }),
			"ResourceNotFoundException", 404, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:texts:7",
		},
		"two qualifiers": {
			with(func(in *lambda.InvokeInput) {
				in.FunctionName, in.Qualifier = aws.String("texts:1"), aws.String("2")
			}),
			"InvalidParameterValueException", 400, "The derived qualifier from the function name does not match the specified qualifier.",
		},
		"no JSON": {call("{"), "InvalidRequestContentException", 400, "Could not parse request body into json: unexpected end of JSON input (byte 1)"},
		"client context": {
			with(func(in *lambda.InvokeInput) { in.ClientContext = aws.String("e30") }),
			"InvalidRequestContentException", 400, "Client context must be a valid Base64-encoded JSON object.",
		},
		"throttled": {call("{}"), "TooManyRequestsException", 429, "Rate Exceeded."},
		"too large": {
			call(`"` + strings.Repeat("x", 6<<20) + `"`), "RequestEntityTooLargeException", 413,
			"Request must be smaller than 6291456 bytes for the InvokeFunction operation",
		},
		"event too large": {
			with(func(in *lambda.InvokeInput) {
				in.InvocationType, in.Payload = types.InvocationTypeEvent, []byte(`"`+strings.Repeat("x", 1<<20)+`"`)
			}),
			"RequestEntityTooLargeException", 413, "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
		},
		"invocation type": {
			with(func(in *lambda.InvokeInput) { in.InvocationType = "Later" }), "ValidationException", 400,
			"1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]",
		},
	}
	for name, tt := range tests {
		_, err := c.Invoke(t.Context(), tt.in)
		var api smithy.APIError
		var status interface{ HTTPStatusCode() int }
		if !errors.As(err, &api) || !errors.As(err, &status) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if api.ErrorCode() != tt.code || api.ErrorMessage() != tt.text || status.HTTPStatusCode() != tt.status {
			t.Errorf("%s: %d %s %q", name, status.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage())
		}
		if throttled, ok := errors.AsType[*types.TooManyRequestsException](err); ok && throttled.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
			t.Errorf("%s: reason %q", name, throttled.Reason)
		}
	}
}

// invocation-async-error-handling.html: 202 at once; an error is tried again twice, with the same request id; then the event is dropped.
func TestInvokeEvent(t *testing.T) {
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer srv.Close()
	s, c := startInvoke(t, func(c *emulator.Config) { c.AsyncRetryWait = time.Millisecond })
	send := func(order string) {
		in := call(fmt.Sprintf(`{"do":%q,"url":%q}`, order, srv.URL))
		in.InvocationType = types.InvocationTypeEvent
		out, err := c.Invoke(t.Context(), in)
		if err != nil || out.StatusCode != http.StatusAccepted || len(out.Payload) != 0 {
			t.Fatalf("%v %v", out, err)
		}
	}
	send("call")
	eventually(t, "the event does not arrive", func() bool { return s.Meter().AsyncQueued == 0 })
	if m := s.Meter(); calls.Load() != 1 || m.AsyncEvents != 1 || m.AsyncRetries != 0 || m.AsyncDropped != 0 {
		t.Errorf("%d calls, meter: %+v", calls.Load(), m)
	}
	calls.Store(0)
	send("call-fail")
	eventually(t, "the event is not given up", func() bool { return s.Meter().AsyncQueued == 0 })
	if m := s.Meter(); calls.Load() != 3 || m.AsyncEvents != 2 || m.AsyncRetries != 2 || m.AsyncDropped != 1 || m.FunctionErrors != 3 {
		t.Errorf("%d calls, meter: %+v", calls.Load(), m)
	}
}

// Events that wait for their next try do not keep the service from ending.
func TestInvokeEventAtClose(t *testing.T) {
	s, c := startInvoke(t, func(c *emulator.Config) { c.AsyncRetryWait = time.Hour })
	in := call(`{"do":"error"}`)
	in.InvocationType = types.InvocationTypeEvent
	if _, err := c.Invoke(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event is not tried", func() bool { return s.Meter().FunctionErrors == 1 })
	if err := s.Close(0); err != nil {
		t.Error(err)
	}
	if m := s.Meter(); m.AsyncQueued != 0 || m.AsyncDropped != 1 {
		t.Errorf("meter: %+v", m)
	}
}

// A path that the API does not have, and a throttled event, which waits.
func TestInvokeOther(t *testing.T) {
	none := 0
	s, c := startInvoke(t, func(c *emulator.Config) { c.ReservedConcurrency = &none })
	r := sendTo(t, s, emulator.DoorInvoke, http.MethodGet, "/2015-03-31/functions/texts", "", nil)
	if r.status != http.StatusNotFound || r.header.Get("X-Amzn-Errortype") != "UnknownOperationException" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	in := call("{}")
	in.InvocationType = types.InvocationTypeEvent
	if out, err := c.Invoke(t.Context(), in); err != nil || out.StatusCode != http.StatusAccepted {
		t.Errorf("%v %v", out, err)
	}
	eventually(t, "the event is not tried", func() bool { return s.Meter().Throttles > 0 })
	if m := s.Meter(); m.AsyncQueued != 1 || m.AsyncDropped != 0 {
		t.Errorf("meter: %+v", m)
	}
}
