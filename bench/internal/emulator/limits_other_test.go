//go:build !linux

package emulator_test

const procfs = false

func serveLimited(string) int { return 1 }
