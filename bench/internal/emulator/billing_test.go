package emulator_test

import (
	"math"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

func ms(f float64) time.Duration { return time.Duration(math.Round(f * float64(time.Millisecond))) }

// REPORT lines of functions on AWS, each with the Billed Duration that AWS has given them.
func TestBilledDuration(t *testing.T) {
	tests := map[string]struct {
		init, duration float64
		want           int64
	}{
		"custom runtime, cold":                {58.47, 46.37, 105},
		"custom runtime, cold, next to whole": {25.86, 38.24, 65},
		"Go, cold":                            {1363.52, 70.67, 1435},
		"Node.js, cold, since August 2025":    {463.512, 1233.96, 1698},
		"Node.js, warm":                       {0, 1072.145, 1073},
		"sample of the Lambda guide, warm":    {0, 38.66, 39},
		"whole":                               {0, 3000, 3000},
		"nothing":                             {0, 0, 0},
		"a nanosecond":                        {0, 0.000001, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := emulator.BilledMS(ms(tt.init), ms(tt.duration)); got != tt.want {
				t.Errorf("billed %d ms, want %d", got, tt.want)
			}
		})
	}
}

// The worked example of https://aws.amazon.com/lambda/pricing/: 3 million requests of 120 ms with 1,536 MB are 540,000 GB-s.
func TestBilledGBSeconds(t *testing.T) {
	if got := 3e6 * emulator.BilledGBSeconds(120, 1536); math.Abs(got-540_000) > 1e-6 {
		t.Errorf("%v GB-s, want 540000", got)
	}
	if got := emulator.BilledGBSeconds(1, 128); math.Abs(got-0.000125) > 1e-12 {
		t.Errorf("%v GB-s, want 0.000125", got)
	}
}

func TestCPUQuota(t *testing.T) {
	for memory, share := range map[int]float64{1769: 1, 3538: 2, 128: 128.0 / 1769, 10240: 10240.0 / 1769} {
		if got := float64(emulator.CPUQuota(memory)) / float64(emulator.CPUPeriod); math.Abs(got-share) > 1e-6 {
			t.Errorf("%d MB get %v of a CPU, want %v", memory, got, share)
		}
	}
}

// What is billed is the sum over the lines of the log, and goes with the outcomes.
func TestBillOfRealInvocations(t *testing.T) {
	out := &output{}
	s := start(t, func(c *emulator.Config) { c.MemoryMB, c.Output, c.LogLines = 512, out, true })
	for range 5 {
		get(t, s, "/pid")
	}
	get(t, s, "/exit")
	eventually(t, "no six reports", func() bool { return len(reports(t, out.String())) == 6 })
	var sum, init int64
	for _, r := range reports(t, out.String()) {
		if want := emulator.BilledMS(r.init, r.duration); r.billed < want-1 || r.billed > want+1 {
			t.Errorf("billed %d ms for %v and %v", r.billed, r.init, r.duration) // printed with two digits
		}
		sum += r.billed
		init += r.billed - emulator.BilledMS(0, r.duration)
	}
	m := s.Meter()
	if m.BilledMS != sum || m.InitBilledMS <= 0 || m.InitBilledMS > init+6 || m.InitBilledMS < init-6 {
		t.Errorf("billed %d ms, %d of them for inits, the log says %d and %d", m.BilledMS, m.InitBilledMS, sum, init)
	}
	if want := float64(sum) / 1000 / 2; math.Abs(m.BilledGBSeconds-want) > 1e-9 {
		t.Errorf("billed %v GB-s, want %v", m.BilledGBSeconds, want)
	}
	if m.Exits != 1 || m.Invocations != 6 {
		t.Errorf("meter: %+v", m)
	}
}
