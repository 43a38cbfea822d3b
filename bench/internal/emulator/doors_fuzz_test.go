package emulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// anyEvent is what the fuzz test reads back of an event of any door.
type anyEvent struct {
	RawPath      string              `json:"rawPath"`
	Path         string              `json:"path"`
	Headers      map[string]string   `json:"headers"`
	MultiHeaders map[string][]string `json:"multiValueHeaders"`
	Query        map[string]string   `json:"queryStringParameters"`
	MultiQuery   map[string][]string `json:"multiValueQueryStringParameters"`
	Body         *string             `json:"body"`
	Base64       *bool               `json:"isBase64Encoded"`
	Context      map[string]any      `json:"requestContext"`
}

// FuzzDoors checks the events of all doors against encoding/json, net/url and each other.
func FuzzDoors(f *testing.F) {
	f.Add("/a%2Fb%3Fc", "q=1&q=2&x=%20+", "value", "a=1; b", "text/plain", []byte("hello"))
	f.Add("/", "", "\x80\xff\"\\\t\x01", "", "application/json", []byte("{\"a\":\"\u2028\"}"))
	f.Add("/ü%zz%4", "a;b&%zz&=&&", "\ufffd", ";;", "image/png", []byte{0, 255, 13, 10})
	f.Fuzz(func(t *testing.T, path, query, value, cookie, kind string, body []byte) {
		path = "/" + strings.ReplaceAll(path, "?", "")
		r := &http.Request{
			Method: "POST", Host: value, Proto: "HTTP/1.1",
			Header: http.Header{"X-One": {value}, "X-Two": {value, query}, "Cookie": {cookie}, "Content-Type": {kind}, "Content-Length": {"5"}},
		}
		meta := &requestMeta{requestID: "id", traceID: value, sourceIP: "127.0.0.1", port: "80", now: time.Unix(0, 0)}
		events := map[FrontDoor]anyEvent{}
		for _, name := range FrontDoors() {
			d, err := newDoor(name, &Config{HTTPAPIStage: defaultStage, RESTAPIStage: "prod", Region: "r", FunctionName: "f"})
			if err != nil {
				t.Fatal(err)
			}
			r.RequestURI = d.base() + path + "?" + query
			raw := d.event(nil, r, body, meta)
			var e anyEvent
			if err := json.Unmarshal(raw, &e); err != nil {
				t.Fatalf("%s: %v in %q", name, err, raw)
			}
			events[name] = e
			checkBody(t, name, e, body)
		}
		for name, want := range map[FrontDoor]string{DoorRESTAPI: path, DoorALB: path, DoorALBMulti: path} {
			if got := events[name].Path; got != throughJSON(t, want) {
				t.Errorf("%s: path is %q, want %q", name, got, want)
			}
		}
		if decoded, err := url.PathUnescape(path); err == nil && events[DoorHTTPAPI].RawPath != throughJSON(t, decoded) {
			t.Errorf("HTTP API: path is %q, want %q", events[DoorHTTPAPI].RawPath, decoded)
		}
		checkHeaders(t, events, value, query, cookie)
		checkParameters(t, events, query)
	})
}

func checkBody(t *testing.T, name FrontDoor, e anyEvent, body []byte) {
	t.Helper()
	if e.Base64 == nil {
		t.Fatalf("%s: isBase64Encoded is missing", name)
	}
	got := []byte{}
	if e.Body != nil {
		got = []byte(*e.Body)
	}
	if *e.Base64 {
		var err error
		if got, err = base64.StdEncoding.DecodeString(*e.Body); err != nil {
			t.Error(err)
		}
	}
	if string(got) != string(body) {
		t.Errorf("%s: body is %q, want %q", name, got, body)
	}
}

