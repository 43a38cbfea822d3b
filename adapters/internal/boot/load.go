package boot

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// loader reads variables and collects what is wrong with them.
type loader struct {
	getenv func(string) string
	faults []error
}

func (l *loader) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Errorf(format, args...))
}

func (l *loader) number(name string, unset, low, high int) int {
	v := l.getenv(name)
	if v == "" {
		return unset
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		l.fault("%s=%q: want a whole number from %d to %d", name, v, low, high)
	}
	return n
}

func (l *loader) boolean(name string) bool {
	switch v := l.getenv(name); v {
	case "", "false", "0":
		return false
	case "true", "1":
		return true
	default:
		l.fault("%s=%q: want true or false", name, v)
		return false
	}
}

func (l *loader) duration(name string, unset, low, high time.Duration) time.Duration {
	v := l.getenv(name)
	if v == "" {
		return unset
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < low || d > high {
		l.fault("%s=%q: want a duration from %s to %s, such as 90m or 24h", name, v, low, high)
	}
	return d
}

func (l *loader) level(name string) slog.Level {
	switch v := l.getenv(name); strings.ToLower(v) {
	case "debug":
		return slog.LevelDebug
	case "", "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	default:
		l.fault("%s=%q: want debug, info, warn or error", name, v)
		return slog.LevelInfo
	}
}

// oneOf reads a word; the first allowed one is the default.
func (l *loader) oneOf(name string, allowed ...string) string {
	v := l.getenv(name)
	if v == "" {
		return allowed[0]
	}
	if !slices.Contains(allowed, v) {
		l.fault("%s=%q: want %s", name, v, strings.Join(allowed, " or "))
	}
	return v
}

const wantRedisURL = "want redis://[user:password@]host[:port][/db], or rediss:// for TLS"

// redisURL reads a required Redis URL. The value is never repeated unless it could
// be parsed, and then without its password.
func (l *loader) redisURL(name string, cluster bool) (*url.URL, int) {
	v := l.getenv(name)
	if v == "" {
		l.fault("%s is not set: %s", name, wantRedisURL)
		return nil, 0
	}
	u, err := url.Parse(v)
	if err != nil {
		// The error quotes the URL, so it is left out too.
		l.fault("%s (not shown, it may hold a password) is not a URL: %s", name, wantRedisURL)
		return nil, 0
	}
	if (u.Scheme != "redis" && u.Scheme != "rediss") || u.Hostname() == "" {
		// Without a scheme or a host the password may be in any part of it.
		l.fault("%s (not shown, it may hold a password): %s", name, wantRedisURL)
		return nil, 0
	}
	if strings.Contains(u.Path+u.RawQuery+u.Fragment, "@") {
		// A password with one of /?# in it begins before that and goes on up to the @.
		l.fault("%s (not shown, it may hold a password) has an @ after the host (in a password / is %%2F, ? is %%3F, # is %%23): %s", name, wantRedisURL)
		return nil, 0
	}
	shown := u.Redacted()
	if u.RawQuery != "" || u.Fragment != "" {
		u.RawQuery, u.Fragment = "", ""
		l.fault("%s=%q: a query or fragment is not allowed, %s", name, u.Redacted(), wantRedisURL)
		return nil, 0
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			l.fault("%s=%q: want a port from 1 to 65535", name, shown)
		}
	}
	db := 0
	if path := strings.TrimPrefix(u.Path, "/"); path != "" {
		if db, err = strconv.Atoi(path); err != nil || db < 0 {
			l.fault("%s=%q: the path must be a database number, %s", name, shown, wantRedisURL)
		}
	}
	if cluster && db != 0 {
		l.fault("%s=%q: a cluster (REDIS_CLUSTER) has only database 0", name, shown)
	}
	return u, db
}

// isName tells whether s is one of AWS's identifiers: up to 40 letters, digits and
// hyphens after a letter. (Compiling regular expressions took a twentieth of a cold
// start.)
func isName(s string) bool {
	return s != "" && len(s) <= 40 && isLetter(s[0]) && strings.Trim(s, nameBytes) == ""
}

const nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// iam reads what ElastiCache's IAM authentication needs; nil without it. redis is nil
// where REDIS_URL is faulty.
func (l *loader) iam(redis *url.URL) *RedisIAM {
	a := &RedisIAM{User: l.getenv("REDIS_IAM_USER"), Cache: l.getenv("REDIS_IAM_CACHE"), Region: l.getenv("AWS_REGION")}
	if a.User == "" && a.Cache == "" {
		return nil
	}
	switch {
	case a.User == "":
		l.fault("REDIS_IAM_CACHE=%q: REDIS_IAM_USER must be set with it", a.Cache)
	case !isName(a.User):
		l.fault("REDIS_IAM_USER=%q: want the ID of an ElastiCache user, up to 40 letters, digits and hyphens", a.User)
	}
	switch {
	case a.Cache == "":
		l.fault("REDIS_IAM_USER=%q: REDIS_IAM_CACHE must be set with it", a.User)
	case !isName(a.Cache) || a.Cache != strings.ToLower(a.Cache):
		l.fault("REDIS_IAM_CACHE=%q: want the name of a serverless cache or the ID of a replication group, "+
			"up to 40 lower-case letters, digits and hyphens", a.Cache)
	}
	if !isName(a.Region) || !strings.Contains(a.Region, "-") {
		l.fault("AWS_REGION=%q: IAM tokens are signed for the cache's region, want one such as us-east-1", a.Region)
	}
	if redis == nil {
		return a
	}
	if redis.Scheme != "rediss" {
		l.fault("REDIS_URL=%q: ElastiCache takes IAM tokens over TLS only, want rediss://", redis.Redacted())
	}
	if redis.User != nil {
		l.fault("REDIS_URL=%q: REDIS_IAM_USER takes the place of user and password, leave them out", redis.Redacted())
	}
	return a
}
