package emulator

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Names that differ in case only are the way to send several cookies through a load balancer without multi-value headers.
// Elsewhere the last one counts, and wherever it is there twice the last value of a name does.
func TestNamesOfAnswersThatDifferInCase(t *testing.T) {
	const raw = `{"statusCode":200,"body":"x","headers":{
		"set-cookie":"a=1; Path=/","Set-cookie":"b=2","sEt-cookie":"c=3","X-Y":"old","SET-COOKIE":"d=4","x-y":2,"X-Y":"new","content-type":"a/b"},
		"multiValueHeaders":{"set-cookie":["e=5","f=6"],"Set-Cookie":["g=7"],"x-Y":[true],"Content-Type":["c/d"],"content-type":[]}}`
	one := http.Header{"Set-Cookie": {"d=4"}, "X-Y": {"2"}, "Content-Type": {"a/b"}}
	for name, tt := range map[string]struct {
		answer func(raw []byte) (httpAnswer, error)
		want   http.Header
	}{
		"function URL":        {functionURL{}.answer, one},
		"function URL stream": {decodeStreamHead, one},
		"HTTP API":            {httpAPI{}.answer, one},
		"REST API": {restAPI{}.answer, http.Header{
			"Set-Cookie": {"e=5", "f=6", "g=7", "a=1; Path=/", "b=2", "c=3", "d=4"}, "X-Y": {"true", "new", "2"}, "Content-Type": {"c/d", "a/b"},
		}},
		"load balancer": {loadBalancer{}.answer, http.Header{
			"Set-Cookie": {"a=1; Path=/", "b=2", "c=3", "d=4"}, "X-Y": {"new", "2"}, "Content-Type": {"a/b"},
		}},
		"load balancer multi": {loadBalancer{multi: true}.answer, http.Header{
			"Set-Cookie": {"e=5", "f=6", "g=7"}, "X-Y": {"true"}, "Content-Type": {"c/d"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.answer([]byte(raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.header); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeadersThatAreNone(t *testing.T) {
	for raw, ok := range map[string]bool{
		`{"statusCode":200,"headers":null}`:            true,
		`{"statusCode":200,"headers":{}}`:              true,
		`{"statusCode":200,"headers":{"a":null}}`:      true,
		`{"statusCode":200,"headers":[]}`:              false,
		`{"statusCode":200,"headers":"a: b"}`:          false,
		`{"statusCode":200,"headers":{"a":["b"]}}`:     false,
		`{"statusCode":200,"headers":{"a":{"b":"c"}}}`: false,
	} {
		if a, err := (loadBalancer{}).answer([]byte(raw)); (err == nil) != ok {
			t.Errorf("%s: %v, %v", raw, a.header, err)
		}
	}
}

// Names count as AWS takes them. A function that answers with a struct of Go without tags works nowhere.
func TestNamesOfFieldsOfAnswers(t *testing.T) {
	pascal := `{"StatusCode":201,"Headers":{"X-A":"b"},"Body":"x"}`
	for name, tt := range map[string]struct {
		answer func(raw []byte) (httpAnswer, error)
		raw    string
		status int // 0: it is refused
		body   string
	}{
		"function URL, other case":            {functionURL{}.answer, pascal, 200, pascal},
		"HTTP API, other case":                {httpAPI{}.answer, pascal, 200, pascal},
		"REST API, other case":                {restAPI{}.answer, pascal, 0, ""},
		"load balancer, other case":           {loadBalancer{}.answer, pascal, 0, ""},
		"function URL, case of some":          {functionURL{}.answer, `{"statusCode":201,"Body":"x"}`, 201, ""},
		"REST API, all it takes":              {restAPI{}.answer, `{"statusCode":"201","headers":{},"multiValueHeaders":{},"body":"x","isBase64Encoded":false}`, 201, "x"},
		"REST API, cookies":                   {restAPI{}.answer, `{"statusCode":201,"cookies":["a=b"],"body":"x"}`, 0, ""},
		"REST API, cookies that are null":     {restAPI{}.answer, `{"statusCode":201,"cookies":null,"body":"x"}`, 0, ""},
		"REST API, no cookies in a list":      {restAPI{}.answer, `{"statusCode":201,"cookies":[],"body":"x"}`, 0, ""},
		"REST API, statusDescription":         {restAPI{}.answer, `{"statusCode":201,"statusDescription":"201 Created","body":"x"}`, 0, ""},
		"REST API, base64Encoded":             {restAPI{}.answer, `{"statusCode":201,"base64Encoded":false,"body":"x"}`, 0, ""},
		"load balancer, statusDescription":    {loadBalancer{}.answer, `{"statusCode":201,"statusDescription":"201 Created","body":"x"}`, 201, "x"},
		"HTTP API, statusDescription":         {httpAPI{}.answer, `{"statusCode":201,"statusDescription":"201 Created","body":"x"}`, 201, "x"},
		"function URL, a field of a bad type": {functionURL{}.answer, `{"statusCode":201,"body":{},"x":1}`, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.answer([]byte(tt.raw))
			if (err == nil) != (tt.status != 0) || got.status != tt.status && tt.status != 0 || string(got.body) != tt.body && tt.status != 0 {
				t.Errorf("answer is %d %q, %v", got.status, got.body, err)
			}
		})
	}
	if _, err := (restAPI{}).answer([]byte(pascal)); err == nil || err.Error() != "the answer has no statusCode, only a StatusCode" {
		t.Errorf("error is %v", err)
	}
}
