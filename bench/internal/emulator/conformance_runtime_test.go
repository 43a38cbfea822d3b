package emulator_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

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
