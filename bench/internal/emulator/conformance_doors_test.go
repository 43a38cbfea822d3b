package emulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// doorCase is something that happens to a request, whatever door it comes through.
type doorCase struct {
	happens string
	path    string
	size    int // of the body of the request
	config  func(c *emulator.Config)
}

// The cases of doorRules. An answer over 1 MB is too large for a load balancer, one over 6 MB for Lambda itself.
func doorCases(door emulator.FrontDoor) []doorCase {
	none := 0
	big := "/big?n=7000000"
	if door == emulator.DoorALB || door == emulator.DoorALBMulti {
		big = "/big?n=1048576"
	}
	return []doorCase{
		{happens: "succeeds", path: "/status?n=201"},
		{happens: "is answered by an error", path: "/error"},
		{happens: "is over the time-out", path: "/forever", config: func(c *emulator.Config) { c.Timeout = 300 * time.Millisecond }},
		{happens: "ends the process", path: "/exit"},
		{happens: "is throttled", path: "/", config: func(c *emulator.Config) { c.ReservedConcurrency = &none }},
		{happens: "is too large", path: "/body", size: 11 << 20},
		{happens: "is answered by too much", path: big},
		{happens: "is answered by nonsense", path: "/malformed"},
	}
}

// verdict is what the client gets in one case.
type verdict struct {
	status     int
	kind       string // Content-Type
	body       string
	header     map[string]string // more of them; "*" is any value
	source     string
	unverified string
}

// Where the answers below come from beside the pages of AWS.
const (
	inferred     = "that it is answered like an error of the function"
	urlTimeout   = "502: the guide counts time-outs among Url5xxCount, the status is from a user's report (route53-dynamic-dns-with-lambda, issue 56)"
	urlTooLarge  = "status and body: they are those of the Invoke API"
	urlTooMuch   = "all of it: no page and no capture tells what a Function URL answers"
	urlThrottled = "body and headers: they are those of the Invoke API"
	httpFailed   = "500: the Lambda guide says 502, users have seen 500 (awslabs/aws-lambda-cpp, issue 117; denoland/deno_registry2, issue 87)"
	httpTimeout  = httpFailed + "; AWS answers 503 if the integration's time-out of 30 s comes first, which is not imitated"
	restTimeout  = "504 comes first on AWS if the integration's time-out of 29 s does, which is not imitated; else " + inferred
	restBody     = "the text of the body"
	albBody      = "the text of the page, which is that of the load balancer's other errors"
)

