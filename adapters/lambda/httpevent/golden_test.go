package httpevent_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"
)

// The requests and answers of the events that AWS documents.
func TestDocumentedEvents(t *testing.T) {
	want := map[string][2]string{
		"function-url": {"POST /my/path?parameter1=value1&parameter1=value2&parameter2=value <url-id>.lambda-url.us-west-2.on.aws 123.123.123.123:0 18 " +
			"[Cookie: cookie1; cookie2|Header1: value1|Header2: value1,value2]", single},
		"http-api": {"POST /my/path%20with%20spaces?parameter1=value1&parameter1=value2&parameter2=value id.execute-api.us-east-1.amazonaws.com 192.0.2.1:0 15 " +
			"[Cookie: cookie1; cookie2|Header1: value1|Header2: value1,value2]", single},
		"rest-api": {"GET /my/path%20x?parameter1=value1&parameter1=value2&parameter2=a%20b%26c id.execute-api.us-east-1.amazonaws.com 192.0.2.1:0 18 " +
			"[Header1: value1|Header2: value1|Header2: value2]", multi},
		"http-api-1.0": {"GET /my/100%25%20path id.execute-api.us-east-1.amazonaws.com 192.0.2.1:0 0 [Header1: value1]", multi},
		"alb": {"GET /lambda%2Fx?query=1234ABCD%20x&a=b+c lambda-846800462-us-east-2.elb.amazonaws.com 72.21.198.66:0 0 [Accept-Language: en-US,en;q=0.8|" +
			"Accept: text/html,application/xhtml+xml|Cookie: cookies|User-Agent: Mozilla/5.0|X-Amzn-Trace-Id: Root=1-5bdb40ca-556d8b0c50dc66f0511bf520|" +
			"X-Forwarded-For: 72.21.198.66|X-Forwarded-Port: 443|X-Forwarded-Proto: https]", albOne},
		"alb-multi-value": {"GET /lambda%2Fx?myKey=val1&myKey=val2&q=%26 lambda-846800462-us-east-2.elb.amazonaws.com 72.21.198.66:0 0 [Accept-Language: en-US,en;q=0.8|" +
			"Accept: text/html,application/xhtml+xml|Cookie: name1=value1|Cookie: name2=value2|User-Agent: Mozilla/5.0|" +
			"X-Amzn-Trace-Id: Root=1-5bdb40ca-556d8b0c50dc66f0511bf520|X-Forwarded-For: 72.21.198.66|X-Forwarded-Port: 443|X-Forwarded-Proto: https]", albAll},
		"alb-health-check": {"GET /  0.0.0.0:0 0 [User-Agent: ELB-HealthChecker/2.0]", albOne},
	}
	all := documents(t)
	if len(all) != len(want) {
		t.Errorf("%d documents; want %d", len(all), len(want))
	}
	for name, event := range all {
		t.Run(name, func(t *testing.T) {
			var got string
			out, err := httpevent.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var fields []string
				for name, values := range r.Header {
					for _, v := range values {
						fields = append(fields, name+": "+v)
					}
				}
				slices.Sort(fields)
				got = fmt.Sprintf("%s %s %s %s %d [%s]", r.Method, r.RequestURI, r.Host, r.RemoteAddr, r.ContentLength, strings.Join(fields, "|"))
				w.Header().Add("X-A", "1")
				w.Header().Add("X-A", "2")
				w.Header().Add("Set-Cookie", "a=b")
				w.Header().Add("Set-Cookie", "c=d")
				w.WriteHeader(http.StatusNotFound)
				report(w, `"é"`)
			})).Invoke(t.Context(), event)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[name], [2]string{got, string(out)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The answers to the different front doors.
const (
	body   = `{"body":"\"é\"\n","isBase64Encoded":false,"statusCode":404,`
	single = body + `"headers":{"X-A":"1, 2","Content-Type":"text/plain; charset=utf-8","Content-Length":"5"},"cookies":["a=b","c=d"]}`
	multi  = body + `"multiValueHeaders":{"Set-Cookie":["a=b","c=d"],"X-A":["1","2"],"Content-Type":["text/plain; charset=utf-8"],"Content-Length":["5"]}}`
	albOne = body + `"statusDescription":"404 Not Found","headers":{"set-cookie":"a=b","Set-cookie":"c=d","X-A":"1, 2",` +
		`"Content-Type":"text/plain; charset=utf-8","Content-Length":"5"}}`
	albAll = body + `"statusDescription":"404 Not Found",` +
		`"multiValueHeaders":{"Set-Cookie":["a=b","c=d"],"X-A":["1","2"],"Content-Type":["text/plain; charset=utf-8"],"Content-Length":["5"]}}`
)
