package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// restAPI is a REST API of API Gateway with the integration AWS_PROXY on its root and on /{proxy+}, and with */* among its
// binary media types: each body arrives as base64, and an answer in base64 is decoded whatever the client accepts. Without binary media
// types bodies are text both ways: one that is not loses what is no UTF-8, and an answer in base64 stays it
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/lambda-proxy-binary-media.html; aws/aws-lambda-go #91).
//
// Events and answers are those of the API Gateway guide ("Lambda proxy integrations in API Gateway"). What that page leaves
// open follows an event captured on AWS (hotsock/voker, vokerhttp/testdata, July 2026): path and pathParameters are encoded as
// sent, query parameters are decoded, of several values the single-valued fields have the last, there is no
// Content-Length. Names of headers are in canonical form, since their spelling on the wire is lost; on AWS it is kept. A
// semicolon splits query parameters ("Amazon API Gateway important notes"). The stage is not part of path, but of
// requestContext.path.
//
// A function that fails or answers nonsense gives 502, a Lambda that refuses 500 (Lambda guide, "Using AWS Lambda with
// Amazon API Gateway"). The time-out of the integration, 29 s, is not applied.
type restAPI struct {
	stage string
	text  bool // without binary media types
}

func (a restAPI) admit(r *http.Request) failure {
	if path, _ := splitTarget(r.RequestURI); !inStage(path, a.stage) {
		return failRoute
	}
	return failNone
}

func (restAPI) trace(client string, now time.Time) string { return rootTrace(client, now) }
func (restAPI) limits() (body, answer int)                { return maxAPIBody, MaxPayload }
func (a restAPI) base() string                            { return "/" + a.stage }

func (a restAPI) event(dst []byte, r *http.Request, body []byte, meta *requestMeta) []byte {
	full, query := splitTarget(r.RequestURI)
	path := full[len(a.stage)+1:]
	resource := "/{proxy+}"
	if path == "" || path == "/" {
		path, resource = "/", "/"
	}
	dst = append(dst, `{"resource":"`...)
	dst = append(dst, resource...)
	dst = append(dst, `","path":`...)
	dst = appendString(dst, path)
	dst = append(dst, `,"httpMethod":`...)
	dst = appendString(dst, r.Method)
	headers := headerFields(r, nil, meta, func(name string) string { return name })
	headers = slices.DeleteFunc(headers, func(f field) bool { return f.name == "Content-Length" })
	dst = append(dst, `,"headers":`...)
	dst = appendLast(dst, headers)
	dst = append(dst, `,"multiValueHeaders":`...)
	dst = appendLists(dst, headers)
	if params := queryFields(query, "&;", unescape); len(params) > 0 {
		dst = append(dst, `,"queryStringParameters":`...)
		dst = appendLast(dst, params)
		dst = append(dst, `,"multiValueQueryStringParameters":`...)
		dst = appendLists(dst, params)
	} else {
		dst = append(dst, `,"queryStringParameters":null,"multiValueQueryStringParameters":null`...)
	}
	if resource == "/" {
		dst = append(dst, `,"pathParameters":null`...)
	} else {
		dst = append(dst, `,"pathParameters":{"proxy":`...)
		dst = appendString(dst, path[1:])
		dst = append(dst, '}')
	}
	dst = a.appendContext(dst, r, full, resource, meta)
	if len(body) == 0 {
		return append(dst, `,"body":null,"isBase64Encoded":false}`...)
	}
	dst = append(dst, `,"body":`...)
	if a.text {
		return append(appendString(dst, body), `,"isBase64Encoded":false}`...)
	}
	dst, _ = appendBody(dst, body, false)
	return append(dst, `,"isBase64Encoded":true}`...)
}

