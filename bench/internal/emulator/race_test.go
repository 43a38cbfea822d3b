//go:build race

package emulator_test

// The race detector gives up at 8,128 goroutines.
const manyClients = 2_000
