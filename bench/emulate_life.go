package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// lifeOptions are the flags of bench emulate about how many environments there are, and from when until when.
type lifeOptions struct {
	concurrency    int
	reserved       int // -1: none
	scaleRate      int
	requestQuota   bool
	provisioned    int
	perEnvironment int
	initTimeout    time.Duration
	freeze         bool
	idleTimeout    time.Duration
	extensions     string
}

func (o *lifeOptions) register(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&o.concurrency, "concurrency", 1000, "environments at the same time at most, the account's limit; requests beyond it are throttled")
	f.IntVar(&o.reserved, "reserved-concurrency", -1, "the function's own limit below --concurrency; 0 throttles every request, -1 is none")
	f.IntVar(&o.scaleRate, "scale-rate", 1000, "new environments in 10 s at most; requests beyond it are throttled")
	f.BoolVar(&o.requestQuota, "request-quota", false, "throttle what is over ten times the concurrency in requests a second")
	f.IntVar(&o.provisioned, "provisioned", 0, "environments that are initialised before the first request, and kept")
	f.IntVar(&o.perEnvironment, "environment-concurrency", 1, "events at once in one environment, as on Lambda Managed Instances")
	f.DurationVar(&o.initTimeout, "init-timeout", 0, "time-out of the first try of an init (default 10s; for provisioned and managed environments 130s or --timeout)")
	f.BoolVar(&o.freeze, "freeze", true, "stop the processes of idle environments")
	f.StringVar(&o.extensions, "extensions", "", "folder whose files are started as external extensions in each environment, as AWS does with /opt/extensions")
	f.DurationVar(&o.idleTimeout, "idle-timeout", 10*time.Minute, "end environments that have been idle for so long; 0 keeps them")
}

func (o *lifeOptions) validate() error {
	var errs faults
	errs.when(o.concurrency < 1, "--concurrency %d: expected 1 or more", o.concurrency)
	errs.when(o.reserved < -1 || o.reserved > o.concurrency, "--reserved-concurrency %d: expected 0 to --concurrency, which is %d, or -1 for none", o.reserved, o.concurrency)
	errs.when(o.scaleRate < 1, "--scale-rate %d: expected 1 or more", o.scaleRate)
	errs.when(o.provisioned < 0 || o.provisioned > o.limit(), "--provisioned %d: expected 0 to the function's concurrency, which is %d", o.provisioned, o.limit())
	errs.when(o.perEnvironment < 1, "--environment-concurrency %d: expected 1 or more", o.perEnvironment)
	errs.when(o.initTimeout < 0, "--init-timeout %s: expected a duration, or 0 for Lambda's", o.initTimeout)
	errs.when(o.idleTimeout < 0, "--idle-timeout %s: expected a duration, or 0 for none", o.idleTimeout)
	return errors.Join(errs...)
}

func (o *lifeOptions) limit() int {
	if o.reserved >= 0 {
		return o.reserved
	}
	return o.concurrency
}

// descriptors is what to say if the open files do not reach for the concurrency, "" if they do. Go raises the limit to the hard one.
func (o *lifeOptions) descriptors() string {
	room := emulator.RoomForEnvironments()
	if room >= o.limit() {
		return ""
	}
	return fmt.Sprintf("no more than %d environments at once have room in the open files of this process, and --concurrency is %d: requests beyond that are throttled; raise the limit with ulimit -n, or lower the concurrency", room, o.limit())
}

// apply sets what the flags say.
func (o *lifeOptions) apply(c *emulator.Config) {
	c.MaxConcurrency, c.ScaleRate, c.RateQuota = o.concurrency, o.scaleRate, o.requestQuota
	if o.reserved >= 0 {
		c.ReservedConcurrency = &o.reserved
	}
	c.Provisioned, c.EnvironmentConcurrency = o.provisioned, o.perEnvironment
	c.InitTimeout, c.Freeze, c.IdleTimeout, c.Extensions = o.initTimeout, o.freeze, o.idleTimeout, o.extensions
}
