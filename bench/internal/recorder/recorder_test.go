package recorder_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

const steps = 2

// list is what a recorder should know, kept in the plainest way.
type list struct {
	successes []time.Duration
	errors    map[string]int64
	failures  []time.Duration
}

func newList() *list { return &list{errors: map[string]int64{}} }

func (l *list) add(o *list) {
	l.successes = append(l.successes, o.successes...)
	l.failures = append(l.failures, o.failures...)
	for kind, n := range o.errors {
		l.errors[kind] += n
	}
}

// checkSummary compares a summary with the samples behind it. Percentiles are nearest-rank, to three digits, erring upwards.
func checkSummary(t *testing.T, what string, got result.Summary, samples []time.Duration) {
	t.Helper()
	if got.Count != int64(len(samples)) {
		t.Fatalf("%s: %d samples, want %d", what, got.Count, len(samples))
	}
	if len(samples) == 0 {
		if got.Min != nil || got.Mean != nil || got.P99 != nil || got.Max != nil {
			t.Errorf("%s: an empty set has statistics: %+v", what, got)
		}
		return
	}
	sorted, sum := slices.Sorted(slices.Values(samples)), 0.0
	for _, s := range sorted {
		sum += float64(s.Microseconds())
	}
	us := func(i int) float64 { return float64(sorted[i].Microseconds()) }
	n := len(sorted)
	if *got.Min != us(0) || *got.Max != us(n-1) || math.Abs(*got.Mean-sum/float64(n)) > 1e-6 {
		t.Errorf("%s: min %v mean %v max %v, want %v %v %v", what, *got.Min, *got.Mean, *got.Max, us(0), sum/float64(n), us(n-1))
	}
	for _, p := range []struct {
		got      *float64
		perMille int
	}{{got.P50, 500}, {got.P90, 900}, {got.P95, 950}, {got.P99, 990}, {got.P999, 999}} {
		want := us((n*p.perMille+999)/1000 - 1)
		if *p.got < want || *p.got > want*1.001 {
			t.Errorf("%s: percentile %v is %v, want %v", what, float64(p.perMille)/10, *p.got, want)
		}
	}
}

func (l *list) check(t *testing.T, what string, s *recorder.Set) {
	t.Helper()
	got := s.Stats()
	checkSummary(t, what+" response time", got.ResponseTime, l.successes)
	checkSummary(t, what+" service time", got.ServiceTime, l.successes)
	checkSummary(t, what+" time to fail", got.ErrorTime, l.failures)
	if d := cmp.Diff(l.errors, got.Errors); d != "" {
		t.Errorf("%s errors: -want +got:\n%s", what, d)
	}
	if n := int64(len(l.successes)); got.Successes != n || got.Requests != n+int64(len(l.failures)) {
		t.Errorf("%s: %d requests, %d successes, want %d and %d", what, got.Requests, got.Successes, n+int64(len(l.failures)), n)
	}
}

func us(rng *rand.Rand) time.Duration {
	// From a microsecond to minutes, as likely in each decade.
	return time.Duration(math.Pow(10, 8*rng.Float64())) * time.Microsecond
}

// record lets many workers record at the same time, and keeps a list of it by step.
func record(r *recorder.Recorder, workers, each int, seed uint64) []*list {
	lists := make([][]*list, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			mine := []*list{newList(), newList()}
			for range each {
				step, took := rng.IntN(steps), us(rng)
				if rng.IntN(10) > 0 {
					r.Worker(i).Success(step, took, false)
					mine[step].successes = append(mine[step].successes, took)
				} else {
					kind := fmt.Sprintf("status_50%d", rng.IntN(4))
					r.Worker(i).Failure(step, kind, took, func() string { return kind })
					mine[step].failures = append(mine[step].failures, took)
					mine[step].errors[kind]++
				}
			}
			lists[i] = mine
		})
	}
	wg.Wait()
	all := []*list{newList(), newList()}
	for _, mine := range lists {
		for step := range all {
			all[step].add(mine[step])
		}
	}
	return all
}

func TestAgainstPlainList(t *testing.T) {
	const workers = 40 // more than there are shards
	r := recorder.New(workers, steps)
	var total recorder.Set
	totals := newList()
	for phase := range 3 { // the memory is used again
		want := record(r, workers, 500, uint64(phase))
		p := r.Take(time.Duration(phase+1) * time.Second)
		both := newList()
		for step, l := range want {
			l.check(t, fmt.Sprintf("phase %d step %d", phase, step), &p.Steps[step])
			both.add(l)
		}
		both.check(t, fmt.Sprintf("phase %d", phase), &p.Overall)
		total.Merge(&p.Overall)
		both.check(t, "after being merged into another", &p.Overall)
		totals.add(both)
	}
	totals.check(t, "total", &total)
	s := total.Stats()
	if s.WallS == nil || *s.WallS != 6 {
		t.Errorf("wall time of the total is %v s, want 1 + 2 + 3", s.WallS)
	}
	// Steps overlap, so that none has a time of its own: null, as any statistic that cannot be given.
	total.Wall = 0
	if s := total.Stats(); s.WallS != nil || s.ThroughputRPS != nil {
		t.Errorf("without a wall time there is one of %v s and a throughput of %v", s.WallS, s.ThroughputRPS)
	}
	if want := float64(len(totals.successes)) / 6; s.ThroughputRPS == nil || *s.ThroughputRPS != want {
		t.Errorf("throughput %v, want %v: failed requests are no throughput", s.ThroughputRPS, want)
	}
}

