package httpevent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
)

// logTo returns an option that logs JSON into b.
func logTo(b *bytes.Buffer) httpevent.Option {
	return httpevent.WithLogger(slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

func answering(f func(r *http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, f(r)) }
}

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

func TestPanicsAreAnswered(t *testing.T) {
	for _, d := range allDoors() {
		t.Run(string(d), func(t *testing.T) {
			var log bytes.Buffer
			got := d.mustInvoke(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Half", "done")
				w.WriteHeader(http.StatusOK)
				_, _ = w.Write([]byte("half"))
				panic("the reason")
			}), get("/"), logTo(&log))
			if _, half := got.Header["X-Half"]; got.Status != 500 || half || got.Body != "Internal Server Error\n" {
				t.Errorf("got %+v", got)
			}
			var record struct{ Level, Panic, Stack string }
			if err := json.Unmarshal(log.Bytes(), &record); err != nil {
				t.Fatal(err)
			}
			if record.Level != "ERROR" || record.Panic != "the reason" || !strings.Contains(record.Stack, "handler_test.go") {
				t.Errorf("log: %+v", record)
			}
		})
	}
}

func TestAnswersThatCannotBeFailTheInvocation(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, httpevent.TypeAborted},
		{"short body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("12345"))
		}, httpevent.TypeShortBody},
	} {
		for _, d := range allDoors() {
			t.Run(tt.name+"/"+string(d), func(t *testing.T) {
				_, err := d.invoke(t, tt.handler, get("/"))
				var failure messages.InvokeResponse_Error
				if !errors.As(err, &failure) || failure.Type != tt.want || failure.ShouldExit {
					t.Errorf("got %v; want type %s", err, tt.want)
				}
			})
		}
	}
}

func TestLimitOfAnswers(t *testing.T) {
	body := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			for n := n; n > 0; n -= 100_000 {
				if _, err := w.Write(bytes.Repeat([]byte("x"), min(n, 100_000))); err != nil {
					panic(err)
				}
			}
		}
	}
	event := functionURL.event(t, get("/"))
	empty, err := httpevent.New(body(3000)).Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	fits := httpevent.MaxResponse - (len(empty) - 3000)
	out, err := httpevent.New(body(fits)).Invoke(t.Context(), event)
	if err != nil || len(out) != httpevent.MaxResponse {
		t.Fatalf("%d bytes, %v; want %d", len(out), err, httpevent.MaxResponse)
	}
	for _, more := range []int{1, 100, 10_000_000} {
		var log bytes.Buffer
		_, err = httpevent.New(body(fits+more), logTo(&log)).Invoke(t.Context(), event)
		want := messages.InvokeResponse_Error{
			Type: "Function.ResponseSizeTooLarge",
			Message: fmt.Sprintf("Response payload size (%d bytes) exceeded maximum allowed payload size (6291556 bytes).",
				httpevent.MaxResponse+more),
		}
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !strings.Contains(log.String(), `"limit_bytes":6291556`) || !strings.Contains(log.String(), `"level":"ERROR"`) {
			t.Errorf("log: %s", &log)
		}
	}
}

func TestContextIsTheInvocations(t *testing.T) {
	for _, d := range allDoors() {
		t.Run(string(d), func(t *testing.T) {
			parent, cancel := benchContext()
			defer cancel()
			var seen context.Context
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				seen = r.Context()
				want, _ := parent.Deadline()
				if got, ok := seen.Deadline(); !ok || got != want {
					t.Errorf("deadline %v; want %v", got, want)
				}
				if lc, ok := lambdacontext.FromContext(seen); !ok || lc.AwsRequestID != "id" {
					t.Errorf("lambda context %v", lc)
				}
				if seen.Err() != nil {
					t.Error("ended before the handler")
				}
				child, cancel := context.WithCancel(seen)
				defer cancel()
				if _, ok := httpevent.EventFromContext(child); !ok {
					t.Error("no event")
				}
			})
			if d == streamed {
				_, err := readStream(parent, httpevent.NewStreamer(h), d.event(t, get("/")))
				if err != nil {
					t.Fatal(err)
				}
			} else if _, err := httpevent.New(h).Invoke(parent, d.event(t, get("/"))); err != nil {
				t.Fatal(err)
			}
			<-seen.Done()
			if parent.Err() != nil {
				t.Error("the invocation's context was ended")
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
		if _, err := httpevent.New(h).Invoke(ctx, functionURL.event(t, get("/"))); err != nil {
			t.Error(err)
		}
	})
}

func TestEventFromContext(t *testing.T) {
	shapes := map[door]httpevent.Shape{
		functionURL: httpevent.Payload2, httpAPI: httpevent.Payload2, streamed: httpevent.Payload2,
		restAPI: httpevent.Payload1, albSingle: httpevent.ALB, albMulti: httpevent.ALB,
	}
	for _, d := range allDoors() {
		var got httpevent.Event
		var ctx context.Context
		d.mustInvoke(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx = r.Context()
			got, _ = httpevent.EventFromContext(ctx)
		}), get("/x"))
		if got.Shape != shapes[d] || !bytes.Equal(got.Raw, d.event(t, get("/x"))) {
			t.Errorf("%s: %s, %s", d, got.Shape, got.Raw)
		}
		var any struct{ RequestContext map[string]any }
		if err := got.Decode(&any); err != nil || len(any.RequestContext) == 0 {
			t.Errorf("%s: %v, %v", d, any, err)
		}
	}
	if _, ok := httpevent.EventFromContext(t.Context()); ok {
		t.Error("an event outside of Lambda")
	}
	var late context.Context
	functionURL.mustInvoke(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { late = r.Context() }), get("/"))
	if _, ok := httpevent.EventFromContext(late); ok {
		t.Error("an event after its end")
	}
}

