// Package redisstore keeps the app's texts in Redis or Valkey, standalone or
// cluster, through go-redis.
//
// A text is one string key with an expiry; the totals are one hash. The keys of a
// Put are sent as a plain pipeline, not as a transaction: that is one round trip,
// and it works on a cluster where the two keys live on different nodes. The price
// is that a Put cut off in the middle may have stored a text that is not counted.
package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/crossover-bench/crossover/app"
)

const (
	// Timeout is the longest that one operation takes, whatever it waits for: a
	// free connection, dialling, the handshake, writing, the reply.
	Timeout = 2 * time.Second

	// idleTime is how long a connection may lie unused and still be used again.
	// Redis drops a silent peer after 300 s, and so do NAT gateways and load
	// balancers; a frozen Lambda environment does not see it happen.
	idleTime = 4 * time.Minute

	// tries is how often a dial is tried: once, because the next request tries again.
	tries = 1

	bufferBytes = 8 << 10

	textPrefix = "crossover:text:"
	totalsKey  = "crossover:totals"
	fieldTexts = "texts"
	fieldChars = "characters"
)

// Config says which Redis, and how.
type Config struct {
	// Addr is host:port. On a cluster, any node of it.
	Addr string
	// Username and Password are for AUTH; both empty means none.
	Username, Password string
	// Credentials, if set, is asked for them instead, once for each connection and
	// within its deadline.
	Credentials func(ctx context.Context) (username, password string, err error)
	// MaxAge is how long a connection is used before another takes its place; 0 means
	// for as long as it works. Each one's age ends up to a twentieth earlier, drawn at
	// random, so that connections that were dialled together are not renewed together.
	MaxAge time.Duration
	// DB is the database number; a cluster has only 0.
	DB int
	// TLS turns encryption on; nil means plain TCP.
	TLS *tls.Config
	// Cluster makes the store follow the slots of a Redis cluster.
	Cluster bool
	// PoolSize is the largest number of connections (to one node, on a cluster),
	// at least 1. They are dialled when first needed.
	PoolSize int
	// TTL is how long a text is kept, at least a second.
	TTL time.Duration
	// Dial replaces how connections are made, TLS included; nil dials TCP, with
	// TLS when that is set. It must end when ctx does.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Store is an [app.Store] on Redis. Make it with [Open] and close it in the end.
type Store struct {
	client redis.UniversalClient
	ttl    time.Duration
}

var _ app.Store = (*Store)(nil)

// Open returns a store. Nothing is dialled before the first operation.
func Open(c Config) *Store {
	if c.Dial == nil {
		c.Dial = dialer(c.TLS)
	}
	s := &Store{ttl: c.TTL}
	if c.Cluster {
		s.client = redis.NewClusterClient(clusterOptions(c))
	} else {
		s.client = redis.NewClient(options(c))
	}
	return s
}

// Close closes all connections; operations under way fail.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("closing Redis client: %w", err)
	}
	return nil
}

// options are those of a standalone client. What differs from go-redis's defaults
// spares round trips: RESP2 and no identity, no maintenance notifications, so that
// a new connection costs one HELLO and an operation never looks for pushes; no
// pool apart for pipelines, so that each operation finds a warm connection.
func options(c Config) *redis.Options {
	return &redis.Options{
		Addr:     c.Addr,
		Username: c.Username, Password: c.Password, DB: c.DB,
		CredentialsProviderContext: c.Credentials,
		Protocol:                   2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer:                   c.Dial,
		TLSConfig:                c.TLS,
		DialTimeout:              Timeout, ReadTimeout: Timeout, WriteTimeout: Timeout, PoolTimeout: Timeout,
		DialerRetries:         tries,
		ContextTimeoutEnabled: true,
		MaxRetries:            1, MinRetryBackoff: time.Millisecond, MaxRetryBackoff: 10 * time.Millisecond,
		PoolSize: c.PoolSize, PipelinePoolSize: -1,
		ReadBufferSize: bufferBytes, WriteBufferSize: bufferBytes,
		ConnMaxIdleTime: idleTime,
		ConnMaxLifetime: c.MaxAge - c.MaxAge/40, ConnMaxLifetimeJitter: c.MaxAge / 40, // either way
	}
}

