//go:build !linux

package docker_test

import "testing"

// runImage needs what the image is for.
func runImage(t *testing.T, _ image, _ string) {
	t.Helper()
	t.Skip("the images are for Linux")
}
