package resulttest

import "github.com/crossover-bench/crossover/bench/internal/result"

// Meter is what a local Lambda service may have counted in a run of about a minute, with something of everything.
func Meter() *result.Lambda {
	used := 61
	return &result.Lambda{
		LoadS: 60, Invocations: 7_320, Unsettled: 1, ProvisionedInvocations: 400,
		Errors:   map[string]int64{"function_error": 41, "timeout": 3},
		BilledMS: 22_700, InitBilledMS: 700, BilledGBSeconds: 11.35, // 22.7 s of half a GB
		MemoryMB: 512, MaxMemoryUsedMB: &used,
		Throttles:    result.Throttles{Concurrency: 70, ScalingRate: 10},
		Environments: result.LambdaEnvironments{Started: 20, InitFailures: 1, Provisioned: 2, Reaped: 5, MaxConcurrent: 21},
		Concurrency: []result.ConcurrencySample{
			{TS: 0, Idle: 2, EnvironmentsMax: 2},
			{TS: 1.5, Busy: 2, BusyMax: 2, EnvironmentsMax: 2},
			{TS: 10, Busy: 8, BusyMax: 10, Starting: 4, EnvironmentsMax: 12, StartingMax: 6},
			{TS: 12, Busy: 18, BusyMax: 20, Starting: 1, EnvironmentsMax: 21, StartingMax: 5},
			{TS: 40, Busy: 5, BusyMax: 20, Idle: 16, EnvironmentsMax: 21, StartingMax: 1},
			{TS: 55, BusyMax: 5, Idle: 21, EnvironmentsMax: 21},
			{TS: 60, Busy: 1, BusyMax: 1, Idle: 15, EnvironmentsMax: 21},
		},
		Freezer: "SIGSTOP",
		Notes:   []string{"CPU not limited (no cgroup)"},
	}
}
