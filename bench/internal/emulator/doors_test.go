package emulator_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// allDoors opens every front door.
func allDoors(c *emulator.Config) { c.FrontDoors = emulator.FrontDoors() }

// throughSocket sends a request as it is written and returns the answer.
func throughSocket(t *testing.T, addr, request string) reply {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the exchange is over
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// capture sends one and the same request to a front door and returns the event that the function gets, but for what differs
// from one request to the next, which it checks.
func capture(t *testing.T, s *emulator.Service, door emulator.FrontDoor, target string) (event map[string]any, port string) {
	t.Helper()
	u, err := url.Parse(s.URL(door))
	if err != nil {
		t.Fatal(err)
	}
	r := throughSocket(t, u.Host, "POST "+u.Path+target+" HTTP/1.1\r\nHost: abc123.example.org\r\nUser-Agent: probe/1\r\n"+
		"Cookie: a=1; b=2\r\nCookie: c=3\r\nX-Two: one\r\nX-Two: two\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\n"+
		"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nX-Amzn-Trace-Id: Self=1-5-6;Root=1-5e1b4151-5ac6c58f3e8ab1b2c3d4e5f6\r\n"+
		"Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"text\":\"grü\"}")
	if r.status != http.StatusOK {
		t.Fatalf("answer is %d %q", r.status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &event); err != nil {
		t.Fatalf("%v in %q", err, r.body)
	}
	rc, _ := event["requestContext"].(map[string]any)
	for name, pattern := range map[string]string{
		"requestId": `^[0-9a-f-]{36}$`, "extendedRequestId": `^[0-9a-f-]{36}$`, "time": `^\d\d/\w{3}/20\d\d:\d\d:\d\d:\d\d \+0000$`, "requestTime": `^\d\d/\w{3}/20\d\d:\d\d:\d\d:\d\d \+0000$`,
	} {
		if value, ok := rc[name]; ok {
			if text, _ := value.(string); !regexp.MustCompile(pattern).MatchString(text) {
				t.Errorf("%s is %q", name, value)
			}
			rc[name] = "varies"
		}
	}
	for _, name := range []string{"timeEpoch", "requestTimeEpoch"} {
		if ms, ok := rc[name].(float64); ok {
			if ms < 1.7e12 {
				t.Errorf("%s is %v", name, ms)
			}
			rc[name] = "varies"
		}
	}
	return event, u.Port()
}

const sentTrace = "Self=1-5-6;Root=1-5e1b4151-5ac6c58f3e8ab1b2c3d4e5f6"

func compareEvents(t *testing.T, want, got map[string]any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

// The expected event is put together from the guide's description of payload format 2.0 and events captured on AWS.
func TestHTTPAPIEvent(t *testing.T) {
	for _, stage := range []string{"", "test"} {
		s := start(t, func(c *emulator.Config) {
			rawBootstrap(c)
			c.FrontDoors, c.HTTPAPIStage = []emulator.FrontDoor{emulator.DoorHTTPAPI}, stage
		})
		got, port := capture(t, s, emulator.DoorHTTPAPI, "/event/sp%20ace%2Fx%3Fy+%C3%BC?q=a%20b&q=c+d&x=%26&flag")
		path, name := "/event/sp ace/x?y+ü", "$default"
		if stage != "" {
			path, name = "/test"+path, stage
			sendTo(t, s, emulator.DoorHTTPAPI, http.MethodGet, "x/event", "", nil).expect(t, http.StatusNotFound, `{"message":"Not Found"}`)
		}
		compareEvents(t, map[string]any{
			"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "q=a%20b&q=c+d&x=%26&flag",
			"cookies": []any{"a=1", "b=2", "c=3"},
			"headers": map[string]any{
				"host": "abc123.example.org", "user-agent": "probe/1", "x-two": "one,two", "content-type": "application/json", "content-length": "15",
				"x-forwarded-for": "192.0.2.7, 127.0.0.1", "x-forwarded-port": port, "x-forwarded-proto": "http", "x-amzn-trace-id": sentTrace,
			},
			"queryStringParameters": map[string]any{"q": "a b,c d", "x": "&", "flag": ""},
			"requestContext": map[string]any{
				"accountId": "000000000000", "apiId": "abc123", "domainName": "abc123.example.org", "domainPrefix": "abc123",
				"http":      map[string]any{"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "probe/1"},
				"requestId": "varies", "routeKey": "$default", "stage": name, "time": "varies", "timeEpoch": "varies",
			},
			"body": `{"text":"grü"}`, "isBase64Encoded": false,
		}, got)
	}
}

// The expected event is put together from the guide to Lambda proxy integrations and an event captured on AWS.
func TestRESTAPIEvent(t *testing.T) {
	s := start(t, func(c *emulator.Config) { rawBootstrap(c); allDoors(c); c.RESTAPIStage = "live" })
	got, port := capture(t, s, emulator.DoorRESTAPI, "/event/sp%20ace%2Fx%3Fy?q=a%20b&q=c+d;x=%26&flag")
	one := map[string]any{
		"Host": "abc123.example.org", "User-Agent": "probe/1", "Cookie": "c=3", "X-Two": "two", "Content-Type": "application/json",
		"X-Forwarded-For": "192.0.2.7, 127.0.0.1", "X-Forwarded-Port": port, "X-Forwarded-Proto": "http", "X-Amzn-Trace-Id": sentTrace,
	}
	all := map[string]any{}
	for name, value := range one {
		all[name] = []any{value}
	}
	all["Cookie"], all["X-Two"] = []any{"a=1; b=2", "c=3"}, []any{"one", "two"}
	compareEvents(t, map[string]any{
		"resource": "/{proxy+}", "path": "/event/sp%20ace%2Fx%3Fy", "httpMethod": "POST", "headers": one, "multiValueHeaders": all,
		"queryStringParameters":           map[string]any{"q": "c d", "x": "&", "flag": ""},
		"multiValueQueryStringParameters": map[string]any{"q": []any{"a b", "c d"}, "x": []any{"&"}, "flag": []any{""}},
		"pathParameters":                  map[string]any{"proxy": "event/sp%20ace%2Fx%3Fy"}, "stageVariables": nil,
		"requestContext": map[string]any{
			"accountId": "000000000000", "apiId": "abc123", "domainName": "abc123.example.org", "domainPrefix": "abc123", "extendedRequestId": "varies",
			"httpMethod": "POST", "identity": map[string]any{
				"accessKey": nil, "accountId": nil, "caller": nil, "cognitoAuthenticationProvider": nil, "cognitoAuthenticationType": nil,
				"cognitoIdentityId": nil, "cognitoIdentityPoolId": nil, "principalOrgId": nil, "sourceIp": "127.0.0.1", "user": nil, "userAgent": "probe/1", "userArn": nil,
			},
			"path": "/live/event/sp%20ace%2Fx%3Fy", "protocol": "HTTP/1.1", "requestId": "varies", "requestTime": "varies", "requestTimeEpoch": "varies",
			"resourceId": "000000", "resourcePath": "/{proxy+}", "stage": "live",
		},
		"body": "eyJ0ZXh0IjoiZ3LDvCJ9", "isBase64Encoded": true,
	}, got)
	for _, target := range []string{"/liver/event", "/", "/LIVE/event"} {
		r := sendTo(t, s, emulator.DoorALB, http.MethodGet, "/", "", nil) // the door next to it takes any path
		if r.status != http.StatusOK {
			t.Errorf("ALB: %d", r.status)
		}
		r, err := tryURL(t.Context(), http.MethodGet, strings.TrimSuffix(s.URL(emulator.DoorRESTAPI), "/live")+target, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.expect(t, http.StatusForbidden, `{"message":"Forbidden"}`)
	}
}

// The expected events are put together from the guide to Application Load Balancers and an event captured on AWS.
func TestLoadBalancerEvent(t *testing.T) {
	s := start(t, func(c *emulator.Config) { rawBootstrap(c); allDoors(c); c.FunctionName, c.Region = "demo", "eu-west-1" })
	for _, door := range []emulator.FrontDoor{emulator.DoorALB, emulator.DoorALBMulti} {
		t.Run(string(door), func(t *testing.T) {
			got, port := capture(t, s, door, "/event/sp%20ace%2Fx%3Fy?q=a%20b&q=c+d&%78=%26&flag")
			multi := door == emulator.DoorALBMulti
			headers, _ := got["headers"].(map[string]any)
			trace, _ := headers["x-amzn-trace-id"].(string)
			if multi {
				headers, _ = got["multiValueHeaders"].(map[string]any)
				list, _ := headers["x-amzn-trace-id"].([]any)
				trace, _ = list[0].(string)
			}
			if !regexp.MustCompile(`^Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-5e1b4151-5ac6c58f3e8ab1b2c3d4e5f6$`).MatchString(trace) {
				t.Errorf("trace id is %q", trace)
			}
			wantHeaders := map[string]any{
				"host": "abc123.example.org", "user-agent": "probe/1", "cookie": "c=3", "x-two": "two", "content-type": "application/json", "content-length": "15",
				"x-forwarded-for": "192.0.2.7, 127.0.0.1", "x-forwarded-port": port, "x-forwarded-proto": "http", "x-amzn-trace-id": trace,
			}
			want := map[string]any{
				"requestContext": map[string]any{"elb": map[string]any{"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/demo/0123456789abcdef"}},
				"httpMethod":     "POST", "path": "/event/sp%20ace%2Fx%3Fy", "body": `{"text":"grü"}`, "isBase64Encoded": false,
			}
			if multi {
				for name, value := range wantHeaders {
					wantHeaders[name] = []any{value}
				}
				wantHeaders["cookie"], wantHeaders["x-two"] = []any{"a=1; b=2", "c=3"}, []any{"one", "two"}
				want["multiValueHeaders"] = wantHeaders
				want["multiValueQueryStringParameters"] = map[string]any{"q": []any{"a%20b", "c+d"}, "%78": []any{"%26"}, "flag": []any{""}}
			} else {
				want["headers"] = wantHeaders
				want["queryStringParameters"] = map[string]any{"q": "c+d", "%78": "%26", "flag": ""}
			}
			compareEvents(t, want, got)
		})
	}
}

func TestUnknownDoors(t *testing.T) {
	for name, cfg := range map[string]emulator.Config{
		"there is no front door \"cloudfront\"": {FrontDoors: []emulator.FrontDoor{"cloudfront"}},
		"\"alb\" is given twice":                {FrontDoors: []emulator.FrontDoor{emulator.DoorALB, emulator.DoorHTTPAPI, emulator.DoorALB}},
		"stage \"a/b\" is not":                  {RESTAPIStage: "a/b"},
	} {
		cfg.Bootstrap, cfg.Group = programs.fn, group
		s, err := emulator.Start(t.Context(), cfg)
		if err == nil {
			_ = s.Close(0)
		}
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error is %v, want one with %q", err, name)
		}
	}
	s := start(t, func(c *emulator.Config) { c.FrontDoors = []emulator.FrontDoor{emulator.DoorALB} })
	if s.URL(emulator.DoorFunctionURL) != "" || s.URL(emulator.DoorALB) == "" {
		t.Errorf("addresses are %q and %q", s.URL(emulator.DoorFunctionURL), s.URL(emulator.DoorALB))
	}
}

// What is no request to a resource is none to a function.
func TestNoRequestsOfHTTP(t *testing.T) {
	s := start(t, allDoors)
	for _, door := range emulator.FrontDoors() {
		for name, request := range map[string]string{
			"HTTP/2":  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
			"CONNECT": "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
		} {
			u, err := url.Parse(s.URL(door))
			if err != nil {
				t.Fatal(err)
			}
			if r := throughSocket(t, u.Host, request); r.status < 400 || r.status >= 500 {
				t.Errorf("%s %s is answered %d %q", door, name, r.status, r.body)
			}
		}
	}
	if m := s.Meter(); m.Invocations != 0 {
		t.Errorf("there were %d invocations", m.Invocations)
	}
}

// Without binary media types bodies are text both ways.
func TestRESTAPIText(t *testing.T) {
	s := start(t, func(c *emulator.Config) {
		c.FrontDoors, c.RESTAPIText = []emulator.FrontDoor{emulator.DoorRESTAPI}, true
		rawBootstrap(c)
	})
	for body, want := range map[string]string{`{"a":"ü"}`: `{"a":"ü"}`, "a\xffb": "a\ufffdb"} {
		var event struct {
			Body            string
			IsBase64Encoded bool
		}
		r := sendTo(t, s, emulator.DoorRESTAPI, http.MethodPost, "/event", body, http.Header{"Content-Type": {"image/png"}})
		if err := json.Unmarshal([]byte(r.body), &event); err != nil || event.Body != want || event.IsBase64Encoded {
			t.Errorf("event is %q, %v", r.body, err)
		}
	}
	s = start(t, func(c *emulator.Config) {
		c.FrontDoors, c.RESTAPIText = []emulator.FrontDoor{emulator.DoorRESTAPI}, true
	})
	if r := sendTo(t, s, emulator.DoorRESTAPI, http.MethodGet, "/binary", "", nil); !strings.HasPrefix(r.body, "AAECAwQF") {
		t.Errorf("answer is %q", r.body)
	}
}
