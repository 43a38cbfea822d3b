package elasticache_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/adapters/internal/elasticache"
	"github.com/crossover-bench/crossover/adapters/internal/elasticache/elasticachetest"
)

func static(id, secret, session string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: session}, nil
	})
}

// testdata/vectors.json was written by botocore (testdata/vectors.py). The order of
// parameters in a URL is free.
func TestTokenIsBotocores(t *testing.T) {
	var file struct {
		Now     time.Time
		KeyID   string `json:"access_key_id"`
		Secret  string `json:"secret_access_key"`
		Vectors []struct {
			Name, User, Cache, Region, Token string
			Serverless                       bool
			Session                          string `json:"session_token"`
		}
	}
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors: %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			a := elasticache.Auth{
				User: v.User, Cache: v.Cache, Region: v.Region, Serverless: v.Serverless, Credentials: static(file.KeyID, file.Secret, v.Session),
			}
			got, err := a.Token(t.Context(), file.Now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parse(t, v.Token), parse(t, got)); diff != "" {
				t.Errorf("token differs (-botocore +got):\n%s", diff)
			}
			keys := elasticachetest.Keys{ID: file.KeyID, Secret: file.Secret, Session: v.Session}
			if err := keys.Verify(got, v.User, v.Cache, v.Region, v.Serverless, file.Now.Add(elasticache.TokenLife)); err != nil {
				t.Errorf("Verify: %v", err)
			}
			if err := keys.Verify(got, v.User, v.Cache, v.Region, v.Serverless, file.Now.Add(elasticache.TokenLife+time.Second)); err == nil {
				t.Error("Verify takes it after its time")
			}
			if err := keys.Verify(got, v.User, v.Cache, v.Region, !v.Serverless, file.Now); err == nil {
				t.Error("Verify takes it for another kind of cache")
			}
			keys.Secret += "x"
			if err := keys.Verify(got, v.User, v.Cache, v.Region, v.Serverless, file.Now); err == nil {
				t.Error("Verify takes it from another principal")
			}
		})
	}
}

func parse(t *testing.T, token string) map[string][]string {
	t.Helper()
	host, query, _ := strings.Cut(token, "/?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	values.Set("host", host)
	return values
}

func TestTokenWithoutCredentials(t *testing.T) {
	gone := errors.New("no role")
	a := elasticache.Auth{User: "u", Cache: "c", Region: "r-1", Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, gone })}
	if token, err := a.Token(t.Context(), time.Now()); !errors.Is(err, gone) || token != "" {
		t.Errorf("Token = %q, %v; want why there are no credentials", token, err)
	}
	if token, err := (elasticache.Auth{}).Token(t.Context(), time.Now()); err == nil || token != "" {
		t.Errorf("Token of nobody = %q, %v", token, err)
	}
}

func TestServerless(t *testing.T) {
	for host, want := range map[string]bool{
		"crossover-abc123.serverless.use1.cache.amazonaws.com":      true,
		"Crossover-ABC123.Serverless.USE1.cache.amazonaws.com.":     true,
		"crossover-abc123.serverless.use1.cache.amazonaws.com:6379": true,
		"crossover-abc123.serverless.cnn1.cache.amazonaws.com.cn":   true,
		"master.crossover.abc123.use1.cache.amazonaws.com":          false,
		"clustercfg.crossover.abc123.use1.cache.amazonaws.com":      false,
		"crossover.abc123.ng.0001.use1.cache.amazonaws.com":         false,
		"master.serverless.abc123.use1.cache.amazonaws.com":         false, // a group of that name: AWS puts the group second
		"clustercfg.serverless.abc123.use1.cache.amazonaws.com":     false,
		"redis.serverless.example.com":                              false,
		"serverless":                                                false, "127.0.0.1": false, "::1": false, "": false,
	} {
		if got := elasticache.Serverless(host); got != want {
			t.Errorf("Serverless(%q) = %t; want %t", host, got, want)
		}
	}
}
