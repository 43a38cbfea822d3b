package main_test

import (
	"os/exec"
	"slices"
	"testing"
	"time"
)

// BenchmarkColdStart measures from the start of the process until its first request
// for work, once for the app and once for a minimal function that is built the same
// way, in turn. It reports both medians in milliseconds and their ratio, which is to
// stay below 1.25. One iteration is one start of each:
//
//	go test ./adapters/lambda -run '^$' -bench ColdStart -benchtime 200x
func BenchmarkColdStart(b *testing.B) {
	api := startRuntimeAPI(b)
	env := []string{"AWS_LAMBDA_RUNTIME_API=" + api.host(), "REDIS_URL=redis://127.0.0.1:1"}
	var ours, floor []time.Duration
	for i := 0; b.Loop(); i++ {
		// A B, B A, ...: neither gains by its place.
		if i%2 == 0 {
			ours = append(ours, coldStart(b, api, bootstrapBinary, env))
			floor = append(floor, coldStart(b, api, minimalBinary, env))
		} else {
			floor = append(floor, coldStart(b, api, minimalBinary, env))
			ours = append(ours, coldStart(b, api, bootstrapBinary, env))
		}
	}
	b.ReportMetric(median(ours).Seconds()*1e3, "app_ms")
	b.ReportMetric(median(floor).Seconds()*1e3, "minimal_ms")
	b.ReportMetric(float64(median(ours))/float64(median(floor)), "ratio")
	b.ReportMetric(0, "ns/op") // an iteration is two starts and two kills
}

func coldStart(b *testing.B, api *runtimeAPI, binary string, env []string) time.Duration {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), binary)
	cmd.Env = env
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	var took time.Duration
	select {
	case asked := <-api.asked:
		took = asked.Sub(start)
	case <-time.After(limit):
		b.Error("it does not ask for work")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return took
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	if len(d) == 0 {
		return 0
	}
	return (d[len(d)/2] + d[(len(d)-1)/2]) / 2
}
