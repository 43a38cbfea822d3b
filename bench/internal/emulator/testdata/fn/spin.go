package main

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// spin starts what counts up in a file, which outlives the request: a goroutine, or a process, in a session of its own perhaps.
// It returns when that has begun to count.
func spin(file, how string) error {
	switch how {
	case "goroutine":
		go count(file)
		return counting(file)
	case "sigcont": // one that counts how often it was continued
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGCONT)
		go func() {
			for n := uint64(1); ; n++ {
				<-signals
				_ = os.WriteFile(file, binary.LittleEndian.AppendUint64(nil, n), 0o600)
			}
		}()
		return nil
	}
	cmd := exec.Command(os.Args[0], "spin", file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: how == "session"}
	if err := cmd.Start(); err != nil {
		return err
	}
	return counting(file)
}

// counting waits until there is a count.
func counting(file string) error {
	for {
		info, err := os.Stat(file)
		if err == nil && info.Size() >= 8 {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

func count(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for n := uint64(1); ; n++ {
		if _, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, n), 0); err != nil {
			return err
		}
		if n%64 == 0 {
			time.Sleep(time.Microsecond)
		}
	}
}