func checkHeaders(t *testing.T, events map[FrontDoor]anyEvent, value, query, cookie string) {
	t.Helper()
	one, two := throughJSON(t, value), throughJSON(t, query)
	for name, e := range events {
		single, multi := e.Headers, e.MultiHeaders
		key := strings.ToLower
		if name == DoorRESTAPI {
			key = func(s string) string { return s }
		}
		want := map[string][]string{key("X-One"): {one}, key("X-Two"): {one, two}, key("Cookie"): {throughJSON(t, cookie)}, key("Host"): {one}}
		for header, values := range want {
			last := values[len(values)-1]
			switch {
			case name == DoorHTTPAPI && header == "cookie":
				last = ""
			case single != nil && multi == nil && name != DoorALB:
				last = strings.Join(values, ",")
			}
			if single != nil && single[header] != last {
				t.Errorf("%s: %s is %q, want %q", name, header, single[header], last)
			}
			if multi != nil {
				if diff := cmp.Diff(values, multi[header]); diff != "" {
					t.Errorf("%s: %s (-want +got):\n%s", name, header, diff)
				}
			}
		}
	}
	if (events[DoorALBMulti].Headers != nil) || (events[DoorALB].MultiHeaders != nil) || events[DoorRESTAPI].MultiHeaders["Content-Length"] != nil {
		t.Error("a field is there that its door does not have")
	}
}

func checkParameters(t *testing.T, events map[FrontDoor]anyEvent, query string) {
	t.Helper()
	want, err := url.ParseQuery(query) // refuses semicolons and bad encodings
	if err != nil || !utf8.ValidString(query) || !utf8.ValidString(decodePath(query)) {
		return
	}
	if len(want) == 0 {
		want = nil
	}
	if diff := cmp.Diff(map[string][]string(want), events[DoorRESTAPI].MultiQuery); diff != "" {
		t.Errorf("REST API: parameters of %q (-want +got):\n%s", query, diff)
	}
	// What the load balancer leaves encoded is the same once it is decoded.
	var decoded url.Values
	for name, values := range events[DoorALBMulti].MultiQuery {
		if decoded == nil {
			decoded = url.Values{}
		}
		for _, value := range values {
			decoded[unescape(name)] = append(decoded[unescape(name)], unescape(value))
		}
	}
	for name, values := range want {
		if len(decoded[name]) != len(values) {
			t.Errorf("load balancer: %q has %q, want %q", name, decoded[name], values)
		}
	}
	for name, values := range events[DoorALBMulti].MultiQuery {
		if got := events[DoorALB].Query[name]; got != values[len(values)-1] {
			t.Errorf("load balancer: %q is %q, want the last of %q", name, got, values)
		}
	}
}

// FuzzDoorAnswers checks that every door refuses an answer or makes something of it that can be sent.
func FuzzDoorAnswers(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":"b"},"multiValueHeaders":{"a":["b","c"]},"cookies":["c"],"body":"d"}`))
	f.Add([]byte(`{"statusCode":"204","isBase64Encoded":true,"body":"AAAA","headers":null}`))
	f.Add([]byte(`{"statusCode":200,"multiValueHeaders":{"a":null,"A":[1,true,null]}}`))
	f.Add([]byte("\v0")) // no JSON
	f.Fuzz(func(t *testing.T, raw []byte) {
		for name, decode := range map[string]func([]byte) (httpAnswer, error){
			"url": functionURL{}.answer, "http": httpAPI{}.answer, "rest": restAPI{}.answer, "alb": loadBalancer{}.answer,
			"multi": loadBalancer{multi: true}.answer, "stream": decodeStreamHead,
		} {
			a, err := decode(raw)
			if err != nil {
				continue
			}
			if a.status < 200 || a.status > 599 || a.header == nil || !json.Valid(raw) {
				t.Errorf("%s: %d %v of %q", name, a.status, a.header, raw)
			}
			for header := range a.header {
				if header != http.CanonicalHeaderKey(header) {
					t.Errorf("%s: header %q of %q", name, header, raw)
				}
			}
		}
	})
}

func TestDecodePath(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "/a+b": "/a+b", "/%2F%3f%25": "//?%", "/%zz%41": "/%zzA", "/%4": "/%4", "/%": "/%", "/%C3%BC": "/ü", "/100%/%20": "/100%/ ", "/%+1": "/%+1", "/%-1%20": "/%-1 ",
	} {
		if got := decodePath(path); got != want {
			t.Errorf("%q is decoded to %q, want %q", path, got, want)
		}
	}
}
