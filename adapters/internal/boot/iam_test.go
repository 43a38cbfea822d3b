package boot

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/crossover-bench/crossover/adapters/internal/elasticache/elasticachetest"
)

// The host of REDIS_URL decides for which kind of cache tokens are, cluster mode does
// not. Each connection gets a token that is signed then.
func TestStoreCredentials(t *testing.T) {
	keys := elasticachetest.Keys{ID: "AKIDEXAMPLE", Secret: "secret", Session: "session"}
	asked := 0
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		asked++
		return aws.Credentials{AccessKeyID: keys.ID, SecretAccessKey: keys.Secret, SessionToken: keys.Session}, nil
	})
	for name, tt := range map[string]struct {
		host       string
		cluster    bool
		serverless bool
	}{
		"replication group": {"master.c.abc.use1.cache.amazonaws.com", false, false},
		"cluster":           {"clustercfg.c.abc.use1.cache.amazonaws.com", true, false},
		"serverless":        {"c-abc.serverless.use1.cache.amazonaws.com", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			asked = 0
			s := storeConfig(Config{
				RedisURL: &url.URL{Scheme: "rediss", Host: tt.host}, RedisCluster: tt.cluster,
				RedisIAM: &RedisIAM{User: "u", Cache: "c", Region: "us-east-1"},
			}, credentials)
			if asked != 0 {
				t.Error("credentials are asked for before they are needed")
			}
			if s.MaxAge <= 0 || s.MaxAge >= 12*time.Hour {
				t.Errorf("MaxAge = %v; want less than the 12 hours after which ElastiCache ends a connection", s.MaxAge)
			}
			for range 2 {
				user, token, err := s.Credentials(t.Context())
				if err != nil || user != "u" {
					t.Fatalf("user %q, %v", user, err)
				}
				if err := keys.Verify(token, "u", "c", "us-east-1", tt.serverless, time.Now()); err != nil {
					t.Error(err)
				}
			}
			if asked != 2 {
				t.Errorf("credentials were asked for %d times for 2 tokens", asked)
			}
		})
	}
	if s := storeConfig(Config{RedisURL: &url.URL{Scheme: "redis", User: url.UserPassword("u", "p"), Host: "h"}}, nil); s.Credentials != nil || s.MaxAge != 0 {
		t.Errorf("without IAM: %+v", s)
	}
}
