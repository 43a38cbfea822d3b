//go:build !linux

package loadgen

// newPacer uses Go's timers, which are exact where the system's event queue takes nanoseconds, as kqueue does.
func newPacer() pacer { return &hybrid{sleep: timerSleep, free: func() {}, margin: firstMargin} }
