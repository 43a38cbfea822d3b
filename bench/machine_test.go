package main

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

func TestGeneratorHealth(t *testing.T) {
	// used is the CPU time that makes a share of all CPUs in a time.
	used := func(share float64, wall time.Duration) time.Duration {
		return time.Duration(share * float64(wall) * float64(environment(nil).CPUs))
	}
	tests := []struct {
		name    string
		efforts []effort
		failed  int64
		want    result.Verdict
		share   float64 // -1: none
	}{
		{"no load", nil, 0, result.Valid, -1},
		{"too short to tell", []effort{{cpu: used(1, 50*time.Millisecond), wall: 50 * time.Millisecond}}, 0, result.Valid, -1},
		{"idle", []effort{{cpu: 0, wall: time.Second}}, 0, result.Valid, 0},
		{"at the limit", []effort{{cpu: used(0.5, time.Second), wall: time.Second}}, 0, result.Valid, 0.5},
		{"busy with one of two", []effort{{wall: time.Hour}, {cpu: used(0.75, time.Second), wall: time.Second}}, 0, result.Suspect, 0.75},
		{"out of files", []effort{{cpu: 0, wall: time.Second}}, 3, result.Invalid, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := generator(tt.efforts, tt.failed)
			if g.Verdict != tt.want || (len(g.Reasons) == 0) != (tt.want == result.Valid) {
				t.Errorf("verdict %s, reasons %v, expected %s", g.Verdict, g.Reasons, tt.want)
			}
			switch {
			case tt.share < 0 && g.CPUFraction != nil:
				t.Errorf("CPU share %v, expected none", *g.CPUFraction)
			case tt.share >= 0 && (g.CPUFraction == nil || *g.CPUFraction != tt.share):
				t.Errorf("CPU share %v, expected %v", g.CPUFraction, tt.share)
			}
			if g.PeakMemoryBytes == nil || *g.PeakMemoryBytes < 1<<20 {
				t.Errorf("peak memory %v", g.PeakMemoryBytes)
			}
		})
	}
}

func TestEnoughFiles(t *testing.T) {
	if err := enoughFiles(1); err != nil {
		t.Error(err)
	}
	if err := enoughFiles(1 << 30); err == nil && !unlimitedFiles() {
		t.Error("2^30 connections are possible, it says")
	}
}

// unlimitedFiles says that this system knows no limit to test against.
func unlimitedFiles() bool {
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil || limit.Cur >= 1<<30
}
