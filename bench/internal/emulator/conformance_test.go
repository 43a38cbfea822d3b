package emulator_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// Where AWS says, or its own source shows, what is checked here.
const (
	guide            = "https://docs.aws.amazon.com/lambda/latest/dg/"
	docRuntime       = guide + "runtimes-api.html"
	docEnvironment   = guide + "lambda-runtime-environment.html"
	docExtensions    = guide + "runtimes-extensions-api.html"
	docVariables     = guide + "configuration-envvars.html"
	docConcurrency   = guide + "lambda-concurrency.html"
	docURL           = guide + "urls-configuration.html"
	docLoadBalancer  = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html"
	sourceRIE        = "https://github.com/aws/aws-lambda-runtime-interface-emulator/tree/4fa2157/internal/lambda/rapi"
	sourceLambdaGo   = "https://github.com/aws/aws-lambda-go/blob/v1.54.0/lambda/runtime_api_client.go"
	sourceLocalStack = "https://github.com/localstack/localstack/blob/8b9a79f/tests/aws/services/lambda_/test_lambda_common.snapshot.json"
)

// rule is one thing that AWS does. raw checks it with the test as the runtime, which speaks HTTP by hand, official with a function on
// aws-lambda-go's own client; a rule has one of them or both.
type rule struct {
	says     string
	source   string
	raw      func(t *testing.T, h *hand)
	official func(t *testing.T, s *emulator.Service)
	config   func(c *emulator.Config)
}

// TestConformance states what AWS does, from where that is known, and whether it is so here: go test -run TestConformance -v.
func TestConformance(t *testing.T) {
	for area, rules := range map[string][]rule{
		"runtime API": runtimeRules(), "extensions API": extensionRules(), "environment": environmentRules(), "front door": doorRules(),
	} {
		for _, r := range rules {
			t.Run(area+": "+r.says, func(t *testing.T) {
				t.Logf("source: %s", r.source)
				if r.raw == nil && r.official == nil {
					t.Fatal("nothing checks it")
				}
				if r.raw != nil {
					t.Run("raw client", func(t *testing.T) { r.raw(t, newHand(t, r.config)) })
				}
				if r.official != nil {
					t.Run("aws-lambda-go", func(t *testing.T) { r.official(t, start(t, r.config)) })
				}
			})
		}
	}
}

// hand is a runtime that the test itself plays: the bootstrap only tells where its Runtime API is.
type hand struct {
	t      *testing.T
	s      *emulator.Service
	api    string
	answer chan reply // of the request that has caused the environment
}

func newHand(t *testing.T, configure func(*emulator.Config)) *hand {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	script := "#!/bin/sh\necho \"api $AWS_LAMBDA_RUNTIME_API \"\nexec sleep 3600\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	var out output
	h := &hand{t: t, answer: make(chan reply, 1)}
	h.s = start(t, func(c *emulator.Config) {
		if configure != nil {
			configure(c)
		}
		c.Bootstrap, c.Output = path, &out
	})
	go func() {
		r, err := try(t.Context(), h.s, http.MethodGet, "/", "", nil)
		if err != nil {
			r.body = err.Error()
		}
		h.answer <- r
	}()
	address := regexp.MustCompile(`api (\S+) `)
	eventually(t, "the bootstrap does not say where its Runtime API is", func() bool {
		if m := address.FindStringSubmatch(out.String()); m != nil {
			h.api = "http://" + m[1]
		}
		return h.api != ""
	})
	return h
}

// call sends a request to the Runtime API.
func (h *hand) call(method, path, body string, header http.Header) reply {
	h.t.Helper()
	r, err := tryURL(h.t.Context(), method, h.api+path, body, header)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

const runtimePath = "/2018-06-01/runtime/"

// next gets an event and returns its id.
func (h *hand) next() (id string, r reply) {
	h.t.Helper()
	r = h.call(http.MethodGet, runtimePath+"invocation/next", "", nil)
	return r.header.Get("Lambda-Runtime-Aws-Request-Id"), r
}

// respond posts to an event.
func (h *hand) respond(id, verb, body string) reply {
	h.t.Helper()
	return h.call(http.MethodPost, runtimePath+"invocation/"+id+"/"+verb, body, nil)
}

// park asks for an event that does not come, in the background.
func (h *hand) park() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	ended := make(chan struct{})
	h.t.Cleanup(func() {
		cancel()
		<-ended
	})
	go func() {
		defer close(ended)
		_, _ = tryURL(ctx, http.MethodGet, h.api+runtimePath+"invocation/next", "", nil)
	}()
}

