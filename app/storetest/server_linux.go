package storetest

import "syscall"

// dieWithParent ends the server with the test binary, should that be killed.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
