// Package resizetest is what AWS's control plane does with functions and Auto Scaling groups, as far as resize asks it, for tests: changes take
// some looks until they are done, and what AWS refuses is refused.
package resizetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Server answers as Lambda, EC2 Auto Scaling and Elastic Load Balancing do. Fields are set before it is asked.
type Server struct {
	*httptest.Server
	// Looks is how many times a change is looked at before it is done.
	Looks int
	// Refuse is called before each change, with a word such as "memory 256", "publish", "alias 2", "delete 3" or "group 1 4 2"; what it returns
	// is AWS's kind of error, empty for none.
	Refuse func(change string) string

	mu        sync.Mutex
	functions map[string]*Function
	groups    map[string]*Group
	changes   []string
}

// Function is a Lambda function.
type Function struct {
	// Latest is $LATEST, Versions the published ones from 1 on; a deleted one has no memory.
	Latest   Version
	Versions []Version
	// Aliases lead to versions, "$LATEST" or a number. Weights are those of a second version of an alias.
	Aliases map[string]string
	Weights map[string]float64

	pending int
}

// Version is the configuration of a version.
type Version struct {
	MemoryMB    int
	Code        string
	Description string
	Variables   map[string]string
}

// Group is an Auto Scaling group, behind one load balancer.
type Group struct {
	Min, Max, Desired int

	running, pending int
}

// Start starts a server that knows these. Who closes it is the caller.
func Start(functions map[string]*Function, groups map[string]*Group) *Server {
	s := &Server{functions: functions, groups: groups}
	for _, g := range groups {
		g.running = g.Desired
	}
	s.Server = httptest.NewServer(s)
	return s
}

// Env leads AWS's SDKs to the server.
func (s *Server) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.URL, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=a-secret-key", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1",
	}
}

// Changes are what was changed, in the words of Refuse.
func (s *Server) Changes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.changes...)
}

// Memory is what an invocation of a function gets in MB; alias is empty for none.
func (s *Server) Memory(name, alias string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[name]
	if alias == "" {
		return f.Latest.MemoryMB
	}
	v, _ := f.version(f.Aliases[alias])
	return v.MemoryMB
}

// Published are the numbers of the versions that there are.
func (s *Server) Published(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for i, v := range s.functions[name].Versions {
		if v.MemoryMB > 0 {
			list = append(list, fmt.Sprint(i+1))
		}
	}
	return list
}

// Sizes are the least, the greatest and the desired size of a group.
func (s *Server) Sizes(name string) [3]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[name]
	return [3]int{g.Min, g.Max, g.Desired}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/"); ok {
		name, rest, _ := strings.Cut(path, "/")
		f := s.functions[name]
		if f == nil {
			fail(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+name)
			return
		}
		s.serveFunction(w, r, f, rest, body)
		return
	}
	s.serveQuery(w, string(body))
}

// refused says whether a change is, and has said so; otherwise the change is on record.
func (s *Server) refused(w http.ResponseWriter, change string) bool {
	if s.Refuse != nil {
		if kind := s.Refuse(change); kind != "" {
			fail(w, http.StatusBadRequest, kind, "refused: "+change)
			return true
		}
	}
	s.changes = append(s.changes, change)
	return false
}

