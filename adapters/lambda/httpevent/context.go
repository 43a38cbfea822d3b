package httpevent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
)

// Event is what a front door has sent.
type Event struct {
	Raw   json.RawMessage // the whole event, the caller's to keep
	Shape Shape
}

// Decode decodes the event into v, a pointer to a struct of package events as a rule: events.LambdaFunctionURLRequest or
// events.APIGatewayV2HTTPRequest for [Payload2], events.APIGatewayProxyRequest for [Payload1],
// events.ALBTargetGroupRequest for [ALB].
func (e Event) Decode(v any) error {
	if err := json.Unmarshal(e.Raw, v); err != nil {
		return fmt.Errorf("decoding the event: %w", err)
	}
	return nil
}

type eventKey struct{}

// EventFromContext returns the event that a request came from; ctx is the request's context or one made from it. It is
// false outside of Lambda, and after the handler has returned. The event is copied, at the first call only.
func EventFromContext(ctx context.Context) (Event, bool) {
	inv, ok := ctx.Value(eventKey{}).(*invocation)
	if !ok {
		return Event{}, false
	}
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if inv.copied == nil && inv.raw != nil {
		inv.copied = append(json.RawMessage(nil), inv.raw...)
	}
	return Event{Raw: inv.copied, Shape: inv.shape}, inv.copied != nil
}

// invocation is all that one request needs, in one piece of memory. It is the context of the request, too.
type invocation struct {
	context.Context

	adapter *adapter
	shape   Shape
	body    requestBody

	mu                             sync.Mutex
	raw                            []byte // the event, until the handler has returned
	requestContext, stageVariables span
	copied                         json.RawMessage
	coreDone                       bool
	core                           any

	response response
}

// Value finds the event, what handlers that were written for api-proxy look for, and all that is in the invocation's
// context.
func (inv *invocation) Value(key any) any {
	switch key {
	case eventKey{}:
		return inv
	case inv.adapter.coreKey:
		return inv.coreValue()
	}
	return inv.Context.Value(key)
}

// end takes the event away, whose memory is now the runtime's again.
func (inv *invocation) end() {
	inv.mu.Lock()
	inv.raw = nil
	inv.mu.Unlock()
	_ = inv.body.Close()
}

// keyProbe is a context that remembers what it was asked for.
type keyProbe struct {
	context.Context
	key any
}

// Value remembers key.
func (p *keyProbe) Value(key any) any {
	p.key = key
	return nil
}

// coreKey returns the key under which package core keeps its data in a context. It is not exported, but what looks for it
// tells.
func coreKey() any {
	p := &keyProbe{Context: context.Background()}
	core.GetRuntimeContextFromContextV2(p)
	return p.key
}

// coreValue returns what package core would have put into the context, made by itself from the parts of the event that it
// looks at. It is made when the first handler asks.
func (inv *invocation) coreValue() any {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if !inv.coreDone && inv.raw != nil {
		inv.coreDone = true
		if r, err := inv.coreRequest(); err == nil {
			inv.core = r.Context().Value(inv.adapter.coreKey)
		}
	}
	return inv.core
}

// coreRequest has package core make a request that only its context is of use of.
func (inv *invocation) coreRequest() (*http.Request, error) {
	requestContext, stage := inv.part(inv.requestContext), inv.part(inv.stageVariables)
	switch inv.shape {
	case Payload2:
		e := events.APIGatewayV2HTTPRequest{RawPath: "/"}
		if err := decodeBoth(requestContext, &e.RequestContext, stage, &e.StageVariables); err != nil {
			return nil, err
		}
		return new(core.RequestAccessorV2).EventToRequestWithContext(inv.Context, e) // only compared with nil
	case Payload1:
		e := events.APIGatewayProxyRequest{Path: "/", HTTPMethod: http.MethodGet}
		if err := decodeBoth(requestContext, &e.RequestContext, stage, &e.StageVariables); err != nil {
			return nil, err
		}
		return new(core.RequestAccessor).EventToRequestWithContext(inv.Context, e) // only compared with nil
	default:
		e := events.ALBTargetGroupRequest{Path: "/", HTTPMethod: http.MethodGet}
		if err := decodeBoth(requestContext, &e.RequestContext, nil, nil); err != nil {
			return nil, err
		}
		return new(core.RequestAccessorALB).EventToRequestWithContext(inv.Context, e) // only compared with nil
	}
}

func (inv *invocation) part(sp span) []byte { return inv.raw[sp.start:sp.end] }

func decodeBoth(one []byte, into any, other []byte, intoOther any) error {
	if err := json.Unmarshal(one, into); err != nil {
		return fmt.Errorf("decoding the request context: %w", err)
	}
	if len(other) == 0 {
		return nil
	}
	if err := json.Unmarshal(other, intoOther); err != nil {
		return fmt.Errorf("decoding the stage variables: %w", err)
	}
	return nil
}
