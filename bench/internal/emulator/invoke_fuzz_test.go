package emulator

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// API_Invoke.html, "FunctionName": the three forms of a name, each with or without a qualifier.
func TestFunctionName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		name, qualifier string
		ok              bool
	}{
		"texts":                        {"texts", "", true},
		"texts:$LATEST":                {"texts", "$LATEST", true},
		"texts:live-2":                 {"texts", "live-2", true},
		"function:texts":               {"texts", "", true},
		"123456789012:function:texts":  {"texts", "", true},
		"123456789012:function:t:prod": {"t", "prod", true},
		"arn:aws:lambda:eu-west-1:123456789012:function:texts":       {"texts", "", true},
		"arn:aws-cn:lambda:cn-north-1:123456789012:function:texts:7": {"texts", "7", true},
		"arn:aws:lambda:eu-west-1:12345678901:function:texts":        {},
		"arn:aws:s3:eu-west-1:123456789012:function:texts":           {},
		"arn:aws:lambda:eu-west-1:123456789012:layer:texts":          {},
		"arn:aws:lambda:eu-west-1:123456789012:function:texts:7:8":   {},
		"":                         {},
		":":                        {},
		"a/b":                      {},
		"texts:":                   {},
		"texts:a b":                {},
		"texts:7:8":                {},
		strings.Repeat("x", 64):    {strings.Repeat("x", 64), "", true},
		strings.Repeat("x", 65):    {},
		"123456789012:layer:texts": {},
	}
	for in, want := range tests {
		name, qualifier, ok := functionName(in)
		if ok != want.ok || ok && (name != want.name || qualifier != want.qualifier) {
			t.Errorf("%q: %q %q %v, want %+v", in, name, qualifier, ok, want)
		}
	}
}

// Whatever a client asks for, a call names one function by characters that a name may have, or there is a fault of the client.
func FuzzInvokePath(f *testing.F) {
	for _, path := range []string{
		"/2015-03-31/functions/texts/invocations", "/2015-03-31/functions/texts:$LATEST/invocations?Qualifier=$LATEST",
		"/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Atexts/invocations", "/2015-03-31/functions//invocations",
		"/2021-11-15/functions/texts/response-streaming-invocations", "/2015-03-31/functions/a%2Fb/invocations", "/2015-03-31/functions/%zz/invocations",
	} {
		f.Add(path, "Event", "Tail")
	}
	f.Fuzz(func(t *testing.T, path, kind, log string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
		r.URL = u
		r.Header.Set("X-Amz-Invocation-Type", kind)
		r.Header.Set("X-Amz-Log-Type", log)
		c, fault := parseInvoke(r)
		if fault != nil {
			if c != nil || fault.status < 400 || fault.status > 499 || fault.kind == "" {
				t.Errorf("%q: %+v and a call %+v", path, fault, c)
			}
			return
		}
		if !isName(c.name) || len(c.name) > 64 || c.logTail && (c.kind != invokeSync || log != "Tail") || c.stream && c.kind == invokeEvent {
			t.Errorf("%q: %+v", path, c)
		}
		// The name alone means the same function.
		if name, _, ok := functionName(c.name); !ok || name != c.name {
			t.Errorf("%q: %q is %q", path, c.name, name)
		}
	})
}
