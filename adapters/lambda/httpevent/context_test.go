package httpevent_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
)

func TestContextIsTheInvocations(t *testing.T) {
	for _, d := range allDoors() {
		t.Run(string(d), func(t *testing.T) {
			parent, cancel := benchContext()
			defer cancel()
			var seen context.Context
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				seen = r.Context()
				want, _ := parent.Deadline()
				if got, ok := seen.Deadline(); !ok || got != want {
					t.Errorf("deadline %v; want %v", got, want)
				}
				if lc, ok := lambdacontext.FromContext(seen); !ok || lc.AwsRequestID != "id" {
					t.Errorf("lambda context %v", lc)
				}
				if seen.Err() != nil {
					t.Error("ended before the handler")
				}
				child, cancel := context.WithCancel(seen)
				defer cancel()
				if _, ok := httpevent.EventFromContext(child); !ok {
					t.Error("no event")
				}
			})
			if d == streamed {
				_, err := readStream(parent, httpevent.NewStreamer(h), d.event(t, get("/")))
				if err != nil {
					t.Fatal(err)
				}
			} else if _, err := httpevent.New(h).Invoke(parent, d.event(t, get("/"))); err != nil {
				t.Fatal(err)
			}
			<-seen.Done()
			if parent.Err() != nil {
				t.Error("the invocation's context was ended")
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
		if _, err := httpevent.New(h).Invoke(ctx, functionURL.event(t, get("/"))); err != nil {
			t.Error(err)
		}
	})
}

func TestEventFromContext(t *testing.T) {
	shapes := map[door]httpevent.Shape{
		functionURL: httpevent.Payload2, httpAPI: httpevent.Payload2, streamed: httpevent.Payload2,
		restAPI: httpevent.Payload1, albSingle: httpevent.ALB, albMulti: httpevent.ALB,
	}
	for _, d := range allDoors() {
		var got httpevent.Event
		var ctx context.Context
		d.mustInvoke(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx = r.Context()
			got, _ = httpevent.EventFromContext(ctx)
		}), get("/x"))
		if got.Shape != shapes[d] || !bytes.Equal(got.Raw, d.event(t, get("/x"))) {
			t.Errorf("%s: %s, %s", d, got.Shape, got.Raw)
		}
		var any struct{ RequestContext map[string]any }
		if err := got.Decode(&any); err != nil || len(any.RequestContext) == 0 {
			t.Errorf("%s: %v, %v", d, any, err)
		}
	}
	if _, ok := httpevent.EventFromContext(t.Context()); ok {
		t.Error("an event outside of Lambda")
	}
	var late context.Context
	functionURL.mustInvoke(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { late = r.Context() }), get("/"))
	if _, ok := httpevent.EventFromContext(late); ok {
		t.Error("an event after its end")
	}
}

// Handlers that were written for api-proxy find what they look for, and not what belongs to another shape.
func TestAccessorsOfCore(t *testing.T) {
	const v2 = `{"version":"2.0","rawPath":"/","stageVariables":{"a":"b"},"requestContext":{"accountId":"1234","stage":"s","apiId":"x",
		"domainName":"d.example.com","authorizer":{"jwt":{"claims":{"sub":"me"}}},"http":{"method":"GET","path":"/","sourceIp":"1.2.3.4"}}}`
	const v1 = `{"httpMethod":"GET","path":"/","stageVariables":{"a":"b"},"requestContext":{"accountId":"1234","stage":"s",
		"authorizer":{"principalId":"me"},"identity":{"sourceIp":"1.2.3.4"}}}`
	const alb = `{"httpMethod":"GET","path":"/","headers":{"host":"h"},"requestContext":{"elb":{"targetGroupArn":"arn"}}}`
	for name, tt := range map[string]struct {
		event string
		want  [8]bool
	}{
		"2.0": {v2, [8]bool{true, true, true}},
		"1.0": {v1, [8]bool{3: true, 4: true, 5: true}},
		"alb": {alb, [8]bool{6: true, 7: true}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := benchContext()
			defer cancel()
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var got [8]bool
				var v2 events.APIGatewayV2HTTPRequestContext
				var v1 events.APIGatewayProxyRequestContext
				var alb events.ALBTargetGroupRequestContext
				var lc [3]*lambdacontext.LambdaContext
				var vars [2]map[string]string
				c := context.WithValue(r.Context(), struct{ own int }{}, 1)
				v2, got[0] = core.GetAPIGatewayV2ContextFromContext(c)
				lc[0], got[1] = core.GetRuntimeContextFromContextV2(c)
				vars[0], got[2] = core.GetStageVarsFromContextV2(c)
				v1, got[3] = core.GetAPIGatewayContextFromContext(c)
				lc[1], got[4] = core.GetRuntimeContextFromContext(c)
				vars[1], got[5] = core.GetStageVarsFromContext(c)
				alb, got[6] = core.GetTargetGroupRequetFromContextALB(c)
				lc[2], got[7] = core.GetRuntimeContextFromContextALB(c)
				if got != tt.want {
					t.Errorf("found %v; want %v", got, tt.want)
				}
				for i, at := range []int{1, 4, 7} {
					if got[at] && (lc[i] == nil || lc[i].AwsRequestID != "id") {
						t.Errorf("lambda context %d is %v", i, lc[i])
					}
				}
				switch {
				case got[0] && (v2.AccountID != "1234" || v2.HTTP.SourceIP != "1.2.3.4" || v2.Authorizer.JWT.Claims["sub"] != "me" || vars[0]["a"] != "b"),
					got[3] && (v1.AccountID != "1234" || v1.Authorizer["principalId"] != "me" || vars[1]["a"] != "b"),
					got[6] && alb.ELB.TargetGroupArn != "arn":
					t.Errorf("%+v %+v %+v %v", v2, v1, alb, vars)
				}
			})
			if _, err := httpevent.New(h).Invoke(ctx, []byte(tt.event)); err != nil {
				t.Fatal(err)
			}
		})
	}
}
