package emulator_test

import (
	"slices"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// BenchmarkFreeze sends requests to a function that is frozen and to one that is not, in turns, so that what else the machine does
// meets both. It reports the p50 of both and what freezing adds to it, in µs, for requests that
//
//   - rest: find the environment frozen, as all do that come less often than every 5 ms,
//   - loop: follow each other, as those of a closed loop do, which finds no environment frozen after 5 ms,
//   - loop at once: do the same while environments are frozen as soon as they wait, as on Lambda.
func BenchmarkFreeze(b *testing.B) {
	for how := range freezers {
		b.Run(how+"/rest", func(b *testing.B) { compareFreezing(b, how, 5*time.Millisecond, true) })
		b.Run(how+"/loop", func(b *testing.B) { compareFreezing(b, how, 5*time.Millisecond, false) })
		b.Run(how+"/loop at once", func(b *testing.B) { compareFreezing(b, how, 0, false) })
	}
}

func compareFreezing(b *testing.B, how string, after time.Duration, rest bool) {
	b.Helper()
	freezing := startFreezing(b, how, nil)
	freezing.SetFreezeAfter(after)
	var services []*emulator.Service
	var clients []client
	add := func(s *emulator.Service) {
		c := dial(b, s.URL(emulator.DoorFunctionURL))
		if err := c.get(); err != nil { // the cold start
			b.Fatal(err)
		}
		services, clients = append(services, s), append(clients, c)
	}
	add(freezing)
	add(start(b, nil))
	took := make([][]time.Duration, len(services))
	const burst = 20
	send := func(i, n int) {
		for range n {
			if rest {
				time.Sleep(2 * after) // both, so that the caches of both are as cold
				frozen(b, freezing)
			}
			began := time.Now()
			if err := clients[i].get(); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	b.ResetTimer()
	for left := b.N; left > 0; left -= burst {
		for i := range services {
			send(i, min(left, burst))
		}
	}
	b.StopTimer()
	p50 := func(i int) float64 {
		slices.Sort(took[i])
		return float64(took[i][len(took[i])/2].Nanoseconds()) / 1000
	}
	b.ReportMetric(p50(0), "frozen_p50_µs")
	b.ReportMetric(p50(1), "running_p50_µs")
	b.ReportMetric(p50(0)-p50(1), "added_p50_µs")
	b.ReportMetric(float64(freezing.Meter().Freezes)/float64(b.N), "freezes/req")
	b.ReportMetric(0, "ns/op") // of both together, says nothing
}
