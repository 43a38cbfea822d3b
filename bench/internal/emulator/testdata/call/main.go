// Command call is a Lambda function for tests of the Invoke API, whose events are not HTTP. Its event says what it does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// greeting tells builds of this program apart.
var greeting = "hello"

type order struct {
	Do   string `json:"do"`
	URL  string `json:"url"`
	Size int    `json:"size"`
}

func main() { lambda.Start(handle) }

func handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var o order
	_ = json.Unmarshal(raw, &o) // any event will do
	switch o.Do {
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		return lc.ClientContext, nil
	case "greet":
		return greeting, nil
	case "name":
		return lambdacontext.FunctionName, nil
	case "log":
		fmt.Fprintln(os.Stderr, "from the function")
		return nil, nil
	case "error":
		return nil, errors.New("no more paper")
	case "panic":
		panic("out of cheese")
	case "exit":
		os.Exit(3)
	case "leave":
		os.Exit(0)
	case "sleep":
		time.Sleep(time.Hour)
	case "stream":
		return io.MultiReader(strings.NewReader("first,"), strings.NewReader("second")), nil
	case "big":
		return strings.Repeat("x", o.Size), nil
	case "call", "call-fail": // asks a server, which may keep it waiting
		resp, err := http.Get(o.URL)
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if o.Do == "call-fail" {
			return nil, errors.New("as told")
		}
		return "called", nil
	}
	return raw, nil
}
