package boot_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/adapters/internal/boot"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestLoad(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		want boot.Config
	}{
		"defaults": {
			map[string]string{"REDIS_URL": "redis://127.0.0.1"},
			boot.Config{
				Port: 8080, RedisURL: mustURL(t, "redis://127.0.0.1"), RedisPoolSize: 7, TextTTL: 24 * time.Hour,
				LogLevel: slog.LevelInfo, LambdaAdapter: "httpevent", LambdaResponseMode: "buffered",
			},
		},
		"everything": {
			map[string]string{
				"HOST": "::1", "PORT": "0", "REDIS_URL": "rediss://u:p@redis.example:6380/0", "REDIS_CLUSTER": "true",
				"REDIS_POOL_SIZE": "3", "TEXT_TTL": "90m", "LOG_LEVEL": "WARN",
				"LAMBDA_ADAPTER": "api-proxy", "LAMBDA_RESPONSE_MODE": "buffered",
			},
			boot.Config{
				Host: "::1", Port: 0, RedisURL: mustURL(t, "rediss://u:p@redis.example:6380/0"), RedisCluster: true,
				RedisPoolSize: 3, TextTTL: 90 * time.Minute, LogLevel: slog.LevelWarn,
				LambdaAdapter: "api-proxy", LambdaResponseMode: "buffered",
			},
		},
		"streaming": {
			map[string]string{"REDIS_URL": "redis://127.0.0.1", "LAMBDA_RESPONSE_MODE": "stream"},
			boot.Config{
				Port: 8080, RedisURL: mustURL(t, "redis://127.0.0.1"), RedisPoolSize: 7, TextTTL: 24 * time.Hour,
				LogLevel: slog.LevelInfo, LambdaAdapter: "httpevent", LambdaResponseMode: "stream",
			},
		},
		"IAM": {
			map[string]string{
				"REDIS_URL": "rediss://c.example:6379", "REDIS_IAM_USER": "App-1", "REDIS_IAM_CACHE": "c-1", "AWS_REGION": "ap-southeast-2",
			},
			boot.Config{
				Port: 8080, RedisURL: mustURL(t, "rediss://c.example:6379"), RedisPoolSize: 7, TextTTL: 24 * time.Hour,
				RedisIAM: &boot.RedisIAM{User: "App-1", Cache: "c-1", Region: "ap-southeast-2"},
				LogLevel: slog.LevelInfo, LambdaAdapter: "httpevent", LambdaResponseMode: "buffered",
			},
		},
		"region without IAM": {
			map[string]string{"REDIS_URL": "redis://h", "AWS_REGION": "us-east-1"},
			boot.Config{
				Port: 8080, RedisURL: mustURL(t, "redis://h"), RedisPoolSize: 7, TextTTL: 24 * time.Hour,
				LogLevel: slog.LevelInfo, LambdaAdapter: "httpevent", LambdaResponseMode: "buffered",
			},
		},
		"database": {
			map[string]string{"REDIS_URL": "redis://:p@[::1]:1/12", "REDIS_CLUSTER": "false", "LOG_LEVEL": "debug"},
			boot.Config{
				Port: 8080, RedisURL: mustURL(t, "redis://:p@[::1]:1/12"), RedisDB: 12, RedisPoolSize: 7, TextTTL: 24 * time.Hour,
				LogLevel: slog.LevelDebug, LambdaAdapter: "httpevent", LambdaResponseMode: "buffered",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := boot.Load(env(tt.env), 7)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(url.Userinfo{})); diff != "" {
				t.Errorf("Config differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadFaults(t *testing.T) {
	const want = "want redis://[user:password@]host[:port][/db], or rediss:// for TLS"
	const hidden = "REDIS_URL (not shown, it may hold a password)"
	const escaped = " has an @ after the host (in a password / is %2F, ? is %3F, # is %23): "
	for name, tt := range map[string]struct {
		env  map[string]string
		want []string
	}{
		"no Redis":             {map[string]string{}, []string{"REDIS_URL is not set: " + want}},
		"not a URL":            {map[string]string{"REDIS_URL": "redis://u:secret@h:p%"}, []string{hidden + " is not a URL: " + want}},
		"other scheme":         {map[string]string{"REDIS_URL": "http://u:secret@h"}, []string{hidden + ": " + want}},
		"no scheme":            {map[string]string{"REDIS_URL": "secret@h:6379"}, []string{hidden + " is not a URL: " + want}},
		"no host":              {map[string]string{"REDIS_URL": "redis:secret"}, []string{hidden + ": " + want}},
		"/ in the password":    {map[string]string{"REDIS_URL": "redis://u:12/secret@h:6379/0"}, []string{hidden + escaped + want}},
		"? in the password":    {map[string]string{"REDIS_URL": "redis://u:12?secret@h"}, []string{hidden + escaped + want}},
		"# in the password":    {map[string]string{"REDIS_URL": "redis://u:12#secret@h"}, []string{hidden + escaped + want}},
		"escaped @":            {map[string]string{"REDIS_URL": "redis://u:12/secret%40h"}, []string{hidden + escaped + want}},
		"IAM, / in a password": {map[string]string{"REDIS_URL": "redis://s/:secret@", "REDIS_IAM_USER": "u", "REDIS_IAM_CACHE": "c", "AWS_REGION": "us-east-1"}, []string{hidden + escaped + want}},
		"query":                {map[string]string{"REDIS_URL": "redis://:secret@h?password=secret"}, []string{`REDIS_URL="redis://:xxxxx@h": a query or fragment is not allowed, ` + want}},
		"port":                 {map[string]string{"REDIS_URL": "redis://:secret@h:0"}, []string{`REDIS_URL="redis://:xxxxx@h:0": want a port from 1 to 65535`}},
		"database":             {map[string]string{"REDIS_URL": "redis://:secret@h/x"}, []string{`REDIS_URL="redis://:xxxxx@h/x": the path must be a database number, ` + want}},
		"cluster's":            {map[string]string{"REDIS_URL": "redis://h/1", "REDIS_CLUSTER": "1"}, []string{`REDIS_URL="redis://h/1": a cluster (REDIS_CLUSTER) has only database 0`}},
		"IAM, user alone":      {map[string]string{"REDIS_URL": "rediss://h", "REDIS_IAM_USER": "u", "AWS_REGION": "us-east-1"}, []string{`REDIS_IAM_USER="u": REDIS_IAM_CACHE must be set with it`}},
		"IAM, cache alone":     {map[string]string{"REDIS_URL": "rediss://h", "REDIS_IAM_CACHE": "c", "AWS_REGION": "us-east-1"}, []string{`REDIS_IAM_CACHE="c": REDIS_IAM_USER must be set with it`}},
		"IAM without a region": {map[string]string{"REDIS_URL": "rediss://h", "REDIS_IAM_USER": "u", "REDIS_IAM_CACHE": "c"}, []string{`AWS_REGION="": IAM tokens are signed for the cache's region, want one such as us-east-1`}},
		"IAM, all wrong": {map[string]string{"REDIS_URL": "redis://u:secret@h", "REDIS_IAM_USER": "1u", "REDIS_IAM_CACHE": "Cache", "AWS_REGION": "virginia"}, []string{
			`REDIS_IAM_USER="1u": want the ID of an ElastiCache user, up to 40 letters, digits and hyphens`,
			`REDIS_IAM_CACHE="Cache": want the name of a serverless cache or the ID of a replication group, up to 40 lower-case letters, digits and hyphens`,
			`AWS_REGION="virginia": IAM tokens are signed for the cache's region, want one such as us-east-1`,
			`REDIS_URL="redis://u:xxxxx@h": ElastiCache takes IAM tokens over TLS only, want rediss://`,
			`REDIS_URL="redis://u:xxxxx@h": REDIS_IAM_USER takes the place of user and password, leave them out`,
		}},
		"IAM without Redis": {map[string]string{"REDIS_IAM_USER": "u/../x"}, []string{
			"REDIS_URL is not set: " + want,
			`REDIS_IAM_USER="u/../x": want the ID of an ElastiCache user, up to 40 letters, digits and hyphens`,
			`REDIS_IAM_USER="u/../x": REDIS_IAM_CACHE must be set with it`,
			`AWS_REGION="": IAM tokens are signed for the cache's region, want one such as us-east-1`,
		}},
		"streaming": {map[string]string{"REDIS_URL": "redis://h", "LAMBDA_ADAPTER": "api-proxy", "LAMBDA_RESPONSE_MODE": "stream"}, []string{`LAMBDA_RESPONSE_MODE="stream": LAMBDA_ADAPTER=api-proxy cannot stream, use httpevent`}},
		"all at once": {
			map[string]string{
				"HOST": "a b", "PORT": "65536", "REDIS_CLUSTER": "maybe", "REDIS_POOL_SIZE": "0", "TEXT_TTL": "1ms",
				"LOG_LEVEL": "loud", "LAMBDA_ADAPTER": "magic", "LAMBDA_RESPONSE_MODE": "fast",
			},
			[]string{
				`PORT="65536": want a whole number from 0 to 65535`,
				`REDIS_CLUSTER="maybe": want true or false`,
				`REDIS_POOL_SIZE="0": want a whole number from 1 to 10000`,
				`TEXT_TTL="1ms": want a duration from 1s to 8760h0m0s, such as 90m or 24h`,
				`LOG_LEVEL="loud": want debug, info, warn or error`,
				`LAMBDA_ADAPTER="magic": want httpevent or api-proxy`,
				`LAMBDA_RESPONSE_MODE="fast": want buffered or stream`,
				`HOST="a b": want a host name or an IP address, or nothing for all interfaces`,
				"REDIS_URL is not set: " + want,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := boot.Load(env(tt.env), 7)
			if err == nil {
				t.Fatalf("Load = %+v; want faults", c)
			}
			if diff := cmp.Diff(tt.want, boot.Faults(err)); diff != "" {
				t.Errorf("faults differ (-want +got):\n%s", diff)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the faults show a secret: %v", err)
			}
		})
	}
}

// FuzzLoad: a configuration is either faulty, and then some variable is named, or
// within its limits, and then printing and loading it again changes nothing. The
// password is in neither.
func FuzzLoad(f *testing.F) {
	f.Add("", "8080", "redis://u:hunter2@h:1/2", "false", "10", "24h", "info", "api-proxy", "buffered", "", "", "")
	f.Add("127.0.0.1", "0", "rediss://:hunter2@h", "true", "1", "1s", "DEBUG", "", "stream", "u", "c", "us-east-1")
	f.Add("", "0", "rediss://h", "true", "1", "1s", "DEBUG", "", "stream", "u", "c", "us-east-1")
	f.Add("", "0", "redis://s/:hunter2@", "true", "1", "1s", "DEBUG", "", "stream", "u", "c", "us-east-1")
	f.Add("", "0", "redis://s?#:hunter2@", "true", "1", "1s", "DEBUG", "", "stream", "", "", "")
	f.Add("h", "-1", "redis:hunter2", "x", "1e9", "1y", "loud", "?", "?", "?", "?", "?")
	f.Fuzz(func(t *testing.T, host, port, redis, cluster, pool, ttl, level, adapter, mode, user, cache, region string) {
		c, err := boot.Load(env(map[string]string{
			"HOST": host, "PORT": port, "REDIS_URL": redis, "REDIS_CLUSTER": cluster, "REDIS_POOL_SIZE": pool,
			"TEXT_TTL": ttl, "LOG_LEVEL": level, "LAMBDA_ADAPTER": adapter, "LAMBDA_RESPONSE_MODE": mode,
			"REDIS_IAM_USER": user, "REDIS_IAM_CACHE": cache, "AWS_REGION": region,
		}), 7)
		others := host + port + cluster + pool + ttl + level + adapter + mode + user + cache + region
		if err != nil {
			for _, line := range boot.Faults(err) {
				if !strings.Contains(line, "_") && !strings.Contains(line, "PORT") && !strings.Contains(line, "HOST") {
					t.Errorf("no variable is named in %q", line)
				}
			}
			if strings.Contains(redis, ":hunter2@") && !strings.Contains(others, "hunter2") && strings.Count(redis, "hunter2") == 1 &&
				strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the faults show the password: %v", err)
			}
			return
		}
		if c.Port < 0 || c.Port > 65535 || c.RedisPoolSize < 1 || c.TextTTL < time.Second || c.RedisURL.Hostname() == "" || c.RedisDB < 0 {
			t.Errorf("out of its limits: %+v", c)
		}
		if (c.RedisIAM != nil) != (user+cache != "") || c.RedisIAM != nil && (c.RedisURL.Scheme != "rediss" || c.RedisURL.User != nil) {
			t.Errorf("IAM of %q and %q: %+v", user, cache, c)
		}
		if _, has := c.RedisURL.User.Password(); has || strings.Contains(host, "\n") {
			return // not to be read back: redacted
		}
		var first, second bytes.Buffer
		if err := c.Print(&first); err != nil {
			t.Fatal(err)
		}
		vars := map[string]string{}
		for line := range strings.Lines(first.String()) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			vars[name] = value
		}
		again, err := boot.Load(env(vars), 8)
		if err != nil {
			t.Fatalf("loading what was printed: %v\n%s", err, first.String())
		}
		if err := again.Print(&second); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first.String(), second.String()); diff != "" {
			t.Errorf("printed again it differs (-first +second):\n%s", diff)
		}
	})
}

