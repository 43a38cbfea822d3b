package emulator

import (
	"net/http"
	"time"
)

// defaultStage is the stage that has no part in the path.
const defaultStage = "$default"

// maxAPIBody is the greatest body that API Gateway takes (API Gateway guide, "Quotas"). Lambda's own limit applies to the event.
const maxAPIBody = 10 << 20

// httpAPI is an HTTP API of API Gateway with the integration AWS_PROXY, payload format 2.0 and the route $default.
//
// Its event is the one of a Function URL but for this, seen in events captured on AWS (hotsock/voker, vokerhttp/testdata,
// July 2026): the path arrives decoded, rawPath too; cookies are in cookies alone, not in headers. %2F thus becomes / and
// %3F becomes ?; that AWS cuts the path at such a ? has been reported (middleapi/standard-server #93) and is not done here. A
// stage that is not $default is part of the path and stays in it (API Gateway guide, "Working with AWS Lambda proxy
// integrations for HTTP APIs"). requestId is the id of the invocation, where AWS has one of another form.
//
// A function that fails, and a Lambda that refuses, give 500 with the body of that page of the guide: 500 was seen for
// errors (awslabs/aws-lambda-cpp #117) and time-outs (denoland/deno_registry2 #87) alike, while the Lambda guide ("Using AWS
// Lambda with Amazon API Gateway") tells 502 for functions of any API. The time-out of the integration, 30 s, is not applied.
type httpAPI struct{ stage string }

func (a httpAPI) admit(r *http.Request) failure {
	if path, _ := splitTarget(r.RequestURI); a.stage != defaultStage && !inStage(path, a.stage) {
		return failRoute
	}
	return failNone
}

func (a httpAPI) event(dst []byte, r *http.Request, body []byte, meta *requestMeta) []byte {
	path, query := splitTarget(r.RequestURI)
	path = decodePath(path)
	return appendEvent2(dst, r, body, meta, &format2{
		rawPath: path, path: path, query: query, account: account, stage: a.stage, lengthHeader: true, isText: isTextType(r.Header),
	})
}

func (httpAPI) trace(client string, now time.Time) string { return rootTrace(client, now) }
func (httpAPI) answer(raw []byte) (httpAnswer, error)     { return decodeAnswer(raw) }
func (httpAPI) limits() (body, answer int)                { return maxAPIBody, MaxPayload }

func (a httpAPI) base() string {
	if a.stage == defaultStage {
		return ""
	}
	return "/" + a.stage
}

func (httpAPI) stamp(h http.Header, inv *invocation) {
	h["Apigw-Requestid"] = []string{inv.id}
}

func (httpAPI) fail(f failure) httpAnswer {
	switch f {
	case failRoute:
		return failed(http.StatusNotFound, `{"message":"Not Found"}`)
	case failBody, failMethod:
		return failed(http.StatusBadRequest, `{"message":"Bad Request"}`)
	case failTooLarge:
		return failed(http.StatusRequestEntityTooLarge, `{"message":"Request Entity Too Large"}`)
	case failClosed:
		return failed(http.StatusServiceUnavailable, `{"message":"Service Unavailable"}`)
	default:
		return failed(http.StatusInternalServerError, `{"message":"Internal Server Error"}`)
	}
}
