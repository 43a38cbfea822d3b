package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// What a Function URL answers by itself. The text and type for failures are AWS's (seen in the AWS-validated tests of
// LocalStack); those for 413 and 429 are AWS's of the Invoke API, as no capture of a Function URL is known.
const (
	textFailed    = "Internal Server Error"
	textTooLarge  = `{"Message":"Request must be smaller than 6291556 bytes for the InvokeFunction operation"}`
	textThrottled = `{"Reason":"%s","Type":"User","message":"Rate Exceeded."}`
	typeJSON      = "application/json"
)

// functionURL is a Function URL. Its event is that of payload format 2.0, as the Lambda guide tells ("Invoking Lambda
// function URLs"); its invoke mode makes no difference to the event.
//
// A trace id that the client sends is kept if it has a root, else a new one is made. It is in the event's headers, in the
// Runtime API's and in the answer's.
type functionURL struct{}

func (functionURL) admit(*http.Request) failure               { return failNone }
func (functionURL) trace(client string, now time.Time) string { return rootTrace(client, now) }
func (functionURL) answer(raw []byte) (httpAnswer, error)     { return decodeAnswer(raw) }
func (functionURL) limits() (body, answer int)                { return MaxPayload, MaxPayload }
func (functionURL) base() string                              { return "" }

func (functionURL) event(dst []byte, r *http.Request, body []byte, meta *requestMeta) []byte {
	path, query := splitTarget(r.RequestURI)
	return appendEvent2(dst, r, body, meta, &format2{
		rawPath: path, path: decodePath(path), query: query, account: "anonymous", stage: defaultStage, cookieHeader: true, isText: isTextURL(r.Header),
	})
}

func (functionURL) stamp(h http.Header, inv *invocation) {
	h["X-Amzn-Requestid"] = []string{inv.id}
	h["X-Amzn-Trace-Id"] = []string{inv.traceID}
}

func (functionURL) fail(f failure) httpAnswer {
	switch f {
	case failClosed:
		return failed(http.StatusServiceUnavailable, "closed")
	case failBody:
		return failed(http.StatusBadRequest, `{"Message":"the body is incomplete"}`)
	case failMethod:
		return failed(http.StatusBadRequest, `{"Message":"Bad Request"}`)
	case failTooLarge, failEvent:
		return failed(http.StatusRequestEntityTooLarge, textTooLarge)
	case failThrottled:
		return functionURL{}.throttled(&throttleError{})
	default:
		return failed(http.StatusBadGateway, textFailed)
	}
}

// throttled is 429 with the reason, as the Invoke API gives it.
func (functionURL) throttled(reason error) httpAnswer {
	var why throttleError
	if t, ok := errors.AsType[*throttleError](reason); ok {
		why = *t
	}
	a := failed(http.StatusTooManyRequests, fmt.Sprintf(textThrottled, why.awsReason()))
	a.header["X-Amzn-Errortype"] = []string{"TooManyRequestsException"}
	return a
}

// failed is an answer of a front door itself, JSON or said to be.
func failed(status int, body string) httpAnswer {
	return httpAnswer{status: status, header: http.Header{"Content-Type": {typeJSON}}, body: []byte(body)}
}