func TestPrintRedacts(t *testing.T) {
	c, err := boot.Load(env(map[string]string{"REDIS_URL": "redis://app:secret@h:1/2", "PORT": "0"}), 7)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	const want = `HOST=
PORT=0
REDIS_URL=redis://app:xxxxx@h:1/2
REDIS_IAM_USER=
REDIS_IAM_CACHE=
AWS_REGION=
REDIS_CLUSTER=false
REDIS_POOL_SIZE=7
TEXT_TTL=24h0m0s
LOG_LEVEL=info
LAMBDA_ADAPTER=httpevent
LAMBDA_RESPONSE_MODE=buffered
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output differs (-want +got):\n%s", diff)
	}
}

func TestParseArgs(t *testing.T) {
	for name, tt := range map[string]struct {
		args        []string
		print, done bool
		code        int
	}{
		"none":    {nil, false, false, 0},
		"print":   {[]string{"-print-config"}, true, false, 0},
		"help":    {[]string{"-h"}, false, true, 0},
		"unknown": {[]string{"-x"}, false, true, 2},
		"extra":   {[]string{"x"}, false, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			printConfig, done, code := boot.ParseArgs("test", tt.args, &out)
			if printConfig != tt.print || done != tt.done || code != tt.code {
				t.Errorf("= %t, %t, %d; want %t, %t, %d", printConfig, done, code, tt.print, tt.done, tt.code)
			}
			if done != (out.Len() > 0) {
				t.Errorf("output = %q", out.String())
			}
		})
	}
}

// Cold starts depend on it: the store is dialled by the first request that needs
// it, not by starting, nor by requests that do not.
func TestNothingIsDialledBeforeTheStoreIsNeeded(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	dialled := make(chan struct{}, 100)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				close(dialled)
				return
			}
			dialled <- struct{}{}
			_ = conn.Close()
		}
	}()
	c, err := boot.Load(env(map[string]string{"REDIS_URL": "redis://" + ln.Addr().String()}), 2)
	if err != nil {
		t.Fatal(err)
	}
	var logs bytes.Buffer
	a, store := boot.Open(c, boot.NewLogger(&logs, c.LogLevel), nil)
	get := func(target string) {
		a.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	}
	get("/")
	get("/healthz")
	// A connection of our own is accepted after all that were made before it.
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	<-dialled
	if n := len(dialled); n != 0 {
		t.Errorf("%d connections were made before the store was needed", n)
	}
	get("/stats")
	<-dialled // blocks until the test's time limit if it is never made
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(logs.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a log line is not JSON: %q", line)
		}
	}
}

func TestBuild(t *testing.T) {
	version, commit := boot.Build()
	if version == "" || commit == "" {
		t.Errorf("Build = %q, %q; want something, if only unknown", version, commit)
	}
}
