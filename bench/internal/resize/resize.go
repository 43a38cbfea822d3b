// Package resize changes the size of what is deployed on AWS and sets it back: the memory of a Lambda function, the number of instances of
// an Auto Scaling group.
//
// Whoever calls Prepare or Resize must call Restore in the end, also after an error and with a context of its own: what was asked of AWS may
// have been done although the answer never came, so that Restore sets everything back that may have been changed.
package resize

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Resource is something deployed whose size can be changed.
type Resource interface {
	// Size is what it had when it was opened: MB of memory, or a number of instances.
	Size() int
	// Prepare gets ready for sizes, so that Resize takes less long.
	Prepare(ctx context.Context, sizes []int) error
	// Resize changes the size and waits until it serves with it.
	Resize(ctx context.Context, size int) error
	// Restore sets back what may have been changed. Its error says by which command that is done by hand.
	Restore(ctx context.Context) error
	// ByHand is the command that sets it back if this program cannot.
	ByHand() string
}

// Options say how changes are waited for.
type Options struct {
	// Every is how often AWS is asked, Patience how long a change may take; 0 is 2 s and 15 minutes.
	Every, Patience time.Duration
	// ID marks what is made only for the time being, so that it can be found again; a few letters and digits.
	ID string
}

const (
	defaultEvery    = 2 * time.Second
	defaultPatience = 15 * time.Minute
)

func (o Options) withDefaults() Options {
	if o.Every <= 0 {
		o.Every = defaultEvery
	}
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	return o
}

// Configure finds the credentials of the environment for a region.
func Configure(ctx context.Context, region string) (aws.Config, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithAppID("crossover"))
	if err != nil {
		return aws.Config{}, fmt.Errorf("looking for AWS credentials: %w", err)
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return aws.Config{}, fmt.Errorf("there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: %w", err)
	}
	return c, nil
}

// await asks until it is done, or for Patience. What is asked says how far it is, for the error.
func (o Options) await(ctx context.Context, what string, ask func(context.Context) (done bool, state string, err error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Patience, fmt.Errorf("not after %s", o.Patience))
	defer cancel()
	tick := time.NewTicker(o.Every)
	defer tick.Stop()
	state := "not known to be so"
	for {
		done, now, err := ask(ctx)
		if err == nil {
			state = now
		}
		switch {
		case done && err == nil:
			return nil
		case err != nil && ctx.Err() == nil:
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w; it is %s", what, context.Cause(ctx), state)
		}
	}
}
