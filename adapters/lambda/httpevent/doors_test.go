package httpevent_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"

	"github.com/aws/aws-lambda-go/lambda"
)

// limit ends what hangs; nothing in the tests depends on how long things take.
const limit = 2 * time.Minute

const (
	clientIP = "203.0.113.7"
	testHost = "app.example.com"
)

// request is one as it is on the wire.
type request struct {
	method, target string
	header         []string // name, value, ...
	body           string
}

func (r request) raw() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.method, r.target, testHost)
	for i := 0; i < len(r.header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", r.header[i], r.header[i+1])
	}
	if r.body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	return b.String() + "Connection: close\r\n\r\n" + r.body
}

// answer is one as it reaches a client: of several values of a field those of net/http are joined, as front doors do.
type answer struct {
	Status  int
	Header  map[string]string
	Cookies []string
	Body    string
}

// overHTTP has h answer r under net/http.
func overHTTP(t testing.TB, h http.Handler, r request) answer {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	return send(t, srv, r)
}

func send(t testing.TB, srv *httptest.Server, r request) answer {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // only read from
	_ = conn.SetDeadline(time.Now().Add(limit))
	if _, err := io.WriteString(conn, r.raw()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Status: resp.StatusCode, Header: map[string]string{}, Body: string(body)}
	for name, values := range resp.Header {
		a.add(name, values)
	}
	return a
}

// add adds a field, unless the front door decides about it.
func (a *answer) add(name string, values []string) {
	switch http.CanonicalHeaderKey(name) {
	case "Date", "Connection":
	case "Set-Cookie":
		a.Cookies = append(a.Cookies, values...)
	default:
		a.Header[name] = strings.Join(values, ", ")
	}
}

// door makes events of requests as one kind of front door does.
type door string

const (
	functionURL door = "function URL"
	httpAPI     door = "HTTP API"
	restAPI     door = "REST API"
	albSingle   door = "ALB"
	albMulti    door = "ALB multi"
	streamed    door = "function URL streamed"
)

func allDoors() []door {
	return []door{functionURL, httpAPI, restAPI, albSingle, albMulti, streamed}
}