// refused expects a status and the type of an error.
func (r reply) refused(t *testing.T, status int, kind string) {
	t.Helper()
	var fault struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal([]byte(r.body), &fault); err != nil || r.status != status || fault.ErrorType != kind || fault.ErrorMessage == "" {
		t.Errorf("reply is %d %.300q (%v), want %d %s", r.status, r.body, err, status, kind)
	}
}

const fine = `{"statusCode":200,"body":"fine"}`

func runtimeRules() []rule {
	return []rule{
		{
			says: "200 with request id, deadline in epoch ms, ARN and trace id when there is an event; empty headers are omitted", source: docRuntime,
			raw: func(t *testing.T, h *hand) {
				before := time.Now()
				id, r := h.next()
				for name, want := range map[string]string{
					"Lambda-Runtime-Deadline-Ms": `^[0-9]{13}$`, "Lambda-Runtime-Invoked-Function-Arn": `^arn:aws:lambda:us-east-1:[0-9]{12}:function:function$`,
					"Lambda-Runtime-Trace-Id": `^Root=1-[0-9a-f]{8}-[0-9a-f]{24}`, "Content-Type": `^application/json$`,
					"Lambda-Runtime-Client-Context": `^$`, "Lambda-Runtime-Cognito-Identity": `^$`,
				} {
					if got := r.header.Get(name); !regexp.MustCompile(want).MatchString(got) {
						t.Errorf("%s: %q, want %s", name, got, want)
					}
				}
				if time.Since(before) > time.Minute || r.status != http.StatusOK || len(id) != 36 {
					t.Errorf("reply is %d, id %q", r.status, id)
				}
			},
		},
		{
			says: "202 for a response, which the caller gets", source: docRuntime,
			raw: func(t *testing.T, h *hand) {
				id, _ := h.next()
				if r := h.respond(id, "response", fine); r.status != http.StatusAccepted {
					t.Errorf("reply is %d %q", r.status, r.body)
				}
				(<-h.answer).expect(t, http.StatusOK, "fine")
			},
			official: func(t *testing.T, s *emulator.Service) {
				r := send(t, s, http.MethodPost, "/body", "text", http.Header{"Content-Type": {"text/plain"}})
				r.expect(t, http.StatusOK, "text")
			},
		},
		{
			says: "202 for an error, which ends the invocation but not the environment", source: docRuntime,
			raw: func(t *testing.T, h *hand) {
				id, _ := h.next()
				if r := h.respond(id, "error", `{"errorMessage":"m","errorType":"T","stackTrace":[]}`); r.status != http.StatusAccepted {
					t.Errorf("reply is %d %q", r.status, r.body)
				}
				(<-h.answer).expect(t, http.StatusBadGateway, "Internal Server Error")
				h.park()
				settled(t, h.s, 1)
			},
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/error").expect(t, http.StatusBadGateway, "Internal Server Error")
				settled(t, s, 1)
			},
		},
		{
			says: "400 InvalidRequestID for the id of no event, and the event goes on", source: sourceRIE,
			raw: func(t *testing.T, h *hand) {
				id, _ := h.next()
				for _, verb := range []string{"response", "error"} {
					h.respond("00000000-0000-4000-8000-000000000000", verb, "{}").refused(t, http.StatusBadRequest, "InvalidRequestID")
				}
				h.respond(id, "response", fine)
				(<-h.answer).expect(t, http.StatusOK, "fine")
			},
		},
		{
			says: "403 InvalidStateTransition when an event is answered twice", source: sourceRIE,
			raw: func(t *testing.T, h *hand) {
				id, _ := h.next()
				h.respond(id, "response", fine)
				h.respond(id, "response", `{"statusCode":200,"body":"second"}`).refused(t, http.StatusForbidden, "InvalidStateTransition")
				h.respond(id, "error", "{}").refused(t, http.StatusForbidden, "InvalidStateTransition")
				(<-h.answer).expect(t, http.StatusOK, "fine")
			},
		},
		{
			says: "403 InvalidStateTransition when an event is asked for before the last one has its answer", source: sourceRIE,
			raw: func(t *testing.T, h *hand) {
				id, _ := h.next()
				_, r := h.next()
				r.refused(t, http.StatusForbidden, "InvalidStateTransition")
				h.respond(id, "response", fine)
				(<-h.answer).expect(t, http.StatusOK, "fine")
			},
		},
		{
			says: "403 InvalidStateTransition when an init error is reported after the init", source: sourceRIE,
			raw: func(t *testing.T, h *hand) {
				h.next()
				h.call(http.MethodPost, runtimePath+"init/error", "{}", nil).refused(t, http.StatusForbidden, "InvalidStateTransition")
			},
		},
		{
			says: "413 RequestEntityTooLarge for a response over 6 MB, and the caller gets an error", source: sourceRIE,
			raw: func(t *testing.T, h *hand) {
				id, _ := h.next()
				h.respond(id, "response", strings.Repeat("x", emulator.MaxPayload+1)).refused(t, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge")
				(<-h.answer).expect(t, http.StatusBadGateway, "Internal Server Error")
			},
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/big?n=7000000").expect(t, http.StatusBadGateway, "Internal Server Error")
			},
		},
		{
			says: "a panic is reported, and the process ends", source: sourceLambdaGo,
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/panic").expect(t, http.StatusBadGateway, "Internal Server Error")
				settled(t, s, 0)
			},
		},
		{
			says: "trailers tell of an error while a response is written", source: sourceLambdaGo,
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/broken").expect(t, http.StatusBadGateway, "Internal Server Error")
				settled(t, s, 1)
			},
		},
	}
}

