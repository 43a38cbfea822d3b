package main

import (
	"os"
	"strconv"
	"strings"
	"time"

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

// userHZ is the unit in which Linux tells programs of CPU time: 100 a second on all architectures that Go knows.
const userHZ = 100

// currentMachineTime reads what all CPUs did. Time that a hypervisor gave to others (steal) is busy: bench could not have it.
func currentMachineTime() machineTime {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return machineTime{}
	}
	return parseMachineTime(string(data))
}

// parseMachineTime reads /proc/stat; zero if it is not as proc_stat(5) says.
func parseMachineTime(text string) machineTime {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	const idle, iowait, steal = 4, 5, 8 // what follows steal, guest time, is in user time too
	if len(fields) <= idle || fields[0] != "cpu" {
		return machineTime{}
	}
	m := machineTime{each: time.Second / userHZ}
	for i, f := range fields[1:min(len(fields), steal+1)] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return machineTime{}
		}
		m.all += n
		if at := i + 1; at != idle && at != iowait {
			m.busy += n
		}
	}
	return m
}

// peakMemory is the largest resident size in bytes. Linux keeps Maxrss through an exec, so that it may be that of the process which has
// started this one; VmHWM is not.
func peakMemory(r *unix.Rusage) int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64); err == nil {
				return kb << 10
			}
		}
	}
	return int64(r.Maxrss) << 10 //nolint:unconvert // it is 32 bits wide on 32-bit systems
}
