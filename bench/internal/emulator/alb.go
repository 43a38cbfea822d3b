package emulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// maxALBPayload is the greatest body of a request and the greatest answer, as JSON, of a load balancer.
const maxALBPayload = 1 << 20

// loadBalancer is an Application Load Balancer with the function as its target.
//
// Events, answers, limits and statuses are those of the guide to Application Load Balancers ("Use Lambda functions as
// targets", "Troubleshoot your Application Load Balancers"): names and values of the query are not decoded; of several values
// the last counts, unless the target group has multi-value headers enabled, which swaps both fields for those of many values;
// then only multiValueHeaders of an answer is looked at, else only headers. Names there that differ in case only are fields of
// their own, which is how functions send several cookies (Kludex/mangum, case_mutated_headers). WebSockets are refused with 400, TRACE with 405. The path
// arrives as sent and header names in lower case (captured on AWS: hotsock/voker, vokerhttp/testdata, July 2026). A trace id from the
// client gets a Self field ("Request tracing for your Application Load Balancer").
//
// The guide wants isBase64Encoded, statusCode and headers in each answer. Only a missing statusCode is refused here, since
// aws-lambda-go writes empty headers as null. statusDescription is not sent: HTTP has no use for it.
type loadBalancer struct {
	multi       bool
	targetGroup string
}

func (loadBalancer) admit(r *http.Request) failure {
	if r.Method == http.MethodTrace {
		return failMethod
	}
	if len(r.Header["Upgrade"]) > 0 && strings.EqualFold(r.Header["Upgrade"][0], "websocket") {
		return failUpgrade
	}
	return failNone
}

func (loadBalancer) trace(client string, now time.Time) string {
	if !strings.Contains(client, "Root=") {
		return newTraceID(now)
	}
	if rest, ok := strings.CutPrefix(client, "Self="); ok {
		_, client, _ = strings.Cut(rest, ";")
	}
	return "Self=" + strings.TrimPrefix(newTraceID(now), "Root=") + ";" + client
}

func (loadBalancer) limits() (body, answer int)           { return maxALBPayload, maxALBPayload }
func (loadBalancer) base() string                         { return "" }
func (loadBalancer) stamp(h http.Header, inv *invocation) {}

func (b loadBalancer) event(dst []byte, r *http.Request, body []byte, meta *requestMeta) []byte {
	path, query := splitTarget(r.RequestURI)
	params := queryFields(query, "&", func(s string) string { return s })
	headers := headerFields(r, body, meta, strings.ToLower)
	dst = append(dst, `{"requestContext":{"elb":{"targetGroupArn":`...)
	dst = appendString(dst, b.targetGroup)
	dst = append(dst, `}},"httpMethod":`...)
	dst = appendString(dst, r.Method)
	dst = append(dst, `,"path":`...)
	dst = appendString(dst, path)
	if b.multi {
		dst = append(dst, `,"multiValueQueryStringParameters":`...)
		dst = appendLists(dst, params)
		dst = append(dst, `,"multiValueHeaders":`...)
		dst = appendLists(dst, headers)
	} else {
		dst = append(dst, `,"queryStringParameters":`...)
		dst = appendLast(dst, params)
		dst = append(dst, `,"headers":`...)
		dst = appendLast(dst, headers)
	}
	dst = append(dst, `,"body":`...)
	dst, isBase64 := appendBody(dst, body, len(body) == 0 || isTextType(r.Header))
	if isBase64 {
		return append(dst, `,"isBase64Encoded":true}`...)
	}
	return append(dst, `,"isBase64Encoded":false}`...)
}

func (b loadBalancer) answer(raw []byte) (httpAnswer, error) {
	full, a, err := decodeWhole(raw, false)
	if err != nil {
		return a, err
	}
	if b.multi {
		a.addMulti(full.multiValueHeaders)
		return a, nil
	}
	for _, h := range full.headers {
		a.add(h.name, string(h.value))
	}
	return a, nil
}

// fail answers with a page as a load balancer does.
func (loadBalancer) fail(f failure) httpAnswer {
	var status int
	switch f {
	case failUpgrade, failBody:
		status = http.StatusBadRequest
	case failMethod:
		status = http.StatusMethodNotAllowed
	case failRoute: // no rule matches; what the default action is, is up to who configures a load balancer
		status = http.StatusNotFound
	case failTooLarge:
		status = http.StatusRequestEntityTooLarge
	case failClosed:
		status = http.StatusServiceUnavailable
	default:
		status = http.StatusBadGateway
	}
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return httpAnswer{
		status: status,
		header: http.Header{"Content-Type": {"text/html"}, "Server": {"awselb/2.0"}},
		body:   []byte("<html>\r\n<head><title>" + text + "</title></head>\r\n<body>\r\n<center><h1>" + text + "</h1></center>\r\n</body>\r\n</html>\r\n"),
	}
}
