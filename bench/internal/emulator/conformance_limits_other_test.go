//go:build !linux

package emulator_test

// limitRules are of Linux alone.
func limitRules() []rule { return nil }
