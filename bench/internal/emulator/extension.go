package emulator

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// External extensions are processes beside the function's own. What AWS says of them is in "Using the Lambda Extensions API to create
// extensions" (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html); what it leaves open follows the source of its
// Runtime Interface Emulator (https://github.com/aws/aws-lambda-runtime-interface-emulator, internal/lambda, at 4fa2157).

// maxExtensions is how many a function may have: "up to 10 extensions".
const maxExtensions = 10

// Types of errors that extensions cause (internal/lambda/fatalerror of the emulator named above).
const (
	errorTypeExtensionCrash  = "Extension.Crash"
	errorTypeExtensionLaunch = "Extension.LaunchError"
	errorTypeExtensionInit   = "Extension.InitError"
	errorTypeExtensionExit   = "Extension.ExitError"
)

// extensionState is how far an extension is.
type extensionState int

const (
	extensionStarted    extensionState = iota // has not registered
	extensionRegistered                       // has not asked for an event
	extensionReady                            // waits for an event
	extensionRunning                          // works on one
	extensionFailed                           // has ended, or has reported an error
)

// extension is an external extension, with a process of its own, or an internal one, which is a part of the runtime's. All of it is
// guarded by function.mu.
type extension struct {
	name             string
	id               string // once registered
	external         bool
	child            *process.Child // nil of an internal one, and of one that has not been started
	invoke, shutdown bool           // the events that it has registered for
	state            extensionState
	parked           *apiConn // waits for an event
	pending          []byte   // an event that came while it did not wait
}

// extensions are those of one environment.
type extensions struct {
	external bool            // there are files to be started
	launched chan struct{}   // closed when the runtime runs, or will not; nil without external ones
	progress chan struct{}   // gets an element when one has registered
	failed   chan *InitError // gets what has gone wrong in the init
	invokes  atomic.Int32    // how many have registered for INVOKE
	due      atomic.Bool     // the log is to tell of them

	// Guarded by function.mu.
	list   []*extension
	closed bool           // no more may register
	reason shutdownReason // of the end of the environment, "" if that has not begun
	by     time.Time      // when the end must be
	told   bool           // they have been told
}

// checkExtensions reports what would keep extensions from being started, and makes the path of their folder absolute.
func checkExtensions(c *Config) error {
	if c.Extensions == "" {
		return nil
	}
	dir, err := filepath.Abs(c.Extensions)
	if err != nil {
		return fmt.Errorf("extensions: %w", err)
	}
	c.Extensions = dir
	files, err := extensionFiles(dir)
	if err != nil {
		return err
	}
	if len(files) > maxExtensions {
		return fmt.Errorf("%d extensions in %s are more than Lambda's %d", len(files), dir, maxExtensions)
	}
	var errs []error
	for _, path := range files {
		errs = append(errs, checkExtension(path))
	}
	return errors.Join(errs...)
}

func checkExtension(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("extension: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("extension %s is not an executable file", path)
	}
	return checkHead("extension", path, f)
}

