package emulator_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// Where AWS says, or its own source shows, what is checked here. What only a user has reported or a capture shows is among them; a
// rule that rests on less says so.
const (
	guide            = "https://docs.aws.amazon.com/lambda/latest/dg/"
	docRuntime       = guide + "runtimes-api.html"
	docEnvironment   = guide + "lambda-runtime-environment.html"
	docExtensions    = guide + "runtimes-extensions-api.html"
	docVariables     = guide + "configuration-envvars.html"
	docConcurrency   = guide + "lambda-concurrency.html"
	docScaling       = guide + "scaling-behavior.html"
	docProvisioned   = guide + "provisioned-concurrency.html"
	docManaged       = guide + "lambda-managed-instances-execution-environment.html"
	docQuotas        = guide + "gettingstarted-limits.html"
	docMemory        = guide + "configuration-memory.html"
	docURL           = guide + "urls-configuration.html"
	docURLInvocation = guide + "urls-invocation.html"
	docGateway       = guide + "services-apigateway.html"
	docGatewayQuota  = "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"
	docGatewayProxy  = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html"
	docRESTProxy     = "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html"
	docGatewayTypes  = "https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html"
	docInvoke        = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"
	docAsync         = guide + "invocation-async-error-handling.html"
	docLog           = guide + "golang-logging.html"
	docTelemetry     = guide + "telemetry-schema-reference.html"
	docPrices        = "https://aws.amazon.com/lambda/pricing/"
	docInitBilling   = "https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/"
	docLoadBalancer  = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html"
	docBalancerFault = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html"
	sourceRIE        = "https://github.com/aws/aws-lambda-runtime-interface-emulator/tree/4fa2157/internal/lambda/rapi"
	sourceLambdaGo   = "https://github.com/aws/aws-lambda-go/blob/v1.54.0/lambda/runtime_api_client.go"
	sourceManagedGo  = "https://github.com/aws/aws-lambda-go/pull/600"
	sourceLocalStack = "https://github.com/localstack/localstack/blob/8b9a79f/tests/aws/services/lambda_/test_lambda_common.snapshot.json"
	sourceSAM        = "https://github.com/aws/aws-sam-cli/blob/4e2da63/samcli/local/apigw/local_apigw_service.py"
	sourceCaptures   = "https://github.com/localstack/localstack/tree/8b9a79f/tests/aws/services/lambda_"
)

// rule is one thing that AWS does. raw checks it with the test as the runtime, which speaks HTTP by hand, official with a function on
// aws-lambda-go's own client; a rule has one of them or both.
type rule struct {
	says   string
	source string
	// unverified says which part of the rule no page of AWS and no capture confirms; empty if all of it is confirmed.
	unverified string
	raw        func(t *testing.T, h *hand)
	official   func(t *testing.T, s *emulator.Service)
	config     func(c *emulator.Config)
}

// TestConformance states what AWS does, from where that is known, and whether it is so here: go test -run TestConformance -v.
func TestConformance(t *testing.T) {
	for area, rules := range map[string][]rule{
		"runtime API": runtimeRules(), "extensions API": extensionRules(), "environment": environmentRules(), "scaling": scalingRules(),
		"front door": doorRules(), "invoke API": invokeRules(), "log": logRules(), "billing": billingRules(), "limits": limitRules(),
	} {
		for _, r := range rules {
			t.Run(area+": "+r.says, func(t *testing.T) {
				t.Logf("source: %s", r.source)
				if r.unverified != "" {
					t.Logf("not confirmed: %s", r.unverified)
				}
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
