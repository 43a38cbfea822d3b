package emulator

import (
	"slices"
	"strings"
	"testing"
)

// http-api-develop-routes.html, "Routing API requests": the example there, and what follows from its rules.
func TestRoutes(t *testing.T) {
	t.Parallel()
	keys := []string{
		"$default", "ANY /{proxy+}", "GET /pets/{proxy+}", "GET /pets/{id}", "GET /pets/dog/1", "GET /pets/dog/{id}", "ANY /pets/dog/1", "POST /texts", "GET /",
	}
	var routes []*routeKey
	names := map[*routeKey]string{}
	for _, key := range keys {
		k, err := parseRouteKey(key)
		if err != nil {
			t.Fatal(err)
		}
		names[k] = key
		routes = append(routes, k)
	}
	slices.SortStableFunc(routes, (*routeKey).compare)
	for request, want := range map[string]string{
		"GET /pets/dog/1":      "GET /pets/dog/1",
		"PUT /pets/dog/1":      "ANY /pets/dog/1",
		"GET /pets/dog/2":      "GET /pets/dog/{id} id=2",
		"GET /pets/cat/3":      "GET /pets/{proxy+} proxy=cat/3",
		"GET /pets/7":          "GET /pets/{id} id=7",
		"POST /pets/7":         "ANY /{proxy+} proxy=pets/7",
		"GET /pets/":           "ANY /{proxy+} proxy=pets/",
		"POST /texts":          "POST /texts",
		"GET /texts":           "ANY /{proxy+} proxy=texts",
		"GET /":                "GET /",
		"DELETE /":             "$default",
		"GET /pets/a b":        "GET /pets/{id} id=a b",
		"GET /Pets/dog/1":      "ANY /{proxy+} proxy=Pets/dog/1",
		"GET /pets/dog/1/tail": "GET /pets/{proxy+} proxy=dog/1/tail",
	} {
		method, path, _ := strings.Cut(request, " ")
		for _, k := range routes {
			if params, ok := k.match(method, path); ok {
				got := names[k]
				for _, p := range params {
					got += " " + p.name + "=" + p.values[0]
				}
				if got != want {
					t.Errorf("%s takes %s, want %s", request, got, want)
				}
				break
			}
		}
	}
}

func TestRouteFaults(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"", "/texts", "get /", "FETCH /", "GET texts", "GET /{id", "GET /{}", "GET /{a b}", "GET /{id}/{id}", "GET /{proxy+}/x", "GET /a{id}", "GET /*", "GET /a?b", "GET  /",
	} {
		if k, err := parseRouteKey(key); err == nil {
			t.Errorf("%q is taken for %+v", key, k)
		}
	}
}

// rule-condition-types.html, "Path conditions": * is any number of characters, ? exactly one, case counts.
func TestPathPatterns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, path string
		want          bool
	}{
		{"/img/*", "/img/", true},
		{"/img/*", "/img/a/b.png", true},
		{"/img/*", "/img", false},
		{"/img/*/pics", "/img/a/pics", true},
		{"/img/*/pics", "/img/a/b/pics", true},
		{"/img/*/pics", "/img/a/pics/b", false},
		{"/a?c", "/abc", true},
		{"/a?c", "/ac", false},
		{"/a?c", "/abbc", false},
		{"/texts", "/Texts", false},
		{"*", "/anything", true},
		{"/*a*b", "/xaxbxab", true},
		{"/*a*b", "/xaxbxa", false},
		{"/texts", "/texts/1", false},
	} {
		if got := matchPattern(tt.pattern, tt.path); got != tt.want {
			t.Errorf("%s and %s: %v", tt.pattern, tt.path, got)
		}
	}
}

// A route matches the path that is made of it, with parameters that are found again.
func FuzzRouteKey(f *testing.F) {
	for _, s := range []string{"$default", "GET /texts/{id}", "ANY /{proxy+}", "POST /a/{b}/c/{d+}", "GET /", "PUT /a//b"} {
		f.Add(s, "v")
	}
	f.Fuzz(func(t *testing.T, s, value string) {
		k, err := parseRouteKey(s)
		if err != nil || k.isDefault {
			return
		}
		if value == "" || strings.ContainsAny(value, "/") {
			value = "v"
		}
		path := ""
		want := 0
		for _, seg := range k.segments {
			if seg.kind == segmentLiteral {
				path += "/" + seg.literal
				continue
			}
			path += "/" + value
			want++
		}
		method := k.method
		if method == "ANY" {
			method = "PATCH"
		}
		params, ok := k.match(method, path)
		if !ok || len(params) != want {
			t.Fatalf("%q does not match %s: %v", s, path, params)
		}
		for _, p := range params {
			if p.values[0] != value {
				t.Errorf("%q at %s: %v", s, path, p)
			}
		}
		if k.compare(k) != 0 {
			t.Errorf("%q differs from itself", s)
		}
	})
}

// A pattern without wildcards matches itself alone, and a star after it everything that begins so.
func FuzzPathPattern(f *testing.F) {
	f.Add("/texts/*", "/texts/1")
	f.Add("/a?c*", "/abcd")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		got := matchPattern(pattern, path)
		if !strings.ContainsAny(pattern, "*?") && got != (pattern == path) {
			t.Errorf("%q and %q: %v", pattern, path, got)
		}
		if got && !matchPattern(pattern+"*", path+"more") || !matchPattern("*", path) {
			t.Errorf("%q and %q: a star takes less", pattern, path)
		}
	})
}
