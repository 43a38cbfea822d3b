// Package httpevent serves an http.Handler from a Lambda function, so that it answers there what it answers under
// net/http. [New] makes a lambda.Handler of it, [NewStreamer] what a Function URL with streamed answers needs.
//
// # Events
//
// The shape of an event is found out by itself: payload format 2.0 (Function URL, HTTP API), 1.0 (REST API, HTTP API), and
// a load balancer's with one or with all values of a header field. The handler sees of it what it would see of the same
// request under net/http, as far as the front door has left it:
//
//   - Paths keep their encoding, %2F for example, where the front door keeps it: Function URLs, REST APIs, load balancers.
//     HTTP APIs decode the path; it is encoded again as net/http would.
//   - The query of payload format 2.0 is the one that was sent. Others come taken apart: what is left of the order is kept,
//     and what load balancers leave encoded is as it was sent, so that it is decoded once.
//   - The values of header fields are as the front door gives them; nothing is split at commas.
//   - RemoteAddr has port 0, as the client's port is not known. TLS is set if the client came by https; of it only the
//     version is known, and only behind a Function URL.
//   - Header fields by which adapters pass on a gateway's context (X-GoLambdaProxy-*, X-Apigateway-*,
//     X-Amzn-Request-Context, X-Amzn-Lambda-Context) are removed, for here it is always the client who has sent them.
//   - The context of a request is the invocation's, with its deadline and its lambdacontext; it ends when the handler
//     returns. [EventFromContext] gives the event, and the accessors of package core of aws-lambda-go-api-proxy work; both
//     cost nothing before they are used.
//
// # Answers
//
// The ResponseWriter has the semantics of net/http's, with Flush but without Hijack, deadlines and HTTP/2 push, of which
// http.ResponseController says that they are not supported. The differences all come from what an answer to Lambda cannot
// carry or from what front doors do themselves:
//
//   - Informational answers (1xx) and trailers are dropped. So are Connection, Keep-Alive, Proxy-Connection and
//     Transfer-Encoding, which concern the client's connection to the front door.
//   - No Date is added; front doors do. A Content-Length is added where net/http adds one.
//   - A body is sent as text if it is UTF-8 and has no Content-Encoding, else as base64.
//   - With payload format 2.0 and a load balancer without multi-value headers a field has one value: several are joined by
//     a comma and a blank (RFC 9110, section 5.3). Cookies stay apart: format 2.0 has a list of its own for them, for the
//     load balancer the name Set-Cookie is written in as many mixtures of small and capital letters.
//   - Bytes in header values that are not UTF-8 become U+FFFD.
package httpevent
