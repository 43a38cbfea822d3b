package cost

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
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

// planTarget is an entry of the output "targets", which is a targets file.
type planTarget struct {
	Name         string `json:"name"`
	Kind         string `json:"kind"`
	Region       string `json:"region"`
	Arch         string `json:"arch"`
	InstanceType string `json:"instance_type"`
	Instances    int    `json:"instances"`
	MaxInstances int    `json:"max_instances"`
	MemoryMB     int    `json:"memory_mb"`
	FrontDoor    string `json:"front_door"`
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
		return nil, fmt.Errorf("%s: has %d bytes, at most %d are read", name, len(data), MaxPlanBytes)
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

// PlanCost is what a plan costs before anything is sent.
type PlanCost struct {
	Region string `json:"region"`
	// Fixed is what is paid in a month of 730 hours whether it is used or not, a line each.
	Fixed *Bill `json:"fixed"`
	// ByUse are resources that cost by use, Unpriced those that may cost and have no price here.
	ByUse    []PlanItem `json:"by_use"`
	Unpriced []PlanItem `json:"unpriced"`
	// Free is how many of the resources cost nothing.
	Free int `json:"free"`
}

// PlanItem is a resource and what is to be said of it.
type PlanItem struct {
	Address string `json:"address"`
	Text    string `json:"text"`
}

// Cost prices the plan. region is for resources whose region the plan does not tell; empty where it must.
func (p *Plan) Cost(t *Table, region string) (*PlanCost, error) {
	if p.Region != "" {
		region = p.Region
	}
	if region == "" {
		return nil, errors.New("the plan does not tell the region of the provider: name it")
	}
	unknown := t.checkRegion(region)
	if unknown != nil && p.Region == "" {
		return nil, unknown // a slip in what was named
	}
	c := &planner{plan: p, table: t, region: region, cost: &PlanCost{
		Region: region, Fixed: &Bill{Name: "Plan", Hours: HoursPerMonth, Lines: []Line{}, Caveats: []string{}},
		ByUse: []PlanItem{}, Unpriced: []PlanItem{},
	}}
	if unknown != nil {
		c.cost.Fixed.Caveats = append(c.cost.Fixed.Caveats, fmt.Sprintf("There are no prices for %s here; a file of bench cost --refresh --region %[1]s has them.", region))
	}
	for _, r := range p.resources {
		c.add(r)
	}
	c.cost.Fixed.finish()
	return c.cost, nil
}

// Targets are what a run on the plan would be on, for EstimateRun: those of its output "targets", or else its functions and groups of
// instances.
func (p *Plan) Targets(region string) []RunTarget {
	if p.Region != "" {
		region = p.Region
	}
	var list []RunTarget
	for _, t := range p.targets {
		if t.Kind != "lambda" && t.Kind != "ec2" {
			continue
		}
		list = append(list, RunTarget{
			Name: t.Name, Function: t.Kind == "lambda", Region: cmp.Or(t.Region, region), Arch: t.Arch, MemoryMB: t.MemoryMB,
			InstanceType: t.InstanceType, Instances: max(t.Instances, t.MaxInstances), FrontDoor: t.FrontDoor, Balancer: p.balancer(t.FrontDoor),
		})
	}
	if len(list) > 0 {
		return list
	}
	door := DoorNone
	if slices.ContainsFunc(p.resources, isBalancer) {
		door = DoorALB
	}
	for _, r := range p.resources {
		switch r.Type {
		case "aws_lambda_function":
			memory, ok := r.number("memory_size")
			if !ok {
				memory = minMemoryMB
			}
			list = append(list, RunTarget{
				Name: r.Address, Function: true, Region: region, Arch: architecture(r), MemoryMB: int(memory), FrontDoor: p.functionDoor(),
				Balancer: p.balancer(p.functionDoor()),
			})
		case "aws_autoscaling_group":
			if n, kind := p.instances(r); n > 0 && kind != "" {
				list = append(list, RunTarget{Name: r.Address, Region: region, InstanceType: kind, Instances: n, FrontDoor: door, Balancer: p.balancer(door)})
			}
		}
	}
	return list
}

func isBalancer(r resource) bool { return r.Type == "aws_lb" || r.Type == "aws_alb" }

// balancer is the one that all targets with the front door alb are behind; empty where the plan has several, and does not tell which.
func (p *Plan) balancer(door string) string {
	found := ""
	for _, r := range p.resources {
		if !isBalancer(r) {
			continue
		}
		if found != "" {
			return ""
		}
		found = r.Address
	}
	if door != DoorALB {
		return ""
	}
	return found
}

func (p *Plan) functionDoor() string {
	for kind, door := range map[string]string{"aws_apigatewayv2_api": DoorHTTPAPI, "aws_api_gateway_rest_api": DoorRESTAPI} {
		if slices.ContainsFunc(p.resources, func(r resource) bool { return r.Type == kind }) {
			return door
		}
	}
	if slices.ContainsFunc(p.resources, func(r resource) bool { return r.Type == "aws_lambda_function_url" }) {
		return DoorFunctionURL
	}
	return DoorALB
}

func architecture(r resource) string {
	for _, a := range r.list("architectures") {
		if s, ok := a.(string); ok {
			return s
		}
	}
	return X86
}

// instances that an Auto Scaling group starts with, and their type; empty where the plan does not tell.
func (p *Plan) instances(r resource) (int, string) {
	n, ok := r.number("desired_capacity")
	if !ok {
		n, _ = r.number("min_size")
	}
	template, ok := p.linked(r, "launch_template", "aws_launch_template")
	if !ok || len(r.list("mixed_instances_policy")) > 0 {
		return int(n), ""
	}
	return int(n), template.text("instance_type")
}