func fail(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("X-Amzn-Errortype", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": "User", "message": message})
}

func (f *Function) version(name string) (Version, bool) {
	if name == "" || name == "$LATEST" {
		return f.Latest, true
	}
	var n int
	if _, err := fmt.Sscan(name, &n); err != nil || n < 1 || n > len(f.Versions) || f.Versions[n-1].MemoryMB == 0 {
		return Version{}, false
	}
	return f.Versions[n-1], true
}

func (s *Server) serveFunction(w http.ResponseWriter, r *http.Request, f *Function, rest string, body []byte) {
	var in struct {
		MemorySize                   int
		Description, FunctionVersion string
	}
	_ = json.Unmarshal(body, &in)
	alias, isAlias := strings.CutPrefix(rest, "aliases/")
	switch what := r.Method + " " + rest; {
	case what == "GET configuration":
		v, ok := f.version(r.URL.Query().Get("Qualifier"))
		if !ok {
			fail(w, http.StatusNotFound, "ResourceNotFoundException", "no such version")
			return
		}
		answer(w, f.configuration(v, r.URL.Query().Get("Qualifier")))
		f.pending = max(0, f.pending-1)
	case what == "PUT configuration":
		if f.pending > 0 {
			fail(w, http.StatusConflict, "ResourceConflictException", "An update is in progress")
			return
		}
		if s.refused(w, fmt.Sprint("memory ", in.MemorySize)) {
			return
		}
		f.Latest.MemoryMB, f.pending = in.MemorySize, s.Looks
		answer(w, f.configuration(f.Latest, ""))
	case what == "POST versions":
		s.publish(w, f, in.Description)
	case what == "GET versions":
		list := []any{f.configuration(f.Latest, "$LATEST")}
		for i, v := range f.Versions {
			if v.MemoryMB > 0 {
				list = append(list, f.configuration(v, fmt.Sprint(i+1)))
			}
		}
		answer(w, map[string]any{"Versions": list})
	case isAlias:
		s.serveAlias(w, r.Method, f, alias, in.FunctionVersion)
	case r.Method == http.MethodDelete && rest == "":
		s.remove(w, f, r.URL.Query().Get("Qualifier"))
	default:
		fail(w, http.StatusBadRequest, "UnknownOperationException", what)
	}
}

func (s *Server) publish(w http.ResponseWriter, f *Function, description string) {
	if f.pending > 0 {
		fail(w, http.StatusConflict, "ResourceConflictException", "An update is in progress")
		return
	}
	if s.refused(w, "publish") {
		return
	}
	// What has not changed since the last version is not published again.
	if n := len(f.Versions); n == 0 || f.Versions[n-1].MemoryMB != f.Latest.MemoryMB || f.Versions[n-1].Code != f.Latest.Code {
		v := f.Latest
		v.Description = description
		f.Versions = append(f.Versions, v)
	}
	n := len(f.Versions)
	w.WriteHeader(http.StatusCreated)
	answer(w, f.configuration(f.Versions[n-1], fmt.Sprint(n)))
}

func (s *Server) serveAlias(w http.ResponseWriter, method string, f *Function, alias, to string) {
	if f.Aliases[alias] == "" {
		fail(w, http.StatusNotFound, "ResourceNotFoundException", "Cannot find alias")
		return
	}
	if method == http.MethodPut {
		if _, ok := f.version(to); !ok {
			fail(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found")
			return
		}
		if s.refused(w, "alias "+to) {
			return
		}
		f.Aliases[alias] = to
	}
	out := map[string]any{"Name": alias, "FunctionVersion": f.Aliases[alias]}
	if len(f.Weights) > 0 {
		out["RoutingConfig"] = map[string]any{"AdditionalVersionWeights": f.Weights}
	}
	answer(w, out)
}

func (s *Server) remove(w http.ResponseWriter, f *Function, version string) {
	var n int
	_, err := fmt.Sscan(version, &n)
	for _, to := range f.Aliases {
		if to == version {
			fail(w, http.StatusConflict, "ResourceConflictException", "an alias leads to it")
			return
		}
	}
	if err != nil || n < 1 || n > len(f.Versions) {
		fail(w, http.StatusNotFound, "ResourceNotFoundException", "no such version")
		return
	}
	if s.refused(w, "delete "+version) {
		return
	}
	f.Versions[n-1] = Version{}
	w.WriteHeader(http.StatusNoContent)
}

func (f *Function) configuration(v Version, version string) map[string]any {
	status := "Successful"
	if f.pending > 0 && (version == "" || version == "$LATEST") {
		status = "InProgress"
	}
	return map[string]any{
		"MemorySize": v.MemoryMB, "CodeSha256": v.Code, "Description": v.Description, "Version": version, "State": "Active", "LastUpdateStatus": status,
		"Timeout": 30, "Environment": map[string]any{"Variables": v.Variables},
	}
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
