package main

import (
	"cmp"
	"fmt"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// estimateRun prices a run with the embedded prices. What a targets file does not say of a function is taken as what costs most.
func estimateRun(s *scenario.Scenario, rounds int, specs []target.Spec) (*spendEstimate, error) {
	var targets []cost.RunTarget
	var notes []string
	unknown := false
	for _, t := range specs {
		if t.Kind == target.KindEC2 && t.InstanceType == "" {
			unknown = true
			notes = append(notes, t.Name+": instance_type is not given, so its price is not known.")
			continue
		}
		if t.Kind == target.KindLambda && (t.MemoryMB == 0 || t.Arch == "") {
			t.MemoryMB, t.Arch = cmp.Or(t.MemoryMB, maxMemoryMB), cmp.Or(t.Arch, "x86_64")
			notes = append(notes, fmt.Sprintf("%s: memory_mb or arch is not given, the dearest is assumed: %d MB on %s.", t.Name, t.MemoryMB, t.Arch))
		}
		targets = append(targets, cost.RunTarget{
			Name: t.Name, Function: t.Kind == target.KindLambda, Region: t.Region, Arch: t.Arch, MemoryMB: t.MemoryMB,
			InstanceType: t.InstanceType, Instances: t.Instances, FrontDoor: t.FrontDoor,
		})
	}
	shareOut(targets, s, rounds, cost.AssumedBilledMS, len(specs))
	e, err := cost.EstimateRun(cost.Embedded(), targets)
	if err != nil {
		return nil, err
	}
	out := &spendEstimate{AtLeast: float64(e.AtLeast), Notes: append(notes, e.Caveats...)}
	if e.Total != nil && !unknown {
		usd := float64(*e.Total)
		out.USD = &usd
	}
	return out, nil
}
