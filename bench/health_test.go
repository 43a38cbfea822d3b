package main

import (
	"math"
	"os"
	"runtime"
	runtimemetrics "runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// strained is what a load of a length cost, as shares of all CPUs.
func strained(wall time.Duration, own, machine float64) strain {
	all := time.Duration(runtime.NumCPU()) * wall
	return strain{
		cpu: time.Duration(own * float64(all)), wall: wall, all: all, busy: time.Duration(machine * float64(all)),
	}
}

// spread is a summary of n times of which half are p50, and the others p99, in µs.
func spread(n int64, p50, p99 float64) result.Summary {
	h := result.NewHistogram()
	for i := range n {
		v := p50
		if 2*i >= n {
			v = p99
		}
		h.Record(time.Duration(v) * time.Microsecond)
	}
	s := h.Summary()
	s.P90 = s.P50 // what is between is for others to say
	return s
}

// opened are stats of an open load with n requests, all right.
func opened(n int64, response, lag result.Summary) result.Stats {
	return result.Stats{Requests: n, Successes: n, Errors: map[string]int64{}, ResponseTime: response, SendLag: &lag}
}

func TestJudgeHealth(t *testing.T) {
	idle := strained(10*time.Second, 0.1, 0.2)
	tests := []struct {
		name string
		load burden
		want result.Verdict
		says string
	}{
		{"no load", burden{}, result.Valid, ""},
		{"idle", burden{strain: idle}, result.Valid, ""},
		{"half of the CPUs", burden{strain: strained(time.Second, 0.5, 0)}, result.Valid, ""},
		{"more than half of the CPUs", burden{strain: strained(time.Second, 0.5001, 0)}, result.Suspect, "half of the machine's CPU time"},
		{"busy, but too short to tell", burden{strain: strained(enough-1, 1, 1)}, result.Valid, ""},
		{"out of files", burden{strain: idle, failed: 3}, result.Invalid, "3 requests failed for lack of file descriptors"},

		{"machine full, with the target on it", burden{local: true, strain: strained(time.Second, 0.1, 0.96)}, result.Suspect, "All CPUs of the machine"},
		{"machine nearly full", burden{local: true, strain: strained(time.Second, 0.1, 0.94)}, result.Valid, ""},
		{"machine full, target elsewhere", burden{strain: strained(time.Second, 0.1, 1)}, result.Valid, ""},
		{"machine full, too short to tell", burden{local: true, strain: strained(enoughMachine-1, 0.1, 1)}, result.Valid, ""},

		{"on time", burden{stats: opened(2000, spread(2000, 2000, 3000), spread(2000, 5, 60))}, result.Valid, ""},
		{"late, but by less than a thread may be", burden{stats: opened(2000, spread(2000, 150, 200), spread(2000, 5, 100))}, result.Valid, ""},
		{"late by a tenth of the 99 %", burden{stats: opened(2000, spread(2000, 2000, 3000), spread(2000, 5, 300))}, result.Valid, ""},
		{"late by more than that", burden{stats: opened(2000, spread(2000, 2000, 3000), spread(2000, 5, 310))}, result.Suspect, "lag (p99) was 310 µs, in response times of 3.00 ms"},
		{"late, next to waiting in the queue", burden{stats: opened(2000, spread(2000, 900e3, 1900e3), spread(2000, 5, 20e3))}, result.Valid, ""},
		{"late by most of the median", burden{stats: opened(2000, spread(2000, 500, 100e3), spread(2000, 400, 500))}, result.Suspect, "lag (p90)"},
		{"too few to tell of 1 %", burden{stats: opened(999, spread(999, 2000, 3000), spread(999, 5, 2000))}, result.Valid, ""},
		{"late by 5 ms", burden{stats: opened(2000, spread(2000, 2000, 20e3), spread(2000, 5, 5000))}, result.Suspect, "sent late"},
		{"late by more than 5 ms", burden{stats: opened(2000, spread(2000, 2000, 20e3), spread(2000, 5, 5010))}, result.Invalid, "sent late"},
		{"late by more than 5 ms, which is little here", burden{stats: opened(2000, spread(2000, 2000, 60e3), spread(2000, 5, 5010))}, result.Valid, ""},

		{"target closes connections", burden{connections: 10, stats: result.Stats{Requests: 1000, Successes: 1000, ConnectTime: result.Summary{Count: 61}}}, result.Suspect, "closes connections: 61 were opened for 1,000 requests"},
		{"target closes few connections", burden{connections: 10, stats: result.Stats{Requests: 1000, Successes: 1000, ConnectTime: result.Summary{Count: 60}}}, result.Valid, ""},
		{"failed requests cost a connection each", burden{connections: 10, stats: result.Stats{Requests: 1000, Successes: 100, ConnectTime: result.Summary{Count: 910}}}, result.Valid, ""},
		{"fresh connections are asked for", burden{fresh: true, connections: 10, stats: result.Stats{Requests: 1000, Successes: 1000, ConnectTime: result.Summary{Count: 1000}}}, result.Valid, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.load.name = "blue"
			wantVerdict(t, judgeHealth([]burden{{name: "other"}, tt.load}), tt.want, tt.says)
		})
	}
}

