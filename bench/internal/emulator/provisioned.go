package emulator

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Provisioned environments that fail are started again after some time, ever longer. AWS does not say when it does.
const (
	minProvisionWait = time.Second
	maxProvisionWait = time.Minute
)

// onDemand is the initialization type of environments that requests cause.
func (c *Config) onDemand() string {
	if c.EnvironmentConcurrency > 1 {
		return initManaged
	}
	return initOnDemand
}

// provision starts Config.Provisioned environments, and one for each that ends, as long as the service runs: "Lambda also
// ensures that initialized execution environments are always available in advance of invocations"
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Init phase"). It returns when each has come up, or has
// failed once, or ctx has ended.
func (f *function) provision(ctx context.Context) {
	var first sync.WaitGroup
	for range f.cfg.Provisioned {
		first.Add(1)
		f.workers.Go(func() { f.keepOne(sync.OnceFunc(first.Done)) }) //nolint:contextcheck // it runs as long as the service
	}
	up := make(chan struct{})
	go func() {
		first.Wait()
		close(up)
	}()
	select {
	case <-up:
	case <-ctx.Done():
	}
}

// keepOne keeps one provisioned environment. It calls tried when the first one has come up or failed.
func (f *function) keepOne(tried func()) {
	defer tried()
	wait := minProvisionWait
	for {
		began := time.Now()
		env, err := f.provisionOne()
		tried()
		if errors.Is(err, ErrClosed) {
			return
		}
		if err == nil {
			<-env.child.Done()
			if time.Since(began) > minProvisionWait {
				wait = minProvisionWait
				continue
			}
		}
		select {
		case <-time.After(wait):
		case <-f.closing:
			return
		}
		wait = min(2*wait, maxProvisionWait)
	}
}

// provisionOne runs the init of one environment.
func (f *function) provisionOne() (*environment, error) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil, ErrClosed
	}
	files().addEnvironments(1)
	env := f.newEnvironment(initProvisioned)
	f.mu.Unlock()
	queued := time.Now()
	select {
	case f.starting <- struct{}{}:
	case <-f.closing:
		f.abandon(env, ErrClosed)
		return nil, ErrClosed
	}
	defer func() { <-f.starting }()
	env.startWait = time.Since(queued)
	if err := f.runInit(env, f.cfg.initLimit(initProvisioned)); err != nil {
		f.abandon(env, err)
		return nil, err
	}
	f.logInit(&env.init)
	return env, nil
}

// used is how many environments count against the limit of concurrency: provisioned ones do whether they are up or not; f.mu is
// held.
func (f *function) used() int {
	if f.cfg.Provisioned == 0 {
		return len(f.envs)
	}
	used := f.cfg.Provisioned
	for env := range f.envs {
		if env.initType != initProvisioned {
			used++
		}
	}
	return used
}
