//go:build !race

package loadgen

const poolsLeak = false
