package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// plainAnswers are read in one pass, oddAnswers by encoding/json alone.
var (
	plainAnswers = []string{
		`{"statusCode":200}`,
		"\n{ \"statusCode\" : 200 ,\t\"body\" : \"3\" } \r\n",
		`{"body":"3","isBase64Encoded":false,"statusCode":200,"headers":{"Content-Length":"1","Content-Type":"text/plain"}}`,
		`{"statusCode":404,"headers":{},"cookies":[],"body":"","isBase64Encoded":true}`,
		`{"statusCode":200,"cookies":["a=b","c=d"],"body":"{\"a\":\"\\u4e16\ud83d\ude00\"}"}`,
		`{"statusCode":200,"body":"世界"}`,
		`{"statusCode":200,"statusDescription":"200 OK","headers":{"Content-Type":"text/plain"},"body":"3","isBase64Encoded":false}`,
		`{"statusCode":200,"multiValueHeaders":{"Content-Type":["text/plain"],"Set-Cookie":["a=b","c=d"],"X-None":[]},"body":"3"}`,
		`{"statusCode":200,"multiValueHeaders":{}}`,
		"{\"statusCode\":200,\"body\":\"\xff\"}",
		`{}`,
	}
	oddAnswers = []string{
		``, `[]`, `null`, `"a"`, `{`, `{"statusCode":200`, `{"statusCode":200}x`, `{"statusCode":200,}`, `{"statusCode":}`, `{"statusCode":200 "body":"a"}`,
		`{"statusCode":"200"}`, `{"statusCode":2000}`, `{"statusCode":020}`, `{"statusCode":200.0}`, `{"statusCode":2e2}`, `{"StatusCode":200}`,
		`{"statusCode":200,"statusCode":201}`, `{"statusCode":200,"body":null}`, `{"statusCode":200,"body":"a","body":"b"}`, `{"statusCode":200,"other":1}`,
		`{"statusCode":200,"headers":{"a":1}}`, `{"statusCode":200,"headers":{"a":"b","a":"c"}}`, `{"statusCode":200,"headers":null}`,
		`{"statusCode":200,"headers":{"a":"b"},"headers":{"c":"d"}}`, `{"statusCode":200,"multiValueHeaders":{"a":"b"}}`,
		`{"statusCode":200,"multiValueHeaders":{"a":[1]}}`, `{"statusCode":200,"multiValueHeaders":{"a":["b"],"a":["c"]}}`, `{"statusCode":200,"multiValueHeaders":null}`,
		`{"statusCode":200,"multiValueHeaders":{"a":["b"]},"multiValueHeaders":{}}`, `{"statusCode":200,"multiValueHeaders":{"a":null}}`,
		`{"statusCode":200,"statusDescription":200}`, `{"statusCode":200,"statusDescription":"OK","statusDescription":"OK"}`, `{"statusDescription":"OK","statuscode":200}`,
		`{"statusCode":200,"cookies":"a"}`, `{"statusCode":200,"cookies":["a",]}`, `{"statusCode":200,"cookies":[1]}`, `{"isBase64Encoded":true,"isBase64Encoded":false}`,
		"{\"statusCode\":200,\"body\":\"\n\"}", `{"statusCode":200,"body":"\x"}`, `{"statusCode":200,"body":"`, `{"statusCode":200,"body":"\`, `{"isBase64Encoded":truefalse}`,
	}
)

// samePlain checks that what is read in one pass is what encoding/json makes of it.
func samePlain(t *testing.T, raw []byte) (plain bool) {
	t.Helper()
	var got, want answerFields
	p := plainAnswer{raw: raw}
	if !p.object(got.member) || !p.end() {
		return false
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatalf("%q is plain, but %v", raw, err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(answerFields{}, member[scalar]{}, member[[]scalar]{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%q (-encoding/json +plain):\n%s", raw, diff)
	}
	return true
}

func TestPlainAnswer(t *testing.T) {
	for _, raw := range plainAnswers {
		if !samePlain(t, []byte(raw)) {
			t.Errorf("%q is not plain", raw)
		}
	}
	for _, raw := range oddAnswers {
		if samePlain(t, []byte(raw)) {
			t.Errorf("%q is plain", raw)
		}
	}
}

func FuzzPlainAnswer(f *testing.F) {
	for _, raw := range plainAnswers {
		f.Add([]byte(raw))
	}
	for _, raw := range oddAnswers {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { samePlain(t, raw) })
}

// BenchmarkDecodeAnswer reads the same answer in one pass and by encoding/json in turns, and reports the share of the time:
//
//	go test ./bench/internal/emulator -run '^$' -bench DecodeAnswer
func BenchmarkDecodeAnswer(b *testing.B) {
	raw := []byte(plainAnswers[2])
	var took [2]time.Duration
	for i := range 2 * b.N {
		var f answerFields
		decode := f.decode
		if i%2 == 1 {
			decode = func(raw []byte) error { return json.Unmarshal(raw, &f) }
		}
		began := time.Now()
		if err := decode(raw); err != nil {
			b.Fatal(err)
		}
		took[i%2] += time.Since(began)
	}
	b.ReportMetric(float64(took[0])/float64(took[1]), "of_encoding/json")
	b.ReportMetric(0, "ns/op") // of both together, says nothing
}

// Answers are read in a time that grows with their size: with its square this test would take minutes.
func TestManyHeaders(t *testing.T) {
	var raw bytes.Buffer
	raw.WriteString(`{"statusCode":200,"headers":{"a":"b"`)
	n := 1
	for ; raw.Len() < MaxPayload/4; n++ {
		fmt.Fprintf(&raw, `,"x%x":""`, n)
	}
	raw.WriteString("}}")
	for name, answer := range map[string]func([]byte) (httpAnswer, error){"2.0": decodeAnswer, "1.0": restAPI{}.answer, "alb": loadBalancer{}.answer} {
		a, err := answer(raw.Bytes())
		if err != nil || len(a.header) < n {
			t.Errorf("%s: %d headers of %d, %v", name, len(a.header), n, err)
		}
	}
}

// So is one name in all its spellings.
func TestManySpellings(t *testing.T) {
	var raw bytes.Buffer
	raw.WriteString(`{"statusCode":200,"headers":{"z":"0"`)
	const letters = 15
	for n := range 1 << letters {
		spelling := []byte(strings.Repeat("a", letters))
		for i := range spelling {
			if n>>i&1 == 1 {
				spelling[i] = 'A'
			}
		}
		fmt.Fprintf(&raw, `,"%s":"%d"`, spelling, n)
	}
	raw.WriteString("}}")
	a, err := restAPI{}.answer(raw.Bytes())
	if values := a.header[http.CanonicalHeaderKey(strings.Repeat("a", letters))]; err != nil || len(values) != 1<<letters {
		t.Errorf("%d values, %v", len(values), err)
	}
}
