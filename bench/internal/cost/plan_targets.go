package cost

import (
	"cmp"
	"slices"
)

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