// Handlers that were written for api-proxy find what they look for, and not what belongs to another shape.
func TestAccessorsOfCore(t *testing.T) {
	const v2 = `{"version":"2.0","rawPath":"/","stageVariables":{"a":"b"},"requestContext":{"accountId":"1234","stage":"s","apiId":"x",
		"domainName":"d.example.com","authorizer":{"jwt":{"claims":{"sub":"me"}}},"http":{"method":"GET","path":"/","sourceIp":"1.2.3.4"}}}`
	const v1 = `{"httpMethod":"GET","path":"/","stageVariables":{"a":"b"},"requestContext":{"accountId":"1234","stage":"s",
		"authorizer":{"principalId":"me"},"identity":{"sourceIp":"1.2.3.4"}}}`
	const alb = `{"httpMethod":"GET","path":"/","headers":{"host":"h"},"requestContext":{"elb":{"targetGroupArn":"arn"}}}`
	for name, tt := range map[string]struct {
		event string
		want  [8]bool
	}{
		"2.0": {v2, [8]bool{true, true, true}},
		"1.0": {v1, [8]bool{3: true, 4: true, 5: true}},
		"alb": {alb, [8]bool{6: true, 7: true}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := benchContext()
			defer cancel()
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var got [8]bool
				var v2 events.APIGatewayV2HTTPRequestContext
				var v1 events.APIGatewayProxyRequestContext
				var alb events.ALBTargetGroupRequestContext
				var lc [3]*lambdacontext.LambdaContext
				var vars [2]map[string]string
				c := context.WithValue(r.Context(), struct{ own int }{}, 1)
				v2, got[0] = core.GetAPIGatewayV2ContextFromContext(c)
				lc[0], got[1] = core.GetRuntimeContextFromContextV2(c)
				vars[0], got[2] = core.GetStageVarsFromContextV2(c)
				v1, got[3] = core.GetAPIGatewayContextFromContext(c)
				lc[1], got[4] = core.GetRuntimeContextFromContext(c)
				vars[1], got[5] = core.GetStageVarsFromContext(c)
				alb, got[6] = core.GetTargetGroupRequetFromContextALB(c)
				lc[2], got[7] = core.GetRuntimeContextFromContextALB(c)
				if got != tt.want {
					t.Errorf("found %v; want %v", got, tt.want)
				}
				for i, at := range []int{1, 4, 7} {
					if got[at] && (lc[i] == nil || lc[i].AwsRequestID != "id") {
						t.Errorf("lambda context %d is %v", i, lc[i])
					}
				}
				switch {
				case got[0] && (v2.AccountID != "1234" || v2.HTTP.SourceIP != "1.2.3.4" || v2.Authorizer.JWT.Claims["sub"] != "me" || vars[0]["a"] != "b"),
					got[3] && (v1.AccountID != "1234" || v1.Authorizer["principalId"] != "me" || vars[1]["a"] != "b"),
					got[6] && alb.ELB.TargetGroupArn != "arn":
					t.Errorf("%+v %+v %+v %v", v2, v1, alb, vars)
				}
			})
			if _, err := httpevent.New(h).Invoke(ctx, []byte(tt.event)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestUploadsLeaveNoFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var form bytes.Buffer
	mw := multipart.NewWriter(&form)
	part, err := mw.CreateFormFile("file", "name.bin")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(binaryBody(100_000))
	_ = mw.Close()
	files := func() int {
		entries, err := os.ReadDir(os.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	r := request{"POST", "/", []string{"Content-Type", mw.FormDataContentType()}, form.String()}
	functionURL.mustInvoke(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1000); err != nil || files() != 1 { //nolint:gosec // the size is known
			t.Errorf("%v, %d files", err, files())
		}
	}), r)
	if n := files(); n > 0 {
		t.Errorf("%d files are left", n)
	}
}

// What a handler has kept cannot reach into the next invocation, whose event may be in the same memory.
func TestNothingOutlivesTheInvocation(t *testing.T) {
	var body io.ReadCloser
	var writer http.ResponseWriter
	var path string
	h := httpevent.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { body, writer, path = r.Body, w, r.URL.Path }))
	event := functionURL.event(t, request{"POST", "/kept", nil, "secret"})
	if _, err := h.Invoke(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	for i := range event {
		event[i] = '!'
	}
	if n, err := body.Read(make([]byte, 10)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("read %d, %v", n, err)
	}
	if n, err := writer.Write([]byte("late")); n != 0 || err == nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if err := http.NewResponseController(writer).Flush(); err == nil {
		t.Error("flushed")
	}
	writer.WriteHeader(http.StatusTeapot)
	if path != "/kept" {
		t.Errorf("path %q", path)
	}
}
