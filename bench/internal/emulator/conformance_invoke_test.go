package emulator_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// invokePath is that of Invoke for the function of the tests.
const invokePath = "/2015-03-31/functions/function/invocations"

// invoked is what the Invoke API answers; the request id in the body reads ID.
func invoked(t *testing.T, s *emulator.Service, path, event string, header http.Header) reply {
	t.Helper()
	r := sendTo(t, s, emulator.DoorInvoke, http.MethodPost, path, event, header)
	id := r.header.Get("X-Amzn-Requestid")
	if !isUUID.MatchString(id) {
		t.Errorf("request id %q", id)
	}
	r.body = strings.ReplaceAll(r.body, id, "ID")
	return r
}

// eventFor is an event that the function understands.
func eventFor(path string) string {
	path, query, _ := strings.Cut(path, "?")
	params := map[string]string{}
	if name, value, ok := strings.Cut(query, "="); ok {
		params[name] = value
	}
	b, _ := json.Marshal(map[string]any{"version": "2.0", "rawPath": path, "queryStringParameters": params})
	return string(b)
}

func invokeDoor(c *emulator.Config) { c.FrontDoors = []emulator.FrontDoor{emulator.DoorInvoke} }

// failsWith expects 200 with an error of the function whose type and message match.
func failsWith(path, kind, message string) func(*testing.T, *emulator.Service) {
	return func(t *testing.T, s *emulator.Service) {
		t.Helper()
		r := invoked(t, s, invokePath, eventFor(path), nil)
		var body struct{ ErrorType, ErrorMessage string }
		err := json.Unmarshal([]byte(r.body), &body)
		if err != nil || r.status != http.StatusOK || r.header.Get("X-Amz-Function-Error") != "Unhandled" || r.header.Get("X-Amz-Executed-Version") != "$LATEST" {
			t.Errorf("answer is %d %v %s (%v)", r.status, r.header, r.body, err)
		}
		if body.ErrorType != kind || !regexp.MustCompile(message).MatchString(body.ErrorMessage) {
			t.Errorf("error is %q, %q", body.ErrorType, body.ErrorMessage)
		}
	}
}

// refuses expects a fault of the API itself.
func refuses(path, event string, header http.Header, status int, kind, body string) func(*testing.T, *emulator.Service) {
	return func(t *testing.T, s *emulator.Service) {
		t.Helper()
		r := invoked(t, s, path, event, header)
		if r.status != status || r.header.Get("X-Amzn-Errortype") != kind || r.body != body {
			t.Errorf("answer is %d %s %s, want %d %s %s", r.status, r.header.Get("X-Amzn-Errortype"), r.body, status, kind, body)
		}
	}
}

func invokeRules() []rule {
	rules := append(invokeAnswerRules(), invokeFaultRules()...)
	for i := range rules {
		configure := rules[i].config
		rules[i].config = func(c *emulator.Config) {
			invokeDoor(c)
			if configure != nil {
				configure(c)
			}
		}
	}
	return rules
}

func invokeAnswerRules() []rule {
	asked := func(name, value string) http.Header { return http.Header{name: {value}} }
	return []rule{
		{
			says: "RequestResponse: 200, the function's own answer, X-Amz-Executed-Version, no X-Amz-Function-Error", source: docInvoke,
			official: func(t *testing.T, s *emulator.Service) {
				r := invoked(t, s, invokePath, eventFor("/status?n=201"), nil)
				var a struct{ StatusCode int }
				if err := json.Unmarshal([]byte(r.body), &a); err != nil || r.status != http.StatusOK || a.StatusCode != http.StatusCreated ||
					r.header.Get("X-Amz-Executed-Version") != "$LATEST" || r.header.Get("X-Amz-Function-Error") != "" {
					t.Errorf("answer is %d %v %s (%v)", r.status, r.header, r.body, err)
				}
			},
		},
		{says: "an error of the function: 200, X-Amz-Function-Error, and what it has reported", source: docInvoke, official: failsWith("/error", "errorString", "^no more paper$")},
		{
			says: "a time-out: 200, Sandbox.Timedout, Task timed out after N.00 seconds", source: sourceCaptures,
			config:   func(c *emulator.Config) { c.Timeout = time.Second },
			official: failsWith("/forever", "Sandbox.Timedout", `^RequestId: ID Error: Task timed out after 1\.00 seconds$`),
		},
		{
			says: "the end of the process: 200, Runtime.ExitError, with its status", source: sourceCaptures,
			official: failsWith("/exit", "Runtime.ExitError", "^RequestId: ID Error: Runtime exited with error: exit status 3$"),
		},
		{
			says: "the end of the process with status 0: Runtime exited without providing a reason", source: sourceCaptures,
			official: failsWith("/exit-zero", "Runtime.ExitError", "^RequestId: ID Error: Runtime exited without providing a reason$"),
		},
		{
			says: "an answer over 6 MB: 200, Function.ResponseSizeTooLarge", source: sourceRIE,
			official: failsWith("/big?n=7000000", "Function.ResponseSizeTooLarge", `\(6291556 bytes\)\.$`),
		},
		{
			says: "Event: 202 at once and no body", source: docInvoke,
			official: func(t *testing.T, s *emulator.Service) {
				invoked(t, s, invokePath, eventFor("/pid"), asked("X-Amz-Invocation-Type", "Event")).expect(t, http.StatusAccepted, "")
				eventually(t, "the event is not handled", func() bool { m := s.Meter(); return m.AsyncQueued == 0 && m.Invocations == 1 })
			},
		},
		{
			says: "Event: one that fails is tried two times more", source: docAsync, config: func(c *emulator.Config) { c.AsyncRetryWait = time.Millisecond },
			official: func(t *testing.T, s *emulator.Service) {
				invoked(t, s, invokePath, eventFor("/error"), asked("X-Amz-Invocation-Type", "Event")).expect(t, http.StatusAccepted, "")
				eventually(t, "the event is not given up", func() bool { return s.Meter().AsyncDropped == 1 })
				if m := s.Meter(); m.FunctionErrors != 3 || m.AsyncRetries != 2 {
					t.Errorf("meter: %+v", m)
				}
			},
		},
		{
			says: "DryRun: 204, and the function is not run", source: docInvoke,
			official: func(t *testing.T, s *emulator.Service) {
				invoked(t, s, invokePath, "{}", asked("X-Amz-Invocation-Type", "DryRun")).expect(t, http.StatusNoContent, "")
				if m := s.Meter(); m.Invocations != 0 {
					t.Errorf("meter: %+v", m)
				}
			},
		},
		{
			says: "LogType Tail: X-Amz-Log-Result has the end of the log, 4 KB at most, in base64", source: docInvoke,
			official: func(t *testing.T, s *emulator.Service) {
				for path, want := range map[string]string{"/pid": "START RequestId: ", "/noise?n=9000": "end of noise\n"} {
					r := invoked(t, s, invokePath, eventFor(path), asked("X-Amz-Log-Type", "Tail"))
					log, err := base64.StdEncoding.DecodeString(r.header.Get("X-Amz-Log-Result"))
					if err != nil || len(log) > 4096 || !strings.Contains(string(log), want) || !strings.Contains(string(log), "REPORT RequestId: ") {
						t.Errorf("%s: log of %d bytes is %.300q (%v)", path, len(log), log, err)
					}
				}
			},
		},
		{
			says:   "InvokeWithResponseStream answers in frames of application/vnd.amazon.eventstream, with InvokeComplete at the end",
			source: "https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html",
			official: func(t *testing.T, s *emulator.Service) {
				r := invoked(t, s, "/2021-11-15/functions/function/response-streaming-invocations", eventFor("/pid"), nil)
				if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/vnd.amazon.eventstream" ||
					!strings.Contains(r.body, "PayloadChunk") || !strings.Contains(r.body, "InvokeComplete") {
					t.Errorf("answer is %d %v %.300q", r.status, r.header, r.body)
				}
			},
		},
	}
}

