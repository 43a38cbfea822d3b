package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
	"github.com/crossover-bench/crossover/bench/internal/terraform"
	"github.com/crossover-bench/crossover/bench/scenarios"
)

// loadScenario finds a shipped scenario by its name, or reads a file.
func loadScenario(name string) (*scenario.Scenario, error) {
	return readScenario(name, func(string, []byte) {})
}

// readScenario is loadScenario that shows each file that it reads, those in a scenario by the name that they have there.
func readScenario(name string, seen func(name string, data []byte)) (*scenario.Scenario, error) {
	if data, ok := scenarios.Read(name); ok {
		return scenario.Parse(name+".yaml", data, os.ReadFile)
	}
	ext := strings.ToLower(filepath.Ext(name))
	if ext != ".yaml" && ext != ".yml" {
		return nil, fmt.Errorf("unknown scenario %q: expected one of %s, or a file that ends in .yaml",
			name, strings.Join(scenarios.Names(), ", "))
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the scenario: %w", err)
	}
	seen(name, data)
	return scenario.Parse(name, data, func(named string) ([]byte, error) {
		file := named
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(name), file)
		}
		info, err := os.Stat(file)
		if err == nil && info.Size() > scenario.MaxFeederBytes {
			err = fmt.Errorf("%s has %d bytes: at most %d are read", file, info.Size(), scenario.MaxFeederBytes)
		}
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(file)
		seen(named, data)
		return data, err
	})
}

// terraformDir is the folder of --targets terraform[=DIR], and false where the targets come from elsewhere.
func (o *runOptions) terraformDir() (string, bool) {
	if o.targets == "terraform" {
		return "terraform", true
	}
	return strings.CutPrefix(o.targets, "terraform=")
}

// output reads one output of the configuration in dir, asking terraform once.
func (o *runOptions) output(ctx context.Context, dir, name string) (_ []byte, err error) {
	if o.outputs == nil {
		if o.outputs, err = terraform.Read(ctx, dir); err != nil {
			return nil, err
		}
	}
	return o.outputs.Get(name)
}

// readSpecs gives the targets that the flags name; none for local.
func (o *runOptions) readSpecs(ctx context.Context) ([]target.Spec, error) {
	switch {
	case len(o.named) > 0:
		return target.ParseFlags(o.named)
	case o.targets == "local":
		return nil, nil
	}
	if dir, ok := o.terraformDir(); ok {
		data, err := o.output(ctx, dir, "targets")
		if err != nil {
			return nil, fmt.Errorf("--targets terraform: %w", err)
		}
		return target.ParseOutput(dir, data)
	}
	data, err := os.ReadFile(o.targets)
	if err != nil {
		return nil, fmt.Errorf("--targets: %w (expected local, terraform[=DIR] or a targets file)", err)
	}
	return target.ParseFile(o.targets, data)
}

// read reads the scenario, with what flags change in it, and the targets.
func (o *runOptions) read(ctx context.Context) (*scenario.Scenario, []target.Spec, error) {
	s, err := loadScenario(o.scenario)
	if err != nil {
		return nil, nil, err
	}
	o.limits.apply(s)
	if err := o.capacity.apply(s); err != nil {
		return nil, nil, err
	}
	o.specs, err = o.readSpecs(ctx)
	return s, o.specs, err
}