func wantVerdict(t *testing.T, g result.Generator, want result.Verdict, says string) {
	t.Helper()
	if g.Verdict != want || (len(g.Reasons) == 0) != (want == result.Valid) {
		t.Errorf("verdict %s, reasons %q, expected %s", g.Verdict, g.Reasons, want)
	}
	if !strings.Contains(strings.Join(g.Reasons, "\n"), says) {
		t.Errorf("reasons %q do not say %q", g.Reasons, says)
	}
	if g.PeakMemoryBytes == nil || *g.PeakMemoryBytes < 1<<20 {
		t.Errorf("peak memory %v", g.PeakMemoryBytes)
	}
}

// What was never sent is the target's fault, unless the generator was too slow itself.
func TestJudgeHealthOfUnsent(t *testing.T) {
	stats := func(unsent int64, lag result.Summary) result.Stats {
		s := opened(2000, spread(2000-unsent, 900e3, 1900e3), lag)
		s.Successes, s.Errors[result.KindUnsent] = 2000-unsent, unsent
		return s
	}
	punctual := spread(2000, 5, 60)
	tests := []struct {
		name   string
		unsent int64
		lag    result.Summary
		own    float64
		want   result.Verdict
		says   string
	}{
		{"target too slow", 500, punctual, 0.1, result.Valid, ""},
		{"generator out of CPU", 500, punctual, 0.6, result.Invalid, "500 of 2,000 requests were never sent, and the generator itself"},
		{"generator out of CPU, and 1 % unsent", 20, punctual, 0.6, result.Suspect, "half of the machine's CPU time"},
		{"generator late", 500, spread(2000, 5, 1000e3), 0.1, result.Invalid, "schedule of blue was not kept"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := burden{name: "blue", strain: strained(time.Second, tt.own, 0), stats: stats(tt.unsent, tt.lag)}
			wantVerdict(t, judgeHealth([]burden{l}), tt.want, tt.says)
		})
	}
}

func TestJudgeHealthOfPauses(t *testing.T) {
	tests := []struct {
		name   string
		max    float64
		known  bool
		p99    float64
		want   result.Verdict
		reason string
	}{
		{"short", 1000, true, 2000, result.Valid, ""},
		{"long", 1001, true, 2000, result.Suspect, "stood still"},
		{"long, next to the response time", 1001, true, 20e3, result.Valid, ""},
		{"unknown", 0, false, 2000, result.Valid, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := burden{name: "blue", stats: result.Stats{ResponseTime: spread(100, 100, tt.p99)}}
			l.strain.paused, l.strain.pauses = tt.known, result.Pauses{Count: 2, TotalUS: tt.max + 5, MaxUS: tt.max}
			g := judgeHealth([]burden{l, l})
			wantVerdict(t, g, tt.want, tt.reason)
			want := &result.Pauses{Count: 4, TotalUS: 2 * (tt.max + 5), MaxUS: tt.max}
			if !tt.known {
				want = nil
			}
			if diff := cmp.Diff(want, g.GCPauses); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}
		})
	}
}

