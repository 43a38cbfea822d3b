package main

import (
	"fmt"
	"net"
	"net/url"
	"runtime"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Limits of the generator's health. A run beyond one of them is suspect: the figures may say as much of the generator as of the
// targets. Invalid is only what the figures cannot be mended of by reading them with care.
const (
	// busy is the CPU share from which on a generator slows itself down: with every second CPU in use, its workers wait for a CPU as
	// often as for answers.
	busy = 0.5
	// saturated is the CPU share of the whole machine from which on targets on it compete with the generator for every CPU. A little
	// is left over even then, as the system counts.
	saturated = 0.95
	// notable is the part of a figure that may be the generator's own doing before it is suspect: by as much runs differ anyway.
	notable = 0.1
	// lagFloor is below what a sleeping thread may be late by on any machine, and lagInvalid above what the network adds: as much
	// lateness is a schedule of the generator's own.
	lagFloor   = 100 * time.Microsecond
	lagInvalid = 5 * time.Millisecond
	// pauseFloor is longer than Go's collector stops a program that has CPUs to run on.
	pauseFloor = time.Millisecond
	// churn is the share of requests that needed a new connection from which on a keep-alive scenario measures handshakes.
	churn = 0.05
	// given is the share of requests that may go unsent before a schedule counts as not kept.
	given = 0.01
	// jumped is by how much a clock that is kept in step by NTP is not set at once.
	jumped = time.Second
)

// burden is what the generator's health is judged by, of one target.
type burden struct {
	name   string
	strain strain
	// local targets run on the generator's own machine.
	local bool
	// fresh connections are asked for, and no churn.
	fresh bool
	// connections that it has at most.
	connections int
	// stats of the phases that count.
	stats result.Stats
	// failed for lack of something on the generator's side, in all phases.
	failed int64
}

// verdict collects reasons.
type verdict struct{ *result.Generator }

func (v verdict) suspect(format string, args ...any) {
	if v.Verdict == result.Valid {
		v.Verdict = result.Suspect
	}
	v.Reasons = append(v.Reasons, fmt.Sprintf(format, args...))
}

func (v verdict) invalid(format string, args ...any) {
	v.suspect(format, args...)
	v.Verdict = result.Invalid
}

// judgeHealth judges the generator by the loads that it put on all targets. The CPU shares are those of the target for which they
// were highest: a slow target leaves the generator idle and would hide in a mean that it was busy with a fast one.
func judgeHealth(loads []burden) result.Generator {
	g := result.Generator{Verdict: result.Valid, Reasons: []string{}}
	v := verdict{&g}
	if now, err := currentUsage(); err == nil {
		g.PeakMemoryBytes = &now.rss
	}
	if n, ok := openFilesLimit(); ok {
		g.OpenFilesLimit = &n
	}
	failed := int64(0)
	for i := range loads {
		l := &loads[i]
		failed += l.failed
		v.cpu(l)
		v.lag(l)
		v.pauses(l)
		v.connections(l)
	}
	if g.CPUFraction != nil && *g.CPUFraction > busy {
		v.suspect("The generator used more than half of the machine's CPU time on a target: answers waited for the generator.")
	}
	if failed > 0 {
		v.invalid("%s failed for lack of file descriptors, ports or memory of the generator itself.", numeral.Plural(failed, "request"))
	}
	return g
}

func (v verdict) cpu(l *burden) {
	if share, spun, ok := l.strain.share(runtime.NumCPU()); ok && (v.CPUFraction == nil || share > *v.CPUFraction) {
		v.CPUFraction, v.SpunFraction = &share, nil
		if spun > 0 {
			v.SpunFraction = &spun
		}
	}
	share, ok := l.strain.machineShare()
	if !ok {
		return
	}
	if v.MachineCPUFraction == nil || share > *v.MachineCPUFraction {
		v.MachineCPUFraction = &share
	}
	if l.local && share > saturated {
		v.suspect("All CPUs of the machine were busy while %s, which runs on it, was measured: target and generator waited for each other's CPU"+
			" time.", l.name)
	}
}

// late says in a sentence that the generator sent late, and whether that is beyond what careful reading can mend; empty if it was on
// time. It compares the send lag with the response time, of which it is a part, percentile by percentile. A percentile is asked only if
// ten samples are above it: one late request among a few is chance.
func (b *burden) late() (text string, hopeless bool) {
	lag, response := b.stats.SendLag, &b.stats.ResponseTime
	if lag == nil {
		return "", false
	}
	for _, p := range []struct {
		name          string
		enough        int64
		lag, response *float64
	}{
		{"p99", 1000, lag.P99, response.P99},
		{"p90", 100, lag.P90, response.P90},
		{"p50", 20, lag.P50, response.P50},
	} {
		if lag.Count < p.enough || p.lag == nil || p.response == nil || *p.lag <= us(lagFloor) || *p.lag <= notable**p.response {
			continue
		}
		hopeless = hopeless || *p.lag > us(lagInvalid)
		if text == "" {
			text = fmt.Sprintf("The generator sent late to %s: its lag (%s) was %s, in response times of %s.", b.name, p.name,
				numeral.Time(*p.lag), numeral.Time(*p.response))
		}
	}
	return text, hopeless
}

func (v verdict) lag(b *burden) {
	text, hopeless := b.late()
	switch {
	case hopeless:
		v.invalid("%s", text)
	case text != "":
		v.suspect("%s", text)
	}
	unsent := b.stats.Errors[result.KindUnsent]
	if (hopeless || b.worked()) && float64(unsent) > given*float64(b.stats.Requests) {
		v.invalid("The schedule of %s was not kept: %s of %s were never sent, and the generator itself was too slow, so that this says nothing"+
			" of the target.", b.name, numeral.Whole(unsent), numeral.Plural(b.stats.Requests, "request"))
	}
}

// worked says that the generator used more CPU than it can without slowing itself down.
func (b *burden) worked() bool {
	share, _, ok := b.strain.share(runtime.NumCPU())
	return ok && share > busy
}

// limited says that what was measured may be the generator's limit, and not the target's.
func (b *burden) limited() bool {
	text, _ := b.late()
	return text != "" || b.worked() || b.failed > 0
}

func (v verdict) pauses(l *burden) {
	if !l.strain.paused {
		return
	}
	if v.GCPauses == nil {
		v.GCPauses = &result.Pauses{}
	}
	p := &l.strain.pauses
	v.GCPauses.Count += p.Count
	v.GCPauses.TotalUS += p.TotalUS
	v.GCPauses.MaxUS = max(v.GCPauses.MaxUS, p.MaxUS)
	if p99 := l.stats.ResponseTime.P99; p99 != nil && p.MaxUS > us(pauseFloor) && p.MaxUS > notable**p99 {
		v.suspect("The generator stood still for up to %s to collect garbage while %s was measured, in response times of %s (p99).",
			numeral.Time(p.MaxUS), l.name, numeral.Time(*p99))
	}
}

// connections finds targets that close what should be kept. The first connections are none of those, nor what replaces one on which
// a request failed.
func (v verdict) connections(l *burden) {
	s := &l.stats
	again := s.ConnectTime.Count - int64(l.connections) - (s.Requests - s.Successes)
	if !l.fresh && float64(again) > churn*float64(s.Requests) {
		v.suspect("%s closes connections: %s were opened for %s, which measures the opening of connections too.", l.name, numeral.Whole(s.ConnectTime.Count),
			numeral.Plural(s.Requests, "request"))
	}
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// health is that of the generator, over all turns so far.
func (c *collector) health() result.Generator {
	loads := make([]burden, len(c.totals))
	for i := range c.totals {
		sum := &c.totals[i]
		loads[i] = burden{
			name: c.targets[i].Name, strain: sum.strain, local: local(c.targets[i].URL), fresh: c.scenario.FreshConnections,
			connections: c.scenario.InFlight(), stats: sum.overall.Stats(),
		}
		for j := range c.results[i].Phases {
			loads[i].failed += c.results[i].Phases[j].Errors[loadgen.KindGenerator]
		}
	}
	g := judgeHealth(loads)
	if c.files > 0 {
		g.OpenFiles = &c.files
	}
	g.SendLag = c.sendLag()
	return g
}

// sendLag of all targets, in the phases that count; nil in a closed loop.
func (c *collector) sendLag() *result.Summary {
	var sum recorder.Set
	for i := range c.totals {
		sum.Merge(&c.totals[i].overall)
	}
	return sum.Stats().SendLag
}

// countFiles while the connections of the turn are still open.
func (c *collector) countFiles() {
	if n, ok := openFiles(); ok {
		c.files = max(c.files, n)
	}
}

// clockWarnings tells of a clock that was set while the run lasted. What was measured counts on the monotonic one, which nobody sets.
func (c *collector) clockWarnings(now time.Time) []string {
	by := clockJump(c.began, now)
	if by.Abs() < jumped {
		return nil
	}
	return []string{fmt.Sprintf("The clock of this machine was set by %s during the run. Times of requests are not affected, but the run's begin and"+
		" end, and whatever is compared with them, such as logs, are.", numeral.Duration(by))}
}

// local says whether a URL is one of this machine's. It resolves no names.
func local(target string) bool {
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}
