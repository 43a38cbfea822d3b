// Package cloudwatch asks AWS, after a run, what it knows of deployed targets: the REPORT lines of a function's log, which have the
// billed time, and the CPU and the CPU credits of instances.
//
// Both come late, logs by seconds and metrics by minutes, so it asks again until all is there or its time is up. Whatever goes wrong
// costs a run nothing but these figures: it ends as a note in what is returned, and never as an error.
package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"github.com/crossover-bench/crossover/bench/internal/pause"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Target is what is asked about, and the load that it was under.
type Target struct {
	Name   string
	Region string // empty is the one of the environment
	// LogGroup of a function, by name or ARN; empty asks for no log. Of a group that functions share, only the lines of FunctionName
	// count, if that is given.
	LogGroup     string
	FunctionName string
	// AutoScalingGroup or InstanceID says whose metrics are read; both empty asks for none. The group's are those of all its instances,
	// also of those that were started or ended while the load lasted.
	AutoScalingGroup string
	InstanceID       string
	// Burstable instances have CPU credits.
	Burstable bool

	// Turns are the times at which the target had load, in order.
	Turns []Turn
	// Sent is how many requests may have become invocations.
	Sent int64
}

// Turn is a time of load, by this machine's clock.
type Turn struct {
	From, To time.Time
	// Round counts from 1; 0 is for what belongs to no round, such as warm-up phases.
	Round int
}

// Options say how long and how AWS is asked.
type Options struct {
	// Wait is for how long.
	Wait time.Duration
	// Every is the time before it asks for the second time, which doubles up to ten times as much; 0 is two seconds.
	Every time.Duration
	// Stop ends it when it is closed. If it was closed before, AWS is asked once.
	Stop <-chan struct{}
	// Say tells how far it is, a line each time.
	Say func(format string, args ...any)
	// Now is the clock.
	Now func() time.Time
	// Config finds credentials and endpoints; nil does it as all AWS tools do.
	Config func(ctx context.Context, region string) (aws.Config, error)
}

const (
	defaultEvery = 2 * time.Second
	slowest      = 10 // times as long
	// mostFailures is how often in a row AWS may be out of reach.
	mostFailures = 3
)

// part is one thing that is read of one target.
type part interface {
	// poll asks once, and says whether all is there.
	poll(ctx context.Context) (whole bool, err error)
	// progress is how much is there, in a few words.
	progress() string
	// needs is the permission for it, and where.
	needs() string
	// conclude puts what is there into the result, and notes what is not and why; why is empty if all is there.
	conclude(to *result.CloudWatch, why string)
}

// reading is a part on its way.
type reading struct {
	part
	to       *result.CloudWatch
	over     bool
	why      string // it is not whole
	failures int    // in a row
	last     error  // of the last poll
}

// reader reads all parts of all targets in turn.
type reader struct {
	Options
	began    time.Time
	readings []*reading
}

// Read gives what AWS tells of each target; nil for those that there is nothing to ask about. It returns when all is there, after
// o.Wait, or when ctx ends or o.Stop is closed, with what it has until then.
func Read(ctx context.Context, targets []Target, o Options) []*result.CloudWatch {
	if o.Every == 0 {
		o.Every = defaultEvery
	}
	if o.Config == nil {
		o.Config = defaultConfig
	}
	r := &reader{Options: o, began: o.Now()}
	ctx, cancel := context.WithTimeout(ctx, o.Wait)
	defer cancel()
	once := false
	select {
	case <-o.Stop:
		once = true
	default:
		over := make(chan struct{})
		var watching sync.WaitGroup
		defer watching.Wait()
		defer close(over)
		watching.Go(func() {
			select {
			case <-o.Stop:
				cancel()
			case <-over:
			}
		})
	}
	out := make([]*result.CloudWatch, len(targets))
	for i := range targets {
		out[i] = r.open(ctx, &targets[i])
	}
	r.run(ctx, once)
	return out
}

func defaultConfig(ctx context.Context, region string) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithAppID("crossover"))
}

