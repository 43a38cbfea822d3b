package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// roleCredentials are those of the function's role, which Lambda puts into the
// environment and which hold for longer than a process lives. There is no other source
// to look at, and leaving the SDK's chain of them out keeps cold starts short.
func roleCredentials(getenv func(string) string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		c := aws.Credentials{
			AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken: getenv("AWS_SESSION_TOKEN"), Source: "environment",
		}
		if !c.HasKeys() {
			return aws.Credentials{}, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: does the function have a role?")
		}
		return c, nil
	})
}
