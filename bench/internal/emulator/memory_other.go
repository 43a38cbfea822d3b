//go:build !linux

package emulator

// peakMemory is not known without procfs.
func peakMemory(int, bool) (int64, bool) { return 0, false }
