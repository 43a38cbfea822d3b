package boot

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/crossover-bench/crossover/adapters/internal/elasticache"
	"github.com/crossover-bench/crossover/app"
	"github.com/crossover-bench/crossover/app/redisstore"
)

// Exit codes of both mains.
const (
	ExitOK     = 0 // done
	ExitFailed = 1 // could not do its work
	ExitUsage  = 2 // wrong arguments or configuration
)

const redisPort = "6379"

// NewLogger returns the logger of both targets: one JSON object a line on w.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(NewLogHandler(w, level))
}

// NewLogHandler returns the handler of [NewLogger], for targets that wrap it.
func NewLogHandler(w io.Writer, level slog.Level) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
}

// ParseArgs reads the arguments that both mains take and tells whether
// -print-config is among them; define adds flags of one target's own. done is true
// when the process has no more to do: help was asked for (code 0), or the arguments
// were wrong (code 2). Texts go to w.
func ParseArgs(name string, args []string, w io.Writer, define ...func(*flag.FlagSet)) (printConfig, done bool, code int) {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(w)
	for _, d := range define {
		d(fs)
	}
	fs.BoolVar(&printConfig, "print-config", false, "print the effective configuration and exit")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return false, true, ExitOK
	case err != nil:
		return false, true, ExitUsage
	case fs.NArg() > 0:
		_, _ = fmt.Fprintf(w, "%s takes no arguments, it is configured by its environment\n", name)
		return false, true, ExitUsage
	}
	return printConfig, false, ExitOK
}

// maxConnAge leaves an hour for the last request on a connection, for clocks that
// differ, and for an environment that is frozen between taking one and using it.
const maxConnAge = elasticache.ConnectionLife - time.Hour

// Open makes the store and the app on it. Nothing is dialled. The store is the
// caller's to close, after the app's last request. credentials are for IAM
// authentication; without that they may be nil and are not asked.
func Open(c Config, logger *slog.Logger, credentials aws.CredentialsProvider, opts ...app.Option) (*app.App, io.Closer) {
	redisstore.LogTo(logger)
	store := redisstore.Open(storeConfig(c, credentials))
	opts = append([]app.Option{app.WithLogger(logger)}, opts...)
	return app.New(store, opts...), store
}

func storeConfig(c Config, credentials aws.CredentialsProvider) redisstore.Config {
	port := c.RedisURL.Port()
	if port == "" {
		port = redisPort
	}
	password, _ := c.RedisURL.User.Password()
	s := redisstore.Config{
		Addr:     net.JoinHostPort(c.RedisURL.Hostname(), port),
		Username: c.RedisURL.User.Username(), Password: password,
		DB: c.RedisDB, Cluster: c.RedisCluster, PoolSize: c.RedisPoolSize, TTL: c.TextTTL,
	}
	if c.RedisURL.Scheme == "rediss" {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12} // the name is that of the node dialled
	}
	if c.RedisIAM != nil {
		auth := elasticache.Auth{
			User: c.RedisIAM.User, Cache: c.RedisIAM.Cache, Region: c.RedisIAM.Region,
			Serverless: elasticache.Serverless(c.RedisURL.Hostname()), Credentials: credentials,
		}
		s.Credentials = func(ctx context.Context) (string, string, error) {
			token, err := auth.Token(ctx, time.Now())
			return auth.User, token, err // says what it is
		}
		s.MaxAge = maxConnAge
	}
	return s
}

// Build tells what this binary was built from: the module's version and the
// commit, "unknown" where the build did not record it.
func Build() (version, commit string) {
	version, commit = "unknown", "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, commit
	}
	if info.Main.Version != "" {
		version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return version, commit
}
