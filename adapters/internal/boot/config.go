// Package boot is the wiring that both targets share: environment to [Config],
// Config to store, store to app, and the logger. What differs between the targets
// is an argument, so that they cannot drift apart.
package boot

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Values of LAMBDA_ADAPTER and LAMBDA_RESPONSE_MODE.
const (
	// AdapterHTTPEvent is package httpevent of this module.
	AdapterHTTPEvent = "httpevent"
	// AdapterAPIProxy is the Echo adapter of aws-lambda-go-api-proxy.
	AdapterAPIProxy = "api-proxy"
	// ModeBuffered returns each answer as a whole.
	ModeBuffered = "buffered"
	// ModeStream returns answers as they are written. Only for Function URLs whose invoke
	// mode is RESPONSE_STREAM: the event does not tell.
	ModeStream = "stream"
)

const (
	maxPoolSize = 10_000
	minTTL      = time.Second
	maxTTL      = 365 * 24 * time.Hour
	defaultTTL  = 24 * time.Hour
)

// Config is the configuration of both targets. [Load] makes it.
type Config struct {
	// Host is the address to listen on, empty for all interfaces. EC2 only. (HOST)
	Host string
	// Port is the port to listen on, 0 to 65535; 0 picks a free one. EC2 only. (PORT)
	Port int
	// RedisURL is a valid redis:// or rediss:// URL. It may hold a password. (REDIS_URL)
	RedisURL *url.URL
	// RedisDB is the database number in RedisURL, 0 without one.
	RedisDB int
	// RedisIAM, if set, takes the place of user and password in RedisURL, which then is a
	// rediss:// URL without them. (REDIS_IAM_USER, REDIS_IAM_CACHE)
	RedisIAM *RedisIAM
	// RedisCluster tells that RedisURL is a node of a cluster. (REDIS_CLUSTER)
	RedisCluster bool
	// RedisPoolSize is the largest number of connections, 1 to 10000. (REDIS_POOL_SIZE)
	RedisPoolSize int
	// TextTTL is how long texts are kept, a second to 365 days. (TEXT_TTL)
	TextTTL time.Duration
	// LogLevel is the lowest level that is logged. (LOG_LEVEL)
	LogLevel slog.Level
	// LambdaAdapter turns events into requests: "httpevent" or "api-proxy". Lambda only. (LAMBDA_ADAPTER)
	LambdaAdapter string
	// LambdaResponseMode is "buffered" or "stream". Lambda only. (LAMBDA_RESPONSE_MODE)
	LambdaResponseMode string
}

// RedisIAM is ElastiCache's IAM authentication. Whether the cache is a serverless one is
// told by the host of RedisURL.
type RedisIAM struct {
	// User is the ID of the ElastiCache user, which is its name too. (REDIS_IAM_USER)
	User string
	// Cache is the serverless cache's name or the replication group's ID. (REDIS_IAM_CACHE)
	Cache string
	// Region is the cache's, which is this target's too. (AWS_REGION)
	Region string
}

// Load reads the configuration of one target from its environment. An empty
// variable counts as unset. poolSize is the target's own default for
// REDIS_POOL_SIZE. The error has all faults at once, each naming the variable,
// its value unless that may be a secret, and what is allowed; see [Faults].
func Load(getenv func(string) string, poolSize int) (Config, error) {
	l := loader{getenv: getenv}
	c := Config{
		Host:          getenv("HOST"),
		Port:          l.number("PORT", 8080, 0, 65535),
		RedisCluster:  l.boolean("REDIS_CLUSTER"),
		RedisPoolSize: l.number("REDIS_POOL_SIZE", poolSize, 1, maxPoolSize),
		TextTTL:       l.duration("TEXT_TTL", defaultTTL, minTTL, maxTTL),
		LogLevel:      l.level("LOG_LEVEL"),
		LambdaAdapter: l.oneOf("LAMBDA_ADAPTER", AdapterHTTPEvent, AdapterAPIProxy),
	}
	c.LambdaResponseMode = l.oneOf("LAMBDA_RESPONSE_MODE", ModeBuffered, ModeStream)
	if c.LambdaResponseMode == ModeStream && c.LambdaAdapter == AdapterAPIProxy {
		l.fault("LAMBDA_RESPONSE_MODE=%q: LAMBDA_ADAPTER=%s cannot stream, use %s", ModeStream, AdapterAPIProxy, AdapterHTTPEvent)
	}
	if strings.ContainsAny(c.Host, "/ ") {
		l.fault("HOST=%q: want a host name or an IP address, or nothing for all interfaces", c.Host)
	}
	c.RedisURL, c.RedisDB = l.redisURL("REDIS_URL", c.RedisCluster)
	c.RedisIAM = l.iam(c.RedisURL)
	if len(l.faults) > 0 {
		return Config{}, errors.Join(l.faults...)
	}
	return c, nil
}

// Faults takes the error of [Load] apart into one line a fault.
func Faults(err error) []string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	var lines []string
	for _, e := range joined.Unwrap() {
		lines = append(lines, e.Error())
	}
	return lines
}

// Print writes the configuration as NAME=value lines, the password in REDIS_URL
// replaced. AWS_REGION is empty where it is not used.
func (c Config) Print(w io.Writer) error {
	var b strings.Builder
	iam := RedisIAM{}
	if c.RedisIAM != nil {
		iam = *c.RedisIAM
	}
	for _, v := range []struct{ name, value string }{
		{"HOST", c.Host},
		{"PORT", strconv.Itoa(c.Port)},
		{"REDIS_URL", c.RedisURL.Redacted()},
		{"REDIS_IAM_USER", iam.User},
		{"REDIS_IAM_CACHE", iam.Cache},
		{"AWS_REGION", iam.Region},
		{"REDIS_CLUSTER", strconv.FormatBool(c.RedisCluster)},
		{"REDIS_POOL_SIZE", strconv.Itoa(c.RedisPoolSize)},
		{"TEXT_TTL", c.TextTTL.String()},
		{"LOG_LEVEL", strings.ToLower(c.LogLevel.String())},
		{"LAMBDA_ADAPTER", c.LambdaAdapter},
		{"LAMBDA_RESPONSE_MODE", c.LambdaResponseMode},
	} {
		fmt.Fprintf(&b, "%s=%s\n", v.name, v.value)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("printing the configuration: %w", err)
	}
	return nil
}