func clusterOptions(c Config) *redis.ClusterOptions {
	o := options(c)
	return &redis.ClusterOptions{
		Addrs:    []string{c.Addr},
		Username: o.Username, Password: o.Password,
		CredentialsProviderContext: o.CredentialsProviderContext,
		Protocol:                   o.Protocol, DisableIdentity: true,
		MaintNotificationsConfig: o.MaintNotificationsConfig,
		Dialer:                   o.Dialer,
		TLSConfig:                o.TLSConfig,
		DialTimeout:              o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout, PoolTimeout: o.PoolTimeout,
		DialerRetries:         o.DialerRetries,
		ContextTimeoutEnabled: true,
		MaxRetries:            -1, // MaxRedirects counts retries too
		MinRetryBackoff:       o.MinRetryBackoff, MaxRetryBackoff: o.MaxRetryBackoff,
		PoolSize: o.PoolSize, PipelinePoolSize: -1,
		ReadBufferSize: o.ReadBufferSize, WriteBufferSize: o.WriteBufferSize,
		ConnMaxIdleTime: o.ConnMaxIdleTime,
		ConnMaxLifetime: o.ConnMaxLifetime, ConnMaxLifetimeJitter: o.ConnMaxLifetimeJitter,
		DisableRoutingPolicies: true, // they cost a COMMAND at the first use
	}
}

// dialer dials within ctx, TLS handshake included; go-redis's own does not watch
// ctx while it shakes hands.
func dialer(conf *tls.Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	if conf == nil {
		return d.DialContext
	}
	t := &tls.Dialer{NetDialer: d, Config: conf}
	return t.DialContext
}

// countCmd is an HINCRBY that go-redis must not send again after it may have
// arrived; a redirect (MOVED, ASK) is still followed, for then it was not carried
// out. It keeps the whole pipeline that it is in from being sent twice.
type countCmd struct{ *redis.IntCmd }

// NoRetry tells go-redis so.
func (countCmd) NoRetry() bool { return true }

func count(ctx context.Context, field string, n int) redis.Cmder {
	return countCmd{redis.NewIntCmd(ctx, "hincrby", totalsKey, field, n)}
}

// Put stores the text with the store's expiry and counts it.
func (s *Store) Put(ctx context.Context, t app.Text) error {
	opCtx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	p := s.client.Pipeline()
	p.Set(opCtx, textPrefix+t.ID, t.Body, s.ttl)
	_ = p.Process(opCtx, count(opCtx, fieldTexts, 1))
	_ = p.Process(opCtx, count(opCtx, fieldChars, t.Characters))
	_, err := p.Exec(opCtx)
	return s.wrap(ctx, "storing a text", err)
}

// Get returns the text with that ID.
func (s *Store) Get(ctx context.Context, id string) ([]byte, error) {
	opCtx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	body, err := s.client.Get(opCtx, textPrefix+id).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, app.ErrNotFound
	}
	return body, s.wrap(ctx, "getting a text", err)
}

// Stats returns the totals.
func (s *Store) Stats(ctx context.Context) (app.Stats, error) {
	opCtx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	var totals struct {
		Texts      int64 `redis:"texts"`
		Characters int64 `redis:"characters"`
	}
	err := s.client.HMGet(opCtx, totalsKey, fieldTexts, fieldChars).Scan(&totals)
	return app.Stats(totals), s.wrap(ctx, "getting the totals", err)
}

// Ping asks Redis (on a cluster, one of its nodes) for a sign of life.
func (s *Store) Ping(ctx context.Context) error {
	opCtx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return s.wrap(ctx, "pinging", s.client.Ping(opCtx).Err())
}

// wrap makes app.ErrUnavailable of any failure: each is one that the caller can
// only wait out. Why the caller's context ended, if it did, stays in the chain.
func (s *Store) wrap(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		err = errors.Join(cause, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, app.ErrUnavailable, err)
}
