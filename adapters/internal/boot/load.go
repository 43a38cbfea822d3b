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

// iam checks the variables of ElastiCache's IAM authentication, which is not there
// yet: better to say so than to connect without it.
func (l *loader) iam() {
	user, cache := l.getenv("REDIS_IAM_USER"), l.getenv("REDIS_IAM_CACHE")
	if user == "" && cache == "" {
		return
	}
	if user == "" {
		l.fault("REDIS_IAM_CACHE=%q: REDIS_IAM_USER must be set with it", cache)
	}
	if cache == "" {
		l.fault("REDIS_IAM_USER=%q: REDIS_IAM_CACHE must be set with it", user)
	}
	l.fault("REDIS_IAM_USER=%q, REDIS_IAM_CACHE=%q: this version cannot sign IAM tokens yet, "+
		"unset both and put user and password into REDIS_URL", user, cache)
}
