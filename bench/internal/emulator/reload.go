package emulator

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// reloadInterval is how often the bootstrap's file is looked at. A look costs a few microseconds, needs no right and no library, and
	// works on every file system and with every way to replace a file, which notifications of the kernel do not.
	reloadInterval = 300 * time.Millisecond
	// busyPatience is how long a start waits for whoever still writes the program.
	busyPatience = 5 * time.Second
)

// fileState tells whether a file has changed.
type fileState struct {
	modified time.Time
	size     int64
	inode    uint64
	mode     fs.FileMode
}

func stateOf(path string) (fileState, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}, err
	}
	s := fileState{modified: info.ModTime(), size: info.Size(), mode: info.Mode()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = sys.Ino
	}
	return s, nil
}

// reload follows the file of the bootstrap, for development: new environments run the new program, idle ones are ended, and busy ones
// when they have done their work. It is not as on Lambda, where new code is deployed.
//
// A file that cannot be run does not count. While it is there, new environments still run the last one that could: it is held open, and
// started from there. That needs Linux, a program that is no script, and a file that was replaced, as compilers do, not
// written over; else environments that are up serve on, and new ones cannot start.
type reload struct {
	path    string
	last    fileState // of the last look
	refused fileState // it has been said that this one cannot be run
	mu      sync.RWMutex
	good    fileState // that new environments run
	file    *os.File  // the same, if it can be started from there; else nil
}

// open begins with the program as it is.
func (r *reload) open(path string) {
	r.path = path
	if state, err := stateOf(path); err == nil {
		r.last = state
		r.use(state)
	}
}

// use makes the program of now the one that new environments run.
func (r *reload) use(state fileState) {
	var file *os.File
	if runtime.GOOS == "linux" && isELF(r.path) {
		file, _ = os.Open(r.path) // without it the path has to do
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		_ = r.file.Close()
	}
	r.good, r.file = state, file
}

func (r *reload) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
}

// program is the path that a new environment is to run. It is right until done is called.
func (r *reload) program() (path string, done func()) {
	r.mu.RLock()
	if state, err := stateOf(r.path); r.file != nil && (err != nil || state != r.good) {
		return fmt.Sprintf("/proc/self/fd/%d", r.file.Fd()), r.mu.RUnlock
	}
	return r.path, r.mu.RUnlock
}

// look tells whether there is a new program, or what is wrong with it. One that still changes is looked at again later.
func (r *reload) look() (changed bool, fault error) {
	state, err := stateOf(r.path)
	if err != nil {
		state = fileState{} // not there, as for a moment when it is replaced
	}
	settled := state == r.last
	r.last = state
	if !settled || err != nil || state == r.good || state == r.refused {
		return false, nil
	}
	if err := errors.Join(checkBootstrap(r.path), checkWhole(r.path)); err != nil {
		r.refused = state
		return false, err
	}
	r.use(state)
	return true, nil
}

func isELF(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

// checkWhole reports a program of which a part is missing. Scripts have no length to hold them to.
func checkWhole(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	head := make([]byte, 4)
	if n, _ := file.ReadAt(head, 0); n < len(head) || string(head) != elf.ELFMAG {
		return nil
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	program, err := elf.NewFile(file)
	if err != nil {
		return fmt.Errorf("bootstrap %s is not whole: %w", path, err)
	}
	for _, part := range program.Progs {
		if end := part.Off + part.Filesz; end > uint64(info.Size()) { //nolint:gosec // no size is negative
			return fmt.Errorf("bootstrap %s is not whole: it has %d bytes, %d are needed", path, info.Size(), end)
		}
	}
	return nil
}

// watchBootstrap looks for a new program until the service ends.
func (f *function) watchBootstrap() {
	ticker := time.NewTicker(reloadInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-f.closing:
			return
		}
		switch changed, fault := f.reload.look(); {
		case fault != nil:
			f.cfg.Log.Warn("the new bootstrap cannot be run, the old one stays", "reason", fault)
		case changed:
			f.cfg.Log.Info("the bootstrap has changed, new environments run it", "path", f.cfg.Bootstrap, "ended", f.renew())
		}
	}
}

// renew lets no environment of before get another event, and returns how many it has ended.
func (f *function) renew() (ended int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0
	}
	f.generation++
	f.meter.Reloads++
	for env := range f.envs {
		if !env.inited { // whoever waits for it gets its first event
			continue
		}
		for i := range env.slots {
			if s := &env.slots[i]; s.state == stateIdle {
				f.idle.remove(s)
				s.become(stateDead)
			}
		}
		if f.endIfDone(env) {
			ended++
		}
	}
	return ended
}

// retire takes a slot that asks for an event out of use, since its environment is one of before; f.mu is held.
func (f *function) retire(s *slot) {
	s.become(stateDead)
	f.endIfDone(s.env)
	if n := len(f.waiters); n > f.finishing {
		inv := f.waiters[n-1]
		f.waiters = f.waiters[:n-1]
		inv.granted <- nil
	}
}

// endIfDone ends an environment that has no event in work; f.mu is held.
func (f *function) endIfDone(env *environment) bool {
	for i := range env.slots {
		if env.slots[i].state.occupied() {
			return false
		}
	}
	if env.shutdown {
		return false
	}
	env.shutdown = true
	f.shutDown(env, shutdownSpindown)
	return true
}

// program is what a new environment is to run.
func (f *function) program() (path string, done func()) {
	if f.reload == nil {
		return f.cfg.Bootstrap, func() {}
	}
	return f.reload.program()
}

// startProcess starts the process of env. A program that is still being written is waited for: the kernel says "text file busy".
// Extensions have ended by then, so with them it is a failed init, which is tried again.
func (f *function) startProcess(env *environment) error {
	begun := time.Now()
	for {
		err := env.start()
		if f.reload == nil || env.exts.external || !errors.Is(err, syscall.ETXTBSY) || time.Since(begun) > busyPatience {
			return err
		}
		select {
		case <-time.After(reloadInterval / 10):
		case <-f.closing:
			return ErrClosed
		}
	}
}
