package loadgen

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// The algorithm as AWS publishes it, written from its documentation, on what comes over the wire:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

// uriEncode percent-encodes all but unreserved characters, and slashes if they are kept.
func uriEncode(text string, slash bool) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0, c == '/' && slash:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func percentDecode(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if n, err := strconv.ParseUint(text[min(i+1, len(text)):min(i+3, len(text))], 16, 8); text[i] == '%' && err == nil {
			b.WriteByte(byte(n))
			i += 2
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, text)
	return h.Sum(nil)
}

// signature of a request as it arrived. signed is the list of signed headers, scope is date/region/service/aws4_request.
func signature(secret, method, target, signed, scope, date string, header func(string) string, body []byte) string {
	path, query, _ := strings.Cut(target, "?")
	var pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" {
			name, value, _ := strings.Cut(pair, "=")
			pairs = append(pairs, uriEncode(percentDecode(name), false)+"="+uriEncode(percentDecode(value), false))
		}
	}
	slices.Sort(pairs)
	var headers strings.Builder
	for name := range strings.SplitSeq(signed, ";") {
		headers.WriteString(name + ":" + strings.Join(strings.Fields(header(name)), " ") + "\n")
	}
	sum := sha256.Sum256(body)
	canonical := strings.Join([]string{method, uriEncode(path, true), strings.Join(pairs, "&"), headers.String(), signed, hex.EncodeToString(sum[:])}, "\n")
	hashed := sha256.Sum256([]byte(canonical))
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hex.EncodeToString(hashed[:])}, "\n")))
}

// verify says what is wrong with the signature of a request for a service, or "".
func verify(r *http.Request, secret, service string) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	var key, scope, signed, got string
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return "no signature"
	}
	for part := range strings.SplitSeq(rest, ", ") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "Credential":
			key, scope, _ = strings.Cut(value, "/")
		case "SignedHeaders":
			signed = value
		case "Signature":
			got = value
		}
	}
	date := r.Header.Get("X-Amz-Date")
	want := signature(secret, r.Method, r.RequestURI, signed, scope, date, func(name string) string {
		switch name {
		case "host":
			return r.Host
		case "content-length":
			return strconv.FormatInt(r.ContentLength, 10)
		}
		return strings.Join(r.Header.Values(name), ",")
	}, body)
	must := []string{"host", "x-amz-date", "x-amz-security-token"}
	if r.Header.Get("Content-Type") != "" {
		must = append(must, "content-type")
	}
	for _, name := range must {
		if !slices.Contains(strings.Split(signed, ";"), name) {
			return name + " is not signed"
		}
	}
	switch {
	case key != "AKIDEXAMPLE" || !strings.HasSuffix(scope, "/eu-central-1/"+service+"/aws4_request") || !strings.HasPrefix(date, scope[:8]+"T"):
		return "scope " + scope
	case r.Header.Get("X-Amz-Security-Token") != "token/+=":
		return "token"
	case got != want:
		return "signature"
	}
	return ""
}

// TestPublishedSignatures are of AWS's own test suite, aws-sig-v4-test-suite: get-vanilla and get-vanilla-query-order-key-case. Both the
// signer and the implementation of this test must give them.
func TestPublishedSignatures(t *testing.T) {
	const secret, date = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830T123600Z"
	for target, want := range map[string]string{
		"/":                             "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		"/?Param2=value2&Param1=value1": "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
	} {
		s, err := newSigner(&Signing{Region: "us-east-1", Service: "service"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.current.Store(&aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret})
		m := &message{method: "GET", target: []byte(target), headers: []field{{"Host", []byte("example.amazonaws.com")}}, unsigned: 1}
		now, err := time.Parse("20060102T150405Z", date)
		if err != nil {
			t.Fatal(err)
		}
		s.sign(m, now)
		wanted := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + want
		if m.err != nil || len(m.headers) != 3 || string(m.headers[1].value) != wanted {
			t.Errorf("%s: %v, signed %q, want %s", target, m.err, m.headers, wanted)
		}
		plain := signature(secret, "GET", target, "host;x-amz-date", "20150830/us-east-1/service/aws4_request", date, func(name string) string {
			return map[string]string{"host": "example.amazonaws.com", "x-amz-date": date}[name]
		}, nil)
		if plain != want {
			t.Errorf("%s: this test signs %s, want %s", target, plain, want)
		}
	}
}

// TestSignedOnTheWire has a server recompute each signature, as function URLs (lambda) and API Gateway (execute-api) do.
func TestSignedOnTheWire(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	for protocol, service := range map[string]string{"http1": "lambda", "http2": "execute-api", "http1\nfresh_connections: true": "execute-api"} {
		var mu sync.Mutex
		seen := 0
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			seen++
			if wrong := verify(r, secret, service); wrong != "" {
				t.Errorf("%s: %s %s: %s; headers %v", protocol, r.Method, r.RequestURI, wrong, r.Header)
				w.WriteHeader(http.StatusForbidden)
			}
		}))
		var protocols http.Protocols
		protocols.SetHTTP1(true)
		protocols.SetUnencryptedHTTP2(true)
		server.Config.Protocols = &protocols
		server.Start()
		s, err := scenario.Parse("test.yaml", []byte(`
name: test
protocol: `+protocol+`
workers: 2
order: interleaved
steps:
  - {name: plain, path: /}
  - {name: query, path: "/a%20b/%C3%A4~;,x?b=2&a=1%2F3&a=0&empty&c=%20d"}
  - {name: post, method: POST, path: /, body: "ä", content_type: "text/plain; charset=utf-8", headers: {X-B: "two  spaces ", accept: "*/*"}}
  - {name: empty, method: POST, path: /}
  - {name: rendered, method: PUT, path: "/{{counter}}?n={{counter}}", body: "{{counter}}", headers: {x-n: "{{counter}}"}}
  - {name: host, path: /, headers: {host: "example.com:8443", user-agent: other}}
phases: [{name: all, iterations: 3}]`), nil)
		if err != nil {
			t.Fatal(err)
		}
		provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret, SessionToken: "token/+="}, nil
		})
		g, err := New(s, []Target{{
			Name: "a", URL: server.URL + "/stage", Sign: &Signing{Region: "eu-central-1", Service: service, Credentials: provider},
		}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		k := &kept{}
		_, err = g.Check(t.Context())
		if err == nil {
			_, err = g.Run(t.Context(), nil, 1, k)
		}
		g.Close()
		server.Close()
		if err != nil {
			t.Fatal(err)
		}
		if st := k.turns[0].Overall.Stats(); st.Successes != 36 || st.Requests != 36 || seen != 42 {
			t.Errorf("%s: %d of %d succeeded, the server saw %d, want 36, 36 and 42: %v", protocol, st.Successes, st.Requests, seen, k.turns[0].Failures)
		}
	}
}