// invoke has h answer r behind the door.
func (d door) invoke(t testing.TB, h http.Handler, r request, opts ...httpevent.Option) (answer, error) {
	t.Helper()
	opts = append([]httpevent.Option{httpevent.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if d == streamed {
		return readStream(ctx, httpevent.NewStreamer(h, opts...), d.event(t, r))
	}
	out, err := httpevent.New(h, opts...).Invoke(ctx, d.event(t, r))
	if err != nil {
		return answer{}, err
	}
	return readAnswer(t, out), nil
}

// mustInvoke is invoke for what has to succeed.
func (d door) mustInvoke(t testing.TB, h http.Handler, r request, opts ...httpevent.Option) answer {
	t.Helper()
	a, err := d.invoke(t, h, r, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func invokeRaw(t testing.TB, h http.Handler, event string, opts ...httpevent.Option) answer {
	t.Helper()
	out, err := httpevent.New(h, opts...).Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, out)
}

// wireAnswer is what a function answers.
type wireAnswer struct {
	StatusCode        int
	StatusDescription string
	Headers           map[string]string
	MultiValueHeaders map[string][]string
	Cookies           []string
	Body              string
	IsBase64Encoded   bool
}

func readAnswer(t testing.TB, raw []byte) answer {
	t.Helper()
	var w wireAnswer
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	if dec.More() {
		t.Fatalf("more than one value: %s", raw)
	}
	return w.answer(t)
}

func (w wireAnswer) answer(t testing.TB) answer {
	t.Helper()
	a := answer{Status: w.StatusCode, Header: map[string]string{}, Body: w.Body}
	for _, name := range slices.Sorted(mapKeys(w.Headers)) {
		a.add(name, []string{w.Headers[name]})
	}
	for name, values := range w.MultiValueHeaders {
		a.add(name, values)
	}
	a.Cookies = append(a.Cookies, w.Cookies...)
	if w.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		a.Body = string(body)
	}
	return a
}

func mapKeys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func readStream(ctx context.Context, s *httpevent.Streamer, event []byte) (answer, error) {
	resp, err := s.Serve(ctx, event)
	if err != nil {
		return answer{}, err
	}
	defer resp.Close() //nolint:errcheck // is always nil
	raw, err := io.ReadAll(resp)
	if err != nil {
		return answer{}, err
	}
	head, body, ok := bytes.Cut(raw, make([]byte, 8))
	if !ok {
		return answer{}, fmt.Errorf("no zero bytes in %q", raw)
	}
	var w wireAnswer
	if err := json.Unmarshal(head, &w); err != nil {
		return answer{}, err
	}
	a := answer{Status: w.StatusCode, Header: map[string]string{}, Cookies: w.Cookies, Body: string(body)}
	for name, value := range w.Headers {
		a.add(name, []string{value})
	}
	return a, nil
}

// event makes the event of r.
func (d door) event(t testing.TB, r request) []byte {
	t.Helper()
	path, query, _ := strings.Cut(r.target, "?")
	var names []string
	fields := map[string][]string{}
	add := func(name, value string) {
		name = strings.ToLower(name)
		if d == restAPI {
			name = textproto.CanonicalMIMEHeaderKey(name)
		}
		if fields[name] == nil {
			names = append(names, name)
		}
		fields[name] = append(fields[name], value)
	}
	add("host", testHost)
	for i := 0; i < len(r.header); i += 2 {
		add(r.header[i], r.header[i+1])
	}
	if r.body != "" {
		add("content-length", strconv.Itoa(len(r.body)))
	}
	add("x-forwarded-for", clientIP)
	add("x-forwarded-proto", "https")
	var e object
	switch d {
	case functionURL, httpAPI, streamed:
		d.payload2(t, &e, r, path, query, names, fields)
	case restAPI:
		e.set("resource", "/{proxy+}").set("path", path).set("httpMethod", r.method)
		e.setRaw("multiValueHeaders", lists(names, fields)).setRaw("multiValueQueryStringParameters", parameters(t, query, true, true))
		e.set("requestContext", map[string]any{
			"stage": "prod", "path": "/prod" + path, "httpMethod": r.method, "domainName": "abc.execute-api.us-east-1.amazonaws.com",
			"identity": map[string]any{"sourceIp": clientIP}, "requestId": "id",
		})
	case albSingle, albMulti:
		e.set("requestContext", map[string]any{"elb": map[string]any{"targetGroupArn": "arn:aws:elasticloadbalancing:x"}})
		e.set("httpMethod", r.method).set("path", path)
		if d == albMulti {
			e.setRaw("multiValueHeaders", lists(names, fields)).setRaw("multiValueQueryStringParameters", parameters(t, query, false, true))
		} else {
			last := map[string]string{}
			for name, values := range fields {
				last[name] = values[len(values)-1]
			}
			e.set("headers", last).setRaw("queryStringParameters", parameters(t, query, false, false))
		}
	}
	if !utf8.ValidString(r.body) {
		e.set("body", base64.StdEncoding.EncodeToString([]byte(r.body))).set("isBase64Encoded", true)
	} else {
		e.set("body", r.body).set("isBase64Encoded", false)
	}
	return e.bytes()
}

func (d door) payload2(t testing.TB, e *object, r request, path, query string, names []string, fields map[string][]string) {
	t.Helper()
	domain, account := "abc.lambda-url.us-east-1.on.aws", "anonymous"
	if d == httpAPI {
		domain, account = "abc.execute-api.us-east-1.amazonaws.com", "123456789012"
		decoded, err := url.PathUnescape(path)
		if err != nil {
			t.Fatal(err)
		}
		path = decoded
	}
	joined := map[string]string{}
	for _, name := range names {
		joined[name] = strings.Join(fields[name], ",")
	}
	if lines := fields["cookie"]; len(lines) > 0 {
		e.set("cookies", strings.Split(strings.Join(lines, "; "), "; "))
		delete(joined, "cookie")
	}
	e.set("version", "2.0").set("rawPath", path).set("rawQueryString", query).set("headers", joined)
	e.set("requestContext", map[string]any{
		"accountId": account, "domainName": domain, "stage": "$default", "requestId": "id", "timeEpoch": 1583348638390,
		"http": map[string]any{"method": r.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": clientIP},
	})
}

// object is a JSON object that keeps its order.
type object struct{ b bytes.Buffer }

func (o *object) set(name string, value any) *object {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return o.setRaw(name, raw)
}

func (o *object) setRaw(name string, raw []byte) *object {
	if o.b.Len() > 0 {
		o.b.WriteByte(',')
	}
	key, err := json.Marshal(name)
	if err != nil {
		panic(err)
	}
	o.b.Write(key)
	o.b.WriteByte(':')
	o.b.Write(raw)
	return o
}

func (o *object) bytes() []byte { return []byte("{" + o.b.String() + "}") }

func lists(names []string, fields map[string][]string) []byte {
	var o object
	for _, name := range names {
		o.set(name, fields[name])
	}
	return o.bytes()
}

// parameters takes a query apart, as a gateway (decoded) or load balancer does.
func parameters(t testing.TB, query string, decoded, multi bool) []byte {
	t.Helper()
	var names []string
	values := map[string][]string{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if decoded {
			var err, err2 error
			name, err = url.QueryUnescape(name)
			value, err2 = url.QueryUnescape(value)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
		}
		if values[name] == nil {
			names = append(names, name)
		}
		values[name] = append(values[name], value)
	}
	if len(names) == 0 {
		return []byte("null")
	}
	if multi {
		return lists(names, values)
	}
	var o object
	for _, name := range names {
		o.set(name, values[name][len(values[name])-1])
	}
	return o.bytes()
}

var _ lambda.Handler = httpevent.New(nil)
