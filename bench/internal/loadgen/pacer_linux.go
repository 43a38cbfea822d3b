package loadgen

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// newPacer sleeps on a timerfd: it wakes the scheduler's wait for the network to the nanosecond, as answers do, where Go's own
// timers make it wait in whole milliseconds.
func newPacer() pacer {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return &hybrid{sleep: timerSleep, free: func() {}, margin: firstMargin}
	}
	t := &timer{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}
	return &hybrid{sleep: t.sleep, free: func() { _ = t.file.Close() }, margin: firstMargin}
}

// timer is a timerfd.
type timer struct {
	fd   int
	file *os.File
	buf  [8]byte
}

// longSleep is from when on a sleep looks out for being stopped. Shorter ones end soon by themselves.
const longSleep = 20 * time.Millisecond

func (t *timer) sleep(d time.Duration, asked <-chan struct{}) bool {
	if d > longSleep {
		end := time.Now().Add(d)
		if !timerSleep(d-longSleep/2, asked) {
			return false
		}
		d = time.Until(end)
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))}
	if err := unix.TimerfdSettime(t.fd, 0, &spec, nil); err != nil {
		return timerSleep(d, asked)
	}
	_, err := t.file.Read(t.buf[:])
	return err == nil || timerSleep(d, asked)
}
