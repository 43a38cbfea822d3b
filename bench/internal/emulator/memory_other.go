//go:build !linux

package emulator

// peakMemory is not known without procfs.
func peakMemory(int) int64 { return 0 }
