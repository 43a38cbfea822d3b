package main

import (
	"math"
	"os"
	runtimemetrics "runtime/metrics"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// vitals are what bench and its machine have spent so far. Two of them, taken before and after a load, say what it cost.
type vitals struct {
	usage
	machine machineTime
	pauses  *runtimemetrics.Float64Histogram // of the garbage collector; nil if unknown
}

// machineTime is what the CPUs of the machine have done since it started, in a unit of the system's own. The zero value is unknown.
type machineTime struct {
	busy, all uint64
	each      time.Duration // the unit
}

// takeVitals gives the zero value where the system does not even tell the CPU time of bench.
func takeVitals() vitals {
	u, err := currentUsage()
	if err != nil {
		return vitals{}
	}
	v := vitals{usage: u, machine: currentMachineTime()}
	sample := []runtimemetrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	if runtimemetrics.Read(sample); sample[0].Value.Kind() == runtimemetrics.KindFloat64Histogram {
		v.pauses = sample[0].Value.Float64Histogram()
	}
	return v
}

// strain is what one or more loads cost.
type strain struct {
	// cpu is bench's own, without spun: spinning until a request is due is no work, as it gives way to any.
	cpu, spun, wall time.Duration
	// busy is what all CPUs did, but for spun, in all that they could do; zero if unknown.
	busy, all time.Duration
	pauses    result.Pauses
	paused    bool // pauses are known
}

// enough is the shortest load on a target whose CPU share says anything: the system counts a process's CPU time in steps of
// milliseconds. It counts that of the machine in steps of ten, hence enoughMachine.
const (
	enough        = 100 * time.Millisecond
	enoughMachine = time.Second
)

// add adds what a load cost, spun of it for being on time.
func (s *strain) add(before, after vitals, spun time.Duration) {
	if before.at.IsZero() || after.at.IsZero() {
		return
	}
	s.wall += after.at.Sub(before.at)
	s.cpu += max(0, after.cpu-before.cpu-spun)
	s.spun += spun
	if all := after.machine.since(before.machine.all, after.machine.all); all > 0 {
		s.all += all
		s.busy += max(0, after.machine.since(before.machine.busy, after.machine.busy)-spun)
	}
	if before.pauses != nil && after.pauses != nil {
		s.paused = true
		addPauses(&s.pauses, before.pauses, after.pauses)
	}
}

// merge adds o.
func (s *strain) merge(o *strain) {
	s.cpu += o.cpu
	s.spun += o.spun
	s.wall += o.wall
	s.busy += o.busy
	s.all += o.all
	s.paused = s.paused || o.paused
	s.pauses.Count += o.pauses.Count
	s.pauses.TotalUS += o.pauses.TotalUS
	s.pauses.MaxUS = max(s.pauses.MaxUS, o.pauses.MaxUS)
}

// since is the time between two counts; 0 where it is unknown, or one ran backwards, as those of some systems do.
func (m machineTime) since(before, after uint64) time.Duration {
	if after <= before {
		return 0
	}
	return time.Duration(after-before) * m.each //nolint:gosec // far below 2^63
}

// addPauses adds those between two readings of the same histogram.
func addPauses(to *result.Pauses, before, after *runtimemetrics.Float64Histogram) {
	for i, n := range after.Counts {
		if i < len(before.Counts) {
			n -= before.Counts[i]
		}
		if n == 0 {
			continue
		}
		longest := after.Buckets[i+1]
		if math.IsInf(longest, 1) {
			longest = after.Buckets[i]
		}
		us := longest * 1e6
		to.Count += int64(n) //nolint:gosec // one for each garbage collection
		to.TotalUS += us * float64(n)
		to.MaxUS = max(to.MaxUS, us)
	}
}

// share of all CPUs that bench worked on, and spun on; false if the load was too short to tell. A little more than all CPUs, which the
// system's counting in steps may come to, is all of them.
func (s *strain) share(cpus int) (worked, spun float64, ok bool) {
	all := s.wall.Seconds() * float64(cpus)
	return min(1, s.cpu.Seconds()/all), min(1, s.spun.Seconds()/all), s.wall >= enough
}

// machineShare is the share of all CPUs that anything worked on; false if unknown.
func (s *strain) machineShare() (float64, bool) {
	return min(1, s.busy.Seconds()/s.all.Seconds()), s.all > 0 && s.wall >= enoughMachine
}

// openFiles is how many files bench has open; false if unknown.
func openFiles() (int64, bool) {
	dir, err := os.Open("/dev/fd")
	if err != nil {
		return 0, false
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	return int64(len(slices.Compact(names))) - 1, err == nil // without dir
}

// openFilesLimit is how many it may have; false if unknown, or unlimited.
func openFilesLimit() (int64, bool) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return int64(min(limit.Cur, math.MaxInt32)), err == nil && limit.Cur <= math.MaxInt32
}

// clockJump is by how much the machine's clock was set, forwards or back, between two times that time.Now gave.
func clockJump(from, to time.Time) time.Duration {
	return to.Round(0).Sub(from.Round(0)) - to.Sub(from) // Round takes away what is monotonic
}
