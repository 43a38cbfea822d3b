package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// credentialsMargin is how long before they expire credentials are renewed.
const credentialsMargin = 5 * time.Minute

// ambient are the credentials that the AWS SDK finds: in variables, a shared file, a
// container's or the instance's role. They are looked for when first asked for, and
// again until they are found, so that a server without IAM authentication never looks
// and one that starts before its role is ready recovers.
type ambient struct {
	mu    sync.Mutex
	found aws.CredentialsProvider
}

// Retrieve returns credentials that hold for some minutes.
func (a *ambient) Retrieve(ctx context.Context) (aws.Credentials, error) {
	provider, err := a.find(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	return provider.Retrieve(ctx) // says what it is
}

// find reads files at most; credentials are fetched by who retrieves them.
func (a *ambient) find(ctx context.Context) (aws.CredentialsProvider, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.found == nil {
		c, err := config.LoadDefaultConfig(ctx, config.WithCredentialsCacheOptions(func(o *aws.CredentialsCacheOptions) {
			o.ExpiryWindow = credentialsMargin
		}))
		if err != nil {
			return nil, fmt.Errorf("looking for AWS credentials: %w", err)
		}
		a.found = c.Credentials
	}
	return a.found, nil
}
