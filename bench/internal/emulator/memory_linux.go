package emulator

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// maxFamily bounds how many processes of an environment are looked at.
const maxFamily = 64

// peakMemory is the sum of the peaks of a process and its descendants in bytes, 0 if it has ended.
func peakMemory(pid int) int64 {
	var sum int64
	family := []int{pid}
	for i := 0; i < len(family) && i < maxFamily; i++ {
		sum += highWater(family[i])
		tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(family[i]) + "/task/*/children")
		for _, task := range tasks {
			b, _ := os.ReadFile(task)
			for word := range bytes.FieldsSeq(b) {
				if child, err := strconv.Atoi(string(word)); err == nil {
					family = append(family, child)
				}
			}
		}
	}
	return sum
}

// highWater is VmHWM of /proc/PID/status in bytes.
func highWater(pid int) int64 {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, rest, _ := bytes.Cut(b, []byte("\nVmHWM:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	kb, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(line), []byte(" kB"))), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}