const extensionPath = "/2020-01-01/extension/"

func named(name string) http.Header { return http.Header{"Lambda-Extension-Name": {name}} }

func extensionRules() []rule {
	return []rule{
		{
			says: "an internal extension registers during the init and gets function name, version and handler", source: docExtensions,
			raw: func(t *testing.T, h *hand) {
				r := h.call(http.MethodPost, extensionPath+"register", `{"events":["INVOKE"]}`, named("inner"))
				r.expect(t, http.StatusOK, `{"functionName":"function","functionVersion":"$LATEST","handler":"bootstrap"}`)
				if len(r.header.Get("Lambda-Extension-Identifier")) != 36 {
					t.Errorf("identifier %q", r.header.Get("Lambda-Extension-Identifier"))
				}
			},
		},
		{
			says: "an internal extension may not register for SHUTDOWN", source: docExtensions,
			raw: func(t *testing.T, h *hand) {
				h.call(http.MethodPost, extensionPath+"register", `{"events":["SHUTDOWN"]}`, named("inner")).refused(t, http.StatusForbidden, "Extension.InvalidEventType")
			},
		},
		{
			says: "403 for a registration without a name, with an unknown event, or with no JSON", source: sourceRIE,
			raw: func(t *testing.T, h *hand) {
				h.call(http.MethodPost, extensionPath+"register", `{}`, nil).refused(t, http.StatusForbidden, "Extension.InvalidExtensionName")
				h.call(http.MethodPost, extensionPath+"register", `{"events":["NAP"]}`, named("x")).refused(t, http.StatusForbidden, "Extension.InvalidEventType")
				h.call(http.MethodPost, extensionPath+"register", `nothing`, named("x")).refused(t, http.StatusForbidden, "InvalidRequestFormat")
			},
		},
		{
			says: "403 for an identifier that is missing, malformed or unknown", source: sourceRIE,
			raw: func(t *testing.T, h *hand) {
				for id, kind := range map[string]string{
					"": "Extension.MissingExtensionIdentifier", "me": "Extension.InvalidExtensionIdentifier",
					"00000000-0000-4000-8000-000000000000": "Extension.UnknownExtensionIdentifier",
				} {
					h.call(http.MethodGet, extensionPath+"event/next", "", http.Header{"Lambda-Extension-Identifier": {id}}).refused(t, http.StatusForbidden, kind)
				}
			},
		},
		{
			says: "no more than 10 extensions register, and none after the init", source: docExtensions,
			raw: func(t *testing.T, h *hand) {
				for i := range 10 {
					if r := h.call(http.MethodPost, extensionPath+"register", `{"events":[]}`, named(string(rune('a'+i)))); r.status != http.StatusOK {
						t.Errorf("extension %d: %d %q", i, r.status, r.body)
					}
				}
				h.call(http.MethodPost, extensionPath+"register", `{}`, named("k")).refused(t, http.StatusForbidden, "Extension.TooManyExtensions")
			},
		},
		{
			says: "none registers after the init", source: sourceRIE,
			raw: func(t *testing.T, h *hand) {
				h.next()
				h.call(http.MethodPost, extensionPath+"register", `{}`, named("late")).refused(t, http.StatusForbidden, "Extension.RegistrationClosed")
			},
		},
	}
}

