package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// router is a front door that leads to several functions: an HTTP API with routes, or a load balancer with rules for paths. Authorizers,
// parameter mapping, CORS, conditions but those of the path, weights and redirects are not imitated.
type router struct {
	refuse door // answers what no route takes
	stage  string
	routes []openRoute
}

// openRoute is a route and where it leads.
type openRoute struct {
	key     *routeKey // of an HTTP API
	pattern string    // of a load balancer
	to      openDoor
}

// newRouter makes a router of a configuration that has been checked.
func newRouter(cfg *Router, functions []*function, port string) *router {
	r := &router{stage: cfg.Stage}
	setDefault(&r.stage, defaultStage)
	for _, route := range cfg.Routes {
		at := slices.IndexFunc(functions, func(f *function) bool { return f.cfg.FunctionName == route.Function })
		fn := functions[at]
		fnCfg := fn.cfg
		fnCfg.HTTPAPIStage = r.stage
		d, err := newDoor(cfg.Door, &fnCfg)
		if err != nil {
			continue // it has been checked
		}
		r.refuse = d
		to := openRoute{pattern: route.Match, to: openDoor{door: d, name: cfg.Door, fn: fn, port: port}}
		if cfg.Door == DoorHTTPAPI {
			to.key, _ = parseRouteKey(route.Match)
			to.to.routeKey = route.Match
		}
		r.routes = append(r.routes, to)
	}
	if cfg.Door == DoorHTTPAPI {
		slices.SortStableFunc(r.routes, func(a, b openRoute) int { return a.key.compare(b.key) })
	}
	return r
}

// ServeHTTP handles one request.
func (r *router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path, _ := splitTarget(req.RequestURI)
	for i := range r.routes {
		if params, ok := r.routes[i].match(req.Method, path, r.stage); ok {
			to := r.routes[i].to
			to.params = params
			to.ServeHTTP(w, req)
			return
		}
	}
	r.refuse.fail(failRoute).write(w, req)
}

// match tells whether a request takes the route. Routes of an HTTP API see the decoded path without the stage, rules of a load balancer
// the path as it was sent.
func (r *openRoute) match(method, path, stage string) (params []field, ok bool) {
	if r.key == nil {
		return nil, matchPattern(r.pattern, path)
	}
	if stage != defaultStage {
		if !inStage(path, stage) {
			return nil, false
		}
		path = path[len("/"+stage):]
		if path == "" {
			path = "/"
		}
	}
	return r.key.match(method, decodePath(path))
}

// check reports every fault of a router; known tells which functions there are.
func (r *Router) check(known func(string) bool) error {
	var errs []error
	if r.Door != DoorHTTPAPI && r.Door != DoorALB && r.Door != DoorALBMulti {
		errs = append(errs, fmt.Errorf("front door %q has no routes, only %s, %s and %s have", r.Door, DoorHTTPAPI, DoorALB, DoorALBMulti))
	}
	errs = append(errs, checkDoors(&Config{HTTPAPIStage: r.Stage}))
	if r.Stage != "" && r.Door != DoorHTTPAPI {
		errs = append(errs, errors.New("a load balancer has no stage"))
	}
	if len(r.Routes) == 0 {
		errs = append(errs, errors.New("no routes given"))
	}
	seen := map[string]bool{}
	for _, route := range r.Routes {
		if err := r.checkRoute(route, known); err != nil {
			errs = append(errs, err)
		}
		if key := sameRoute(route.Match); seen[key] {
			errs = append(errs, fmt.Errorf("route %q: another one matches the same requests", route.Match))
		} else {
			seen[key] = true
		}
	}
	return errors.Join(errs...)
}

func (r *Router) checkRoute(route Route, known func(string) bool) error {
	if !known(route.Function) {
		return fmt.Errorf("route %q: there is no function %q", route.Match, route.Function)
	}
	if r.Door == DoorHTTPAPI {
		_, err := parseRouteKey(route.Match)
		return err
	}
	return checkPattern(route.Match)
}

// sameRoute is the same for route keys that differ in the names of their parameters alone.
func sameRoute(match string) string {
	k, err := parseRouteKey(match)
	if err != nil || k.isDefault {
		return match
	}
	var b strings.Builder
	b.WriteString(k.method)
	for _, s := range k.segments {
		b.WriteString("/" + s.literal)
		if s.kind != segmentLiteral {
			fmt.Fprintf(&b, "{%d}", s.kind)
		}
	}
	return b.String()
}