func invokeFaultRules() []rule {
	none, two := 0, 2
	const rateExceeded = `{"Reason":"%s","Type":"User","message":"Rate Exceeded."}`
	return []rule{
		{
			says: "404 ResourceNotFoundException for a function that does not exist", source: docInvoke,
			official: refuses("/2015-03-31/functions/other/invocations", "{}", nil, http.StatusNotFound, "ResourceNotFoundException",
				`{"Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:other","Type":"User"}`),
		},
		{
			says: "413 for an event over 6 MB", source: docQuotas, unverified: "whether the type is RequestTooLargeException, as the guide has it, or RequestEntityTooLargeException, as was captured in 2018",
			official: refuses(invokePath, `"`+strings.Repeat("x", 6<<20)+`"`, nil, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException",
				`{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}`),
		},
		{
			says: "413 for an event of the type Event over 1 MB", source: docQuotas, unverified: "the text",
			official: refuses(invokePath, `"`+strings.Repeat("x", 1<<20)+`"`, http.Header{"X-Amz-Invocation-Type": {"Event"}}, http.StatusRequestEntityTooLarge,
				"RequestEntityTooLargeException", `{"Type":"User","message":"1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)"}`),
		},
		{
			says: "400 InvalidRequestContentException for what is not JSON", source: docInvoke, unverified: "the text, which is a Java library's on AWS",
			official: refuses(invokePath, "{", nil, http.StatusBadRequest, "InvalidRequestContentException",
				`{"Type":"User","message":"Could not parse request body into json: unexpected end of JSON input (byte 1)"}`),
		},
		{
			says: "429 with the reason ReservedFunctionConcurrentInvocationLimitExceeded", source: docInvoke,
			config: func(c *emulator.Config) { c.ReservedConcurrency = &none },
			official: refuses(invokePath, "{}", nil, http.StatusTooManyRequests, "TooManyRequestsException",
				fmt.Sprintf(rateExceeded, "ReservedFunctionConcurrentInvocationLimitExceeded")),
		},
		{
			says: "429 with the reason ConcurrentInvocationLimitExceeded at the account's concurrency", source: docInvoke,
			config: func(c *emulator.Config) {
				c.MaxConcurrency, c.FrontDoors = two, append(c.FrontDoors, emulator.DoorFunctionURL)
			},
			official: func(t *testing.T, s *emulator.Service) {
				g := newGate(t, two)
				replies := g.hold(t, s, two)
				refuses(invokePath, "{}", nil, http.StatusTooManyRequests, "TooManyRequestsException", fmt.Sprintf(rateExceeded, "ConcurrentInvocationLimitExceeded"))(t, s)
				close(g.open)
				<-replies
				<-replies
			},
		},
		{
			says: "429 over ten times the concurrency in requests a second, in all and not for each environment", source: docQuotas,
			unverified: "how many may come at once, here those of one second, and the reason",
			config:     func(c *emulator.Config) { c.MaxConcurrency, c.RateQuota = two, true },
			official: func(t *testing.T, s *emulator.Service) {
				newClock(s)
				for range 10 * two { // all by one environment
					if r := invoked(t, s, invokePath, eventFor("/pid"), nil); r.status != http.StatusOK {
						t.Errorf("answer is %d %s", r.status, r.body)
					}
					settled(t, s, 1)
				}
				refuses(invokePath, "{}", nil, http.StatusTooManyRequests, "TooManyRequestsException", fmt.Sprintf(rateExceeded, "FunctionInvocationRateLimitExceeded"))(t, s)
			},
		},
	}
}
