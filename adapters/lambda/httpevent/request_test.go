package httpevent_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"

	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/labstack/echo/v4"
)

func TestClientAndSchemeAreKnown(t *testing.T) {
	e := echo.New()
	e.GET("/", func(c echo.Context) error {
		r := c.Request()
		return c.String(http.StatusOK, fmt.Sprint(r.RemoteAddr, " ", c.Scheme(), " ", c.RealIP(), " ", r.Host, " ", r.TLS != nil))
	})
	for _, d := range allDoors() {
		t.Run(string(d), func(t *testing.T) {
			want := clientIP + ":0 https " + clientIP + " " + testHost + " true"
			if got := d.mustInvoke(t, e, get("/")).Body; got != want {
				t.Errorf("got %q; want %q", got, want)
			}
		})
	}
	const v2 = `{"version":"2.0","rawPath":"/","headers":{%s},"requestContext":{"domainName":"d.example.com","http":{"method":"GET","sourceIp":"%s"}}}`
	const alb = `{"httpMethod":"GET","path":"/","headers":{%s},"requestContext":{"elb":{}}}`
	for name, tt := range map[string]struct{ event, want string }{
		"no headers":           {fmt.Sprintf(v2, ``, clientIP), clientIP + ":0 https " + clientIP + " d.example.com true"},
		"IPv6":                 {fmt.Sprintf(v2, ``, "2001:db8::1"), "[2001:db8::1]:0 https 2001:db8::1 d.example.com true"},
		"no address":           {fmt.Sprintf(v2, ``, ""), "0.0.0.0:0 https 0.0.0.0 d.example.com true"},
		"http":                 {fmt.Sprintf(v2, `"x-forwarded-proto":"http"`, clientIP), clientIP + ":0 http " + clientIP + " d.example.com false"},
		"ALB without anything": {fmt.Sprintf(alb, ``), "0.0.0.0:0 http 0.0.0.0  false"},
		"ALB trusts the last":  {fmt.Sprintf(alb, `"x-forwarded-for":"1.1.1.1, 2.2.2.2"`), "2.2.2.2:0 http 1.1.1.1  false"},
		"ALB with ports":       {fmt.Sprintf(alb, `"x-forwarded-for":"2.2.2.2:4711"`), "2.2.2.2:4711 http 2.2.2.2:4711  false"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := invokeRaw(t, e, tt.event).Body; got != tt.want {
				t.Errorf("got %q; want %q", got, tt.want)
			}
		})
	}
}

func TestTLSVersion(t *testing.T) {
	for version, want := range map[string]string{"TLSv1.2": "303", "TLSv1.3": "304", "other": "0"} {
		h := answering(func(r *http.Request) string { return fmt.Sprintf("%x", r.TLS.Version) })
		if got := functionURL.mustInvoke(t, h, get("/", "X-Amzn-Tls-Version", version)).Body; got != want {
			t.Errorf("%s: version %s; want %s", version, got, want)
		}
	}
}

func TestGatewaysHeadersCannotBeSpoofed(t *testing.T) {
	h := answering(func(r *http.Request) string {
		for name := range r.Header {
			if strings.HasPrefix(strings.ToLower(name), "x-golambdaproxy") || strings.Contains(strings.ToLower(name), "-context") {
				return name
			}
		}
		_, err := new(core.RequestAccessorV2).GetAPIGatewayContextV2(r)
		return fmt.Sprint(err)
	})
	r := get("/", "X-GoLambdaProxy-ApiGw-Context", `{"accountId":"evil"}`, "x-golambdaproxy-apigw-stagevars", "{}",
		"X-GoLambdaProxy-Alb-Context", "{}", "X-Amzn-Request-Context", "{}", "x-amzn-lambda-context", "{}", "X-ApiGateway-Context", "{}")
	for _, d := range allDoors() {
		if got := d.mustInvoke(t, h, r).Body; got != "No context header in request" {
			t.Errorf("%s: %s", d, got)
		}
	}
}

