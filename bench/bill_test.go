package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// TestLambdaIsOfTheLoadAlone takes off all that a service had counted before the load.
func TestLambdaIsOfTheLoadAlone(t *testing.T) {
	t.Parallel()
	before := &target.MeterReport{Meter: emulator.Meter{
		Invocations: 3, BilledMS: 130, InitBilledMS: 100, ColdStarts: 1, FunctionErrors: 1, Errors: 1, ProvisionedStarts: 2, MaxEnvironments: 3, Environments: 3,
		Concurrency: []emulator.ConcurrencySample{{AtMS: 1000, Busy: 1, Idle: 2, Peaks: emulator.Peaks{BusyMax: 1, EnvironmentsMax: 3}}},
		Now:         emulator.ConcurrencySample{AtMS: 1500, Idle: 3, Peaks: emulator.Peaks{BusyMax: 3, EnvironmentsMax: 4, StartingMax: 1}},
	}}
	after := &target.MeterReport{Meter: emulator.Meter{
		Invocations: 103, BilledMS: 2130, InitBilledMS: 500, ColdStarts: 5, FunctionErrors: 1, Timeouts: 2, Errors: 3, ProvisionedStarts: 2,
		ProvisionedInvocations: 40, Throttles: 6, ThrottlesConcurrency: 1, ThrottlesScalingRate: 2, ThrottlesRequestRate: 3, MaxMemoryUsedMB: 33,
		MaxEnvironments: 7, Reaped: 1, InitFailures: 1, Freezer: "SIGSTOP", Notes: []string{"memory not limited"},
		Concurrency: []emulator.ConcurrencySample{{AtMS: 1000, Busy: 1, Idle: 2, Peaks: emulator.Peaks{BusyMax: 1, EnvironmentsMax: 3}}, {AtMS: 2000, Busy: 4, Starting: 2, Peaks: emulator.Peaks{BusyMax: 5, EnvironmentsMax: 7, StartingMax: 3}}},
		Now:         emulator.ConcurrencySample{AtMS: 4000, Busy: 1, Idle: 6, Peaks: emulator.Peaks{EnvironmentsMax: 7}},
	}}
	used := 33
	want := &result.Lambda{
		LoadS: 2.5, Invocations: 100, Unsettled: 1, Errors: map[string]int64{"timeout": 2}, BilledMS: 2000, InitBilledMS: 400,
		BilledGBSeconds: 0.25, ProvisionedInvocations: 40, MemoryMB: 128, MaxMemoryUsedMB: &used,
		Throttles:    result.Throttles{Concurrency: 1, ScalingRate: 2, RequestRate: 3},
		Environments: result.LambdaEnvironments{Started: 4, InitFailures: 1, Provisioned: 2, Reaped: 1, MaxConcurrent: 7},
		Concurrency: []result.ConcurrencySample{
			{TS: 0, Idle: 3, EnvironmentsMax: 3},
			{TS: 0.5, Busy: 4, BusyMax: 5, Starting: 2, EnvironmentsMax: 7, StartingMax: 3},
			{TS: 2.5, Busy: 1, BusyMax: 1, Idle: 6, EnvironmentsMax: 7},
		},
		Freezer: "SIGSTOP", Notes: []string{"memory not limited"},
	}
	got := (&meters{before: before}).lambda(after, 128)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := (&meters{}).lambda(after, 128); got != nil {
		t.Errorf("what is not known of before the load is made up: %+v", got)
	}
}
