package main

import "runtime"

// mbPerVCPU is the memory that comes with one vCPU: "At 1,769 MB, a function has the equivalent of one vCPU"
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const mbPerVCPU = 1769

// processors is on how many processors the function is to run its code at once, given its memory in MB and how many the
// Go runtime uses now: no more than it has vCPUs, rounded up. Lambda shows a function more processors than it gives it time
// on. Threads on the others do not make a request any faster, but wake each other for it, and spend the time that
// is given to all of them. A memory of 0, which is not known, changes nothing; nor does chosen, which tells that the
// environment has set GOMAXPROCS.
func processors(memoryMB, now int, chosen bool) int {
	if chosen || memoryMB <= 0 {
		return now
	}
	return min(now, (memoryMB+mbPerVCPU-1)/mbPerVCPU)
}

// fitProcessors makes the Go runtime use as many.
func fitProcessors(memoryMB int, chosen bool) {
	now := runtime.GOMAXPROCS(0)
	if n := processors(memoryMB, now, chosen); n != now {
		runtime.GOMAXPROCS(n)
	}
}
