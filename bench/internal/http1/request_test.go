package http1_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crossover-bench/crossover/bench/internal/http1"
)

// plain are requests that the package is for.
var plain = map[string]string{
	"GET":                "GET / HTTP/1.1\r\nHost: localhost:80\r\n\r\n",
	"query":              "GET /a%20b?c=d&c=e HTTP/1.1\r\nHost: h\r\nAccept: */*\r\naccept: text/plain\r\n\r\n",
	"body":               "POST / HTTP/1.1\r\nHost: [::1]:1\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nabc",
	"no body":            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
	"last":               "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"not last":           "GET / HTTP/1.1\r\nHost: h\r\nconnection: keep-alive\r\n\r\n",
	"spaces":             "GET / HTTP/1.1\r\nHost:h\r\nX-A:  b c\t\r\nX-B:\r\n\r\n",
	"cookies":            "GET / HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n",
	"two":                "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
	"bytes over 127":     "GET / HTTP/1.1\r\nHost: h\r\nX: \xe4\xff\r\n\r\n",
	"a method of a kind": "PURGE / HTTP/1.1\r\nHost: h\r\n\r\n",
	"double slash":       "GET //a/../b HTTP/1.1\r\nHost: h\r\n\r\n",
}

// odd are those that are left to net/http, which takes some and refuses others.
var odd = map[string]string{
	"nothing":               "",
	"cut off":               "GET / HTTP/1.1\r\nHost: h\r\n",
	"line feeds alone":      "GET / HTTP/1.1\nHost: h\n\n",
	"one line feed alone":   "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
	"HTTP/1.0":              "GET / HTTP/1.0\r\nHost: h\r\n\r\n",
	"HTTP/1.10":             "GET / HTTP/1.10\r\nHost: h\r\n\r\n",
	"HTTP/2.0":              "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"no host":               "GET / HTTP/1.1\r\n\r\n",
	"two hosts":             "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
	"empty host":            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
	"odd host":              "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
	"whole URL":             "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n",
	"star":                  "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
	"CONNECT":               "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
	"method in small":       "get / HTTP/1.1\r\nHost: h\r\n\r\n",
	"method with a mark":    "G\"T / HTTP/1.1\r\nHost: h\r\n\r\n",
	"no method":             " / HTTP/1.1\r\nHost: h\r\n\r\n",
	"spaces in the target":  "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
	"bad escape":            "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
	"folded":                "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
	"folded at once":        "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
	"space before colon":    "GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n",
	"no colon":              "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n",
	"no name":               "GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n",
	"zero byte":             "GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n",
	"carriage return alone": "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
	"chunks":                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"chunks with a trailer": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
	"length and chunks":     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"unknown coding":        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nabc",
	"two lengths":           "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
	"the same length twice": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
	"signed length":         "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc",
	"negative length":       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\nabc",
	"empty length":          "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n",
	"no number":             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\nabc",
	"great body":            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n" + strings.Repeat("x", 65537),
	"expectation":           "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
	"other expectation":     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: more\r\n\r\nabc",
	"upgrade":               "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	"two connections":       "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
	"pragma":                "GET / HTTP/1.1\r\nHost: h\r\nPragma: no-cache\r\n\r\n",
	"great head":            "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 5000) + "\r\n\r\n",
	"too great head":        "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n",
	"CR LF first":           "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
	"TLS":                   "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

func readPlain(raw []byte) (*http.Request, *bufio.Reader, bool) {
	r := bufio.NewReader(bytes.NewReader(raw))
	_, _ = r.Peek(1)
	req, ok := http1.ReadPlain(r)
	return req, r, ok
}

func TestReadPlain(t *testing.T) {
	for name, raw := range plain {
		t.Run(name, func(t *testing.T) {
			if _, _, ok := readPlain([]byte(raw)); !ok {
				t.Error("it is not taken for plain")
			}
			same(t, []byte(raw))
		})
	}
	for name, raw := range odd {
		t.Run(name, func(t *testing.T) {
			_, rest, ok := readPlain([]byte(raw))
			if ok {
				t.Error("it is taken for plain")
			}
			if all, _ := io.ReadAll(rest); string(all) != raw {
				t.Errorf("of %d bytes %d are left", len(raw), len(all))
			}
		})
	}
}

// A request of which the head has not come as a whole is left alone.
func TestReadPlainInParts(t *testing.T) {
	r := bufio.NewReader(iotest.OneByteReader(strings.NewReader(plain["body"])))
	_, _ = r.Peek(1)
	if _, ok := http1.ReadPlain(r); ok {
		t.Error("it is plain after its first byte")
	}
	_, _ = r.Peek(len(plain["body"]) - 3)
	req, ok := http1.ReadPlain(r)
	if !ok {
		t.Fatal("it is not plain")
	}
	if body, err := io.ReadAll(req.Body); string(body) != "abc" || err != nil {
		t.Errorf("body = %q, %v", body, err)
	}
}

// same checks that a request which is plain is what net/http makes of it, and that as much is read.
func same(t *testing.T, raw []byte) {
	t.Helper()
	got, gotRest, ok := readPlain(raw)
	if !ok {
		return
	}
	wantRest := bufio.NewReader(bytes.NewReader(raw))
	want, err := http.ReadRequest(wantRest)
	if err != nil {
		t.Fatalf("net/http: %v for %q", err, raw)
	}
	ignore := cmp.Options{cmpopts.IgnoreUnexported(http.Request{}), cmpopts.IgnoreFields(http.Request{}, "Body")}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("%q (-net/http +plain):\n%s", raw, diff)
	}
	gotBody, gotErr := io.ReadAll(got.Body)
	wantBody, wantErr := io.ReadAll(want.Body)
	if !bytes.Equal(gotBody, wantBody) || gotErr != wantErr { //nolint:errorlint // they are to be the same
		t.Errorf("body = %q, %v; net/http's %q, %v", gotBody, gotErr, wantBody, wantErr)
	}
	left, _ := io.ReadAll(gotRest)
	wantLeft, _ := io.ReadAll(wantRest)
	if !bytes.Equal(left, wantLeft) {
		t.Errorf("%q is left; by net/http %q", left, wantLeft)
	}
}

func FuzzReadPlain(f *testing.F) {
	for _, raw := range plain {
		f.Add([]byte(raw))
	}
	for _, raw := range odd {
		if len(raw) < 200 {
			f.Add([]byte(raw))
		}
	}
	f.Fuzz(same)
}

// BenchmarkReadPlain reads the same requests by itself and by net/http in turns, and reports the share of the time:
//
//	go test ./bench/internal/http1 -run '^$' -bench ReadPlain
func BenchmarkReadPlain(b *testing.B) {
	const raw = "POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:40000\r\nUser-Agent: x\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n" +
		"Accept-Encoding: gzip\r\n\r\n"
	var took [2]time.Duration
	source := strings.NewReader("")
	r := bufio.NewReader(source)
	for i := range 2 * b.N {
		source.Reset(raw)
		r.Reset(source)
		_, _ = r.Peek(1)
		began := time.Now()
		if i%2 == 0 {
			if _, ok := http1.ReadPlain(r); !ok {
				b.Fatal("it is not plain")
			}
		} else if _, err := http.ReadRequest(r); err != nil {
			b.Fatal(err)
		}
		took[i%2] += time.Since(began)
	}
	b.ReportMetric(float64(took[0])/float64(took[1]), "of_net/http")
	b.ReportMetric(0, "ns/op") // of both together, says nothing
}
