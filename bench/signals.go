package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// interrupts turns signals into the two ways to stop. While nothing has been measured the first signal aborts; afterwards the first
// drains, so that what was measured is not lost, and the second aborts.
type interrupts struct {
	// drain is closed when no more work is to be started.
	drain chan struct{}

	mu        sync.Mutex
	measuring bool
	draining  bool
}

// watchSignals begins to listen; stop ends it. The context ends when all work is to stop at once. At each signal onDrain is called
// before anything stops; what it returns tells the user, at the one that drains alone. Both may be nil. stop waits until that is done.
func watchSignals(ctx context.Context, onDrain func() (tell func())) (_ context.Context, i *interrupts, stop func()) {
	i = &interrupts{drain: make(chan struct{})}
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	finished := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-signals:
				var tell func()
				if onDrain != nil {
					tell = onDrain()
				}
				if !i.startDrain() {
					cancel()
				} else if tell != nil {
					wg.Go(tell) // it must not keep the next signal waiting
				}
			case <-finished:
				return
			}
		}
	})
	return ctx, i, func() {
		signal.Stop(signals)
		close(finished)
		wg.Wait()
		cancel()
	}
}

// measure says that from now on there is something to lose.
func (i *interrupts) measure() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.measuring = true
}

// startDrain begins to drain if that is possible and has not begun yet.
func (i *interrupts) startDrain() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.measuring || i.draining {
		return false
	}
	i.draining = true
	close(i.drain)
	return true
}
