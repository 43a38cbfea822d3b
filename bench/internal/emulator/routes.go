package emulator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Route leads requests to a function.
type Route struct {
	// Match says which requests. For DoorHTTPAPI it is a route key: METHOD or ANY and a path such as "GET /texts/{id}" or
	// "ANY /{proxy+}", or "$default". For load balancers it is a path pattern such as "/texts/*", tried in order.
	Match    string
	Function string
}

// segment is a part of the path of a route key.
type segment struct {
	kind    segmentKind
	literal string
	name    string // of the parameter
}

// segmentKind says what a segment matches; those that match less come first.
type segmentKind int

const (
	segmentLiteral segmentKind = iota
	segmentParam               // {name}: any one segment
	segmentGreedy              // {name+}: one or more, at the end
)

// routeKey is a route of an HTTP API (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html).
type routeKey struct {
	isDefault bool
	method    string // "ANY" for all
	segments  []segment
}

// methods of route keys.
var methods = []string{"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

// parseRouteKey reads a route key.
func parseRouteKey(s string) (*routeKey, error) {
	if s == "$default" {
		return &routeKey{isDefault: true}, nil
	}
	method, path, ok := strings.Cut(s, " ")
	if !ok || !slices.Contains(methods, method) {
		return nil, fmt.Errorf("route %q: expected $default, or one of %s and a path", s, strings.Join(methods, ", "))
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " ?#%") {
		return nil, fmt.Errorf("route %q: expected a path that begins with / and has no space, ?, # or %%", s)
	}
	k := &routeKey{method: method}
	names := map[string]bool{}
	parts := strings.Split(path[1:], "/")
	for i, part := range parts {
		seg := segment{literal: part}
		if inner, braced := strings.CutPrefix(part, "{"); braced {
			inner, closed := strings.CutSuffix(inner, "}")
			name, greedy := strings.CutSuffix(inner, "+")
			seg = segment{kind: segmentParam, name: name}
			switch {
			case !closed || !isName(name):
				return nil, fmt.Errorf("route %q: expected {NAME} or {NAME+} with letters, digits, - and _, got %q", s, part)
			case names[name]:
				return nil, fmt.Errorf("route %q: the parameter %s is there twice", s, name)
			case greedy && i < len(parts)-1:
				return nil, fmt.Errorf("route %q: {%s+} takes the rest of the path, expected it at the end", s, name)
			case greedy:
				seg.kind = segmentGreedy
			}
			names[name] = true
		} else if strings.ContainsAny(part, "{}+*") {
			return nil, fmt.Errorf("route %q: a parameter takes a whole segment, such as /{id}", s)
		}
		k.segments = append(k.segments, seg)
	}
	return k, nil
}

// match tells whether the route takes a request, and its path parameters.
func (k *routeKey) match(method, path string) (params []field, ok bool) {
	if k.isDefault {
		return nil, true
	}
	if k.method != "ANY" && k.method != method {
		return nil, false
	}
	rest, more := strings.CutPrefix(path, "/")
	for _, seg := range k.segments {
		if !more {
			return nil, false
		}
		if seg.kind == segmentGreedy {
			return append(params, field{seg.name, []string{rest}}), rest != ""
		}
		var part string
		part, rest, more = strings.Cut(rest, "/")
		switch {
		case seg.kind == segmentLiteral && part != seg.literal, seg.kind == segmentParam && part == "":
			return nil, false
		case seg.kind == segmentParam:
			params = append(params, field{seg.name, []string{part}})
		}
	}
	return params, !more
}

// compare orders routes by what is tried first: "API Gateway selects the route with the most-specific match": a full match, one with
// a greedy path variable, $default; and a route with a method before ANY (the page above, "Routing API requests"). That segments
// count from left to right is not documented.
func (k *routeKey) compare(other *routeKey) int {
	if k.isDefault || other.isDefault {
		return compareBool(k.isDefault, other.isDefault)
	}
	greedy := func(k *routeKey) bool { return k.segments[len(k.segments)-1].kind == segmentGreedy }
	if c := compareBool(greedy(k), greedy(other)); c != 0 {
		return c
	}
	for i := range min(len(k.segments), len(other.segments)) {
		if c := cmp.Compare(k.segments[i].kind, other.segments[i].kind); c != 0 {
			return c
		}
	}
	// The longer one of two with greedy ends takes fewer paths.
	if c := cmp.Compare(len(other.segments), len(k.segments)); c != 0 {
		return c
	}
	return compareBool(k.method == "ANY", other.method == "ANY")
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// checkPattern reports what is no path pattern of a rule: "The path pattern ... is case-sensitive, can be up to 128 characters in
// length, and can contain any of the following characters" (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html, "Path conditions").
func checkPattern(p string) error {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-.$/~\"'@:+*?&()!,;=", r)
	}
	if p == "" || len(p) > 128 || p[0] != '/' && p[0] != '*' || strings.ContainsFunc(p, bad) {
		return fmt.Errorf("route %q: expected a path pattern such as /texts/*, up to 128 characters, with * for any number of characters and ? for one", p)
	}
	return nil
}

// matchPattern matches a whole path against a pattern with * and ?.
func matchPattern(pattern, path string) bool {
	star, mark := -1, 0
	p := 0
	for i := 0; i < len(path); {
		switch {
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == path[i] && pattern[p] != '*'):
			p++
			i++
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
