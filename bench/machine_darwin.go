package main

import "golang.org/x/sys/unix"

// machine names the CPU and gives the memory in MiB; empty and 0 if unknown.
func machine() (model string, memoryMB int64) {
	model, _ = unix.Sysctl("machdep.cpu.brand_string")
	if bytes, err := unix.SysctlUint64("hw.memsize"); err == nil {
		memoryMB = int64(bytes >> 20)
	}
	return model, memoryMB
}

// currentMachineTime is unknown: macOS tells it by a call of its own that Go cannot make without C.
func currentMachineTime() machineTime { return machineTime{} }

// peakMemory is the largest resident size in bytes, which macOS tells as such.
func peakMemory(r *unix.Rusage) int64 { return r.Maxrss }