// The shares are those of the target that cost most; what was spun is apart.
func TestJudgeHealthShares(t *testing.T) {
	much := strained(time.Second, 0.4, 0.9)
	much.spun = time.Duration(0.25 * float64(much.all))
	g := judgeHealth([]burden{{strain: strained(time.Hour, 0.1, 0.2)}, {strain: much}, {strain: strained(time.Minute, 0.2, 0.3)}})
	for name, got := range map[string][2]*float64{
		"cpu":     {new(0.4), g.CPUFraction},
		"spun":    {new(0.25), g.SpunFraction},
		"machine": {new(0.9), g.MachineCPUFraction},
	} {
		if got[1] == nil || math.Abs(*got[0]-*got[1]) > 1e-6 {
			t.Errorf("%s share %v, expected %v", name, got[1], *got[0])
		}
	}
	if g := judgeHealth([]burden{{strain: strained(time.Millisecond, 1, 1)}}); g.CPUFraction != nil || g.MachineCPUFraction != nil {
		t.Error("a millisecond tells the share of a CPU, it says")
	}
}

func TestStrain(t *testing.T) {
	at := time.Now()
	buckets := []float64{0, 1e-6, 1e-3, math.Inf(1)}
	before := vitals{
		usage: usage{at: at, cpu: time.Second}, machine: machineTime{busy: 100, all: 1000, each: 10 * time.Millisecond},
		pauses: &runtimemetrics.Float64Histogram{Counts: []uint64{5, 1, 0}, Buckets: buckets},
	}
	after := vitals{
		usage: usage{at: at.Add(2 * time.Second), cpu: 2500 * time.Millisecond}, machine: machineTime{busy: 200, all: 1400, each: 10 * time.Millisecond},
		pauses: &runtimemetrics.Float64Histogram{Counts: []uint64{5, 4, 1}, Buckets: buckets},
	}
	var s strain
	s.add(before, after, 500*time.Millisecond)
	s.add(before, vitals{}, 0) // unknown: nothing is added
	want := strain{
		cpu: time.Second, spun: 500 * time.Millisecond, wall: 2 * time.Second, busy: 500 * time.Millisecond, all: 4 * time.Second,
		pauses: result.Pauses{Count: 4, TotalUS: 4000, MaxUS: 1000}, paused: true,
	}
	if diff := cmp.Diff(want, s, cmp.AllowUnexported(strain{})); diff != "" {
		t.Errorf("strain (-want +got):\n%s", diff)
	}
	s.add(after, before, 0)
	if s.cpu != want.cpu || s.busy != want.busy {
		t.Errorf("counts that run backwards are taken for work: %+v", s)
	}
}

// The real thing: what this test costs is seen.
func TestVitals(t *testing.T) {
	before := takeVitals()
	for i := range 3 {
		runtime.GC()
		_ = make([]byte, i<<20)
	}
	var s strain
	s.add(before, takeVitals(), 0)
	if !s.paused || s.pauses.Count < 3 || s.pauses.MaxUS <= 0 || s.pauses.TotalUS < s.pauses.MaxUS || s.wall <= 0 || s.cpu <= 0 {
		t.Errorf("three garbage collections cost %+v", s)
	}
	if runtime.GOOS == "linux" && takeVitals().machine.all == 0 {
		t.Error("the CPU time of the machine is unknown")
	}
}

func TestOpenFiles(t *testing.T) {
	before, ok := openFiles()
	if !ok {
		t.Skip("this system does not tell")
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	// Tests beside this one open files too.
	if n, ok := openFiles(); !ok || n < 4 || before < 3 {
		t.Errorf("%d and then %d open files", before, n)
	}
	if n, ok := openFilesLimit(); ok && n < before {
		t.Errorf("limit %d below the %d that are open", n, before)
	}
}

func TestClockJump(t *testing.T) {
	c := &collector{began: time.Now()}
	if w := c.clockWarnings(c.began.Add(time.Hour)); w != nil {
		t.Errorf("an hour passed, and it says %q", w)
	}
	// Without a monotonic reading both clocks are the wall's: a jump cannot be told from time that passed, and is none.
	if by := clockJump(c.began, c.began.Add(time.Hour).Round(0)); by != 0 {
		t.Errorf("jumped by %s", by)
	}
}

func TestLocal(t *testing.T) {
	for url, want := range map[string]bool{
		"http://127.0.0.1:80/": true, "http://[::1]:80": true, "http://localhost:1": true, "http://127.9.9.9": true,
		"http://10.0.0.1": false, "https://localhost.example.com": false, "://": false,
	} {
		if local(url) != want {
			t.Errorf("local(%q) is %t", url, !want)
		}
	}
}
