package main

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// machine names the CPU and gives the memory in MiB; empty and 0 if unknown.
func machine() (model string, memoryMB int64) {
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		memoryMB = int64(uint64(info.Totalram) * uint64(info.Unit) >> 20) //nolint:unconvert // Totalram is 32 bits wide on 32-bit systems
	}
	return model, memoryMB
}
