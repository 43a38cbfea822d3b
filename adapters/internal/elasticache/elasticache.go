// Package elasticache signs the tokens of ElastiCache's IAM authentication, so that
// no password of the cache exists anywhere.
//
// A token is the presigned URL of a request that is never sent, without its scheme,
// and takes the place of a password:
// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html. It is made
// without any call to AWS.
package elasticache

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sigv4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	// TokenLife is how long a new connection may be opened with a token.
	TokenLife = 15 * time.Minute

	// ConnectionLife is how long ElastiCache keeps a connection that was opened with a
	// token, unless it gets a new one.
	ConnectionLife = 12 * time.Hour

	service     = "elasticache"
	emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Auth is who asks for which cache.
type Auth struct {
	// User is the ElastiCache user's ID, which for IAM is its name too.
	User string
	// Cache is the name of the serverless cache, or the ID of the replication group,
	// in lower case as AWS keeps it.
	Cache string
	// Region is the cache's, such as us-east-1.
	Region string
	// Serverless must be told: the token names the kind of the cache. See [Serverless].
	Serverless bool
	// Credentials are asked for at each token. They are those of a principal that may
	// elasticache:Connect as the user to the cache.
	Credentials aws.CredentialsProvider
}

// Token signs a token that holds from now for [TokenLife].
func (a Auth) Token(ctx context.Context, now time.Time) (string, error) {
	if a.Credentials == nil {
		return "", errors.New("signing an ElastiCache token: there are no AWS credentials")
	}
	credentials, err := a.Credentials.Retrieve(ctx)
	if err != nil {
		return "", fmt.Errorf("getting AWS credentials for an ElastiCache token: %w", err)
	}
	query := url.Values{
		"Action": {"connect"}, "User": {a.User},
		"X-Amz-Expires": {strconv.Itoa(int(TokenLife / time.Second))},
	}
	if a.Serverless {
		query.Set("ResourceType", "ServerlessCache")
	}
	u := url.URL{Scheme: "http", Host: a.Cache, Path: "/", RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return "", fmt.Errorf("signing an ElastiCache token: %w", err)
	}
	signed, _, err := sigv4.NewSigner().PresignHTTP(ctx, credentials, request, emptySHA256, service, a.Region, now)
	if err != nil {
		return "", fmt.Errorf("signing an ElastiCache token: %w", err)
	}
	return strings.TrimPrefix(signed, "http://"), nil
}

// Serverless tells by its host name whether an endpoint is a serverless cache's:
// NAME-ID.serverless.REGION.cache.amazonaws.com. Cluster mode does not tell, for other
// caches have it too, and an alias cannot hide it: the server's certificate is for
// this name, and TLS, which IAM authentication demands, checks that.
func Serverless(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	label := strings.Split(strings.ToLower(host), ".")
	return len(label) >= 6 && label[1] == "serverless" && label[3] == "cache" && label[4] == "amazonaws"
}
