//go:build !race

package emulator_test

const manyClients = 10_000