// appendContext appends stageVariables and requestContext.
func (a restAPI) appendContext(dst []byte, r *http.Request, path, resource string, meta *requestMeta) []byte {
	prefix, _, _ := strings.Cut(r.Host, ".")
	dst = append(dst, `,"stageVariables":null,"requestContext":{"accountId":"`+account+`","apiId":`...)
	dst = appendString(dst, prefix)
	dst = append(dst, `,"domainName":`...)
	dst = appendString(dst, r.Host)
	dst = append(dst, `,"domainPrefix":`...)
	dst = appendString(dst, prefix)
	dst = append(dst, `,"extendedRequestId":`...)
	dst = appendString(dst, meta.requestID)
	dst = append(dst, `,"httpMethod":`...)
	dst = appendString(dst, r.Method)
	dst = append(dst, `,"identity":{"accessKey":null,"accountId":null,"caller":null,"cognitoAuthenticationProvider":null,`+
		`"cognitoAuthenticationType":null,"cognitoIdentityId":null,"cognitoIdentityPoolId":null,"principalOrgId":null,"sourceIp":`...)
	dst = appendString(dst, meta.sourceIP)
	dst = append(dst, `,"user":null,"userAgent":`...)
	if agent := r.Header["User-Agent"]; len(agent) > 0 {
		dst = appendString(dst, agent[0])
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"userArn":null},"path":`...)
	dst = appendString(dst, path)
	dst = append(dst, `,"protocol":`...)
	dst = appendString(dst, r.Proto)
	dst = append(dst, `,"requestId":`...)
	dst = appendString(dst, meta.requestID)
	dst = append(dst, `,"requestTime":"`...)
	dst = meta.now.UTC().AppendFormat(dst, eventTime)
	dst = append(dst, `","requestTimeEpoch":`...)
	dst = strconv.AppendInt(dst, meta.now.UnixMilli(), 10)
	dst = append(dst, `,"resourceId":"000000","resourcePath":"`...)
	dst = append(dst, resource...)
	dst = append(dst, `","stage":"`...)
	dst = append(dst, a.stage...)
	return append(dst, `"}`...)
}

func (restAPI) stamp(h http.Header, inv *invocation) {
	h["X-Amzn-Requestid"] = []string{inv.id}
	h["X-Amz-Apigw-Id"] = []string{inv.id}
	h["X-Amzn-Trace-Id"] = []string{inv.traceID}
}

// answer takes headers and multiValueHeaders together; where both have a value, it is there once. WWW-Authenticate goes to the
// client under another name, as was seen on AWS (dherault/serverless-offline #236). An answer with any other field is malformed, as was
// seen with cookies (rails-lambda/lamby #78) and base64Encoded (aws/serverless-java-container #884); an HTTP API skips them.
func (a restAPI) answer(raw []byte) (httpAnswer, error) {
	full, out, err := decodeWhole(raw, a.text)
	if err != nil {
		return out, err
	}
	if full.cookies != nil {
		full.unknown = "cookies"
	}
	if full.unknown != "" {
		return out, fmt.Errorf("the answer has a field %s, which a REST API does not take", full.unknown)
	}
	out.addMulti(full.multiValueHeaders)
	out.addOnce(full.headers)
	const authenticate = "Www-Authenticate"
	if values := out.header[authenticate]; len(values) > 0 {
		delete(out.header, authenticate)
		out.header["X-Amzn-Remapped-Www-Authenticate"] = values
	}
	if len(out.header["Content-Type"]) == 0 {
		out.header["Content-Type"] = []string{typeJSON}
	}
	return out, nil
}

func (restAPI) fail(f failure) httpAnswer {
	const internal = `{"message": "Internal server error"}`
	switch f {
	case failRoute:
		return failed(http.StatusForbidden, `{"message":"Forbidden"}`)
	case failBody, failMethod:
		return failed(http.StatusBadRequest, `{"message": "Bad Request"}`)
	case failTooLarge:
		return failed(http.StatusRequestEntityTooLarge, `{"message":"Request Too Long"}`)
	case failClosed:
		return failed(http.StatusServiceUnavailable, `{"message":"Service Unavailable"}`)
	case failThrottled, failEvent:
		return failed(http.StatusInternalServerError, internal)
	default:
		return failed(http.StatusBadGateway, internal)
	}
}