// open makes the parts of a target.
func (r *reader) open(ctx context.Context, t *Target) *result.CloudWatch {
	wantsLog, wantsMetrics := t.LogGroup != "" && t.Sent > 0, t.AutoScalingGroup != "" || t.InstanceID != ""
	if len(t.Turns) == 0 || !wantsLog && !wantsMetrics {
		return nil
	}
	to := &result.CloudWatch{From: t.Turns[0].From.UTC().Truncate(time.Millisecond), To: t.Turns[len(t.Turns)-1].To.UTC().Truncate(time.Millisecond), Notes: []string{}}
	c, why := r.configure(ctx, t.Region)
	if wantsLog {
		r.readings = append(r.readings, &reading{part: newLog(c, t), to: to, over: why != "", why: why})
	}
	if wantsMetrics {
		r.readings = append(r.readings, &reading{part: newMetrics(c, t), to: to, over: why != "", why: why})
	}
	return to
}

// configure finds credentials; why says what is wrong with them.
func (r *reader) configure(ctx context.Context, region string) (c aws.Config, why string) {
	c, err := r.Config(ctx, region)
	switch {
	case err != nil:
		return c, "looking for AWS credentials: " + firstLine(err)
	case c.Region == "":
		return c, "no region is given: set AWS_REGION, or region in the targets file"
	case c.Credentials == nil:
		return c, noCredentials
	}
	if _, err := c.Credentials.Retrieve(ctx); ctx.Err() != nil {
		return c, r.ending(ctx, false, nil) + ", while credentials were looked for"
	} else if err != nil {
		return c, noCredentials + ": " + firstLine(err)
	}
	return c, ""
}

// stopped is why something is missing after a Ctrl-C.
const stopped = "it was stopped"

//nolint:gosec // the names of variables, and none of their values
const noCredentials = "there are no AWS credentials (set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in)"

// run polls until all is there.
func (r *reader) run(ctx context.Context, once bool) {
	for wait := r.Every; ; wait = min(2*wait, slowest*r.Every) {
		before, pending := r.Now(), false
		for _, one := range r.readings {
			if !one.over {
				one.ask(ctx)
				pending = pending || !one.over
			}
		}
		if !pending || once || ctx.Err() != nil {
			break
		}
		r.tell()
		// A log that takes long to read is not read all the time.
		if !pause.For(ctx, max(wait, 2*r.Now().Sub(before))) {
			break
		}
	}
	for _, one := range r.readings {
		if !one.over {
			one.why = r.ending(ctx, once, one.last)
		}
		one.conclude(one.to, one.why)
	}
}

// ending says why it does not go on although something is missing.
func (r *reader) ending(ctx context.Context, once bool, last error) string {
	why := fmt.Sprintf("not within %s, --cloudwatch-wait", r.Wait)
	if once || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		why = stopped
	}
	if last != nil {
		why += "; AWS answered last: " + firstLine(last)
	}
	return why
}

func (r *reader) tell() {
	var list []string
	for _, one := range r.readings {
		list = append(list, one.progress())
	}
	r.Say("CloudWatch: %s (%s of %s; Ctrl-C goes on without the rest)", strings.Join(list, ", "), r.Now().Sub(r.began).Round(time.Second), r.Wait)
}

// ask polls once and decides what a failure means.
func (one *reading) ask(ctx context.Context) {
	whole, err := one.poll(ctx)
	if ctx.Err() != nil && !whole {
		return // not AWS's failure
	}
	one.last = err
	switch {
	case err == nil:
		one.over, one.failures = whole, 0
	case throttled(err):
	case temporary(err) && one.failures+1 < mostFailures:
		one.failures++
	default:
		one.over, one.why = true, one.explain(err)
	}
}

func throttled(err error) bool {
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary
}

func temporary(err error) bool {
	return retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// explain says what to do about an error.
func (one *reading) explain(err error) string {
	if coded, ok := errors.AsType[smithy.APIError](err); ok {
		switch coded.ErrorCode() {
		case "AccessDeniedException", "AccessDenied", "UnauthorizedOperation":
			return "the credentials lack the permission " + one.needs()
		case "ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch":
			return "AWS does not accept the credentials (" + coded.ErrorCode() + "): log in again"
		}
	}
	return firstLine(err)
}

func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}
