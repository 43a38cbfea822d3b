package emulator

import (
	"bytes"
	"os"
	"strconv"
)

// maxFamily bounds how many processes of an environment are looked at.
const maxFamily = 64

// peakMemory is the sum of the peaks of a process and, if they are to be looked for, its descendants in bytes, 0 if it has ended. It
// tells whether it has found some.
func peakMemory(pid int, look bool) (sum int64, children bool) {
	family := []int{pid}
	for i := 0; i < len(family) && i < maxFamily; i++ {
		sum += highWater(family[i])
		if !look {
			break
		}
		threads, _ := os.ReadDir("/proc/" + strconv.Itoa(family[i]) + "/task")
		for _, thread := range threads {
			b, _ := os.ReadFile("/proc/" + strconv.Itoa(family[i]) + "/task/" + thread.Name() + "/children")
			for word := range bytes.FieldsSeq(b) {
				if child, err := strconv.Atoi(string(word)); err == nil {
					family = append(family, child)
				}
			}
		}
	}
	return sum, len(family) > 1
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
