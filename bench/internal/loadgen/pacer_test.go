package loadgen

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestPacerIsNeverEarly(t *testing.T) {
	for _, spin := range []bool{true, false} {
		p := newPacer()
		asked := make(chan struct{})
		for i := range 200 {
			at := time.Now().Add(time.Duration(i%7) * 150 * time.Microsecond)
			if i%100 == 0 {
				at = at.Add(40 * time.Millisecond)
			}
			if !p.wait(at, asked, spin) {
				t.Fatal("wait says that it was stopped")
			}
			if early := time.Until(at); early > 0 {
				t.Fatalf("spin %v: %s early", spin, early)
			}
		}
		if spun := p.spun(); spin != (spun > 0) {
			t.Errorf("spin %v: it was spinning for %s", spin, spun)
		}
		p.close()
	}
}

func TestPacerIsStopped(t *testing.T) {
	p := newPacer()
	defer p.close()
	asked := make(chan struct{})
	time.AfterFunc(5*time.Millisecond, func() { close(asked) })
	if p.wait(time.Now().Add(time.Hour), asked, true) {
		t.Error("wait says that an hour has passed")
	}
}

// The margin converges to what 99 of 100 sleeps stay below, wherever it starts.
func TestMarginLearns(t *testing.T) {
	for _, first := range []time.Duration{0, firstMargin, mostMargin} {
		h := &hybrid{margin: first}
		r := rand.New(rand.NewPCG(1, 2))
		late := 0
		const warmup, n = 20_000, 200_000
		for i := range warmup + n {
			overslept := 40*time.Microsecond + time.Duration(r.ExpFloat64()*float64(10*time.Microsecond)) // p99: 86 µs
			if i >= warmup && overslept > h.margin {
				late++
			}
			h.learn(overslept)
		}
		if share := float64(late) / n; share < 0.007 || share > 0.014 {
			t.Errorf("from %s: %.4f of the sleeps were longer than the margin, want 0.01", first, share)
		}
	}
	h := &hybrid{margin: firstMargin}
	for range 1000 {
		h.learn(time.Second)
	}
	if h.margin != mostMargin {
		t.Errorf("the margin went to %s, beyond its bound", h.margin)
	}
}

// BenchmarkLateness measures how late 5,000 requests a second would be sent, beside what Go's timers alone would do. The two take turns, so
// that a machine that is busy with something else is busy for both.
func BenchmarkLateness(b *testing.B) {
	hybrid := newPacer()
	defer hybrid.close()
	var late [2][]time.Duration
	for range b.N {
		for i, wait := range []func(time.Time){
			func(at time.Time) { hybrid.wait(at, nil, true) },
			func(at time.Time) { timerSleep(time.Until(at), nil) },
		} {
			const turn = 50
			start := time.Now()
			for n := range turn {
				at := start.Add(time.Duration(n) * 200 * time.Microsecond)
				wait(at)
				late[i] = append(late[i], time.Since(at))
			}
		}
	}
	for i, name := range []string{"hybrid", "timer"} {
		slices.Sort(late[i])
		n := len(late[i])
		b.ReportMetric(float64(late[i][n/2])/1e3, name+"-p50-µs")
		b.ReportMetric(float64(late[i][n*99/100])/1e3, name+"-p99-µs")
	}
}