// verdicts are the answers of a door, in the order of doorCases.
func verdicts(door emulator.FrontDoor) []verdict {
	url502 := verdict{status: 502, kind: "application/json", body: "Internal Server Error", header: map[string]string{"X-Amzn-Requestid": "*"}}
	http500 := verdict{status: 500, kind: "application/json", body: `{"message":"Internal Server Error"}`, header: map[string]string{"Apigw-Requestid": "*"}}
	rest502 := verdict{status: 502, kind: "application/json", body: `{"message": "Internal server error"}`, header: map[string]string{"X-Amzn-Requestid": "*"}}
	rest500 := rest502
	rest500.status = 500
	alb := verdict{status: 502, kind: "text/html", body: page502, header: map[string]string{"Server": "awselb/2.0"}}
	alb413 := verdict{status: 413, kind: "text/html", body: page413, header: alb.header}
	ok := verdict{status: 201, body: "some text", header: map[string]string{"X-Thing": "one"}}
	with := func(v verdict, source, unverified string) verdict {
		v.source, v.unverified = source, unverified
		return v
	}
	switch door {
	case emulator.DoorFunctionURL, emulator.DoorFunctionURLStream:
		ok.kind = "application/json"
		ok.header = map[string]string{"X-Thing": "one", "X-Amzn-Requestid": "*", "X-Amzn-Trace-Id": "*"}
		return []verdict{
			with(ok, docURLInvocation, ""), with(url502, sourceCaptures, ""), with(url502, docURL, urlTimeout), with(url502, docURL, inferred),
			with(verdict{
				status: 429, kind: "application/json", body: strings.Replace(throttledURL, "Concurrent", "ReservedFunctionConcurrent", 1),
				header: map[string]string{"X-Amzn-Errortype": "TooManyRequestsException"},
			}, docURL, urlThrottled),
			with(verdict{status: 413, kind: "application/json", body: tooLargeURL}, docQuotas, urlTooLarge),
			with(url502, docQuotas, urlTooMuch),
			with(url502, docURLInvocation, ""),
		}
	case emulator.DoorHTTPAPI:
		ok.kind = "application/json"
		ok.header = map[string]string{"X-Thing": "one", "Apigw-Requestid": "*"}
		return []verdict{
			with(ok, docGatewayProxy, ""), with(http500, docGateway, httpFailed), with(http500, docGateway, httpTimeout),
			with(http500, docGateway, inferred+"; "+httpFailed), with(http500, docGateway, ""),
			with(verdict{status: 413, kind: "application/json", body: `{"message":"Request Entity Too Large"}`}, docGatewayQuota, "status and body"),
			with(http500, docQuotas, inferred), with(http500, docGatewayProxy, httpFailed),
		}
	case emulator.DoorRESTAPI:
		ok.kind = "application/json"
		ok.header = map[string]string{"X-Thing": "one", "X-Amzn-Requestid": "*", "X-Amz-Apigw-Id": "*", "X-Amzn-Trace-Id": "*"}
		return []verdict{
			with(ok, docRESTProxy, ""), with(rest502, docGateway, ""), with(rest502, docGateway, restTimeout), with(rest502, docGateway, inferred),
			with(rest500, docGateway, ""),
			with(verdict{status: 413, kind: "application/json", body: `{"message":"Request Too Long"}`}, docGatewayTypes, restBody),
			with(rest502, docQuotas, inferred), with(rest502, docRESTProxy, ""),
		}
	case emulator.DoorALB, emulator.DoorALBMulti:
		return []verdict{
			with(ok, docLoadBalancer, ""), with(alb, docBalancerFault, albBody), with(alb, docBalancerFault, albBody), with(alb, docBalancerFault, albBody),
			with(alb, docBalancerFault, albBody), with(alb413, docBalancerFault, albBody), with(alb, docBalancerFault, albBody),
			with(alb, docBalancerFault, albBody),
		}
	case emulator.DoorInvoke: // in invokeRules
	}
	return nil
}

