package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// tunePlan is what a sweep goes over.
type tunePlan struct {
	// configurations are the targets of the run; none where they are local, and built first.
	configurations []configuration
	local          target.LocalOptions
	types          []string
}

// configuration is a target with the size that something deployed must have while it is measured.
type configuration struct {
	spec target.Spec
	// size of the resource; 0 where nothing is changed.
	size int
}

func (p *tunePlan) specs() []target.Spec {
	var list []target.Spec
	for _, c := range p.configurations {
		list = append(list, c.spec)
	}
	return list
}

// plan makes configurations of the flags and the targets. It reports all faults at once.
func (o *tuneOptions) plan(f *pflag.FlagSet, specs []target.Spec, prices *cost.Table) (*tunePlan, error) {
	var errs faults
	if o.run.targets == "local" {
		errs.when(len(o.instances) > 0, "--instances: a local process is one; deploy it and name it with --targets terraform")
		p := &tunePlan{types: o.types, local: target.LocalOptions{MemoryMB: o.memory}}
		if len(o.types) == 0 {
			p.types = localTypes(prices)
		}
		if len(o.types) == 1 && o.types[0] == noTypes {
			p.types, p.local.NoEC2 = nil, true
		}
		errs.when(len(o.memory) >= target.MaxTargets, "--memory: expected up to %d sizes, got %d", target.MaxTargets-1, len(o.memory))
		return p, errors.Join(errs...)
	}
	p := &tunePlan{}
	functions, groups := 0, 0
	qualifiers := map[string]string{}
	for _, s := range specs {
		switch {
		case s.Kind == target.KindBootstrap || s.Kind == target.KindLambda && s.FunctionName != "":
			functions++
			for _, mb := range o.memory {
				p.configurations = append(p.configurations, configuration{s.Sized(mb), mb})
			}
			other, known := qualifiers[s.FunctionName]
			errs.when(known && s.FunctionName != "" && other != s.Qualifier, "target %s: another one is the function %s too, with another qualifier: tune one at a time", s.Name, s.FunctionName)
			qualifiers[s.FunctionName] = s.Qualifier
			errs.when(s.Kind == target.KindLambda && s.Region == "", "target %s: its region is needed to change its memory", s.Name)
			errs.when(s.ProvisionedConcurrency > 0, "target %s: it has provisioned concurrency, which would have to be given to each version anew: set that to 0 while you tune", s.Name)
		case s.Kind == target.KindEC2 && s.AutoScalingGroup != "" && len(o.instances) > 0:
			groups++
			for _, n := range o.instances {
				c := configuration{s, n}
				c.spec.Name, c.spec.Instances = fmt.Sprintf("%s-x%d", s.Name, n), n
				p.configurations = append(p.configurations, c)
			}
			errs.when(s.Region == "", "target %s: its region is needed to change its number of instances", s.Name)
		default:
			p.configurations = append(p.configurations, configuration{spec: s})
		}
	}
	p.types = o.types
	deployed := slices.ContainsFunc(specs, func(s target.Spec) bool { return s.Kind == target.KindEC2 || s.Kind == target.KindLambda })
	errs.when(deployed && len(o.types) > 0, "--instance-type: deployed instances have the type that they were made with: set instance_type in the Terraform configuration, apply, and run tune again")
	errs.when(deployed && o.rps > 0, "--instance-rps: it is for instance types that are estimated in a local sweep")
	errs.when(len(o.instances) > 0 && groups == 0, "--instances: no target of the kind ec2 has an autoscaling_group")
	errs.when(f.Changed("memory") && functions == 0, "--memory: no target is a bootstrap, or a lambda with its function_name")
	errs.when(functions+groups == 0, "there is nothing to tune: expected a bootstrap, a lambda with its function_name, or an ec2 with its autoscaling_group and --instances")
	seen := map[string]bool{}
	for _, c := range p.configurations {
		errs.when(seen[c.spec.Name], "two configurations would be called %s: rename a target", c.spec.Name)
		seen[c.spec.Name] = true
	}
	errs.when(len(p.configurations) > target.MaxTargets, "%d configurations are too many: expected up to %d", len(p.configurations), target.MaxTargets)
	return p, errors.Join(errs...)
}
