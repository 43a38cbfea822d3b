package emulator_test

import (
	"sync"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// nowhere takes log lines; unlike io.Discard it is not known to.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkLogLinesSequential(b *testing.B) { compareLog(b, 1) }
func BenchmarkLogLines64InFlight(b *testing.B) { compareLog(b, 64) }

// compareLog sends requests to a service that writes START, END and REPORT and to one that does not, in turns, and reports the
// share of the other's rate that it reaches.
func compareLog(b *testing.B, inFlight int) {
	b.Helper()
	kinds := []func(*emulator.Config){nil, func(c *emulator.Config) { c.Output, c.LogLines = nowhere{}, true }}
	clients := make([][]client, len(kinds))
	took := make([]time.Duration, len(kinds))
	through := func(which, n int) {
		began := time.Now()
		var wg sync.WaitGroup
		for i, c := range clients[which] {
			wg.Go(func() {
				for range n*(i+1)/inFlight - n*i/inFlight {
					if err := c.get(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		took[which] += time.Since(began)
	}
	for which, configure := range kinds {
		s := start(b, configure)
		for range inFlight {
			clients[which] = append(clients[which], dial(b, s.URL(emulator.DoorFunctionURL)))
		}
		through(which, 4*inFlight)
		took[which] = 0
	}
	const rounds = 20
	b.ResetTimer()
	for i := range rounds {
		n := b.N*(i+1)/rounds - b.N*i/rounds
		for which := range kinds {
			through((which+i)%len(kinds), n)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(took[0])/float64(took[1]), "of_silent")
	b.ReportMetric(0, "ns/op") // of both together, says nothing
}
