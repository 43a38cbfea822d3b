package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// output is the folder of a run's files.
type output struct {
	dir  string
	made []string // folders that were not there before, innermost first
	lock *os.File // nil where the file system has no locks
}

// errTaken is wrapped where another run, which goes on, has the folder.
var errTaken = errors.New("another run writes to it: name another folder")

// openOutput makes the folder, takes it for this run alone, and finds out whether files can be written to it, before minutes of load
// are spent. Without a name it finds one of its own.
func openOutput(dir, scenarioName string) (*output, error) {
	if dir != "" {
		return takeOutput(dir)
	}
	base := filepath.Join("results", time.Now().Format("20060102-150405")+"-"+scenarioName)
	for n := 1; ; n++ {
		dir = base
		if n > 1 {
			dir = fmt.Sprintf("%s-%d", base, n)
		}
		if exists(dir) {
			continue
		}
		// A run that began in the same second may have been quicker.
		if o, err := takeOutput(dir); !errors.Is(err, errTaken) {
			return o, err
		}
	}
}

func takeOutput(dir string) (*output, error) {
	o := &output{dir: dir}
	for at := filepath.Clean(dir); !exists(at) && at != filepath.Dir(at); at = filepath.Dir(at) {
		o.made = append(o.made, at)
	}
	if err := o.take(); err != nil {
		if errors.Is(err, errTaken) {
			o.keep() // empty as it may be, it is the other's
		}
		o.discard()
		return nil, err
	}
	return o, nil
}

func (o *output) take() error {
	unwritable := func(err error) error {
		return fmt.Errorf("the output folder cannot be written to: %w (choose another with --out)", err)
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return unwritable(err)
	}
	if err := o.claim(); err != nil {
		return err
	}
	// Only now: a run that had the folder until then has written its files.
	for _, name := range []string{result.FileName, result.JournalName} {
		if exists(filepath.Join(o.dir, name)) {
			return usageError{fmt.Errorf("--out %s holds %s already: name another folder, or remove it", o.dir, name)}
		}
	}
	if err := probe(o.dir); err != nil {
		return unwritable(err)
	}
	return nil
}

// claim locks the folder for as long as this process lives. Where there are no locks, as on some network file systems, the journal is
// what two runs cannot both create.
func (o *output) claim() error {
	f, err := os.Open(o.dir)
	if err != nil {
		return fmt.Errorf("the output folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // it was not written to
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return usageError{fmt.Errorf("--out %s: %w", o.dir, errTaken)}
		}
		return nil
	}
	o.lock = f
	return nil
}

// probeBytes is about what a short run writes.
const probeBytes = 1 << 20

// probe writes to dir as a run does: on a disk without space a file can still be made that holds nothing.
func probe(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeBytes))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// keep makes discard leave the folder alone: it holds a result.
func (o *output) keep() { o.made = nil }

// discard removes the folders that were made for this run and nothing was written to, and lets other runs have them.
func (o *output) discard() {
	for _, dir := range o.made {
		_ = os.Remove(dir) // fails, rightly, if something is in it
	}
	if o.lock != nil {
		_ = o.lock.Close() // it was not written to
	}
}

// hint says what can be done with the journal of a run without a result, once that is closed.
func (o *output) hint() string {
	if !exists(filepath.Join(o.dir, result.JournalName)) {
		return ""
	}
	return fmt.Sprintf(" ('bench report %s' renders what is in its journal)", o.dir)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
