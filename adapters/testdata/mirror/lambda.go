package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
	echoadapter "github.com/awslabs/aws-lambda-go-api-proxy/echo"
	"github.com/labstack/echo/v4"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"
)

// startLambda answers invocations.
func startLambda(e *echo.Echo, adapter, mode string) error {
	switch {
	case adapter == "api-proxy" && mode != "stream":
		lambda.StartWithOptions(newStock(e))
	case adapter != "" && adapter != "httpevent":
		return fmt.Errorf("there is no adapter %q that has the mode %q", adapter, mode)
	case mode == "stream":
		lambda.Start(httpevent.NewStreamer(e).Serve)
	default:
		lambda.Start(httpevent.New(e))
	}
	return nil
}

// stock chooses among the Echo adapters of aws-lambda-go-api-proxy the one that is made for the shape of the event, which its
// user has to do when building the function.
type stock struct{ v1, v2, alb lambda.Handler }

func newStock(e *echo.Echo) stock {
	return stock{
		v1: lambda.NewHandler(echoadapter.New(e).ProxyWithContext), v2: lambda.NewHandler(echoadapter.NewV2(e).ProxyWithContext),
		alb: lambda.NewHandler(echoadapter.NewALB(e).ProxyWithContext),
	}
}

// Invoke answers one event.
func (s stock) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event struct {
		Version        string `json:"version"`
		RequestContext struct {
			ELB *json.RawMessage `json:"elb"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	switch {
	case event.RequestContext.ELB != nil:
		return s.alb.Invoke(ctx, payload)
	case event.Version == "2.0":
		return s.v2.Invoke(ctx, payload)
	}
	return s.v1.Invoke(ctx, payload)
}
