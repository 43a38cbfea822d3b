//go:build !linux

package report_test

import "testing"

// Elsewhere the first process of the system waits for what a browser leaves behind.
func adopt(*testing.T) {}

func bury(*testing.T) int { return 0 }
