package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Worker is how the far side runs bench.
type Worker struct {
	// Region is the bucket's.
	Region string
	// Files are what is put into the bucket of bench's output folder, as far as they are there.
	Files []string
	// Start starts `bench run` in a folder with arguments and the writer of its standard error.
	Start func(dir string, args []string, log *Log) (Process, error)
	// Every is how often the log is written and the near side listened to; 0 means every two seconds.
	Every time.Duration
}

// Process is a bench that runs.
type Process interface {
	// Done is closed when it has ended, and ExitStatus then is how.
	Done() <-chan struct{}
	ExitStatus() int
	// Interrupt asks it to finish what it has begun, Kill ends it.
	Interrupt()
	Kill()
}

// Work is the far side: it does the job that is in the place, dir being an empty folder for it, and returns bench's exit status.
func (w *Worker) Work(ctx context.Context, where, dir string) (status int, err error) {
	p, err := parsePlace(where)
	if err != nil {
		return 0, err
	}
	if w.Every == 0 {
		w.Every = defaultEvery
	}
	c, err := open(ctx, w.Region)
	if err != nil {
		return 0, err
	}
	s := openStore(c, p)
	data, err := s.get(ctx, jobObject, 0)
	if err != nil {
		return 0, err
	}
	job, err := decodeJob(data)
	if err != nil {
		return 0, err
	}
	if err := job.unpack(dir); err != nil {
		return 0, err
	}
	out := filepath.Join(dir, ".out") // files of the job have no such name
	log := &Log{}
	process, err := w.Start(dir, append(job.Args, "--out", out), log)
	if err != nil {
		return 0, err
	}
	w.attend(ctx, s, process, log)
	var errs []error
	for _, name := range w.Files {
		data, err := os.ReadFile(filepath.Join(out, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = s.put(context.WithoutCancel(ctx), name, data)
		}
		errs = append(errs, err)
	}
	return process.ExitStatus(), errors.Join(errs...)
}

// attend writes the log and listens to the near side until the process has ended.
func (w *Worker) attend(ctx context.Context, s *store, p Process, log *Log) {
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	written, stopping := 0, false
	write := func(ctx context.Context) {
		if text := log.bytes(); len(text) > written && s.put(ctx, logObject, text) == nil {
			written = len(text)
		}
	}
	for {
		select {
		case <-p.Done():
			write(context.WithoutCancel(ctx))
			return
		case <-ctx.Done():
			p.Kill()
			<-p.Done()
			write(context.WithoutCancel(ctx))
			return
		case <-tick.C:
		}
		write(ctx)
		// Whatever else the answer is, it is not the wish to stop.
		if _, err := s.get(ctx, stopObject, 0); err == nil && !stopping {
			stopping = true
			p.Interrupt()
		}
	}
}

func (j *Job) unpack(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unpacking the job: %w", err)
	}
	defer func() { _ = root.Close() }()
	for _, name := range j.fileNames() {
		err := root.MkdirAll(filepath.Dir(name), 0o700)
		if err == nil {
			err = root.WriteFile(name, j.Files[name], 0o600)
		}
		if err != nil {
			return fmt.Errorf("unpacking the job: %w", err)
		}
	}
	return nil
}

// maxLogBytes is more than a run prints.
const maxLogBytes = 1 << 20

// Log is a log in memory. It implements io.Writer and never fails.
type Log struct {
	mu   sync.Mutex
	text []byte
}

// Write adds to the log as long as there is room.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p[:min(len(p), maxLogBytes-len(l.text))]...)
	return len(p), nil
}

func (l *Log) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]byte(nil), l.text...)
}