func TestTakeEmpties(t *testing.T) {
	r := recorder.New(3, steps)
	record(r, 3, 100, 1)
	r.Worker(0).Success(0, time.Second, true)
	r.Worker(1).Connected(time.Second, 0)
	if p := r.Take(time.Second); p.Cold.Count() != 1 || p.Overall.Stats().ConnectTime.Count != 1 || len(p.Failures) == 0 {
		t.Errorf("the first phase lacks something: %+v", p)
	}
	p := r.Take(0)
	newList().check(t, "second phase", &p.Overall)
	for i := range p.Steps {
		newList().check(t, "step of the second phase", &p.Steps[i])
	}
	if r.Progress() != (recorder.Progress{}) || p.Cold != nil || p.Failures != nil {
		t.Errorf("something is left: %+v, %+v", r.Progress(), p)
	}
	if s := p.Overall.Stats(); s.ThroughputRPS != nil || s.ConnectTime.Count != 0 {
		t.Errorf("an empty phase has throughput %v, %d connections", s.ThroughputRPS, s.ConnectTime.Count)
	}
}

func TestFailures(t *testing.T) {
	r := recorder.New(2, steps)
	asked := 0
	fail := func(worker, step int, kind, detail string) {
		r.Worker(worker).Failure(step, kind, time.Millisecond, func() string { asked++; return detail })
	}
	fail(1, 1, "timeout", "first timeout")
	fail(0, 0, "timeout", "second timeout")
	fail(0, 0, "closed", "first closed")
	fail(1, 0, "timeout", "third timeout")
	p := r.Take(time.Second)
	want := []recorder.Failure{{Step: 1, Kind: "timeout", Detail: "first timeout"}, {Step: 0, Kind: "closed", Detail: "first closed"}}
	if d := cmp.Diff(want, p.Failures); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if asked != len(want) {
		t.Errorf("details were asked for %d times, want %d", asked, len(want))
	}
	s := p.Overall.Stats()
	if s.ResponseTime.Count != 0 || s.Successes != 0 || s.Requests != 4 || *s.ThroughputRPS != 0 {
		t.Errorf("failed requests count as answers: %+v", s)
	}
	fail(0, 0, "timeout", "of the next phase")
	if p := r.Take(time.Second); len(p.Failures) != 1 || p.Failures[0].Detail != "of the next phase" {
		t.Errorf("the next phase has the examples %+v", p.Failures)
	}
}

func TestColdIsCountedTwice(t *testing.T) {
	r := recorder.New(2, 1)
	r.Worker(0).Success(0, 900*time.Millisecond, true)
	r.Worker(1).Success(0, 10*time.Millisecond, false)
	r.Worker(1).Success(0, 700*time.Millisecond, true)
	p := r.Take(time.Second)
	checkSummary(t, "cold", p.Cold.Summary(), []time.Duration{900 * time.Millisecond, 700 * time.Millisecond})
	checkSummary(t, "all", p.Overall.Stats().ResponseTime,
		[]time.Duration{900 * time.Millisecond, 10 * time.Millisecond, 700 * time.Millisecond})
}

func TestProgressWhileRecording(t *testing.T) {
	const workers, each = 4, 2000
	r := recorder.New(workers, steps)
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		var last int64
		for {
			now := r.Progress()
			n, failed := now.Requests, now.Failed
			if n < last || failed > workers*each {
				t.Errorf("progress went from %d to %d, %d failed", last, n, failed)
			}
			last = n
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	want := record(r, workers, each, 7)
	close(stop)
	<-watched
	now := r.Progress()
	n, failed := now.Requests, now.Failed
	if wantFailed := len(want[0].failures) + len(want[1].failures); n != workers*each || failed != int64(wantFailed) {
		t.Errorf("progress ends at %d, %d failed, want %d, %d", n, failed, workers*each, wantFailed)
	}
}

func TestSuccessDoesNotAllocate(t *testing.T) {
	w := recorder.New(1, 1).Worker(0)
	d := time.Microsecond
	if n := testing.AllocsPerRun(1000, func() {
		w.Success(0, d, false)
		d += 17 * time.Microsecond
	}); n != 0 {
		t.Errorf("%v allocations a success, want 0", n)
	}
}

func BenchmarkSuccess(b *testing.B) {
	w := recorder.New(1, 1).Worker(0)
	b.ReportAllocs()
	for i := range b.N {
		w.Success(0, time.Duration(i%100_000)*time.Microsecond, false)
	}
}

func BenchmarkSuccessParallel(b *testing.B) {
	const workers = 64
	r := recorder.New(workers, 1)
	var next sync.Mutex
	i := 0
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		next.Lock()
		w := r.Worker(i % workers)
		i++
		next.Unlock()
		for pb.Next() {
			w.Success(0, 350*time.Microsecond, false)
		}
	})
}

func BenchmarkTake(b *testing.B) {
	r := recorder.New(100, 2)
	b.ReportAllocs()
	for range b.N {
		for i := range 100 {
			r.Worker(i).Success(i%2, time.Duration(i)*time.Millisecond, false)
		}
		r.Take(time.Second)
	}
}