func environmentRules() []rule {
	return []rule{
		{
			says: "the function has Lambda's variables, and AWS_EXECUTION_ENV is not one of them", source: sourceLocalStack,
			official: func(t *testing.T, s *emulator.Service) {
				body := get(t, s, "/env").body
				for _, name := range []string{
					"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
					"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "LAMBDA_TASK_ROOT", "_HANDLER", "TZ",
				} {
					if !strings.Contains(body, `"`+name+"=") {
						t.Errorf("no %s in %s", name, body)
					}
				}
				if strings.Contains(body, "AWS_EXECUTION_ENV") {
					t.Error("AWS_EXECUTION_ENV is set")
				}
			},
		},
		{
			says: "one environment takes one event at a time", source: docConcurrency,
			official: func(t *testing.T, s *emulator.Service) {
				g := newGate(t, 3)
				replies := g.hold(t, s, 3)
				if m := s.Meter(); m.Environments != 3 {
					t.Errorf("%d environments have 3 events", m.Environments)
				}
				close(g.open)
				for range 3 {
					<-replies
				}
			},
		},
		{
			says: "an invocation that is over its time-out ends its environment, and the next one is a cold start", source: docEnvironment,
			config: func(c *emulator.Config) { c.Timeout = 500 * time.Millisecond },
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/forever").expect(t, http.StatusBadGateway, "Internal Server Error")
				settled(t, s, 0)
				if r := get(t, s, "/pid"); r.status != http.StatusOK || s.Meter().ColdStarts != 2 {
					t.Errorf("answer is %d after %d cold starts", r.status, s.Meter().ColdStarts)
				}
			},
		},
		{
			says: "an init that fails is tried again in the invocation", source: docEnvironment,
			config: func(c *emulator.Config) { c.Env = map[string]string{"INIT": "exit"} },
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/pid").expect(t, http.StatusBadGateway, "Internal Server Error")
				if m := s.Meter(); m.InitFailures != 2 || m.InitRetries != 1 {
					t.Errorf("meter: %+v", m)
				}
			},
		},
		{
			says: "reserved variables cannot be set", source: docVariables,
			official: func(t *testing.T, _ *emulator.Service) {
				cfg := emulator.Config{Bootstrap: programs.fn, Group: group, Env: map[string]string{"AWS_REGION": "x"}}
				if s, err := emulator.Start(t.Context(), cfg); err == nil {
					_ = s.Close(0)
					t.Error("AWS_REGION can be set")
				}
			},
		},
	}
}

func doorRules() []rule {
	none := 0
	return []rule{
		{
			says: "a Function URL answers 429 to everything with a reserved concurrency of 0", source: docURL,
			config: func(c *emulator.Config) { c.ReservedConcurrency = &none },
			official: func(t *testing.T, s *emulator.Service) {
				if r := get(t, s, "/"); r.status != http.StatusTooManyRequests {
					t.Errorf("answer is %d %q", r.status, r.body)
				}
			},
		},
		{
			says: "a load balancer answers 502 when the function fails", source: docLoadBalancer,
			config: func(c *emulator.Config) { c.FrontDoors = []emulator.FrontDoor{emulator.DoorALB} },
			official: func(t *testing.T, s *emulator.Service) {
				if r := sendTo(t, s, emulator.DoorALB, http.MethodGet, "/error", "", nil); r.status != http.StatusBadGateway {
					t.Errorf("answer is %d %q", r.status, r.body)
				}
			},
		},
	}
}
