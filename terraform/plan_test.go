package terraform_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
)

// inputs are the variables of one plan.
type inputs map[string]any

// callers are who may call in all plans below that say nothing else.
const callers = "203.0.113.0/24"

// matrix are the inputs that the policies are checked with.
var matrix = map[string]inputs{
	"default":  {},
	"single":   {"alb": false, "arch": "x86_64", "server_binary": "tests/fixtures/x86_64.elf"},
	"http_api": {"lambda_front_door": "http_api", "flow_logs": true, "redis_engine": "redis"},
	"one_alb": {
		"lambda_front_door": "alb", "instance_count": map[string]int{"min": 2, "max": 4}, "domain_name": "bench.example.com",
		"certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
	},
	"public_url": {"lambda_auth": "NONE", "lambda_public_url_consent": true, "redis_serverless": true},
	"far_away": {
		"region": "ap-southeast-2", "az_count": 3, "nat_gateway": true, "load_generator": true, "load_generator_count": 2,
		"caller_cidrs": []string{},
	},
	"all": {
		"load_generator": true, "ttl_hours": 8, "monthly_budget_usd": 20, "budget_email": "you@example.com", "lambda_tracing": true,
		"lambda_provisioned_concurrency": 2, "lambda_reserved_concurrency": 50, "tags": map[string]string{"team": "x"}, "flow_logs": true,
	},
}

// planned makes a plan, in the JSON of terraform show.
func planned(t *testing.T, in inputs) ([]byte, error) {
	t.Helper()
	needPlans(t)
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	vars := inputs{
		"caller_cidrs": []string{callers}, "server_binary": "tests/fixtures/arm64.elf", "bench_binary": "tests/fixtures/arm64.elf",
		"lambda_zip": "tests/fixtures/bootstrap.zip",
	}
	maps.Copy(vars, in)
	file := filepath.Join(t.TempDir(), "plan")
	args := []string{"plan", "-no-color", "-lock=false", "-out=" + file}
	for _, name := range sortedKeys(vars) {
		value, err := json.Marshal(vars[name])
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := vars[name].(string); ok {
			value = []byte(s)
		}
		args = append(args, "-var", name+"="+string(value))
	}
	if _, err := terraform(t.Context(), dir, args...); err != nil {
		return nil, err
	}
	return terraform(t.Context(), dir, "show", "-json", file)
}

// plans are those of the matrix, each made once.
var plans sync.Map // of the name of its inputs: func() ([]byte, error)

func planOf(t *testing.T, name string) []byte {
	t.Helper()
	once, _ := plans.LoadOrStore(name, sync.OnceValues(func() ([]byte, error) { return planned(t, matrix[name]) }))
	b, err := once.(func() ([]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// plan is what would be made.
type plan struct {
	*tfjson.Plan
	resources []*resource
}

// resource is one that would be made.
type resource struct {
	address, kind, module string
	after                 any // what is known of it
	unknown               any // true in place of what is not
	references            map[string][]string
}

func decodePlan(t *testing.T, b []byte) *plan {
	t.Helper()
	p := &plan{Plan: new(tfjson.Plan)}
	if err := json.Unmarshal(b, p.Plan); err != nil {
		t.Fatal(err)
	}
	for _, c := range p.ResourceChanges {
		if c.Mode != tfjson.ManagedResourceMode {
			continue
		}
		p.resources = append(p.resources, &resource{
			address: c.Address, kind: c.Type, module: c.ModuleAddress, after: c.Change.After, unknown: c.Change.AfterUnknown,
			references: p.referencesOf(c),
		})
	}
	if len(p.resources) < 20 {
		t.Fatalf("the plan makes only %d resources", len(p.resources))
	}
	return p
}

var indices = regexp.MustCompile(`\[[^\]]*\]`)

// referencesOf returns what the configuration of a resource refers to, by attribute.
func (p *plan) referencesOf(c *tfjson.ResourceChange) map[string][]string {
	m := p.Config.RootModule
	for name := range strings.SplitSeq(indices.ReplaceAllString(c.ModuleAddress, ""), ".") {
		if name != "" && name != "module" {
			m = m.ModuleCalls[name].Module
		}
	}
	out := map[string][]string{}
	for _, r := range m.Resources {
		if r.Mode == c.Mode && r.Type == c.Type && r.Name == c.Name {
			for name, e := range r.Expressions {
				if e.ExpressionData != nil {
					out[name] = e.References
				}
			}
		}
	}
	return out
}

// of returns the resources of these kinds.
func (p *plan) of(kinds ...string) []*resource {
	var out []*resource
	for _, r := range p.resources {
		if slices.Contains(kinds, r.kind) {
			out = append(out, r)
		}
	}
	return out
}

// find follows a path such as ebs.0.encrypted into a value; nil if it leads nowhere.
func find(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(in) {
				return nil
			}
			v = in[n]
		default:
			return nil
		}
	}
	return v
}

func (r *resource) get(path string) any { return find(r.after, path) }

// text is a value as text, empty for null and for what is not known.
func (r *resource) text(path string) string {
	if v := r.get(path); v != nil {
		return fmt.Sprint(v)
	}
	return ""
}

// given tells that a value is set, known or not.
func (r *resource) given(path string) bool {
	switch v := r.get(path).(type) {
	case nil:
	case []any:
		if len(v) > 0 {
			return true
		}
	case string:
		if v != "" {
			return true
		}
	default:
		return true
	}
	switch u := find(r.unknown, path).(type) {
	case nil:
		return false
	case bool:
		return u && r.configured(path)
	default:
		return true
	}
}

// configured tells that the configuration names an attribute, which one that only AWS
// will know is not.
func (r *resource) configured(path string) bool {
	name, _, nested := strings.Cut(path, ".")
	_, ok := r.references[name]
	return ok || nested
}

// set puts a value into what is known.
func (r *resource) set(path string, value any) {
	dir, name := "", path
	if i := strings.LastIndex(path, "."); i >= 0 {
		dir, name = path[:i], path[i+1:]
	}
	in := r.after
	unknown := r.unknown
	if dir != "" {
		in, unknown = find(in, dir), find(unknown, dir)
	}
	if m, ok := unknown.(map[string]any); ok {
		delete(m, name)
	}
	if m, ok := in.(map[string]any); ok {
		m[name] = value
	}
}