// check compares an answer with the verdict.
func (v *verdict) check(t *testing.T, r reply) {
	t.Helper()
	plain{v.status, v.kind, v.body}.check(t, r)
	for name, want := range v.header {
		if got := r.header.Get(name); got == "" || want != "*" && got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func doorRules() []rule {
	var rules []rule
	for _, door := range emulator.FrontDoors() {
		for i, v := range verdicts(door) {
			c := doorCases(door)[i]
			rules = append(rules, rule{
				says: string(door) + " when a request " + c.happens, source: v.source, unverified: v.unverified,
				config: func(cfg *emulator.Config) {
					cfg.FrontDoors = []emulator.FrontDoor{door}
					if c.config != nil {
						c.config(cfg)
					}
				},
				official: func(t *testing.T, s *emulator.Service) {
					v.check(t, sendTo(t, s, door, http.MethodPost, c.path, strings.Repeat("x", c.size), nil))
				},
			})
		}
	}
	return append(rules, doorLimitRules()...)
}

// doorLimitRules are those that only some doors have.
func doorLimitRules() []rule {
	at := func(door emulator.FrontDoor) func(*emulator.Config) {
		return func(c *emulator.Config) { c.FrontDoors = []emulator.FrontDoor{door} }
	}
	return []rule{
		{
			says: "function_url answers any JSON without a statusCode with 200 and application/json, a string as its text", source: sourceCaptures,
			official: func(t *testing.T, s *emulator.Service) {
				plain{200, "application/json", "hello"}.check(t, get(t, s, "/bare?text=hello"))
			},
		},
		{
			says: "rest_api and alb answer 502 to an answer without a statusCode", source: docRESTProxy,
			config: func(c *emulator.Config) { c.FrontDoors = []emulator.FrontDoor{emulator.DoorRESTAPI, emulator.DoorALB} },
			official: func(t *testing.T, s *emulator.Service) {
				for _, door := range []emulator.FrontDoor{emulator.DoorRESTAPI, emulator.DoorALB} {
					if r := sendTo(t, s, door, http.MethodGet, "/bare?text=hello", "", nil); r.status != http.StatusBadGateway {
						t.Errorf("%s answers %d %q", door, r.status, r.body)
					}
				}
			},
		},
		{
			says: "rest_api has its stage in the path, and answers 403 outside of it", source: docGatewayTypes, unverified: "the text of the body",
			config: at(emulator.DoorRESTAPI),
			official: func(t *testing.T, s *emulator.Service) {
				url := strings.TrimSuffix(s.URL(emulator.DoorRESTAPI), "/prod")
				r, err := tryURL(t.Context(), http.MethodGet, url+"/elsewhere", "", nil)
				if err != nil || r.status != http.StatusForbidden || r.body != `{"message":"Forbidden"}` {
					t.Errorf("answer is %d %q (%v)", r.status, r.body, err)
				}
			},
		},
		{
			says: "rest_api answers 502 to an answer with a field that it does not know, http_api skips it", source: sourceSAM,
			config: func(c *emulator.Config) {
				c.FrontDoors = []emulator.FrontDoor{emulator.DoorRESTAPI, emulator.DoorHTTPAPI}
			},
			official: func(t *testing.T, s *emulator.Service) {
				const target = "/told?answer=%7B%22statusCode%22:201,%22body%22:%22x%22,%22statusDescription%22:%22201%20Created%22%7D"
				for door, status := range map[emulator.FrontDoor]int{emulator.DoorRESTAPI: http.StatusBadGateway, emulator.DoorHTTPAPI: http.StatusCreated} {
					if r := sendTo(t, s, door, http.MethodGet, target, "", nil); r.status != status {
						t.Errorf("%s answers %d %q, want %d", door, r.status, r.body, status)
					}
				}
			},
		},
		{
			says: "alb refuses TRACE with 405", source: docBalancerFault, unverified: albBody,
			config: at(emulator.DoorALB),
			official: func(t *testing.T, s *emulator.Service) {
				if r := sendTo(t, s, emulator.DoorALB, http.MethodTrace, "/", "", nil); r.status != http.StatusMethodNotAllowed {
					t.Errorf("answer is %d %q", r.status, r.body)
				}
			},
		},
		{
			says: "alb refuses WebSockets with 400", source: docLoadBalancer, unverified: "400",
			config: at(emulator.DoorALB),
			official: func(t *testing.T, s *emulator.Service) {
				r := sendTo(t, s, emulator.DoorALB, http.MethodGet, "/", "", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}})
				r.expect(t, http.StatusBadRequest, page400)
			},
		},
		{
			says: "an HTTP API hands on an event of up to 6 MB, though it takes a body of 10 MB; the client gets 500", source: docQuotas,
			unverified: "500",
			config:     at(emulator.DoorHTTPAPI),
			official: func(t *testing.T, s *emulator.Service) {
				header := http.Header{"Content-Type": {"image/png"}}
				r := sendTo(t, s, emulator.DoorHTTPAPI, http.MethodPost, "/body", strings.Repeat("x", 5<<20), header)
				r.expect(t, http.StatusInternalServerError, `{"message":"Internal Server Error"}`)
			},
		},
	}
}
