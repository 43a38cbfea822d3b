package emulator

import (
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// shutdownLimits are how long the shutdown phase may take, in the words of the page that extension.go names.
type shutdownLimits struct {
	// all is for all of it: "2,000 ms – A function with one or more registered external extensions".
	all time.Duration
	// runtime is the part of it that the runtime has, from SIGTERM to SIGKILL: "Lambda reserves up to 300 ms (500 ms for a runtime with
	// an internal extension) for the runtime process to perform a graceful shutdown".
	runtime time.Duration
	// internal is that of a runtime with no extensions but internal ones.
	internal time.Duration
}

func defaultShutdownLimits() shutdownLimits {
	return shutdownLimits{all: 2 * time.Second, runtime: 300 * time.Millisecond, internal: 500 * time.Millisecond}
}

// shutdownReason is what extensions are told about the end of their environment.
type shutdownReason string

const (
	shutdownSpindown shutdownReason = "SPINDOWN"
	shutdownTimeout  shutdownReason = "TIMEOUT"
	shutdownFailure  shutdownReason = "FAILURE"
)

// shutDown ends an environment as Lambda does: without extensions at once, else with SIGTERM to the runtime and an event to the
// extensions; f.mu is held.
func (f *function) shutDown(e *environment, reason shutdownReason) {
	grace := time.Duration(0)
	if x := &e.exts; len(x.list) > 0 {
		x.ends(reason, f.shutdown.all)
		grace = f.shutdown.runtime
		if !x.external {
			grace = f.shutdown.internal
		}
	}
	f.stop(e, grace)
}

// endWith ends an environment because the service does: with no grace at once, else as shutDown if it has extensions; f.mu is held.
func (f *function) endWith(e *environment, grace time.Duration) {
	switch {
	case len(e.exts.list) == 0:
		f.stop(e, grace)
	case grace == 0:
		e.exts.ends(shutdownSpindown, 0)
		f.stop(e, 0)
	default:
		f.shutDown(e, shutdownSpindown)
	}
}

// ends notes why the environment ends, unless that is known; f.mu is held.
func (x *extensions) ends(reason shutdownReason, in time.Duration) {
	x.closed = true
	if x.reason == "" {
		x.reason, x.by = reason, time.Now().Add(in)
	}
}

// endExtensions ends the extensions of an environment whose runtime has ended, or has never run: those that have registered for
// SHUTDOWN get that event and end by themselves, until their time is over.
func (e *environment) endExtensions() {
	x := &e.exts
	if !x.external {
		return
	}
	f := e.fn
	f.mu.Lock()
	if f.closed && x.reason == "" { // it was in its init
		x.ends(shutdownSpindown, 0)
	}
	x.ends(shutdownFailure, f.shutdown.all)
	x.told = true
	event := extensionShutdown(x.reason, x.by)
	left := time.Until(x.by)
	var last []*process.Child
	tell := map[*apiConn][]byte{}
	for _, ext := range x.list {
		switch {
		case ext.child == nil:
			continue
		case !ext.shutdown || ext.state == extensionFailed || left <= 0:
			child := ext.child
			f.workers.Go(func() { _ = child.Stop(0) })
		case ext.parked != nil:
			tell[ext.parked], ext.parked, ext.state = event, nil, extensionRunning
		default:
			ext.pending = event
		}
		last = append(last, ext.child)
	}
	f.mu.Unlock()
	e.frost.thaw(f)
	for conn, event := range tell {
		conn.extensionEvent(event)
	}
	timer := time.NewTimer(max(0, left))
	defer timer.Stop()
	for _, child := range last {
		select {
		case <-child.Done():
		case <-timer.C:
			timer.Reset(0) // for the others too
			_ = child.Stop(0)
		}
	}
}

// disband ends what there is of an environment whose runtime has not been started, or had to end at once.
func (e *environment) disband() {
	x := &e.exts
	if x.external {
		e.fn.mu.Lock()
		e.givenUp = true
		e.fn.mu.Unlock()
		close(x.launched)
		e.endExtensions()
	}
	e.endMarked()
	_ = e.listener.Close()
	if x.external {
		e.breakConns()
		e.log.expire(100 * time.Millisecond)
		<-e.drained
	}
	e.frost.end(e.fn)
	e.cage.close()
}