// A load balancer hands parameters on as they were sent, so the query is what net/http gets, down to what net/http makes of
// parameters that are none. What no client can have sent so is encoded, or it would change the query's meaning.
func TestQueryOfLoadBalancerIsAsSent(t *testing.T) {
	e := answering(func(r *http.Request) string { return r.URL.RawQuery + "|" + r.URL.Query().Encode() })
	for _, query := range []string{
		"a=1;b=2", "a=%3B&b=;", "a=\u4e16&\u00fc=%E4", "a='\"<>", "a=b+c%2B&d=%20", "a=%&b=1", "a=%zz", "a%3Db=c=d", "a=\\^`{|}", "=x&%26=%23", "[]=1",
	} {
		want := overHTTP(t, e, get("/?"+query)).Body
		for _, d := range []door{albSingle, albMulti} {
			if got := d.mustInvoke(t, e, get("/?"+query)).Body; got != want {
				t.Errorf("%s: got %q; want %q", d, got, want)
			}
		}
	}
	const event = `{"httpMethod":"GET","path":"/","requestContext":{"elb":{}},"queryStringParameters":{"a=b&c":"d=e&f#g h\u0001\u007f","i#":"\n"}}`
	const want = "a%3Db%26c=d=e%26f%23g%20h%01%7F&i%23=%0A|a%3Db%26c=d%3De%26f%23g+h%01%7F&i%23=%0A"
	if got := invokeRaw(t, e, event).Body; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

func TestQueryKeepsItsOrder(t *testing.T) {
	h := answering(func(r *http.Request) string { return r.URL.RawQuery + " " + r.RequestURI })
	for target, lossy := range map[string][]door{
		"/?z=1&y=2&x=3&a=4&b=5&m=6&l=7": nil,
		"/?q=a%20b&r=%26%2B%25":         {restAPI}, // the second time only what must be is encoded, and that is the same
		"/?a%3Db=c=d,e:f/g?h":           nil,
	} {
		_, query, _ := strings.Cut(target, "?")
		want := query + " " + target
		for _, d := range allDoors() {
			if got := d.mustInvoke(t, h, get(target)).Body; got != want {
				t.Errorf("%s: got %q; want %q (%v)", d, got, want, lossy)
			}
		}
	}
}

func TestPrefixesAreCutOffBySegment(t *testing.T) {
	const v2 = `{"version":"2.0","rawPath":"%s","requestContext":{"stage":"%s","domainName":"%s","http":{"method":"GET"}}}`
	const v1 = `{"httpMethod":"GET","path":"%s","requestContext":{"stage":"%s","path":"%s"}}`
	h := answering(func(r *http.Request) string { return r.URL.Path + " " + r.RequestURI })
	base, stage := httpevent.WithBasePath, httpevent.WithStripStage()
	const lambda, gateway = "x.lambda-url.us-east-1.on.aws", "x.execute-api.us-east-1.amazonaws.com"
	for _, tt := range []struct {
		name, event string
		opt         httpevent.Option
		want        string
	}{
		{"base", fmt.Sprintf(v2, "/prod/x", "s", lambda), base("/prod"), "/x /x"},
		{"base of two segments", fmt.Sprintf(v2, "/a/b/c", "s", lambda), base("a/b/"), "/c /c"},
		{"base with escapes behind", fmt.Sprintf(v2, "/prod/x%2Fy", "s", lambda), base("prod"), "/x/y /x%2Fy"},
		{"all of the path", fmt.Sprintf(v2, "/prod", "s", lambda), base("prod"), "/ /"},
		{"only a part of a segment", fmt.Sprintf(v2, "/products", "s", lambda), base("/prod"), "/products /products"},
		{"not at the start", fmt.Sprintf(v2, "/x/prod", "s", lambda), base("/prod"), "/x/prod /x/prod"},
		{"only once", fmt.Sprintf(v2, "/prod/prod", "s", lambda), base("/prod"), "/prod /prod"},
		{"no base", fmt.Sprintf(v2, "/prod", "s", lambda), base(" / "), "/prod /prod"},
		{"stage", fmt.Sprintf(v2, "/test/x", "test", gateway), stage, "/x /x"},
		{"stage alone", fmt.Sprintf(v2, "/test", "test", gateway), stage, "/ /"},
		{"stage like a route", fmt.Sprintf(v2, "/testing", "test", gateway), stage, "/testing /testing"},
		{"default stage", fmt.Sprintf(v2, "/$default/x", "$default", gateway), stage, "/$default/x /$default/x"},
		{"REST path without stage", fmt.Sprintf(v1, "/test/x", "test", "/test/test/x"), stage, "/test/x /test/x"},
		{"1.0 path with stage", fmt.Sprintf(v1, "/test/x", "test", "/test/x"), stage, "/x /x"},
		{"decoded by option", fmt.Sprintf(v2, "/a%2Fb", "s", lambda), httpevent.WithPathForm(httpevent.PathDecoded), "/a%2Fb /a%252Fb"},
		{"encoded by option", fmt.Sprintf(v2, "/a%2Fb", "s", gateway), httpevent.WithPathForm(httpevent.PathEncoded), "/a/b /a%2Fb"},
		{"domain of one's own", fmt.Sprintf(v2, "/100%/?", "s", "example.com"), stage, "/100%/? /100%25/%3F"},
		{"no path", fmt.Sprintf(v2, "", "s", lambda), stage, "/ /"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := invokeRaw(t, h, tt.event, tt.opt).Body; got != tt.want {
				t.Errorf("got %q; want %q", got, tt.want)
			}
		})
	}
}