// extensionFiles are the files of a folder: each is an extension, sub-folders are for what they need (internal/lambda/agents).
func extensionFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("extensions: %w", err)
	}
	var files []string
	for _, entry := range entries {
		if !entry.IsDir() {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	return files, nil
}

// extend starts the external extensions, if there are any, and returns when all have registered: "After each extension registers with
// Lambda, Lambda starts the Runtime init phase".
func (e *environment) extend(output *os.File) error {
	f := e.fn
	if f.cfg.Extensions == "" {
		return nil
	}
	files, err := extensionFiles(f.cfg.Extensions)
	if err != nil || len(files) == 0 {
		return err
	}
	x := &e.exts
	x.launched, x.progress, x.failed = make(chan struct{}), make(chan struct{}, maxExtensions), make(chan *InitError, 1)
	if f.limits.on && f.limits.tmp.private() {
		f.limits.note("/tmp of extensions is this machine's")
	}
	e.markProcesses() // there is no cgroup yet, and only the extensions themselves are moved to it
	if err := e.serveEarly(); err != nil {
		return err
	}
	for _, path := range files {
		if err := e.startExtension(path, output); err != nil {
			return err
		}
	}
	timer := time.NewTimer(time.Until(e.initBy))
	defer timer.Stop()
	for range files {
		select {
		case <-x.progress:
		case failure := <-x.failed:
			return failure
		case <-timer.C:
			return &InitError{Reason: "its extensions did not register in time", Type: errorTypeTimeout}
		case <-f.closing:
			return ErrClosed
		}
	}
	return nil
}

// serveEarly opens the Runtime API and reads the log before there is a runtime.
func (e *environment) serveEarly() error {
	f := e.fn
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	e.exts.external = true
	e.open()
	f.workers.Go(e.copyLog)
	return nil
}

// startExtension starts one. It is outside of the limits until the runtime has been started.
func (e *environment) startExtension(path string, output *os.File) error {
	f := e.fn
	cmd := exec.Command(path) //nolint:noctx // it outlives the request that caused it; the group ends it
	cmd.Dir = "/"
	cmd.Env = extensionEnviron(environ(&f.cfg, e, nil))
	cmd.Stdout, cmd.Stderr = output, output
	x := &extension{name: filepath.Base(path), external: true}
	f.mu.Lock()
	e.exts.list = append(e.exts.list, x) // before it can register
	f.mu.Unlock()
	child, err := f.cfg.Group.Start(cmd)
	if errors.Is(err, process.ErrClosed) {
		return ErrClosed
	}
	if err != nil {
		return &InitError{Reason: err.Error(), Type: errorTypeExtensionLaunch}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	x.child = child
	f.workers.Go(func() { e.watchExtension(x, child) })
	return nil
}

// extensionEnviron leaves out what is for the runtime alone (the page above, "Permissions and configuration").
func extensionEnviron(env []string) []string {
	hidden := []string{
		"AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS",
		"LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT", "_HANDLER",
	}
	return slices.DeleteFunc(env, func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return slices.Contains(hidden, name)
	})
}

// adopt brings the extensions under the limits of the environment that has been started, and lets them be frozen with it.
func (e *environment) adopt() {
	if !e.exts.external {
		return
	}
	e.fn.mu.Lock()
	list := slices.Clone(e.exts.list)
	e.fn.mu.Unlock()
	for _, x := range list {
		if x.child != nil {
			e.cage.adopt(x.child.Pid())
			e.frost.adopt(x.child)
		}
	}
}

// watchExtension waits for the end of an extension, which is that of its environment too.
func (e *environment) watchExtension(x *extension, child *process.Child) {
	<-child.Done()
	f := e.fn
	f.mu.Lock()
	defer f.mu.Unlock()
	e.extensionFailed(x, errorTypeExtensionCrash, exitText(child.State().String()))
}

// extensionFailed ends an environment for one of its extensions; f.mu is held. "If an extension fails, Lambda restarts the execution
// environment".
func (e *environment) extensionFailed(x *extension, kind, why string) {
	f := e.fn
	if x.state == extensionFailed || e.exts.reason != "" || f.closed {
		return
	}
	x.state = extensionFailed
	x.parked = nil
	why = "extension " + x.name + ": " + why
	if !e.inited {
		select {
		case e.exts.failed <- &InitError{Reason: why, Type: kind}:
		default: // of an internal one, which has no such channel and ends with the runtime, or another one has failed already
		}
		return
	}
	for i := range e.slots {
		s := &e.slots[i]
		f.complete(s, outcome{kind: outcomeFunctionError, err: &report{kind: kind, message: why}})
		if s.state == stateIdle {
			f.withdraw(s)
			s.become(stateDead)
		}
	}
	f.shutDown(e, shutdownFailure)
}

// quiet tells whether no extension works: the init, and each invocation, ends when "the runtime and each registered extension indicate
// completion by sending a Next API request"; f.mu is held.
func (x *extensions) quiet() bool {
	for _, ext := range x.list {
		if ext.state != extensionReady {
			return false
		}
	}
	return true
}
