package cost

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// MaxPlanBytes is how large a plan may be.
const MaxPlanBytes = 64 << 20

// Plan is what `terraform show -json` says of a plan: https://developer.hashicorp.com/terraform/internals/json-format.
type Plan struct {
	// Region of the provider; empty where the plan does not tell.
	Region string

	resources []resource
	// targets are those of the output of this name, as far as they are known.
	targets []planTarget
	// expressions are the arguments of a resource as they were written, by its address without indices.
	expressions map[string]map[string]json.RawMessage
}

// resource is one that the plan keeps or creates.
type resource struct {
	Address string         `json:"address"`
	Mode    string         `json:"mode"`
	Type    string         `json:"type"`
	Name    string         `json:"name"`
	Values  map[string]any `json:"values"`

	module string
}

type planModule struct {
	Address   string       `json:"address"`
	Resources []resource   `json:"resources"`
	Children  []planModule `json:"child_modules"`
}

type configModule struct {
	Resources []struct {
		Address     string                     `json:"address"`
		Expressions map[string]json.RawMessage `json:"expressions"`
	} `json:"resources"`
	Calls map[string]struct {
		Module configModule `json:"module"`
	} `json:"module_calls"`
}

type planFile struct {
	FormatVersion string `json:"format_version"`
	Variables     map[string]struct {
		Value any `json:"value"`
	} `json:"variables"`
	Planned *struct {
		Root planModule `json:"root_module"`
	} `json:"planned_values"`
	Outputs map[string]struct {
		After json.RawMessage `json:"after"`
	} `json:"output_changes"`
	Configuration struct {
		Providers map[string]struct {
			Name        string                     `json:"name"`
			Expressions map[string]json.RawMessage `json:"expressions"`
		} `json:"provider_config"`
		Root configModule `json:"root_module"`
	} `json:"configuration"`
	Values json.RawMessage `json:"values"`
}

var indices = regexp.MustCompile(`\[[^\]]*\]`)

// ParsePlan reads a plan; name is for errors.
func ParsePlan(name string, data []byte) (*Plan, error) {
	if len(data) > MaxPlanBytes {
		return nil, fmt.Errorf("%s: has %s bytes, at most %s are read", name, numeral.Whole(len(data)), numeral.Whole(MaxPlanBytes))
	}
	var f planFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%s:%d: is no plan in JSON: %w (write one with: terraform show -json PLANFILE > %s)", name, lineAt(data, offsetOf(err, 0)), err, name)
	}
	switch major, _, _ := strings.Cut(f.FormatVersion, "."); {
	case f.FormatVersion == "":
		return nil, fmt.Errorf("%s: has no format_version: expected the output of terraform show -json PLANFILE", name)
	case major != "1":
		return nil, fmt.Errorf("%s: format_version %q: this version reads 1.x", name, f.FormatVersion)
	case f.Planned == nil && f.Values != nil:
		return nil, fmt.Errorf("%s: is a state, not a plan: make one with terraform plan -out PLANFILE", name)
	case f.Planned == nil:
		return nil, fmt.Errorf("%s: has no planned_values: expected the output of terraform show -json PLANFILE", name)
	}
	p := &Plan{expressions: map[string]map[string]json.RawMessage{}}
	p.flatten(f.Planned.Root)
	p.config("", f.Configuration.Root)
	p.Region = f.region()
	// An output of another shape is none of ours.
	var targets struct {
		Targets []planTarget `json:"targets"`
	}
	if after := f.Outputs["targets"].After; json.Unmarshal(after, &targets) == nil {
		p.targets = targets.Targets
	} else if json.Unmarshal(after, &p.targets) != nil {
		p.targets = nil
	}
	return p, nil
}

func (p *Plan) flatten(m planModule) {
	for _, r := range m.Resources {
		if r.Mode == "managed" {
			r.module = m.Address
			p.resources = append(p.resources, r)
		}
	}
	for _, child := range m.Children {
		p.flatten(child)
	}
}

func (p *Plan) config(prefix string, m configModule) {
	for _, r := range m.Resources {
		p.expressions[prefix+r.Address] = r.Expressions
	}
	for name, call := range m.Calls {
		p.config(prefix+"module."+name+".", call.Module)
	}
}

// region of the provider aws: a constant, or a variable.
func (f *planFile) region() string {
	for _, name := range slices.Sorted(maps.Keys(f.Configuration.Providers)) {
		provider := f.Configuration.Providers[name]
		if provider.Name != "aws" {
			continue
		}
		var e struct {
			Constant   string   `json:"constant_value"`
			References []string `json:"references"`
		}
		if json.Unmarshal(provider.Expressions["region"], &e) != nil {
			continue
		}
		if e.Constant != "" {
			return e.Constant
		}
		for _, reference := range e.References {
			if region, ok := f.Variables[strings.TrimPrefix(reference, "var.")].Value.(string); ok {
				return region
			}
		}
	}
	return ""
}

// linked gives the resource of a type that an argument of r refers to, or the only one of the type in the same module; false where there is
// none, or several.
func (p *Plan) linked(r resource, argument, kind string) (resource, bool) {
	var same, referred []resource
	for _, other := range p.resources {
		if other.Type != kind || other.module != r.module {
			continue
		}
		same = append(same, other)
		if slices.Contains(p.references(r, argument), kind+"."+other.Name) {
			referred = append(referred, other)
		}
	}
	switch {
	case len(referred) == 1:
		return referred[0], true
	case len(referred) == 0 && len(same) == 1:
		return same[0], true
	}
	return resource{}, false
}

// references are what an argument refers to, wherever in it.
func (p *Plan) references(r resource, argument string) []string {
	raw, ok := p.expressions[indices.ReplaceAllString(r.Address, "")][argument]
	if !ok {
		return nil
	}
	var any any
	if json.Unmarshal(raw, &any) != nil {
		return nil
	}
	return collect(any)
}

func collect(v any) []string {
	var list []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			list = append(list, collect(e)...)
		}
	case map[string]any:
		for key, e := range v {
			if texts, ok := e.([]any); ok && key == "references" {
				for _, text := range texts {
					if s, ok := text.(string); ok {
						list = append(list, s)
					}
				}
				continue
			}
			list = append(list, collect(e)...)
		}
	}
	return list
}

// Values of a resource. A value that is not known before it is created is missing.

func (r resource) text(key string) string { s, _ := r.Values[key].(string); return s }

func (r resource) number(key string) (float64, bool) {
	v, ok := r.Values[key].(float64)
	return v, ok && v >= 0 && v <= largest
}

func (r resource) list(key string) []any { l, _ := r.Values[key].([]any); return l }

// block is the first of a resource's blocks of a name; its values may be asked for as those of a resource.
func (r resource) block(key string) (resource, bool) {
	for _, b := range r.list(key) {
		if m, ok := b.(map[string]any); ok {
			return resource{Values: m}, true
		}
	}
	return resource{}, false
}

// truth also takes "true", as launch templates write it.
func (r resource) truth(key string) bool {
	v, ok := r.Values[key].(bool)
	return ok && v || r.text(key) == "true"
}
