//go:build !race

package result_test

const raceEnabled = false
