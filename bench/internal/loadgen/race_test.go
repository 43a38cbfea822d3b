//go:build race

package loadgen

// poolsLeak says that sync.Pool drops a part of what is put into it, at random, as it does under the race detector.
const poolsLeak = true
