//go:build !linux

package storetest

import "syscall"

// dieWithParent can only be asked of Linux.
func dieWithParent() *syscall.SysProcAttr { return nil }
